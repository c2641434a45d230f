"""Triggers and indexes of SQLite as SQL: SQLite keeps the words in which they were made."""

from typing import Any, List, Optional, Sequence

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


def there(connection: Any, kept: KeptDefinition) -> Optional[Along]:
    """Return what has its name now, None if nothing has."""
    return next((each for each in read(connection, ()) if each.name == kept.name), None)
