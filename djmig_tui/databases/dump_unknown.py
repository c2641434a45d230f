"""Backups of databases that we do not know: none, and the reason."""

from typing import Any, Callable, Tuple

from ..errors import Refusal
from ..protocol import BackupMeans, RestoreFinished, TableRows
from .dumping import Way, count_rows

FORMAT = ""
_WHY_NOT = "djmig-tui makes backups of SQLite, PostgreSQL, MySQL and MariaDB; this is %s."


def means(connection: Any) -> BackupMeans:
    """There is no way that we know."""
    return BackupMeans(FORMAT, why_not=_WHY_NOT % connection.display_name)


def dump(connection: Any, write: Callable[[bytes], None], call: Any) -> Tuple[TableRows, ...]:
    """Refuse."""
    raise Refusal(_WHY_NOT % connection.display_name)


def count(connection: Any, call: Any) -> Tuple[TableRows, ...]:
    """Return the rows of every table that Django's introspection knows."""
    with connection.cursor() as cursor:
        names = connection.introspection.table_names(cursor)

        def execute(sql: str) -> Any:
            cursor.execute(sql)
            return cursor.fetchone()

        return count_rows(execute, [(name, connection.ops.quote_name(name)) for name in names], call)


def preview(connection: Any) -> Way:
    """There is no way that we know."""
    return Way(True, "", why_not=_WHY_NOT % connection.display_name)


def restore(connection: Any, path: str, request: Any, call: Any) -> RestoreFinished:
    """Refuse."""
    raise Refusal(_WHY_NOT % connection.display_name)


def recreate(connection: Any, end_others: bool, call: Any) -> RestoreFinished:
    """Refuse."""
    raise Refusal(_WHY_NOT % connection.display_name)


def kept(connection: Any) -> Tuple[Any, ...]:
    """Nothing is kept."""
    return ()


def drop_kept(connection: Any, name: str) -> None:
    """Refuse."""
    raise Refusal(_WHY_NOT % connection.display_name)


def swap_kept(connection: Any, name: str, request: Any, call: Any) -> RestoreFinished:
    """Refuse."""
    raise Refusal(_WHY_NOT % connection.display_name)
