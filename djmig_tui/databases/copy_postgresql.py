"""A copy of a PostgreSQL database for one rehearsal: made beside it, known by its name, and dropped again.

Whoever uses a copy holds an advisory lock whose number is in its name. What is called so, says so in
its comment, and is locked by nobody was left behind by a process that was killed.
"""

import contextlib
import os
import secrets
import shutil
from typing import Any, Iterator, List, Optional

from django.db import Error

from .. import databases
from ..errors import FailedError, NoCopy
from . import tools_postgresql as tools
from .create_postgresql import literal, quoted
from .fill_postgresql import create, elsewhere, fill
from .swap_postgresql import LONGEST, cut

#: A larger database is not copied, in bytes: its server's disk is not ours to fill.
LARGEST = 2 << 30
#: The disk must have room for so many times its size: a step writes tables anew.
ROOM = 3
#: What stands in the name of a copy before the number of its lock, and what its comment begins with.
BETWEEN = "_djmig_copy_"
MARK = "djmig-tui: a copy for a rehearsal"
#: The first number of the lock; "djmg" in ASCII. The second one is in the name.
LOCK = 0x646A6D67
#: How often a copy is tried to be dropped: a cancel meant for a statement before may hit.
TRIES = 3


def why_not(connection: Any, dumped: bool) -> Optional[str]:
    """Return the clause why no copy can be made, None if nothing is known against it.

    `dumped` says that others are connected: only a dump can be taken then.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT r.rolsuper OR (r.rolcreatedb AND pg_has_role(d.datdba, 'MEMBER')),"
            " pg_database_size(d.oid),"
            " (SELECT string_agg(srvname, ', ') FROM pg_foreign_server),"
            " (SELECT setting FROM pg_settings WHERE name = 'data_directory')"
            " FROM pg_roles r, pg_database d"
            " WHERE r.rolname = current_user AND d.datname = current_database()"
        )
        may_create, size, foreign, directory = cursor.fetchone()
    if not may_create:
        return "this user may not create a database like it (ALTER ROLE … CREATEDB gives the right)"
    if size > LARGEST:
        return "it has %d MB, and no more than %d MB are copied" % (size >> 20, LARGEST >> 20)
    if foreign:
        return "its foreign tables (%s) would lead from the copy to the same place" % foreign
    free = _free(connection, directory)
    if free is not None and size * ROOM > free:
        return "it has %d MB, and the server's disk has only %d MB free" % (size >> 20, free >> 20)
    missing = tools.why_not(connection) if dumped else None
    return None if missing is None else missing[:1].lower() + missing[1:].rstrip(".")


def _free(connection: Any, directory: Optional[str]) -> Optional[int]:
    """Return the bytes that are free where the server keeps its data, None if that is not seen from here."""
    host = str(connection.settings_dict.get("HOST") or "")
    if not directory or not (host in {"", "localhost", "127.0.0.1", "::1"} or host.startswith("/")):
        return None
    try:
        return shutil.disk_usage(directory).free if os.path.isdir(directory) else None
    except OSError:
        return None


@contextlib.contextmanager
def copied(connection: Any, call: Any, notes: List[str]) -> Iterator[str]:
    """Yield the name of a copy of the database behind `connection`, which is closed; drop it afterwards.

    A copy that cannot be dropped goes into `notes`. Raises `NoCopy` if none can be made.
    """
    try:
        keeper = elsewhere(connection)
    except Error as error:
        raise NoCopy("the server's database postgres cannot be reached: %s" % words(error)) from error
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_database(), pg_database_size(current_database()), pg_backend_pid()"
            )
            live, size, own = cursor.fetchone()
        name = _claimed(keeper, live)
        try:
            try:
                call.progress(0, 0, "Copying the database: %d MB" % (size >> 20))
                if not _made(connection, name, live, own):
                    fill(connection, name, size, call)
            except (Error, FailedError) as error:
                raise NoCopy("making it failed: %s" % words(error)) from error
            yield name
        finally:
            left = _dropped(connection, name)
            if left is not None:
                notes.append(left)
    finally:
        databases.discard(keeper)


def _claimed(keeper: Any, live: str) -> str:
    """Return the name of a copy, having taken its lock.

    A transaction that stays open holds it, as behind a pooler one of the session would not be ours.
    """
    with keeper.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        while True:
            number = secrets.randbits(31)
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [LOCK, number])
            if cursor.fetchone()[0]:
                return "%s%s%08x" % (cut(live, LONGEST - len(BETWEEN) - 8), BETWEEN, number)


def _made(connection: Any, name: str, live: str, own: int) -> bool:
    """Create the copy and say in its comment that it is one; return whether the content is in it."""
    databases.discard(connection)  # ours, too, would keep the server from copying it
    databases.discard_all()
    maker = elsewhere(connection)
    try:
        with maker.cursor() as cursor:
            full = create(cursor, name, live, own)
            comment = "%s of %s. Where none is under way it may be dropped." % (MARK, live)
            cursor.execute("COMMENT ON DATABASE %s IS %s" % (quoted(name), literal(comment)))
            return full
    finally:
        databases.discard(maker)


def _dropped(connection: Any, name: str) -> Optional[str]:
    """Drop a copy, with whoever is still connected; return a sentence if that cannot be done."""
    why = ""
    for _ in range(TRIES):
        try:
            dropper = elsewhere(connection)
        except Error as error:
            why = words(error)
            continue
        databases.spare(dropper)  # what is cancelled is the rehearsal, not this
        try:
            with dropper.cursor() as cursor:
                _drop(cursor, name)
                return None
        except Error as error:
            why = words(error)
        finally:
            databases.discard(dropper)
    return "The copy %s could not be dropped (%s): the next rehearsal tries again." % (name, why)


def _drop(cursor: Any, name: str) -> None:
    cursor.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = %s AND pg_has_role(usesysid, 'MEMBER')",  # the server ends its own workers
        [name],
    )
    cursor.execute("DROP DATABASE IF EXISTS %s" % quoted(name))


def sweep(connection: Any) -> List[str]:
    """Drop the copies that were left behind; return a sentence for each that does not say it is one.

    A copy is made after its lock is taken and gone before that is given back, and its name is never
    used again: one without a lock stays without.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT datname, coalesce(starts_with(shobj_description(oid, 'pg_database'), %s), false)"
            " FROM pg_database d WHERE datname ~ %s AND pg_has_role(datdba, 'MEMBER')"
            " AND NOT EXISTS (SELECT 1 FROM pg_stat_activity a WHERE a.datid = d.oid)"
            " AND NOT EXISTS (SELECT 1 FROM pg_locks l WHERE l.locktype = 'advisory' AND l.objsubid = 2"
            " AND l.classid = %s AND l.objid::bigint = ('x' || right(datname, 8))::bit(32)::bigint)",
            [MARK, BETWEEN + "[0-9a-f]{8}$", LOCK],
        )
        found = cursor.fetchall()
    notes = []
    for name, ours in found:
        note = _dropped(connection, name) if ours else None
        if not ours:
            note = (
                "The database %s is called like a copy of ours, but has no comment that says so: drop it"
                " yourself if it is one." % name
            )
        if note is not None:
            notes.append(note)
    return notes


def words(error: BaseException) -> str:
    """Return what the database or a tool said, as a clause."""
    return " ".join(str(error).split()).rstrip(".")
