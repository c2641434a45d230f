"""Triggers and indexes of SQLite as SQL: SQLite keeps the words in which they were made."""

from typing import Any, Dict, List, Optional, Sequence

from ..definitions import INDEX, TRIGGER, Along
from ..protocol import KeptDefinition


def read(connection: Any, tables: Sequence[str]) -> List[Along]:
    """Return all that there are: a step may remake any table. Views stay whatever happens to theirs."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT type, name, tbl_name, sql FROM sqlite_master"
            " WHERE sql IS NOT NULL AND type IN ('trigger', 'index') ORDER BY rowid"
        )
        return [
            Along(INDEX if kind == "index" else TRIGGER, name, table, (sql,))
            for kind, name, table, sql in cursor.fetchall()
        ]


def gone(connection: Any, before: Sequence[Along], renamed: Dict[str, str]) -> List[Along]:
    """Return which of `before` are not there any more. Their names are the database's, not their tables'."""
    names = {(each.kind, each.name) for each in read(connection, ())}
    return [each for each in before if (each.kind, each.name) not in names]


def has(connection: Any, table: str) -> bool:
    """Return whether there is a table or view of that name, in whatever case."""
    return _named(connection, table, "type IN ('table', 'view')") is not None


def there(connection: Any, kept: KeptDefinition) -> Optional[Along]:
    """Return what has its name now, None if nothing has."""
    # A trigger may be called as something else is.
    return _named(connection, kept.name, "(type = 'trigger') = %d" % (kept.kind == TRIGGER))


def _named(connection: Any, name: str, condition: str) -> Optional[Along]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name = %s COLLATE NOCASE AND "
            + condition,
            [name],
        )
        row = cursor.fetchone()
    return None if row is None else Along(row[0], row[1], row[2], (row[3] or "",))
