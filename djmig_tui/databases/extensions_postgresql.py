"""Extensions of PostgreSQL that a user cannot make again, so that a backup cannot be restored either."""

from typing import Any, List

#: What comes with every new database.
_ALWAYS = "plpgsql"


def not_creatable(connection: Any) -> List[str]:
    """Return the extensions here that this user may not create, sorted.

    A backup names no version, so the one that CREATE EXTENSION takes by itself counts. Before PostgreSQL
    13 nothing is trusted.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        if cursor.fetchone()[0]:
            return []
        cursor.execute("SHOW server_version_num")
        trusted = ""
        if int(cursor.fetchone()[0]) >= 130000:
            trusted = (
                " AND NOT EXISTS (SELECT FROM pg_available_extensions a"
                " JOIN pg_available_extension_versions v"
                " ON v.name = a.name AND v.version = a.default_version"
                " WHERE a.name = extname AND v.trusted)"
            )
        cursor.execute(
            "SELECT extname::text FROM pg_extension WHERE extname <> '%s'%s ORDER BY 1" % (_ALWAYS, trusted)
        )
        return [name for (name,) in cursor.fetchall()]
