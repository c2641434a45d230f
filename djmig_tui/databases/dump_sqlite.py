"""Backups of SQLite: SQLite's own online backup, both ways; what is sent over is a whole, checked file."""

import contextlib
import os
import sqlite3
import time
from typing import Any, Callable, Iterator, Tuple

from .. import copies
from ..errors import FailedError, Refusal
from ..protocol import BackupMeans, RestoreFinished, TableRows
from . import peers_sqlite
from .copy_sqlite import copy_database
from .dumping import Blocked, Way, count_rows, differing
from .trial_sqlite import path_of

FORMAT = "sqlite"

#: How many bytes of the copy are sent in one go.
BLOCK = 1024 * 1024
#: How long the lock on the file is waited for, in seconds.
LOCK_TIMEOUT = 5.0
#: SQLITE_BUSY and SQLITE_LOCKED: a step of a backup that is tried again, for ever if nobody stops it.
_BUSY = (5, 6)
_MAGIC = b"SQLite format 3\0"


def means(connection: Any) -> BackupMeans:
    """Return what a backup takes. SQLite brings its own tool."""
    version = "SQLite %s" % sqlite3.sqlite_version
    path = path_of(connection.settings_dict)
    if path is None:
        return BackupMeans(
            FORMAT, why_not="A database in memory is gone when its process ends.", server=version
        )
    try:
        size = os.path.getsize(path)
    except OSError:
        return BackupMeans(
            FORMAT, why_not="%s is not there: there is nothing to back up." % path, server=version
        )
    return BackupMeans(FORMAT, tools=(version,), server=version, size=size)


def dump(connection: Any, write: Callable[[bytes], object], call: Any) -> Tuple[TableRows, ...]:
    """Hand a checked copy to `write`; return the rows of every table in it."""
    with copies.folder() as folder:
        copy = os.path.join(folder, "backup.sqlite3")
        copy_database(connection, copy, call, "Copying the database")
        with _opened(copy) as raw:
            call.progress(0, 0, "Checking the copy")
            _check_integrity(raw, "The copy")
            rows = _count(raw, call)
        size, done = os.path.getsize(copy), 0
        with open(copy, "rb") as file:
            for block in iter(lambda: file.read(BLOCK), b""):
                write(block)
                done += len(block)
                call.progress(done, size, "Sending the backup")
    return rows


def count(connection: Any, call: Any) -> Tuple[TableRows, ...]:
    """Return the rows of every table as of one moment. Changes nothing."""
    connection.ensure_connection()
    raw = connection.connection
    raw.execute("BEGIN")
    try:
        return _count(raw, call)
    finally:
        raw.rollback()


def _count(raw: Any, call: Any) -> Tuple[TableRows, ...]:
    names = [
        str(row[0])
        for row in raw.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND sql IS NOT NULL"
            " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
        )
    ]
    quoted = [(name, '"%s"' % name.replace('"', '""')) for name in names]
    return count_rows(lambda sql: raw.execute(sql).fetchone(), quoted, call)


def check(path: str, connection: Any) -> None:
    """Raise `FailedError` unless the file at `path` is a whole SQLite database."""
    with open(path, "rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise FailedError("This is no SQLite database: choose another backup.")
    with _opened(path) as raw:
        _check_integrity(raw, "The backup")


def _check_integrity(raw: Any, what: str) -> None:
    try:
        found = [str(row[0]) for row in raw.execute("PRAGMA integrity_check(5)")]
    except sqlite3.DatabaseError as error:
        found = [str(error)]
    if found != ["ok"]:
        raise FailedError(
            "%s is damaged (%s), so it is not used: choose another one." % (what, found[0].rstrip(".")),
            detail="\n".join(found),
        )


@contextlib.contextmanager
def _opened(path: str) -> Iterator[Any]:
    raw = sqlite3.connect(path, isolation_level=None)
    try:
        yield raw
    finally:
        raw.close()


# -- restore
def preview(connection: Any) -> Way:
    """Return how a restore is done."""
    path = path_of(connection.settings_dict)
    if path is None:
        return Way(True, "", why_not="A database in memory has no place that a backup could be put in.")
    return Way(
        False,
        "The file is written over in one transaction under an exclusive lock: others see it as it was, or as"
        " it is in the backup, and nothing between.",
    )


def restore(connection: Any, path: str, request: Any, call: Any) -> RestoreFinished:
    """Write the backup at `path` over the file."""
    call.progress(0, 0, "Checking the backup")
    check(path, connection)
    with _opened(path) as source:
        wrong = differing(request.tables, _count(source, call))
        if wrong:
            raise FailedError("The backup does not hold what it claims: %s." % "; ".join(wrong))
        if call.stopping:
            return RestoreFinished(False, error="Stopped. Nothing was replaced.")
        return _overwrite(connection, source, call)


def recreate(connection: Any, end_others: bool, call: Any) -> RestoreFinished:
    """Write an empty database over the file. The caller has seen to a backup."""
    with _opened(":memory:") as source:
        return _overwrite(connection, source, call)


def _overwrite(connection: Any, source: Any, call: Any) -> RestoreFinished:
    target = path_of(connection.settings_dict)
    if target is None:
        raise Refusal("A database in memory has no place that a backup could be put in.")
    call.progress(0, 0, "Writing over %s" % target)
    deadline = time.monotonic() + LOCK_TIMEOUT

    def look_at_the_clock(status: int, left: int, total: int) -> None:
        if status & 0xFF in _BUSY and time.monotonic() > deadline:
            raise Blocked(peers_sqlite.blocking(connection))

    live = sqlite3.connect(target, timeout=LOCK_TIMEOUT, isolation_level=None)
    try:
        _fit_pages(source, live)
        # In one go: the lock is held until all pages are there, and a kill before that leaves the
        # journal by which SQLite puts the old ones back.
        source.backup(live, pages=-1, progress=look_at_the_clock, sleep=0.1)
        _check_integrity(live, target)
    except Blocked as blocked:
        return blocked.finished()
    except sqlite3.OperationalError as error:
        if peers_sqlite.waited_for_lock(error):
            return Blocked(peers_sqlite.blocking(connection)).finished()
        raise FailedError("%s cannot be written over: %s. Nothing was replaced." % (target, error)) from error
    finally:
        live.close()
    return RestoreFinished(True)


def _fit_pages(source: Any, live: Any) -> None:
    """Give `source`, which is ours, the page size of `live` where that cannot change: in WAL mode."""
    if _pragma(live, "journal_mode") == "wal" and _pragma(source, "page_size") != _pragma(live, "page_size"):
        source.execute("PRAGMA journal_mode = DELETE")
        source.execute("PRAGMA page_size = %d" % _pragma(live, "page_size"))
        source.execute("VACUUM")


def _pragma(raw: Any, name: str) -> Any:
    return raw.execute("PRAGMA %s" % name).fetchone()[0]


# -- what is kept
def kept(connection: Any) -> Tuple[Any, ...]:
    """Nothing is kept beside a file: the backup made before a restore is what leads back."""
    return ()


def drop_kept(connection: Any, name: str) -> None:
    """There is nothing of the kind."""
    raise Refusal("A restore on SQLite keeps no other database: restore the backup that was made before it.")


def swap_kept(connection: Any, name: str, request: Any, call: Any) -> RestoreFinished:
    """There is nothing of the kind."""
    drop_kept(connection, name)
    raise AssertionError
