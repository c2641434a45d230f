"""Which tables and columns go with one step, by their names before it, and which rows of them count."""

from dataclasses import dataclass, replace
from typing import Any, Dict, List, Optional, Sequence, Tuple

from .alterations import LOSES, consequences, database_default, effective_default, prepared
from .changes import ALTER_COLUMN, DROP_COLUMN, DROP_TABLE, RENAME_COLUMN, RENAME_TABLE, Effect
from .comparing import differs


class Names:
    """What tables and columns were called before some effects happened."""

    def __init__(self) -> None:
        self._tables: Dict[str, str] = {}
        self._columns: Dict[Tuple[str, str], str] = {}

    def table(self, name: str) -> str:
        """Return the earlier name of a table."""
        return self._tables.get(name, name)

    def column(self, table: str, column: str) -> str:
        """Return the earlier name of a column; both are given by their later names."""
        return self._columns.get((self.table(table), column), column)

    def happen(self, effect: Effect) -> None:
        """Take note of a rename."""
        if effect.kind == RENAME_TABLE:
            self._tables[effect.to] = self.table(effect.table)
        elif effect.kind == RENAME_COLUMN:
            earlier = self.column(effect.table, str(effect.column))
            self._columns[self.table(effect.table), effect.to] = earlier


@dataclass(frozen=True)
class Default:
    """What the rows that are there get when the column comes again: `known`, or only seen then."""

    known: bool
    value: Any = None
    #: The condition that a value is another one, over ``{c}``; only where it is known and not NULL.
    differs: str = ""

    def kept(self) -> Tuple[str, Tuple[Any, ...]]:
        """Return the condition, over ``{c}``, that a value is worth keeping, with its parameters."""
        if not self.known:
            return "", ()
        if self.value is None:
            return "{c} IS NOT NULL", ()
        return "({c} IS NULL OR %s)" % self.differs, (self.value,)

    def there(self) -> Tuple[str, Tuple[Any, ...]]:
        """Return the condition that the default is there; "" if that is not known."""
        if not self.known:
            return "", ()
        if self.value is None:
            return "{c} IS NULL", ()
        return "({c} IS NOT NULL AND NOT (%s))" % self.differs, (self.value,)


@dataclass(frozen=True)
class Going:
    """A table, or one column of it, that a step drops, or whose values it changes."""

    table: str  # before the step
    column: str = ""  # "" for all of the table
    default: Default = Default(False)
    #: Of values that change: which, and what becomes of them, both over ``{c}``.
    changing: str = ""
    changing_params: Tuple[Any, ...] = ()
    becomes: str = ""
    becomes_params: Tuple[Any, ...] = ()

    def kept(self) -> Tuple[str, Tuple[Any, ...]]:
        """Return the condition, over ``{c}``, that a value is kept, "" for all, with its parameters."""
        if self.changing:
            return self.changing, self.changing_params
        return self.default.kept() if self.column else ("", ())


def going(effects: Sequence[Effect], connection: Any) -> List[Going]:
    """Return what goes with a step, in the order in which it goes; a table's columns go with it."""
    names = Names()
    found: Dict[Tuple[str, str], Going] = {}
    for effect in effects:
        table = names.table(effect.table)
        if effect.kind == DROP_TABLE:
            found[table, ""] = Going(table)
        elif effect.kind == DROP_COLUMN and not getattr(effect.old, "generated", False):
            column = names.column(effect.table, str(effect.column))
            found[table, column] = Going(table, column, default_of(effect, connection))
        elif effect.kind == ALTER_COLUMN:
            column = names.column(effect.table, str(effect.column))
            changes = changing(effect, table, column, connection)
            if changes is not None:  # a drop of the column that comes later keeps all of it
                # Of a second change nobody knows which values it meets: all of them are kept.
                again = (table, column) in found
                found[table, column] = Going(table, column) if again else changes
        names.happen(effect)
    tables = {each.table for each in found.values() if not each.column}
    return [each for each in found.values() if not each.column or each.table not in tables]


def changing(effect: Effect, table: str, column: str, connection: Any) -> Optional[Going]:
    """Return which values of a column an alteration changes, as far as it is known to what; None for none."""
    found = [
        each
        for each in consequences(effect.old, effect.new, str(effect.column), connection)
        if each.what == LOSES and each.becomes
    ]
    if not found:
        return None
    default, cases, params = Default(False), [], []  # type: Default, List[str], List[Any]
    for each in found:
        if each.condition == "{c} IS NULL":
            default = Default(True, each.filling[0], differs(effect.old, connection))
        else:
            cases.append("WHEN %s THEN %s" % (each.condition, each.becomes))
            params.extend((*each.params, *each.filling))
    return Going(
        table,
        column,
        default,
        " OR ".join("(%s)" % each.condition for each in found),
        tuple(value for each in found for value in each.params),
        "CASE %s END" % " ".join(cases) if cases else "",
        tuple(params),
    )


def default_of(effect: Effect, connection: Any) -> Default:
    """Return what Django fills the column of `effect` with if its migration is applied again."""
    field: Any = effect.new or effect.old
    if field is None:  # _order: by primary key
        return Default(False)
    made_anew = field.has_default() and callable(field.default)
    moment = getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)
    if made_anew or moment or database_default(field):
        return Default(False)
    value = effective_default(field)
    if value is None:
        return Default(bool(field.null))
    if isinstance(value, (dict, list)):
        return Default(False)
    return replace(Default(True, prepared(field, value, connection)), differs=differs(field, connection))
