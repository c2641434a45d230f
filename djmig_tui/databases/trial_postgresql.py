"""How a plan is rehearsed on PostgreSQL: in one transaction that nothing but its rollback can end."""

import contextlib
import re
from typing import Any, Callable, Dict, Iterator, List, Optional

WHERE = "in one transaction that was rolled back"
#: Its locks keep everybody else away, so it is taken back after so many seconds, whatever it does.
LIMIT: Optional[float] = 10.0
#: It is the database itself.
COPY = False
#: What is to be told afterwards.
notes: List[str] = []
#: The server's own limits come after ours, in seconds: they are for when we hang, or are gone.
AFTER = 2.0

#: The code of the error below, for which PostgreSQL leaves such codes free.
ENDED = "DJMIG"
_SET_CONSTRAINTS = re.compile(r"\s*SET\s+CONSTRAINTS\b", re.IGNORECASE)
#: A trigger that fires when the transaction is about to be committed, and fails it. A lone SET
#: CONSTRAINTS, which fires it too, is let through; `_arm` sets it again after each.
_HOLD = r"""
CREATE TEMPORARY TABLE djmig_tui_held (n integer);
CREATE FUNCTION pg_temp.djmig_tui_hold() RETURNS trigger LANGUAGE plpgsql AS $hold$
BEGIN
    IF current_query() !~* '^\s*SET\s+CONSTRAINTS\s[^;]*;?\s*$' THEN
        RAISE EXCEPTION 'The code commits the transaction itself.' USING ERRCODE = 'DJMIG';
    END IF;
    RETURN NULL;
END
$hold$;
CREATE CONSTRAINT TRIGGER djmig_tui_hold AFTER INSERT ON djmig_tui_held
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION pg_temp.djmig_tui_hold();
"""
_ARM = """
SET CONSTRAINTS pg_temp.djmig_tui_hold DEFERRED;
INSERT INTO pg_temp.djmig_tui_held VALUES (1)
"""
#: What is set shorter by the project stays so: a run would end by it too.
_SHORTEN = (
    "SELECT set_config(name, '{0}', true) FROM pg_settings"
    " WHERE name IN ('statement_timeout', 'idle_in_transaction_session_timeout')"
    " AND (setting::bigint = 0 OR setting::bigint > {0})"
)


@contextlib.contextmanager
def prepared(connection: Any, others: Callable[[Any], None], call: Any) -> Iterator[Callable[[Any], None]]:
    """Yield what is to be done to each new connection: all are read-only, the rehearsal's own too.

    Only its one transaction is made writable, by `begin`, so that what comes after it, should
    code end it by a raw ROLLBACK, cannot write.
    """
    yield others


def begin(connection: Any, runs_code: bool) -> None:
    """Make the transaction that has just begun writable, short, and impossible to commit."""
    with connection.cursor() as cursor:
        raw = cursor.cursor  # not by way of the wrappers: they refuse just this to everybody else
        raw.execute("SET TRANSACTION READ WRITE")
        raw.execute(_SHORTEN.format(int(((LIMIT or 0) + AFTER) * 1000)))
        if runs_code:
            raw.execute(_HOLD)
            raw.execute(_ARM)
            connection.execute_wrappers.append(_arm)


def _arm(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
    result = execute(sql, params, many, context)
    if isinstance(sql, str) and _SET_CONSTRAINTS.match(sql):
        with context["connection"].connection.cursor() as raw:
            raw.execute(_ARM)
    return result


def last_checks(connection: Any) -> None:
    """Nothing is left to check: constraints were made immediate after each step."""


def on_copy() -> Any:
    """Return the same as this module, for one rehearsal on a copy."""
    from .trial_copy_postgresql import OnCopy

    return OnCopy()


def copy_why_not(connection: Any, others: bool) -> Optional[str]:
    """Return the clause why no copy can be made, None if nothing is known against it."""
    from .copy_postgresql import why_not

    return why_not(connection, others)


def sweep(connection: Any) -> List[str]:
    """Drop the copies of rehearsals that were killed; return a sentence for each that stays."""
    from .copy_postgresql import sweep as swept

    return swept(connection)


def ended_transaction(error: BaseException) -> bool:
    """Return whether `error` is that of a COMMIT which `begin` made impossible."""
    return _code(error) == ENDED


def out_of_time(error: BaseException) -> bool:
    """Return whether `error` is that of a statement that was cut off."""
    return _code(error) in {"57014", "25P03"}


def _code(error: BaseException) -> Optional[str]:
    code: Optional[str] = getattr(error, "sqlstate", getattr(error, "pgcode", None))
    return code


_OURS = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
_NAME = "CASE c.relkind WHEN 'v' THEN 'view ' WHEN 'm' THEN 'materialized view ' WHEN 'S' THEN 'sequence '"
_NAME += " ELSE 'table ' END || n.nspname || '.' || c.relname"
_FROM = " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
#: Each gives (object, line), in the order in which the lines are shown.
_LINES = (
    "SELECT %s, NULL%sWHERE c.relkind = 'S' AND %s ORDER BY 1" % (_NAME, _FROM, _OURS),
    "SELECT %s, quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)"
    " || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END"
    " || coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '')"
    " || CASE a.attidentity WHEN 'd' THEN ' GENERATED BY DEFAULT AS IDENTITY'"
    " WHEN 'a' THEN ' GENERATED ALWAYS AS IDENTITY' ELSE '' END"
    " || CASE a.attgenerated WHEN 's' THEN ' STORED' ELSE '' END"
    "%sJOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
    " LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum"
    " WHERE c.relkind IN ('r', 'p', 'f') AND %s ORDER BY 1, a.attnum" % (_NAME, _FROM, _OURS),
    "SELECT %s, 'CONSTRAINT ' || quote_ident(k.conname) || ' ' || pg_get_constraintdef(k.oid)"
    "%sJOIN pg_constraint k ON k.conrelid = c.oid AND k.contype NOT IN ('t', 'n') WHERE %s ORDER BY 1, 2"
    % (_NAME, _FROM, _OURS),
    "SELECT %s, pg_get_indexdef(i.indexrelid)%sJOIN pg_index i ON i.indrelid = c.oid WHERE %s AND NOT EXISTS"
    " (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))"
    " ORDER BY 1, 2" % (_NAME, _FROM, _OURS),
    "SELECT %s, pg_get_triggerdef(t.oid)%sJOIN pg_trigger t ON t.tgrelid = c.oid AND NOT t.tgisinternal"
    " WHERE %s ORDER BY 1, 2" % (_NAME, _FROM, _OURS),
    "SELECT %s, line%sCROSS JOIN LATERAL regexp_split_to_table(pg_get_viewdef(c.oid), E'\\n') line"
    " WHERE c.relkind IN ('v', 'm') AND %s" % (_NAME, _FROM, _OURS),
    "SELECT 'function ' || n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid)"
    " || ')', 'source ' || md5(p.prosrc) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
    " WHERE %s AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE objid = p.oid AND deptype = 'e') ORDER BY 1"
    % _OURS,
    "SELECT 'extension ' || extname, 'version ' || extversion FROM pg_extension ORDER BY 1",
)


def schema(connection: Any) -> Dict[str, List[str]]:
    """Return the schema as lines, by the table or other object they belong to."""
    found: Dict[str, List[str]] = {}
    with connection.cursor() as cursor:
        for query in _LINES:
            cursor.execute(query)
            for name, line in cursor.fetchall():
                lines = found.setdefault(name, [])
                if line is not None:
                    lines.append(line)
    return found
