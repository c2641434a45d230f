"""A new PostgreSQL database like another one: owner, encoding, collation, settings, grants, comment."""

from typing import Any, Dict, List

#: Settings whose value is a list that PostgreSQL keeps quoted already (GUC_LIST_QUOTE).
_LISTS = frozenset(
    {
        "local_preload_libraries",
        "search_path",
        "session_preload_libraries",
        "shared_preload_libraries",
        "temp_tablespaces",
        "unix_socket_directories",
    }
)


def create_like(cursor: Any, name: str, like: str, template: str = "template0") -> None:
    """Create the database `name`, in every respect but its content like `like`; it has that of `template`.

    Raises what the database raises: the right to create databases is needed, and for another owner
    membership in that role.
    """
    found = _properties(cursor, like)
    clauses = [
        "CREATE DATABASE %s" % quoted(name),
        "OWNER %s" % quoted(found["owner"]),
        "TEMPLATE %s" % quoted(template),
        "ENCODING %s" % literal(found["encoding"]),
        "LC_COLLATE %s LC_CTYPE %s" % (literal(found["datcollate"]), literal(found["datctype"])),
        "CONNECTION LIMIT %d" % found["datconnlimit"],
    ]
    if found["elsewhere"]:  # naming the usual one takes a right on it, which only superusers have
        clauses.append("TABLESPACE %s" % quoted(found["spcname"]))
    clauses.extend(_provider(found))
    cursor.execute(" ".join(clauses))
    if found["comment"]:
        cursor.execute("COMMENT ON DATABASE %s IS %s" % (quoted(name), literal(found["comment"])))
    _copy_settings(cursor, name, like)
    if found["has_acl"]:
        _copy_grants(cursor, name, like)


def _properties(cursor: Any, like: str) -> Dict[str, Any]:
    cursor.execute(
        "SELECT to_jsonb(d) FROM pg_database d WHERE datname = %s",
        [like],
    )
    row = cursor.fetchone()[0]
    if isinstance(row, str):  # Django hands out JSON as text
        import json

        row = json.loads(row)
    properties: Dict[str, Any] = dict(row)
    cursor.execute(
        "SELECT pg_get_userbyid(d.datdba), pg_encoding_to_char(d.encoding), t.spcname,"
        " shobj_description(d.oid, 'pg_database'), d.datacl IS NOT NULL,"
        " d.dattablespace <> (SELECT dattablespace FROM pg_database WHERE datname = 'template0')"
        " FROM pg_database d JOIN pg_tablespace t ON t.oid = d.dattablespace WHERE d.datname = %s",
        [like],
    )
    names = ("owner", "encoding", "spcname", "comment", "has_acl", "elsewhere")
    properties.update(zip(names, cursor.fetchone()))
    return properties


def _provider(found: Dict[str, Any]) -> List[str]:
    """Return the clauses of a collation provider other than libc (PostgreSQL 15 and newer)."""
    provider = found.get("datlocprovider", "c")
    locale = found.get("datlocale") or found.get("daticulocale")
    if provider == "i":
        rules = found.get("daticurules")
        clauses = ["LOCALE_PROVIDER icu", "ICU_LOCALE %s" % literal(locale)]
        return clauses + (["ICU_RULES %s" % literal(rules)] if rules else [])
    if provider == "b":
        return ["LOCALE_PROVIDER builtin", "BUILTIN_LOCALE %s" % literal(locale)]
    return []


def _copy_settings(cursor: Any, name: str, like: str) -> None:
    cursor.execute(
        "SELECT CASE WHEN s.setrole = 0 THEN NULL ELSE pg_get_userbyid(s.setrole) END, unnest(s.setconfig)"
        " FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase WHERE d.datname = %s",
        [like],
    )
    for role, setting in cursor.fetchall():
        key, _, value = setting.partition("=")
        value = value if key in _LISTS else literal(value)
        whose = (
            "DATABASE %s" % quoted(name)
            if role is None
            else "ROLE %s IN DATABASE %s" % (quoted(role), quoted(name))
        )
        cursor.execute("ALTER %s SET %s TO %s" % (whose, quoted(key), value or "''"))


def _copy_grants(cursor: Any, name: str, like: str) -> None:
    cursor.execute(
        "SELECT CASE WHEN a.grantee = 0 THEN NULL ELSE pg_get_userbyid(a.grantee) END,"
        " a.privilege_type, a.is_grantable"
        " FROM pg_database d, aclexplode(d.datacl) a WHERE d.datname = %s",
        [like],
    )
    grants = cursor.fetchall()
    cursor.execute("REVOKE ALL ON DATABASE %s FROM PUBLIC" % quoted(name))
    for grantee, privilege, grantable in grants:
        whom = "PUBLIC" if grantee is None else quoted(grantee)
        option = " WITH GRANT OPTION" if grantable else ""
        cursor.execute("GRANT %s ON DATABASE %s TO %s%s" % (privilege, quoted(name), whom, option))


def quoted(name: Any) -> str:
    """Return an identifier for a statement without parameters."""
    return '"%s"' % str(name).replace('"', '""')


def literal(value: Any) -> str:
    """Return a text for a statement that takes no parameters."""
    text = str(value).replace("'", "''")
    return "E'%s'" % text.replace("\\", "\\\\") if "\\" in text else "'%s'" % text
