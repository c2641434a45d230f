"""Waits for the tables of a MySQL or MariaDB database, for seconds, and tells who holds them."""

import contextlib
import hashlib
import threading
from typing import Any, Iterator, List, Sequence, Tuple

from django.db import Error

from .. import databases
from ..errors import Refusal
from ..interrupts import single_threaded
from ..protocol import DatabaseSession, RestoreFinished
from ..sessions import blocked_sentence
from .definitions_mysql import quoted

#: How long the tables are waited for, in seconds.
LOCK_TIMEOUT = 5
#: How often it is looked who holds them.
EVERY = 0.2
#: What the servers say of a lock that did not come in time, and of a session that has ended by itself.
TIMEOUT, GONE = 1205, 1094


class Blocked(Exception):
    """Others hold the tables. Nothing was changed."""

    def __init__(self, sessions: Sequence[DatabaseSession]) -> None:
        super().__init__(sessions)
        self.sessions = tuple(sessions)

    def finished(self, notes: Sequence[str]) -> RestoreFinished:
        """Return it as the answer to who asked."""
        sentences = (
            "The tables are in use, and nothing was replaced.",
            blocked_sentence(self.sessions),
            "Wait until they are free, or allow the sessions to be ended.",
        )
        error = " ".join(each for each in sentences if each)
        return RestoreFinished(False, error=error, notes=tuple(notes), blocked_by=self.sessions)


@contextlib.contextmanager
def alone(cursor: Any, live: str) -> Iterator[None]:
    """Let nobody else replace `live` meanwhile: by a lock of the very session that does it.

    The server ends the statement under way of a session whose engine was killed, and only then gives
    the lock away. Raises `Refusal` if it does not come in time.
    """
    name = "djmig-tui swap %s" % hashlib.sha256(live.encode("utf-8")).hexdigest()[:32]
    cursor.execute("SELECT get_lock(%s, %s)", [name, 2 * LOCK_TIMEOUT])
    if not cursor.fetchone()[0]:
        raise Refusal("Another restore of %s is under way. Wait until it has ended, then look again." % live)
    try:
        yield
    finally:
        with contextlib.suppress(Error):  # cut off from the server, which has given it away
            cursor.execute("SELECT release_lock(%s)", [name])
            cursor.fetchall()


def lock(connection: Any, tables: Sequence[Tuple[str, str]], end_others: bool) -> None:
    """Lock all of `tables`: database and name. Raises `Blocked`, after which nothing is locked."""
    locks = ", ".join("%s.%s WRITE" % (quoted(database), quoted(name)) for database, name in tables)
    if not locks:
        return
    statement = "LOCK TABLES %s" % locks
    try:
        patiently(connection, statement)
    except Blocked as blocked:
        if not end_others or not blocked.sessions:
            raise
        for session in blocked.sessions:
            _end(connection, session)
        patiently(connection, statement)


def patiently(connection: Any, *statements: str) -> None:
    """Run statements, the last of which may wait for others. Raises `Blocked` if that takes too long."""
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION lock_wait_timeout = %d" % LOCK_TIMEOUT)
        with _looking_on(connection) as seen:
            try:
                for statement in statements:
                    cursor.execute(statement)
            except Error as error:
                if error.args[0] != TIMEOUT:
                    raise
                raise Blocked(seen) from error


def _end(connection: Any, session: DatabaseSession) -> None:
    try:
        databases.peers(connection).end(connection, int(session.id))
    except Error as error:
        if error.args[0] != GONE:
            raise


@contextlib.contextmanager
def _looking_on(connection: Any) -> Iterator[List[DatabaseSession]]:
    """Yield a list that holds, once a lock was waited for, who had it."""
    seen: List[DatabaseSession] = []
    if single_threaded():
        yield seen
        return
    peers = databases.peers(connection)
    waiting = peers.session_id(connection)
    beside = databases.beside(connection)
    over = threading.Event()

    def look() -> None:
        while not over.wait(EVERY):
            with contextlib.suppress(Error):  # the statement that waits tells how it ended
                seen[:] = peers.blocking(beside, waiting) or seen

    thread = threading.Thread(target=look, name="djmig-tui restore", daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()
        databases.discard(beside)
