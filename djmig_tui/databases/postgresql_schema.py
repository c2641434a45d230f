"""Reads PostgreSQL's catalog: what the search path makes visible, in three queries."""

import re
from typing import Any, Dict, List, Optional, Tuple

from .schema import Column, Index, Schema, Table, rows

_VISIBLE = (
    "pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND pg_catalog.pg_table_is_visible(c.oid)"
    " AND c.relkind IN ('r', 'p', 'f', 'v', 'm')"
)
_COLUMNS = (
    "SELECT c.relname, c.relkind IN ('v', 'm'), c.relkind = 'p', a.attname,"
    " pg_catalog.format_type(a.atttypid, a.atttypmod), NOT a.attnotnull"
    " FROM %s LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
    " AND NOT a.attisdropped ORDER BY c.relname, a.attnum" % _VISIBLE
)
_INDEXES = (
    "SELECT c.relname, i.relname, x.indisunique, x.indisprimary, x.indisvalid,"
    " x.indpred IS NULL AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_opclass o"
    " WHERE o.oid = ANY (x.indclass::oid[]) AND strpos(o.opcname, '_pattern_ops') > 0),"
    " ARRAY(SELECT a.attname::text FROM unnest(x.indkey::int2[]) WITH ORDINALITY k(attnum, place)"
    " LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.attnum"
    " WHERE k.place <= x.indnkeyatts ORDER BY k.place)"
    " FROM %s JOIN pg_catalog.pg_index x ON x.indrelid = c.oid"
    " JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid" % _VISIBLE
)
_CONSTRAINTS = (
    "SELECT c.relname, k.conname, k.contype::text, a.attname, t.relname, b.attname"
    " FROM %s JOIN pg_catalog.pg_constraint k ON k.conrelid = c.oid AND k.contype IN ('c', 'f', 'x')"
    " LEFT JOIN pg_catalog.pg_class t ON t.oid = k.confrelid"
    " LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND k.contype = 'f'"
    " AND a.attnum = k.conkey[1]"
    " LEFT JOIN pg_catalog.pg_attribute b ON b.attrelid = t.oid AND b.attnum = k.confkey[1]" % _VISIBLE
)

#: Types that only CREATE TABLE knows.
_SERIAL = {"serial": "integer", "bigserial": "bigint", "smallserial": "smallint"}
_LENGTH = re.compile(r"\s*\(([^()]*)\)")
#: What stands behind the length.
_END = re.compile(r"(?: with(?:out)? time zone)?(?:\[\])*$")
_PLAUSIBLE = re.compile(r'^[\w ."\[\]]+$')


def read_schema(connection: Any) -> Schema:
    """Return all visible tables and views."""
    found: Dict[str, Table] = {}
    for name, view, partitioned, column, type_, null in rows(connection, _COLUMNS):
        table = found.setdefault(name, Table(name, view, partitioned))
        if column is not None:
            table.columns[column] = Column(column, _joined(*_split(type_)), null)
    for name, index, unique, primary, valid, whole, columns in rows(connection, _INDEXES):
        plain = whole and valid and None not in columns
        found[name].indexes[index] = Index(index, tuple(columns), unique, primary, plain, valid)
    for name, constraint, kind, column, to_table, to_column in rows(connection, _CONSTRAINTS):
        if kind == "f":
            found[name].foreign_keys.setdefault(column, set()).add((to_table, to_column))
        else:
            found[name].constraints.add(constraint)
    return Schema(found, folds_tables=False, folds_columns=False, cuts_names=63)


def _split(type_: str) -> Tuple[str, str]:
    """Return a type without its length, and its length as PostgreSQL writes it."""
    match = _LENGTH.search(type_)
    if match is None:
        return type_, ""
    length = "(%s)" % match.group(1).replace(" ", "").lower()
    return type_[: match.start()] + type_[match.end() :], length


def canonical_types(connection: Any, types: List[str]) -> Dict[str, Optional[str]]:
    """Return the server's own names of `types`; it is asked once for all of them."""
    split = {each: _split(each.split(" COLLATE ")[0].strip()) for each in types}
    bases = {base for base, _ in split.values() if _PLAUSIBLE.match(base)}
    named = _named(connection, sorted(bases))
    canonical: Dict[str, Optional[str]] = {}
    for each, (base, length) in split.items():
        name = named.get(base)
        implied = "(1)" if name in {"character", "bit"} else ""
        canonical[each] = None if name is None else _joined(name, length or implied)
    return canonical


def _joined(base: str, length: str) -> str:
    match = _END.search(base)
    end = match.group() if match else ""
    return base[: len(base) - len(end)] + length + end


def _named(connection: Any, bases: List[str]) -> Dict[str, Optional[str]]:
    asked = [_SERIAL.get(base.lower(), base) for base in bases]
    sql = "SELECT pg_catalog.to_regtype(t)::text FROM unnest(%s::text[]) WITH ORDINALITY u(t, n) ORDER BY n"
    try:
        answers = [row[0] for row in rows(connection, sql, [asked])]
    except connection.Database.Error:  # text that is no type at all is a syntax error before PostgreSQL 16
        answers = [_named_alone(connection, sql, each) for each in asked]
    return dict(zip(bases, answers))


def _named_alone(connection: Any, sql: str, base: str) -> Optional[str]:
    try:
        answer: Optional[str] = rows(connection, sql, [[base]])[0][0]
    except connection.Database.Error:
        return None
    return answer
