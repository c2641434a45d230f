"""Two PostgreSQL databases change places by their names; and the name that one has beside the other."""

import contextlib
import datetime
import hashlib
import re
import sys
import threading
from typing import Any, Iterator, List

from django.db import Error

from .. import databases
from ..interrupts import single_threaded
from ..protocol import DatabaseSession
from .create_postgresql import quoted
from .dumping import Blocked
from .peers_postgresql import sessions_on

#: How long PostgreSQL's names may be, in bytes.
LONGEST = 63
#: How often those who came in meanwhile are ended, in seconds.
EVERY = 0.2
#: What stands between the name of a database and the moment: of one that is being loaded, of one replaced.
NEW, KEPT = "_djmig_new_", "_djmig_"
STAMP = "%Y%m%dT%H%M%S"
_IN_USE = "55006"


@contextlib.contextmanager
def maintenance(connection: Any) -> Iterator[Any]:
    """Yield a cursor on another database of the server, as the same user."""
    with connection._nodb_cursor() as cursor:
        yield cursor


def name_beside(cursor: Any, live: str, between: str) -> str:
    """Return a name that is not taken: two restores may end in one second."""
    moment = datetime.datetime.now(datetime.timezone.utc)
    while True:
        stamp = moment.strftime(STAMP)
        name = cut(live, LONGEST - len(between) - len(stamp)) + between + stamp
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if cursor.fetchone() is None:
            return name
        moment += datetime.timedelta(seconds=1)


def cut(name: str, size: int) -> str:
    """Return what fits of a name, which no other name that is as long begins with too."""
    encoded = name.encode("utf-8")
    if len(encoded) <= size:
        return name
    digest = hashlib.sha256(encoded).hexdigest()[:8]
    return encoded[: size - len(digest)].decode("utf-8", "ignore") + digest


def names_beside(live: str, between: str) -> str:
    """Return the regular expression of the names that `name_beside` makes for a database."""
    room = LONGEST - len(between) - len("20260301T120000")
    return "^%s%s[0-9]{8}T[0-9]{6}$" % (re.escape(cut(live, room)), between)


def change_places(connection: Any, live: str, new: str, end_others: bool) -> str:
    """Rename `live` to what is returned and `new` to `live`, both or none. Raises `Blocked`."""
    with connection.cursor() as cursor:
        kept_name = name_beside(cursor, live, KEPT)
    databases.discard(connection)
    with maintenance(connection) as cursor:
        others = sessions_on(cursor, live)
        if others and not end_others:
            raise Blocked(others)
        _end(cursor, others)
        # While a rename waits for the last one to leave nobody new is let in: whoever came in between
        # is ended from the side meanwhile.
        over = threading.Event()
        ending = threading.Thread(target=_go_on_ending, args=(connection, live, over), daemon=True)
        if end_others and not single_threaded():
            ending.start()
        try:
            if not _renamed(cursor, live, new, kept_name):
                raise Blocked(sessions_on(cursor, live))
        finally:
            over.set()
            if ending.is_alive():
                ending.join()
    return kept_name


def _go_on_ending(connection: Any, live: str, over: threading.Event) -> None:
    try:
        with maintenance(connection) as cursor:
            while not over.wait(EVERY):
                _end(cursor, sessions_on(cursor, live))
    except Error as error:  # a session that is not ours to end: the rename tells who is there
        sys.stderr.write("djmig-tui: sessions cannot be ended: %s\n" % error)


def _end(cursor: Any, others: List[DatabaseSession]) -> None:
    for each in others:
        cursor.execute("SELECT pg_terminate_backend(%s)", [int(each.id)])


def _renamed(cursor: Any, live: str, new: str, kept_name: str) -> bool:
    """Change both names in one transaction; False if somebody is connected again."""
    cursor.execute("BEGIN")
    try:
        cursor.execute("ALTER DATABASE %s RENAME TO %s" % (quoted(live), quoted(kept_name)))
        cursor.execute("ALTER DATABASE %s RENAME TO %s" % (quoted(new), quoted(live)))
        cursor.execute("COMMIT")
    except Error as error:
        cursor.execute("ROLLBACK")
        cause = error.__cause__
        if getattr(cause, "sqlstate", getattr(cause, "pgcode", None)) != _IN_USE:
            raise
        return False
    return True
