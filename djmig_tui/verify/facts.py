"""Single facts about a schema: what a model asks for, and whether the database has it."""

from dataclasses import dataclass
from typing import Any, Dict, FrozenSet, List, Tuple, Union

from ..databases.schema import Schema, Table

TABLE = "table"
COLUMN = "column"
TYPE = "type"
NULL = "null"
PRIMARY_KEY = "primary key"
INDEX = "index"
UNIQUE = "unique constraint"
CONSTRAINT = "constraint"
FOREIGN_KEY = "foreign key"

#: Kind, table, and a column, a name, or the columns of what Django names by itself; all folded.
Key = Tuple[str, str, Union[str, Tuple[str, ...]]]


@dataclass(frozen=True)
class Fact:
    """One thing that a model asks of the database. `value` is compared, `shown` is for the eyes."""

    app: str
    model: str
    table: str
    name: str
    value: Any
    shown: str = ""


@dataclass
class Facts:
    """All that some models ask for."""

    facts: Dict[Key, Fact]
    unclear: List[str]  # what could not be told, as sentences

    def tables(self) -> FrozenSet[str]:
        """Return the keys of the tables that there should be."""
        return frozenset(table for kind, table, _ in self.facts if kind == TABLE)


def found(schema: Schema, key: Key) -> Any:
    """Return what the database has for `key`, in the shape of `Fact.value`; None if nothing.

    For a foreign key it is the set of all that the column references.
    """
    kind, table_key, name = key
    table = schema.tables.get(table_key)
    if table is None:
        return None
    if kind == TABLE:
        return True
    if kind == PRIMARY_KEY:
        return table.primary_key or None
    if kind == CONSTRAINT:
        return True if name in table.constraints else None
    if isinstance(name, tuple):
        return _index_over(table, kind, name)
    if kind in {INDEX, UNIQUE}:
        index = table.indexes.get(name)
        usable = index is not None and index.valid and (index.unique or kind == INDEX)
        return index.columns if usable and index is not None else None
    if kind == FOREIGN_KEY:
        return table.foreign_keys.get(name)
    column = table.columns.get(name)
    if column is None:
        return None
    return {COLUMN: True, TYPE: column.type, NULL: column.null}[kind]


def _index_over(table: Table, kind: str, columns: Tuple[str, ...]) -> Any:
    for index in table.indexes.values():
        if not index.plain:
            continue
        if kind == INDEX and index.columns == columns and not index.unique:
            return True
        if kind == UNIQUE and index.unique and sorted(map(str, index.columns)) == list(columns):
            return True
    return None


def agrees(key: Key, value: Any, there: Any) -> bool:
    """Return whether `there`, as `found` has it, is what `value` asks for. None asks for nothing there."""
    kind, _, name = key
    if value is None or there is None:
        return value is there
    if kind == FOREIGN_KEY:
        return value in there or (value[0], "") in there
    if kind in {INDEX, UNIQUE} and isinstance(name, str):
        # Expressions have no columns that could be compared: the name is all there is.
        return value == () or None in there or value == there
    return bool(value == there)
