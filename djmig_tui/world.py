"""Where the tables and columns of a plan's later steps are in the database of this moment.

A plan is measured before it runs: a table that the third step drops may have another name until
the first step has run, a column may be filled by the second. `World` follows the effects in the
order in which they will happen and knows, for every name of that later moment, what to ask now.
"""

from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Optional, Tuple

from .changes import (
    ADD_COLUMN,
    CODE,
    CREATE_TABLE,
    DROP_COLUMN,
    DROP_TABLE,
    RENAME_COLUMN,
    RENAME_TABLE,
    Effect,
)


def quoted(connection: Any) -> Callable[[str], str]:
    """Return the quoting of names for statements with parameters, where a percent sign is doubled."""

    def quote(name: str) -> str:
        return str(connection.ops.quote_name(name)).replace("%", "%%")

    return quote


@dataclass(frozen=True)
class Expression:
    """A column of a later moment as SQL over the table of this moment."""

    sql: str
    params: Tuple[Any, ...] = ()
    certain: bool = True  # an earlier step does not change it in a way that SQL does not show


@dataclass
class Table:
    """A table of a later moment."""

    now: Optional[str]  # its name in the database of this moment, None if it will be made
    columns: Dict[str, Optional[Expression]] = field(default_factory=dict)

    def expression(self, column: str, quote: Any) -> Optional[Expression]:
        """Return what stands for `column`, None if it will have been dropped.

        With the table's name: SQLite takes a bare "name" that is no column for a text.
        """
        if column not in self.columns:
            names = [column] if self.now is None else [self.now, column]
            self.columns[column] = Expression(".".join(quote(name) for name in names))
        return self.columns[column]


class World:
    """The names of a later moment. Effects are told one after the other, in the order of the run."""

    def __init__(self, quote: Any) -> None:
        self.quote = quote
        self.certain = True  # no code ran before: everything is as it can be seen now
        self._tables: Dict[str, Table] = {}

    def table(self, name: str) -> Table:
        """Return the table that has this name by then."""
        if name not in self._tables:
            self._tables[name] = Table(name)
        return self._tables[name]

    def happen(self, effect: Effect) -> None:
        """Take note that `effect` has happened. Changed columns are told by `fill` and `blur`."""
        if effect.kind == CODE:
            self.certain = False
        elif effect.kind in {CREATE_TABLE, DROP_TABLE}:
            self._tables[effect.table] = Table(None)
        elif effect.kind == RENAME_TABLE:
            self._tables[effect.to] = self.table(effect.table)
            self._tables[effect.table] = Table(None)
        elif effect.kind == RENAME_COLUMN:
            table = self.table(effect.table)
            table.columns[effect.to] = table.expression(str(effect.column), self.quote)
            table.columns[str(effect.column)] = None
        elif effect.kind == DROP_COLUMN:
            self.table(effect.table).columns[str(effect.column)] = None
        elif effect.kind == ADD_COLUMN:
            self.fill(effect.table, str(effect.column), Expression("NULL"))

    def fill(self, table: str, column: str, expression: Expression) -> None:
        """Say what a column holds from here on."""
        self.table(table).columns[column] = expression

    def blur(self, table: str, column: str) -> None:
        """Say that a column's values change in a way that is not followed."""
        known = self.table(table).expression(column, self.quote)
        if known is not None:
            self.fill(table, column, Expression(known.sql, known.params, certain=False))
