"""Reads the information schema of MySQL and MariaDB, one query a kind of thing."""

import re
from typing import Any, Dict, List, Optional

from .schema import Column, Index, Schema, Table, rows

_TABLES = "SELECT TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()"
_COLUMNS = (
    "SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE FROM information_schema.COLUMNS"
    " WHERE TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME, ORDINAL_POSITION"
)
_INDEXES = (
    "SELECT TABLE_NAME, INDEX_NAME, NON_UNIQUE, COLUMN_NAME, SUB_PART FROM information_schema.STATISTICS"
    " WHERE TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX"
)
_FOREIGN_KEYS = (
    "SELECT TABLE_NAME, COLUMN_NAME, REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME"
    " FROM information_schema.KEY_COLUMN_USAGE"
    " WHERE TABLE_SCHEMA = DATABASE() AND REFERENCED_TABLE_NAME IS NOT NULL"
)
_CHECKS = {
    True: "SELECT TABLE_NAME, CONSTRAINT_NAME FROM information_schema.CHECK_CONSTRAINTS"
    " WHERE CONSTRAINT_SCHEMA = DATABASE()",
    False: "SELECT TABLE_NAME, CONSTRAINT_NAME FROM information_schema.TABLE_CONSTRAINTS"
    " WHERE TABLE_SCHEMA = DATABASE() AND CONSTRAINT_TYPE = 'CHECK'",
}

_SYNONYMS = {
    "bool": "tinyint(1)",
    "boolean": "tinyint(1)",
    "numeric": "decimal",
    "dec": "decimal",
    "double precision": "double",
    "real": "double",
    "serial": "bigint unsigned",
}
_BASE = re.compile(r"([a-z ]+?)((?: unsigned| zerofill|\().*)?$")
#: The width of an integer is for display alone, and MySQL 8 does not show it any more.
_WIDTH = re.compile(r"\b(smallint|mediumint|int|bigint)\(\d+\)")
_AFTER_TYPE = re.compile(
    r"\s+(?:collate|character set|check|comment|default|generated|not null|null|unique|primary"
    r"|auto_increment)\b.*",
    re.IGNORECASE | re.DOTALL,
)


def read_schema(connection: Any) -> Schema:
    """Return all tables and views of the database."""
    folds = bool(connection.features.ignores_table_name_case)

    def key(name: str) -> str:
        return name.lower() if folds else name

    found = {key(name): Table(name, view=kind != "BASE TABLE") for name, kind in rows(connection, _TABLES)}
    for name, column, type_, null in rows(connection, _COLUMNS):
        if key(name) in found:  # another session may create tables between two queries
            described = Column(column, str(_canonical(type_, connection)), null == "YES")
            found[key(name)].columns[column.lower()] = described
    for name, index, non_unique, column, part in rows(connection, _INDEXES):
        if key(name) in found:
            _add_index(found[key(name)], index, not non_unique, column, part)
    for name, column, to_table, to_column in rows(connection, _FOREIGN_KEYS):
        if key(name) in found:
            keys = found[key(name)].foreign_keys.setdefault(column.lower(), set())
            keys.add((key(to_table), to_column.lower()))
    if connection.features.supports_table_check_constraints:
        for name, constraint in rows(connection, _CHECKS[bool(connection.mysql_is_mariadb)]):
            if key(name) in found:
                found[key(name)].constraints.add(constraint)
    return Schema(found, folds_tables=folds, folds_columns=True)


def _add_index(table: Table, name: str, unique: bool, column: Optional[str], part: Optional[int]) -> None:
    index = table.indexes.setdefault(name, Index(name, (), unique, name == "PRIMARY"))
    index.columns += (None if column is None else column.lower(),)
    index.plain = index.plain and column is not None and part is None


def canonical_types(connection: Any, types: List[str]) -> Dict[str, Optional[str]]:
    """Return `types` in the words of COLUMN_TYPE. Nothing that reads can ask the server for them."""
    return {each: _canonical(each, connection) for each in types}


def _canonical(type_: str, connection: Any) -> str:
    text = _AFTER_TYPE.sub("", " ".join(type_.split()).lower())
    text = re.sub(r"\s*([(),])\s*", r"\1", text).replace(")unsigned", ") unsigned")
    match = _BASE.match(text)
    base, rest = (match.group(1), match.group(2) or "") if match else (text, "")
    base = _SYNONYMS.get(base, base).replace("integer", "int")
    if base == "json" and connection.mysql_is_mariadb:
        base = "longtext"
    if base == "decimal" and not rest.startswith("("):
        rest = "(10,0)" + rest
    return _WIDTH.sub(r"\1", base + rest)
