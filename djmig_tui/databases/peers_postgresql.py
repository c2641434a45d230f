"""Other sessions on a PostgreSQL database: who they are, who blocks us, and one run at a time."""

import datetime
from typing import Any, List, Optional, Sequence, Tuple

from ..protocol import DatabaseSession

#: A second connection beside a run can see and claim things.
BESIDE = True
#: The advisory lock of one run at a time; advisory locks belong to one database. "djmig" in ASCII.
CLAIM = 0x646A6D6967

_SESSION = (
    "SELECT pid, usename, application_name, host(client_addr), state, query,"
    " CASE WHEN state = 'idle' THEN state_change ELSE coalesce(xact_start, query_start) END"
    " FROM pg_stat_activity WHERE "
)
#: Not the server's own. Of another user's session its kind may be hidden, not who it is.
_CLIENT = "usesysid IS NOT NULL AND coalesce(backend_type, 'client backend') = 'client backend'"


def sessions(connection: Any) -> Tuple[List[DatabaseSession], Optional[str]]:
    """Return the other sessions on the same database, and why they cannot all be told."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(_SESSION + "datname = current_database() AND pid <> pg_backend_pid() AND " + _CLIENT)
        found = [_session(row) for row in cursor.fetchall()]
    hidden = any(each.query == "<insufficient privilege>" for each in found)
    return found, "What sessions of other users do cannot be seen by this user." if hidden else None


def sessions_on(cursor: Any, database: str) -> List[DatabaseSession]:
    """Return the sessions on another database of the server than that of `cursor`."""
    cursor.execute("SELECT pg_stat_clear_snapshot()")
    cursor.execute(_SESSION + "datname = %s AND pid <> pg_backend_pid() AND " + _CLIENT, [database])
    return [_session(row) for row in cursor.fetchall()]


def session_id(connection: Any) -> int:
    """Return the number of this session on the server, asked of the server: a pooler has its own idea."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def blocking(connection: Any, waiting: int) -> List[DatabaseSession]:
    """Return who holds the lock that the session `waiting` waits for; nobody if it does not wait."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # inside a transaction it would never change
        # pg_blocking_pids stops the lock manager for a moment: only asked while we do wait.
        cursor.execute(
            "SELECT pg_blocking_pids(pid) FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'",
            [waiting],
        )
        row = cursor.fetchone()
        return _named(cursor, row[0]) if row and row[0] else []


def claim(connection: Any) -> bool:
    """Take the lock of one run at a time and return whether it was free.

    It is held by a transaction that stays open: behind a pooler that hands out a server session
    per transaction, a lock of the session would stay there when we are gone.
    """
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [CLAIM])
        return bool(cursor.fetchone()[0])


def claimed_by(connection: Any) -> List[DatabaseSession]:
    """Return the session that holds the lock of one run at a time."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            " AND (classid::bigint << 32) + objid::bigint = %s",
            [CLAIM],
        )
        return _named(cursor, [row[0] for row in cursor.fetchall()])


def end(connection: Any, session: int) -> None:
    """End a session of ours that does not listen any more; its transaction is rolled back."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [session])


def waited_for_lock(error: BaseException) -> bool:
    """Return whether `error` is that of a lock that did not come in time."""
    return getattr(error, "sqlstate", getattr(error, "pgcode", None)) == "55P03"


def _named(cursor: Any, pids: Sequence[int]) -> List[DatabaseSession]:
    cursor.execute(_SESSION + "pid = ANY(%s)", [list(pids)])
    named = [_session(row) for row in cursor.fetchall()]
    # A prepared transaction holds locks without a session; it is given as 0.
    return named + [DatabaseSession("0", "", "", "prepared transaction")] * (0 in pids)


def _session(row: Sequence[Any]) -> DatabaseSession:
    pid, user, program, host, state, query, since = row
    at: Optional[datetime.datetime] = since
    return DatabaseSession(
        id=str(pid),
        user=user or "",
        program=" ".join(word for word in (program, "from %s" % host if host else "") if word),
        state=state or "",
        query=query or "",
        since=None if at is None else at.isoformat(),
    )
