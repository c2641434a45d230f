"""What an empty PostgreSQL database takes over of another: extensions, schemas to work in, grants."""

from typing import Any, Dict, Iterable, List, NamedTuple, Tuple

from .. import databases
from .create_postgresql import quoted
from .fill_postgresql import elsewhere

Grant = Tuple[Any, str, bool]  # to whom (None: everybody), what, and whether it may be passed on

#: Those of the search path, and those that extensions are in but do not bring along themselves.
_SCHEMAS = (
    "SELECT n.nspname, pg_get_userbyid(n.nspowner), n.nspacl IS NOT NULL FROM pg_namespace n"
    " WHERE n.nspname !~ '^pg_' AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.deptype = 'e'"
    " AND d.classid = 'pg_namespace'::regclass AND d.objid = n.oid)"
    " AND (n.nspname = ANY (current_schemas(false)) OR n.nspname = 'public'"
    " OR n.oid IN (SELECT extnamespace FROM pg_extension))"
)
#: In the order in which they were made: one may need another.
_EXTENSIONS = (
    "SELECT e.extname, CASE WHEN NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.deptype = 'e'"
    " AND d.classid = 'pg_namespace'::regclass AND d.objid = n.oid) THEN n.nspname END"
    " FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace"
    " WHERE e.extname <> 'plpgsql' ORDER BY e.oid"
)
_GRANTS = (
    "SELECT CASE WHEN a.grantee = 0 THEN NULL ELSE pg_get_userbyid(a.grantee) END, a.privilege_type,"
    " a.is_grantable FROM pg_namespace n, aclexplode(n.nspacl) a WHERE n.nspname = %s ORDER BY 1, 2"
)
_DEFAULTS = (
    "SELECT pg_get_userbyid(f.defaclrole), n.nspname, f.defaclobjtype::text,"
    " CASE WHEN a.grantee = 0 THEN NULL ELSE pg_get_userbyid(a.grantee) END, a.privilege_type, a.is_grantable"
    " FROM pg_default_acl f LEFT JOIN pg_namespace n ON n.oid = f.defaclnamespace, aclexplode(f.defaclacl) a"
)
_KINDS = {
    "r": "TABLES",
    "S": "SEQUENCES",
    "f": "FUNCTIONS",
    "T": "TYPES",
    "n": "SCHEMAS",
    "L": "LARGE OBJECTS",
}


class _Schema(NamedTuple):
    """What is known of a schema."""

    owner: str
    grants: Tuple[Grant, ...]


def copy_frame(connection: Any, new: str) -> None:
    """Give the database `new`, which is empty, all of that of the database of `connection`.

    Raises what the database raises where this user may not.
    """
    with connection.cursor() as cursor:
        schemas = _schemas(cursor)
        extensions = _rows(cursor, _EXTENSIONS)
        defaults = _rows(cursor, _DEFAULTS)
    other = elsewhere(connection, new)
    try:
        with other.cursor() as cursor:
            there = _schemas(cursor)
            for statement in _statements(schemas, there, extensions, defaults):
                cursor.execute(statement)
    finally:
        databases.discard(other)


def _rows(cursor: Any, sql: str, *parameters: str) -> List[Any]:
    cursor.execute(sql, list(parameters) or None)
    return list(cursor.fetchall())


def _schemas(cursor: Any) -> Dict[str, _Schema]:
    found = _rows(cursor, _SCHEMAS)
    return {
        name: _Schema(owner, tuple(_rows(cursor, _GRANTS, name)) if granted else ())
        for name, owner, granted in found
    }


def _statements(
    wanted: Dict[str, _Schema], there: Dict[str, _Schema], extensions: List[Any], defaults: List[Any]
) -> Iterable[str]:
    for name, schema in wanted.items():
        if name not in there:
            yield "CREATE SCHEMA %s AUTHORIZATION %s" % (quoted(name), quoted(schema.owner))
        elif there[name].owner != schema.owner:
            yield "ALTER SCHEMA %s OWNER TO %s" % (quoted(name), quoted(schema.owner))
    for name in set(there) - set(wanted):
        yield "DROP SCHEMA %s" % quoted(name)
    for name, place in extensions:
        where = "" if place is None else " WITH SCHEMA %s" % quoted(place)
        yield "CREATE EXTENSION IF NOT EXISTS %s%s" % (quoted(name), where)
    for name, schema in wanted.items():
        if schema.grants and (name not in there or there[name].grants != schema.grants):
            yield "REVOKE ALL ON SCHEMA %s FROM PUBLIC" % quoted(name)
            yield from (_grant("SCHEMA %s" % quoted(name), *each) for each in schema.grants)
    yield from _default_privileges(wanted, defaults)


def _default_privileges(wanted: Dict[str, _Schema], defaults: List[Any]) -> Iterable[str]:
    begun = set()
    for role, schema, kind, *given in defaults:
        if schema is not None and schema not in wanted:
            continue
        start = "ALTER DEFAULT PRIVILEGES FOR ROLE %s" % quoted(role)
        if schema is not None:
            start += " IN SCHEMA %s" % quoted(schema)
        elif (role, kind) not in begun:  # what is written down takes the place of what everybody has
            begun.add((role, kind))
            yield "%s REVOKE ALL ON %s FROM PUBLIC" % (start, _KINDS[kind])
        yield "%s %s" % (start, _grant(_KINDS[kind], *given))


def _grant(what: str, grantee: Any, privilege: str, grantable: bool) -> str:
    whom = "PUBLIC" if grantee is None else quoted(grantee)
    option = " WITH GRANT OPTION" if grantable else ""
    return "GRANT %s ON %s TO %s%s" % (privilege, what, whom, option)
