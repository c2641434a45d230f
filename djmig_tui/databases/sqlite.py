"""SQLite: one file, transactional DDL, foreign keys checked by hand."""

import contextlib
import os
import time
import urllib.parse
from typing import Any, Callable, Dict, Iterator, Optional, Sequence, Tuple, TypeVar

#: How long a run may wait for the lock on the file, in milliseconds.
LOCK_TIMEOUT = 5000

T = TypeVar("T")


def make_read_only(connection: Any) -> None:
    """Have SQLite itself refuse every write on this connection."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA query_only = ON")


def missing(settings: Dict[str, Any]) -> bool:
    """Return whether the file is not there: opening it would create it."""
    path = _path(settings)
    return path is not None and not os.path.exists(path)


def _path(settings: Dict[str, Any]) -> Optional[str]:
    """Return the file that NAME stands for, None for a database in memory. It may be a URI."""
    name = str(settings["NAME"])
    if name.startswith("file:"):
        parts = urllib.parse.urlsplit(name)
        in_memory = "memory" in urllib.parse.parse_qs(parts.query).get("mode", [])
        name = "" if in_memory else urllib.parse.unquote(parts.path)
    return None if name in {"", ":memory:"} else name


def file(settings: Dict[str, Any]) -> Optional[Tuple[int, int]]:
    """Return which file the name stands for, None if there is none: it may be replaced at any time."""
    path = _path(settings)
    if path is None:
        return None
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return stat.st_dev, stat.st_ino


def identity(connection: Any) -> None:
    """Two aliases may share a file: making it anew twice loses nothing more."""


def cancel(connection: Any) -> None:
    """Interrupt the statement under way; allowed from any thread."""
    connection.connection.interrupt()


def limited(connection: Any, seconds: float, work: Callable[[Any], T]) -> Optional[T]:
    """Return what `work` returns for a cursor, None if it took longer than `seconds`."""
    ends = time.monotonic() + seconds
    late = False

    def look_at_the_clock() -> int:
        nonlocal late
        late = time.monotonic() > ends
        return int(late)

    connection.ensure_connection()
    connection.connection.set_progress_handler(look_at_the_clock, 20_000)
    try:
        with connection.cursor() as cursor:
            return work(cursor)
    except Exception:
        if late:
            return None
        raise
    finally:
        connection.connection.set_progress_handler(None, 0)


def estimate(connection: Any, table: str) -> Optional[int]:
    """SQLite keeps no count of rows that would be worth anything."""
    return None


def estimate_values(connection: Any, table: str, column: str) -> Optional[int]:
    """Nothing is known of a column's values without counting them."""
    return None


def one_transaction_why_not(connection: Any) -> Optional[str]:
    """SQLite rolls DDL back."""
    return None


@contextlib.contextmanager
def transaction(connection: Any) -> Iterator[None]:
    """Hold one write transaction from the first moment.

    ``PRAGMA foreign_keys`` does nothing inside a transaction and Django's schema editor demands
    it off, so it is set around it. A deferred BEGIN that later needs the write lock is "locked"
    at once, without waiting, so the lock is taken by BEGIN IMMEDIATE.
    """
    from django.db import transaction as django_transaction

    connection.ensure_connection()
    _wait_no_longer(connection)
    connection.disable_constraint_checking()
    connection._start_transaction_under_autocommit = lambda: connection.cursor().execute("BEGIN IMMEDIATE")
    try:
        with django_transaction.atomic(using=connection.alias):
            del connection._start_transaction_under_autocommit
            yield
            connection.check_constraints()
    finally:
        connection.__dict__.pop("_start_transaction_under_autocommit", None)
        if connection.connection is not None and not connection.in_atomic_block:
            connection.enable_constraint_checking()


def guard(connection: Any, one_transaction: bool) -> None:
    """Do not wait for ever; BEGIN IMMEDIATE took the write lock."""
    if not one_transaction:
        _wait_no_longer(connection)


def _wait_no_longer(connection: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        if cursor.fetchone()[0] > LOCK_TIMEOUT:
            cursor.execute("PRAGMA busy_timeout = %d" % LOCK_TIMEOUT)


def hold(connection: Any, tables: Sequence[str]) -> None:
    """Nothing beyond the write lock that BEGIN IMMEDIATE took: it is the whole file's."""


def between_steps(connection: Any) -> None:
    """Nothing is deferred: foreign keys are off during the run and checked at its end."""
