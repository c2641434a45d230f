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
from ..protocol import KeptDatabase, RestoreFinished, TableRows
from . import tools_postgresql as tools
from .create_postgresql import create_like, quoted
from .dumping import Blocked, Stopped, Way, count_rows, differing
from .frame_postgresql import copy_frame
from .in_place_postgresql import restore_in_place
from .swap_postgresql import KEPT, NEW, STAMP, change_places, maintenance, name_beside, names_beside
from .tables_postgresql import tables

#: How long a lock is waited for, in seconds.
PATIENCE = 5.0
#: How often it is looked whether a load is to stop, in seconds.
EVERY = 0.2
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
            copy_frame(connection, new)
            return RestoreFinished(True, kept=change_places(connection, live, new, end_others))
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
        kept_name = change_places(connection, live, new, request.end_others)
    return RestoreFinished(True, kept=kept_name, notes=tuple(notes))


@contextlib.contextmanager
def _new_database(connection: Any) -> Iterator[Tuple[str, str]]:
    """Yield (this database, a new one like it), which is dropped again if it is not used."""
    with connection.cursor() as cursor:
        live = _current(cursor)
        new = name_beside(cursor, live, NEW)
    with maintenance(connection) as cursor:
        _drop_leftovers(cursor, live)
        create_like(cursor, new, live)
    try:
        yield live, new
    except BaseException:
        with contextlib.suppress(Error), maintenance(connection) as cursor:  # the next restore drops it
            cursor.execute("DROP DATABASE IF EXISTS %s" % quoted(new))
        raise


def _drop_leftovers(cursor: Any, live: str) -> None:
    """Drop what restores that were killed had begun to load, where nobody loads it any more."""
    cursor.execute(
        "SELECT datname FROM pg_database d WHERE datname ~ %s"
        " AND NOT EXISTS (SELECT 1 FROM pg_stat_activity a WHERE a.datid = d.oid)",
        [names_beside(live, NEW)],
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


# -- what is kept
def kept(connection: Any) -> Tuple[KeptDatabase, ...]:
    """Return the databases that restores replaced and that are still there, the newest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT datname, CASE WHEN has_database_privilege(oid, 'CONNECT') THEN pg_database_size(oid) END"
            " FROM pg_database WHERE datname ~ %s ORDER BY right(datname, 15) DESC",
            [names_beside(_current(cursor), KEPT)],
        )
        return tuple(KeptDatabase(name, _moment(name), size) for name, size in cursor.fetchall())


def _moment(name: str) -> str:
    moment = datetime.datetime.strptime(name[-15:], STAMP).replace(tzinfo=datetime.timezone.utc)
    return moment.isoformat()


def drop_kept(connection: Any, name: str) -> None:
    """Drop a database that was replaced. Raises `Refusal` for any other."""
    _refuse_other(connection, name)
    with maintenance(connection) as cursor:
        cursor.execute("DROP DATABASE %s" % quoted(name))


def swap_kept(connection: Any, name: str, request: Any, call: Any) -> RestoreFinished:
    """Put a database that was replaced back in its place; the present one is kept in its stead."""
    _refuse_other(connection, name)
    with connection.cursor() as cursor:
        live = _current(cursor)
    try:
        return RestoreFinished(True, kept=change_places(connection, live, name, request.end_others))
    except Blocked as blocked:
        return blocked.finished()


def _refuse_other(connection: Any, name: str) -> None:
    if name not in {each.name for each in kept(connection)}:
        raise Refusal("%s is not a database that was replaced by a restore of this one." % name)
