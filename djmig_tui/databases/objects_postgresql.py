"""What goes along on PostgreSQL: Django drops with CASCADE, so views go without a word."""

from typing import Any, List, Optional, Tuple

from ..protocol import Failure

#: Those that read what ``above`` has so far, or name the type of its rows: the other half of a recursive
#: query of that name.
READ_THOSE = """
  UNION
  SELECT r.ev_class FROM above
  JOIN pg_depend d ON (d.refclassid = 'pg_class'::regclass AND d.refobjid = above.id) OR (
    d.refclassid = 'pg_type'::regclass AND d.refobjid = (SELECT reltype FROM pg_class WHERE oid = above.id))
  JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid AND r.rulename = '_RETURN'
"""
_READ_IT = """
SELECT r.ev_class AS id FROM pg_depend d
JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid AND r.rulename = '_RETURN'
WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = to_regclass(quote_ident(%s))
  AND r.ev_class <> d.refobjid
  AND (%s::text IS NULL OR d.refobjsubid = (
    SELECT a.attnum FROM pg_attribute a WHERE a.attrelid = d.refobjid AND a.attname = %s))
"""
_NAMED = """
SELECT DISTINCT v.oid::regclass::text, v.relkind = 'm' FROM %s AS found
JOIN pg_class v ON v.oid = found.id ORDER BY 1
"""
_VIEWS = _NAMED % ("(" + _READ_IT + ")")
_VIEWS_AND_THOSE_ABOVE = "WITH RECURSIVE above(id) AS (%s)%s" % (_READ_IT + READ_THOSE, _NAMED % "above")
_TRIGGERS = """
SELECT tgname FROM pg_trigger
WHERE tgrelid = to_regclass(quote_ident(%s)) AND NOT tgisinternal ORDER BY 1
"""
#: Its own, and those of other tables that name it.
_RULES = """
SELECT DISTINCT r.rulename, r.ev_class::regclass::text FROM pg_depend d
JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid AND r.rulename <> '_RETURN'
WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = to_regclass(quote_ident(%s))
  AND (%s::text IS NULL OR d.refobjsubid = (
    SELECT a.attnum FROM pg_attribute a WHERE a.attrelid = d.refobjid AND a.attname = %s))
ORDER BY 1, 2
"""
_POLICIES = "SELECT polname FROM pg_policy WHERE polrelid = to_regclass(quote_ident(%s)) ORDER BY 1"
_WIDE_INDEXES = """
SELECT i.indexrelid::regclass::text FROM pg_index i
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
WHERE i.indrelid = to_regclass(quote_ident(%s)) AND a.attname = %s AND i.indnatts > 1 ORDER BY 1
"""


def go_along(connection: Any, touched: Any) -> List[str]:
    """Return views, triggers, policies and indexes that CASCADE takes."""
    sentences = []
    for table in sorted(touched.dropped):
        sentences.extend(_views(connection, table, None))
        for (name,) in _rows(connection, _TRIGGERS, [table]):
            sentences.append("The trigger %s goes with %s." % (name, table))
        for (name,) in _rows(connection, _POLICIES, [table]):
            sentences.append("The policy %s goes with %s." % (name, table))
    for table, column in sorted(touched.columns):
        sentences.extend(_views(connection, table, column))
        for (name,) in _rows(connection, _WIDE_INDEXES, [table, column]):
            sentences.append("The index %s goes with %s.%s." % (name, table, column))
    return sentences


def _views(connection: Any, table: str, column: Optional[str]) -> List[str]:
    where = table if column is None else "%s.%s" % (table, column)
    views = [
        "The %s %s goes with %s (CASCADE), and no migration makes it again."
        % ("materialized view" if materialized else "view", name, where)
        for name, materialized in _rows(connection, _VIEWS_AND_THOSE_ABOVE, [table, column, column])
    ]
    rules = _rows(connection, _RULES, [table, column, column])
    return views + ["The rule %s of %s goes with %s." % (name, owner, where) for name, owner in rules]


def size(connection: Any, table: str) -> Optional[int]:
    """Return the bytes of a table with its indexes, None if it is not there."""
    rows = _rows(connection, "SELECT pg_total_relation_size(to_regclass(quote_ident(%s)))", [table])
    return None if rows[0][0] is None else int(rows[0][0])


def stand_in_the_way(connection: Any, touched: Any) -> List[Failure]:
    """Return views over a column whose type changes: PostgreSQL refuses that."""
    failures = []
    for table, column in sorted(touched.retyped):
        for name, _ in _rows(connection, _VIEWS, [table, column, column]):
            message = "the view %s uses %s.%s, whose type cannot change below it" % (name, table, column)
            failures.append(Failure(table, column, 1, message))
    return failures


def _rows(connection: Any, sql: str, params: List[Any]) -> List[Tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())
