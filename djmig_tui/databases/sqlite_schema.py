"""Reads SQLite's schema: its pragmas as tables, and names of constraints from the text of CREATE TABLE."""

import re
from typing import Any, Dict, List, Optional, Tuple

from .schema import Column, Index, Schema, Table, rows

# Virtual tables are left out: asking one whose module is not loaded is an error.
_TABLES = (
    "SELECT name, type, sql FROM sqlite_master WHERE type IN ('table', 'view')"
    " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND coalesce(sql, '') NOT LIKE 'CREATE VIRTUAL%'"
)
_EACH = "(SELECT name, type FROM (%s)) m" % _TABLES
_COLUMNS = 'SELECT m.name, c.name, c.type, c."notnull", c.pk FROM %s, pragma_table_xinfo(m.name) c' % _EACH
_INDEXES = (
    'SELECT m.name, i.name, i."unique", i.origin, i.partial, k.name FROM %s, pragma_index_list(m.name) i,'
    " pragma_index_info(i.name) k WHERE m.type = 'table' ORDER BY m.name, i.name, k.seqno" % _EACH
)
_FOREIGN_KEYS = (
    'SELECT m.name, f."from", f."table", f."to" FROM %s, pragma_foreign_key_list(m.name) f'
    " WHERE m.type = 'table'" % _EACH
)

_NAME = r'(?:"((?:[^"]|"")+)"|`([^`]+)`|\[([^\]]+)\]|(\w+))'
_CONSTRAINT = re.compile(r"\bCONSTRAINT\s+%s\s+(CHECK|UNIQUE)\b\s*(\([^()]*\))?" % _NAME, re.IGNORECASE)
_COLUMN = re.compile(_NAME)
_QUOTED = re.compile(r"""("(?:[^"]|"")*")|'(?:[^']|'')*'""")
#: What may follow the type in a column's definition, and is not part of it.
_AFTER_TYPE = re.compile(
    r"\s+(?:collate|check|default|generated|not null|null|unique|primary|references|autoincrement)\b.*",
    re.IGNORECASE | re.DOTALL,
)


def read_schema(connection: Any) -> Schema:
    """Return all tables and views; pragmas are asked for all tables at once."""
    found: Dict[str, Table] = {}
    created: Dict[str, str] = {}
    for name, kind, sql in rows(connection, _TABLES):
        found[name.lower()] = Table(name, view=kind == "view")
        created[name.lower()] = sql or ""
    keys: Dict[str, List[Tuple[int, str]]] = {}
    for table, name, type_, not_null, place in rows(connection, _columns(connection)):
        column = Column(name, _canonical(type_), not not_null)
        found[table.lower()].columns[name.lower()] = column
        if place:
            keys.setdefault(table.lower(), []).append((place, name.lower()))
    for table, name, unique, origin, partial, column_name in rows(connection, _INDEXES):
        indexes = found[table.lower()].indexes
        index = indexes.setdefault(name, Index(name, (), bool(unique), origin == "pk", plain=not partial))
        index.columns += (None if column_name is None else column_name.lower(),)
        index.plain = index.plain and column_name is not None
    for table, places in keys.items():
        # An integer primary key is the row's number and has no index.
        columns = tuple(name for _, name in sorted(places))
        found[table].indexes["primary key"] = Index("", columns, unique=True, primary=True)
    for table, column_name, to_table, to_column in rows(connection, _FOREIGN_KEYS):
        target = (to_table.lower(), (to_column or "").lower())
        found[table.lower()].foreign_keys.setdefault(column_name.lower(), set()).add(target)
    for key, sql in created.items():
        if not found[key].view:
            _name_constraints(found[key], sql)
    return Schema(found, folds_tables=True, folds_columns=True)


def _columns(connection: Any) -> str:
    # Before 3.26 there were no generated columns, and no pragma to show them.
    if connection.Database.sqlite_version_info >= (3, 26):
        return _COLUMNS
    return _COLUMNS.replace("table_xinfo", "table_info")


def _name_constraints(table: Table, sql: str) -> None:
    """Give the constraints that stand in CREATE TABLE their names; SQLite itself has forgotten them."""
    for match in _CONSTRAINT.finditer(_QUOTED.sub(lambda quoted: quoted.group(1) or "''", sql)):
        name = _unquoted(match.groups()[:4])
        if match.group(5).upper() == "CHECK":
            table.constraints.add(name)
        elif match.group(6):
            columns = tuple(_unquoted(each).lower() for each in _COLUMN.findall(match.group(6)))
            table.indexes[name] = Index(name, columns, unique=True)


def _unquoted(groups: Tuple[Optional[str], ...]) -> str:
    return next((each for each in groups if each), "").replace('""', '"')


def canonical_types(connection: Any, types: List[str]) -> Dict[str, Optional[str]]:
    """Return the types as declared, in lower case: SQLite keeps whatever was declared."""
    return {each: _canonical(each) for each in types}


def _canonical(declared: Optional[str]) -> str:
    text = _AFTER_TYPE.sub("", " ".join((declared or "").split()))
    return re.sub(r"\s*([(),])\s*", r"\1", text).lower()
