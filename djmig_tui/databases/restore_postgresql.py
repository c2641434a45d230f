"""Puts a dump in the place of a PostgreSQL database: beside it, then swapped by two renames; or in place."""

import contextlib
import datetime
import re
import subprocess
import time
from typing import Any, Iterator, List, Tuple

from django.db import Error

from .. import databases
from ..errors import FailedError, Refusal
from ..lookout import Lookout
from ..protocol import DatabaseSession, KeptDatabase, RestoreFinished, TableRows
from . import tools_postgresql as tools
from .create_postgresql import create_like, quoted
from .dumping import Blocked, Way, count_rows, differing
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
            " dropped, and the rest is loaded in their place in one transaction. Nothing of now is kept."
            % live,
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
        return _in_place(connection, path, request, call)
    except Blocked as blocked:
        return blocked.finished()
    except _Stopped:
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


class _Stopped(Exception):
    """Asked to stop before anything was replaced."""


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
            raise _Stopped
        call.progress(0, 0, "Changing names")
        alone.close()  # its session, too, would keep the database from getting another name
        kept_name = _change_places(connection, live, new, request.end_others)
    return RestoreFinished(True, kept=kept_name, notes=tuple(notes))


@contextlib.contextmanager
def _new_database(connection: Any) -> Iterator[Tuple[str, str]]:
    """Yield (this database, a new one like it), which is dropped again if it is not used."""
    with connection.cursor() as cursor:
        live = _current(cursor)
    new = _name(live, _NEW)
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


def _name(live: str, between: str) -> str:
    stamp = datetime.datetime.now(datetime.timezone.utc).strftime(_STAMP)
    room = LONGEST - len(between) - len(stamp)
    return _cut(live, room) + between + stamp


def _cut(name: str, size: int) -> str:
    return name.encode("utf-8")[:size].decode("utf-8", "ignore")


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
                raise _Stopped
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
    kept_name = _name(live, _KEPT)
    databases.discard(connection)
    deadline = time.monotonic() + PATIENCE
    while True:
        with _maintenance(connection) as cursor:
            others = sessions_on(cursor, live)
            if others and not end_others:
                raise Blocked(others)
            _end(cursor, others)
            if _renamed(cursor, live, new, kept_name):
                return kept_name
            if time.monotonic() > deadline:
                raise Blocked(sessions_on(cursor, live))
        time.sleep(EVERY)


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


# -- in place
def _in_place(connection: Any, path: str, request: Any, call: Any) -> RestoreFinished:
    notes: List[str] = []
    with connection.cursor() as cursor, Lookout(connection, True, lambda message: None):
        live = _current(cursor)
        if call.stopping:
            raise _Stopped
        if request.tables:  # else nobody knows what is in the backup
            claimed = {each.table for each in request.tables}
            extra = [(name, sql) for name, sql in tables(cursor) if name not in claimed]
            cursor.execute("SET lock_timeout = %d" % int(PATIENCE * 1000))
            if extra:
                cursor.execute("DROP TABLE %s CASCADE" % ", ".join(sql for _, sql in extra))
                notes.append(
                    "Dropped, since the backup does not have them: %s." % ", ".join(n for n, _ in extra)
                )
        options = ("--clean", "--if-exists", "--single-transaction", "--no-owner", "--no-acl")
        _run(connection, live, path, call, *options)
        call.progress(0, 0, "Comparing the rows")
        wrong = differing(request.tables, _rows_of(connection, live, call))
    if wrong:
        notes.append("The rows are not all as the backup claims: %s." % "; ".join(wrong))
    return RestoreFinished(True, notes=tuple(notes))


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
