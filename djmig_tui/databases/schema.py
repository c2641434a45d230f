"""What a database really holds: tables with their columns, indexes and constraints, read in one pass.

One module a vendor does the reading, in a handful of queries for the whole database. Names are
folded to lower case where the database does not tell upper from lower case.
"""

from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Dict, Iterable, List, Optional, Set, Tuple

_READERS = {
    "sqlite": ".sqlite_schema",
    "postgresql": ".postgresql_schema",
    "mysql": ".mysql_schema",
}


@dataclass
class Column:
    """One column; `type` in the words that `canonical_types` uses too."""

    name: str
    type: str
    null: bool


@dataclass
class Index:
    """One index, or a unique constraint or primary key, which are indexes as well."""

    name: str
    columns: Tuple[Optional[str], ...]  # folded; None for an expression
    unique: bool = False
    primary: bool = False
    #: Over whole columns and all rows, and usable: it is what `db_index` and `unique` ask for.
    plain: bool = True
    #: False for what PostgreSQL leaves behind when CREATE INDEX CONCURRENTLY fails.
    valid: bool = True


@dataclass
class Table:
    """One table as it is. The keys of `columns` and all columns of the other members are folded."""

    name: str
    view: bool = False
    #: Keys of a partitioned table of PostgreSQL must hold what it is partitioned by, whatever the model says.
    partitioned: bool = False
    columns: Dict[str, Column] = field(default_factory=dict)
    indexes: Dict[str, Index] = field(default_factory=dict)
    #: Names of check and exclusion constraints, as they are.
    constraints: Set[str] = field(default_factory=set)
    #: Column → what it references, (table, column), folded; column "" where it is not said.
    foreign_keys: Dict[str, Set[Tuple[str, str]]] = field(default_factory=dict)

    @property
    def primary_key(self) -> Tuple[Optional[str], ...]:
        """Return the columns of the primary key."""
        return next((index.columns for index in self.indexes.values() if index.primary), ())


@dataclass
class Schema:
    """All tables and views that unqualified names reach, by folded name."""

    tables: Dict[str, Table]
    folds_tables: bool
    folds_columns: bool
    #: The bytes after which the server silently cuts a name, None where it refuses longer ones.
    cuts_names: Optional[int] = None

    def table_key(self, name: str) -> str:
        """Return the key of a table in `tables`."""
        return name.lower() if self.folds_tables else self.name_key(name)

    def column_key(self, name: str) -> str:
        """Return the key of a column in `Table.columns`."""
        return name.lower() if self.folds_columns else self.name_key(name)

    def name_key(self, name: str) -> str:
        """Return the name under which an index or a constraint is kept."""
        return name.encode()[: self.cuts_names].decode(errors="ignore")


def can_read(connection: Any) -> bool:
    """Return whether schemas of this vendor can be read."""
    return connection.vendor in _READERS


def read_schema(connection: Any) -> Schema:
    """Return what the database behind `connection` holds. Raises what its driver raises."""
    reader = import_module(_READERS[connection.vendor], __package__)
    schema: Schema = reader.read_schema(connection)
    return schema


def canonical_types(connection: Any, types: Iterable[str]) -> Dict[str, Optional[str]]:
    """Return for each type, as a field's ``db_type`` has it, what `Column.type` would say of it.

    None for a type that this database does not know.
    """
    reader = import_module(_READERS[connection.vendor], __package__)
    return {str(name): value for name, value in reader.canonical_types(connection, list(types)).items()}


def rows(connection: Any, sql: str, params: Optional[List[Any]] = None) -> List[Tuple[Any, ...]]:
    """Return all rows of one query, text that came as bytes decoded."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return [
            tuple(value.decode() if isinstance(value, bytes) else value for value in row)
            for row in cursor.fetchall()
        ]
