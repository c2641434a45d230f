"""Puts a dump in the place of a PostgreSQL database: beside it, then swapped by two renames; or in place."""

import contextlib
import datetime
import hashlib
import re
import subprocess
import sys
import threading
import time
from typing import Any, Iterator, List, Tuple

from django.db import Error

from .. import databases
from ..errors import FailedError, Refusal
from ..interrupts import single_threaded
from ..lookout import Lookout
from ..protocol import DatabaseSession, KeptDatabase, RestoreFinished, TableRows
from . import tools_postgresql as tools
from .create_postgresql import create_like, quoted
from .dumping import Blocked, Stopped, Way, count_rows, differing
from .in_place_postgresql import restore_in_place
from .peers_postgresql import sessions_on
from .tables_postgresql import tables

#: How long PostgreSQL's names may be, in bytes.
LONGEST = 63
#: How long those who were asked to end are waited for, in seconds.
PATIENCE = 5.0
#: How often it is looked whether a load is to stop, in seconds.
EVERY = 0.2
_NEW, _KEPT = "_djmig_new_", "_djmig_"
_STAMP = "%Y%m%dT%H%M%S"
_IN_USE = "55006"
#: What pg_restore says where this user may not give things to others.
_NOT_OURS = re.compile(
    r"must be (able to SET ROLE|member of role|owner of)|role .* does not exist|permission denied"
)


def preview(connection: Any) -> Way:
    """Return how a restore would be done. Changes nothing."""
    with connection.cursor() as cursor:
        live = _current(cursor)
        if _may_replace(cursor):
            return Way(
                False,
                "The backup is loaded into a new database beside %s, its rows are compared, and both change"
                " their names in one transaction; what is there now is kept." % live,
            )
        return Way(
            True,
            "This user may not make a database beside %s, so tables that the backup does not have are"
            " dropped, and the rest is loaded in their place, all in one transaction. Nothing of now is kept."
            % live,
            ("What is loaded has this user as its owner, and grants are left out.",),
        )


def restore(connection: Any, path: str, request: Any, call: Any) -> RestoreFinished:
    """Put the dump at `path` in the place of the database."""
    from .dump_postgresql import check

    call.progress(0, 0, "Reading the backup")
    check(path, connection)
    try:
        with connection.cursor() as cursor:
            beside = _may_replace(cursor)
        if beside:
            return _beside(connection, path, request, call)
        return restore_in_place(connection, path, request, call)
    except Blocked as blocked:
        return blocked.finished()
    except Stopped:
        return RestoreFinished(False, error="Stopped. Nothing was replaced.")


def recreate(connection: Any, end_others: bool, call: Any) -> RestoreFinished:
    """Put a new, empty database in the place of this one, which is kept under another name."""
    with connection.cursor() as cursor:
        if not _may_replace(cursor):
            raise Refusal(
                "This user may not create databases: ask for the right (ALTER ROLE … CREATEDB), or roll back"
                " to zero instead."
            )
    try:
        with _new_database(connection) as (live, new):
            return RestoreFinished(True, kept=_change_places(connection, live, new, end_others))
    except Blocked as blocked:
        return blocked.finished()


def _current(cursor: Any) -> str:
    cursor.execute("SELECT current_database()")
    return str(cursor.fetchone()[0])


def _may_replace(cursor: Any) -> bool:
    """Return whether this user may create databases and rename this one."""
    cursor.execute(
        "SELECT r.rolsuper OR (r.rolcreatedb AND pg_has_role(d.datdba, 'MEMBER'))"
        " FROM pg_roles r, pg_database d WHERE r.rolname = current_user AND d.datname = current_database()"
    )
    return bool(cursor.fetchone()[0])


# -- beside
def _beside(connection: Any, path: str, request: Any, call: Any) -> RestoreFinished:
    notes: List[str] = []
    alone = Lookout(connection, True, lambda message: call.progress(0, 0, message))
    with alone, _new_database(connection) as (live, new):
        _load(connection, new, path, call, notes)
        call.progress(0, 0, "Comparing the rows")
        wrong = differing(request.tables, _rows_of(connection, new, call))
        if wrong:
            raise FailedError("The backup was loaded, but %s. Nothing was replaced." % "; ".join(wrong))
        if call.stopping:
            raise Stopped
        call.progress(0, 0, "Changing names")
        alone.close()  # its session, too, would keep the database from getting another name
        kept_name = _change_places(connection, live, new, request.end_others)
    return RestoreFinished(True, kept=kept_name, notes=tuple(notes))


@contextlib.contextmanager
def _new_database(connection: Any) -> Iterator[Tuple[str, str]]:
    """Yield (this database, a new one like it), which is dropped again if it is not used."""
    with connection.cursor() as cursor:
        live = _current(cursor)
        new = _name(cursor, live, _NEW)
    with _maintenance(connection) as cursor:
        _drop_leftovers(cursor, live)
        create_like(cursor, new, live)
    try:
        yield live, new
    except BaseException:
        with contextlib.suppress(Error), _maintenance(connection) as cursor:  # the next restore drops it
            cursor.execute("DROP DATABASE IF EXISTS %s" % quoted(new))
        raise


@contextlib.contextmanager
def _maintenance(connection: Any) -> Iterator[Any]:
    """Yield a cursor on another database of the server, as the same user."""
    with connection._nodb_cursor() as cursor:
        yield cursor


def _name(cursor: Any, live: str, between: str) -> str:
    """Return a name that is not taken: two restores may end in one second."""
    moment = datetime.datetime.now(datetime.timezone.utc)
    while True:
        stamp = moment.strftime(_STAMP)
        name = _cut(live, LONGEST - len(between) - len(stamp)) + between + stamp
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if cursor.fetchone() is None:
            return name
        moment += datetime.timedelta(seconds=1)


def _cut(name: str, size: int) -> str:
    """Return what fits of a name, which no other name that is as long begins with too."""
    encoded = name.encode("utf-8")
    if len(encoded) <= size:
        return name
    digest = hashlib.sha256(encoded).hexdigest()[:8]
    return encoded[: size - len(digest)].decode("utf-8", "ignore") + digest


def _like(live: str, between: str) -> str:
    """Return the regular expression of the names that `_name` makes for a database."""
    room = LONGEST - len(between) - len("20260301T120000")
    return "^%s%s[0-9]{8}T[0-9]{6}$" % (re.escape(_cut(live, room)), between)


def _drop_leftovers(cursor: Any, live: str) -> None:
    """Drop what restores that were killed had begun to load, where nobody loads it any more."""
    cursor.execute(
        "SELECT datname FROM pg_database d WHERE datname ~ %s"
        " AND NOT EXISTS (SELECT 1 FROM pg_stat_activity a WHERE a.datid = d.oid)",
        [_like(live, _NEW)],
    )
    for (name,) in cursor.fetchall():
        cursor.execute("DROP DATABASE IF EXISTS %s" % quoted(name))


def _load(connection: Any, database: str, path: str, call: Any, notes: List[str]) -> None:
    try:
        _run(connection, database, path, call)
    except FailedError as error:
        if not _NOT_OURS.search(error.detail):
            raise
        # An empty database again: what was loaded so far stands.
        _run(connection, database, path, call, "--clean", "--if-exists", "--no-owner", "--no-acl")
        notes.append(
            "All of it belongs to this user now, and grants were left out: it may not give things to others."
        )


def _run(connection: Any, database: str, path: str, call: Any, *options: str) -> None:
    tool = tools.command(connection, "pg_restore", "--exit-on-error", *options, database=database)
    env = tools.environment(connection, PGOPTIONS="-c lock_timeout=%d" % int(PATIENCE * 1000))
    begun = time.monotonic()
    with tools.at_work([*tool, path], env) as child:
        while True:
            try:
                child.process.wait(EVERY)
                break
            except subprocess.TimeoutExpired:
                call.progress(0, 0, "Loading the backup: %d s" % (time.monotonic() - begun))
            if call.stopping:
                raise Stopped
        child.end()


def _rows_of(connection: Any, database: str, call: Any) -> Tuple[TableRows, ...]:
    other = connection.copy(connection.alias)
    other.settings_dict = dict(connection.settings_dict, NAME=database)
    try:
        with other.cursor() as cursor:

            def execute(sql: str) -> Any:
                cursor.execute(sql)
                return cursor.fetchone()

            return count_rows(execute, tables(cursor), call)
    finally:
        databases.discard(other)


def _change_places(connection: Any, live: str, new: str, end_others: bool) -> str:
    """Rename `live` to what is returned and `new` to `live`, both or none. Raises `Blocked`."""
    with connection.cursor() as cursor:
        kept_name = _name(cursor, live, _KEPT)
    databases.discard(connection)
    with _maintenance(connection) as cursor:
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
        with _maintenance(connection) as cursor:
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


# -- what is kept
def kept(connection: Any) -> Tuple[KeptDatabase, ...]:
    """Return the databases that restores replaced and that are still there, the newest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT datname, CASE WHEN has_database_privilege(oid, 'CONNECT') THEN pg_database_size(oid) END"
            " FROM pg_database WHERE datname ~ %s ORDER BY right(datname, 15) DESC",
            [_like(_current(cursor), _KEPT)],
        )
        return tuple(KeptDatabase(name, _moment(name), size) for name, size in cursor.fetchall())


def _moment(name: str) -> str:
    moment = datetime.datetime.strptime(name[-15:], _STAMP).replace(tzinfo=datetime.timezone.utc)
    return moment.isoformat()


def drop_kept(connection: Any, name: str) -> None:
    """Drop a database that was replaced. Raises `Refusal` for any other."""
    _refuse_other(connection, name)
    with _maintenance(connection) as cursor:
        cursor.execute("DROP DATABASE %s" % quoted(name))


def swap_kept(connection: Any, name: str, request: Any, call: Any) -> RestoreFinished:
    """Put a database that was replaced back in its place; the present one is kept in its stead."""
    _refuse_other(connection, name)
    with connection.cursor() as cursor:
        live = _current(cursor)
    try:
        return RestoreFinished(True, kept=_change_places(connection, live, name, request.end_others))
    except Blocked as blocked:
        return blocked.finished()


def _refuse_other(connection: Any, name: str) -> None:
    if name not in {each.name for each in kept(connection)}:
        raise Refusal("%s is not a database that was replaced by a restore of this one." % name)
