"""Backups of MySQL and MariaDB: mysqldump, of which every row is counted while it passes by."""

from typing import Any, Callable, Iterator, List, Tuple

from ..protocol import BackupMeans, TableRows
from . import beside_mysql as names
from . import mysql_tools as tools
from .anew_mysql import count, recreate
from .kept_mysql import drop_kept, finish, kept, swap_kept
from .load_mysql import read_dump
from .mysql_text import Contents, pieces
from .restore_mysql import preview, restore, unfinished

__all__ = [
    "FORMAT",
    "check",
    "count",
    "drop_kept",
    "dump",
    "finish",
    "kept",
    "means",
    "preview",
    "recreate",
    "restore",
    "swap_kept",
    "unfinished",
]

FORMAT = "mysqldump"

_OPTIONS = (
    "--single-transaction",
    "--quick",
    "--routines",
    "--triggers",
    "--events",
    "--hex-blob",
    "--no-tablespaces",
    "--skip-dump-date",
    "--max-allowed-packet=1G",
)
#: What MySQL's own tool would ask for, or write, that needs more rights and does not belong to the data.
_OPTIONS_OF_MYSQL = ("--set-gtid-purged=OFF", "--column-statistics=0")
_SIZE = (
    "SELECT SUM(data_length + index_length) FROM information_schema.tables WHERE table_schema = DATABASE()"
)
_NOT_TRANSACTIONAL = (
    "SELECT t.table_name, t.engine FROM information_schema.tables t"
    " JOIN information_schema.engines e ON e.engine = t.engine"
    " WHERE t.table_schema = DATABASE() AND t.table_type <> 'SEQUENCE' AND e.transactions <> 'YES' ORDER BY 1"
)


def means(connection: Any) -> BackupMeans:
    """Return whether this database can be backed up from here, and what it takes."""
    size = _size(connection)
    try:
        found: Tuple[tools.Tool, ...] = (tools.dump_tool(connection), tools.client(connection))
    except tools.ToolMissing as error:
        return BackupMeans(
            FORMAT, why_not=str(error), missing=True, server=tools.server(connection), size=size
        )
    return BackupMeans(
        FORMAT,
        tools=tuple(str(tool) for tool in found),
        server=tools.server(connection),
        size=size,
        notes=tuple(_notes(connection)),
    )


def _notes(connection: Any) -> List[str]:
    """Return what the one moment of a backup does not hold for."""
    with connection.cursor() as cursor:
        cursor.execute(_NOT_TRANSACTIONAL)
        return [
            "%s is a table of %s, which has no transactions: rows that are written during a backup may be"
            " in it or not." % row
            for row in cursor.fetchall()
        ]


def dump(connection: Any, write: Callable[[bytes], object], call: Any) -> Tuple[TableRows, ...]:
    """Hand a dump to `write`, bytes as they come; return the rows of every table in it.

    They are counted in the dump itself: mysqldump has a snapshot of its own, which no other session
    can share, and counts of ours from before and after it could agree and still differ from it.
    """
    tool = tools.dump_tool(connection)
    size = _size(connection)
    with connection.cursor() as cursor:
        database = names.current(cursor)
    contents = Contents()
    with tools.at_work(connection, tool, _command(connection, tool, database), feed=False) as child:

        def passing() -> Iterator[bytes]:
            done = 0
            for block in iter(lambda: child.pipe.read(tools.BLOCK), b""):
                write(block)
                done += len(block)
                call.progress(min(done, size), size, "Backing up %s" % database)
                yield block

        for piece, begins in pieces(passing()):
            contents.take(piece, begins)
        child.end()
    contents.finish()
    return tuple(TableRows(table, rows) for table, rows in sorted(contents.rows.items()))


def _command(connection: Any, tool: tools.Tool, database: str) -> List[str]:
    own = () if tool.mariadb else _OPTIONS_OF_MYSQL
    ours = ["--ignore-table=%s.%s" % (database, table) for table in names.OURS]
    return tools.command(connection, tool, *_OPTIONS, *own, *ours, database)


def check(path: str, connection: Any) -> None:
    """Raise `FailedError` if the file is not all of a dump of one database. Loads nothing."""
    read_dump(path)


def _size(connection: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_SIZE)
        return int(cursor.fetchone()[0] or 0)
