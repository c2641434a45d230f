"""Backups of PostgreSQL: pg_dump in the very snapshot in which the rows are counted."""

import contextlib
import subprocess
from typing import Any, Callable, Iterator, Tuple

from ..errors import FailedError
from ..protocol import BackupMeans, TableRows
from . import tools_postgresql as tools
from .dumping import count_rows
from .restore_postgresql import drop_kept, kept, preview, recreate, restore, swap_kept
from .tables_postgresql import tables

__all__ = [
    "FORMAT", "check", "count", "drop_kept", "dump", "kept", "means", "preview", "recreate",
    "restore", "swap_kept",
]  # fmt: skip

FORMAT = "pg_dump"

_MAGIC = b"PGDMP"


def means(connection: Any) -> BackupMeans:
    """Return whether this database can be backed up from here, and what it takes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        size = int(cursor.fetchone()[0])
    why_not = tools.why_not(connection)
    found = () if why_not else tuple(str(tools.find(name)) for name in ("pg_dump", "pg_restore"))
    return BackupMeans(
        FORMAT,
        why_not=why_not,
        missing=why_not is not None,
        tools=found,
        server=tools.server(connection),
        size=size,
    )


def dump(connection: Any, write: Callable[[bytes], object], call: Any) -> Tuple[TableRows, ...]:
    """Hand a dump to `write`, each byte also read by pg_restore; return the rows of every table in it."""
    size = means(connection).size or 0
    with _snapshot(connection) as snapshot:
        arguments = tools.command(connection, "pg_dump", "--format=custom", "--snapshot=%s" % snapshot)
        env = tools.environment(connection)
        reading = ["pg_restore", "--file=/dev/null"]
        with tools.at_work(arguments, env, stdout=subprocess.PIPE) as dumping, tools.at_work(
            reading, env, stdin=subprocess.PIPE
        ) as reader:
            done = 0
            for block in iter(lambda: dumping.process.stdout.read(tools.BLOCK), b""):  # type: ignore[union-attr]
                write(block)
                done += len(block)
                _feed(reader, block)
                call.progress(min(done, size), size, "Backing up")
            dumping.end()
            _feed(reader, b"", last=True)
            reader.end()
        return count(connection, call)


@contextlib.contextmanager
def _snapshot(connection: Any) -> Iterator[str]:
    """Hold one moment of the database and yield its name, which other sessions can look at it by."""
    with connection.cursor() as cursor:
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        try:
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            cursor.execute("SELECT pg_export_snapshot()")
            yield str(cursor.fetchone()[0])
        finally:
            cursor.execute("ROLLBACK")


def _feed(reader: tools.Child, block: bytes, last: bool = False) -> None:
    pipe = reader.process.stdin
    assert pipe is not None  # noqa: S101 -- it was asked for
    try:
        pipe.write(block)
        if last:
            pipe.close()
    except BrokenPipeError:
        reader.end()  # its own words
        raise FailedError("pg_restore stopped reading the backup.") from None


def count(connection: Any, call: Any) -> Tuple[TableRows, ...]:
    """Return the rows of every table; in one statement each, or of the moment that is held."""
    with connection.cursor() as cursor:

        def execute(sql: str) -> Any:
            cursor.execute(sql)
            return cursor.fetchone()

        return count_rows(execute, tables(cursor), call)


def check(path: str, connection: Any) -> None:
    """Raise `FailedError` unless pg_restore reads the file to its end: `--list` is not enough (EDGES 36)."""
    with open(path, "rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise FailedError("This is no backup of pg_dump's custom format: choose another one.")
    arguments = ["pg_restore", "--file=/dev/null", path]
    with tools.at_work(arguments, tools.environment(connection)) as reader:
        try:
            reader.end()
        except FailedError as error:
            raise FailedError(
                "The backup is damaged, so it is not used: %s Choose another one." % error, error.detail
            ) from error
