"""Views, triggers and indexes of PostgreSQL as SQL: Django drops with CASCADE, which takes them along."""

import contextlib
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

from django.db import transaction

from ..definitions import INDEX, MATERIALIZED_VIEW, TRIGGER, VIEW, Along
from ..protocol import KeptDefinition
from .objects_postgresql import READ_THOSE

#: The relations of those names with their sequences, all views over them, and over those.
#: %s: names as they are quoted.
_ABOVE = (
    "WITH RECURSIVE named(id) AS ("
    "SELECT to_regclass(name)::oid FROM unnest(%s::text[]) AS name WHERE to_regclass(name) IS NOT NULL"
    "), above(id) AS (SELECT id FROM named UNION SELECT d.objid FROM named"
    " JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass"
    " AND d.refobjid = named.id AND d.deptype IN ('a', 'i')" + READ_THOSE + ")"
)
_VIEWS = (
    _ABOVE
    + """
SELECT c.oid::regclass::text, c.relkind = 'm', c.relispopulated, pg_get_viewdef(c.oid),
       array_to_string(c.reloptions, ', '), obj_description(c.oid, 'pg_class'),
       CASE WHEN c.relowner <> (SELECT oid FROM pg_roles WHERE rolname = current_user)
            THEN c.relowner::regrole::text END, c.oid
FROM above JOIN pg_class c ON c.oid = above.id WHERE c.relkind IN ('v', 'm') ORDER BY c.oid
"""
)
_GRANTS = (
    _ABOVE
    + """
SELECT c.oid::regclass::text, a.privilege_type, a.is_grantable,
       CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END
FROM above JOIN pg_class c ON c.oid = above.id, aclexplode(c.relacl) AS a
WHERE c.relkind IN ('v', 'm') AND a.grantee <> c.relowner ORDER BY 1, 4, 2
"""
)
# Those of a constraint come and go with it.
_INDEXES = (
    _ABOVE
    + """
SELECT i.indexrelid::regclass::text, i.indrelid::regclass::text, pg_get_indexdef(i.indexrelid), i.indexrelid
FROM above JOIN pg_index i ON i.indrelid = above.id
WHERE i.indisvalid AND NOT EXISTS (
  SELECT FROM pg_constraint WHERE conindid = i.indexrelid AND contype IN ('p', 'u', 'x'))
ORDER BY i.indexrelid
"""
)
_TRIGGERS = (
    _ABOVE
    + """
SELECT t.tgname, t.tgrelid::regclass::text, pg_get_triggerdef(t.oid), quote_ident(t.tgname),
       t.tgenabled, t.oid
FROM above JOIN pg_trigger t ON t.tgrelid = above.id WHERE NOT t.tgisinternal ORDER BY t.oid
"""
)
_LEFT = (
    "SELECT oid FROM pg_class WHERE oid = ANY (%s::oid[])"
    " UNION ALL SELECT oid FROM pg_trigger WHERE oid = ANY (%s::oid[])"
)
_KINDS = {"r": "table", "p": "table", "v": VIEW, "m": MATERIALIZED_VIEW, "i": INDEX, "I": INDEX}
_ENABLED = {"D": "DISABLE TRIGGER", "R": "ENABLE REPLICA TRIGGER", "A": "ENABLE ALWAYS TRIGGER"}


def read(connection: Any, tables: Sequence[str]) -> List[Along]:
    """Return all that hangs on those of `tables` that are there, in an order in which it can be made."""
    return _read(connection, [connection.ops.quote_name(table) for table in tables])


def there(connection: Any, kept: KeptDefinition) -> Optional[Along]:
    """Return what has its name now, None if nothing has."""
    found = _read(connection, [kept.table or kept.name])
    for each in found:
        same_kind = (each.kind == TRIGGER) == (kept.kind == TRIGGER)
        if (each.table, each.name, same_kind) == (kept.table, kept.name, True):
            return each
    kind = None if kept.kind == TRIGGER else _relation(connection, kept.name)
    return None if kind is None else Along(kind, kept.name, "", ("",))


def has(connection: Any, table: str) -> bool:
    """Return whether there is a table or view of that name."""
    return _relation(connection, table) is not None


def _relation(connection: Any, name: str) -> Optional[str]:
    """Return what kind of relation has that name, None if none has."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relkind::text FROM pg_class WHERE oid = to_regclass(%s)", [name])
        row = cursor.fetchone()
    return None if row is None else _KINDS.get(row[0], "relation")


def gone(connection: Any, before: Sequence[Along], renamed: Dict[str, str]) -> List[Along]:
    """Return which of `before` are gone: neither there, whatever they are called now, nor made again."""
    triggers = [each.oid for each in before if each.kind == TRIGGER]
    others = [each.oid for each in before if each.kind != TRIGGER]
    with connection.cursor() as cursor:
        cursor.execute(_LEFT, [others, triggers])
        left = {oid for (oid,) in cursor.fetchall()}
    missing = [each for each in before if each.oid not in left]
    names = sorted({each.table or each.name for each in missing})
    now = {(each.kind, each.table, each.name) for each in _read(connection, names)} if names else set()
    return [each for each in missing if (each.kind, each.table, each.name) not in now]


@contextlib.contextmanager
def _without_locks(connection: Any) -> Iterator[None]:
    """Give up at the end what reading locks: pg_get_viewdef locks all tables that a view reads."""
    with transaction.atomic(using=connection.alias):
        yield
        transaction.set_rollback(True, using=connection.alias)


def _read(connection: Any, names: List[str]) -> List[Along]:
    with _without_locks(connection), connection.cursor() as cursor:

        def rows(sql: str) -> List[Tuple[Any, ...]]:
            cursor.execute(sql, [names])
            return list(cursor.fetchall())

        grants: Dict[str, List[str]] = {}
        for name, privilege, again, who in rows(_GRANTS):
            option = " WITH GRANT OPTION" if again else ""
            grants.setdefault(name, []).append("GRANT %s ON %s TO %s%s" % (privilege, name, who, option))
        # One that another session drops in this moment has no words any more.
        found = [_view(row, grants.get(row[0], [])) for row in rows(_VIEWS) if row[3] is not None]
        found.extend(
            Along(INDEX, name, table, (sql,), oid) for name, table, sql, oid in rows(_INDEXES) if sql
        )
        for name, table, sql, quoted, enabled, oid in rows(_TRIGGERS):
            words = _ENABLED.get(enabled.decode() if isinstance(enabled, bytes) else enabled)
            state = () if words is None else ("ALTER TABLE %s %s %s" % (table, words, quoted),)
            found.append(Along(TRIGGER, name, table, (sql, *state), oid))
        return found


def _view(row: Tuple[Any, ...], grants: List[str]) -> Along:
    name, materialized, populated, sql, options, comment, owner, oid = row
    kind = MATERIALIZED_VIEW if materialized else VIEW
    words = "CREATE %s %s%s AS\n%s%s" % (
        kind.upper(),
        name,
        " WITH (%s)" % options if options else "",
        sql.strip().rstrip(";"),
        "\n WITH NO DATA" if materialized and not populated else "",
    )
    after = []
    if comment is not None:
        after.append("COMMENT ON %s %s IS '%s'" % (kind.upper(), name, comment.replace("'", "''")))
    after.extend(grants)
    if owner is not None:  # last: afterwards only its owner may do anything to it
        after.append("ALTER %s %s OWNER TO %s" % (kind.upper(), name, owner))
    return Along(kind, name, "", (words, *after), oid)
