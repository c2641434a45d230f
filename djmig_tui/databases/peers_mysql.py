"""Other sessions on a MySQL or MariaDB database: who they are, who blocks us, and one run at a time."""

import datetime
import hashlib
from dataclasses import replace
from typing import Any, List, Optional, Sequence, Tuple

from ..protocol import DatabaseSession

#: A second connection beside a run can see and claim things.
BESIDE = True

_SESSION = (
    "SELECT p.id, p.user, p.host, p.command, p.state, p.info, {started}"
    " FROM information_schema.processlist p {join} WHERE "
)
_PLAIN = _SESSION.format(started="unix_timestamp() - p.time", join="")
#: Needs the privilege PROCESS.
_WITH_TRANSACTIONS = _SESSION.format(
    started="coalesce(unix_timestamp(t.trx_started), unix_timestamp() - p.time)",
    join="LEFT JOIN information_schema.innodb_trx t ON t.trx_mysql_thread_id = p.id",
)

#: Who holds what the session waits for, the best source first: each server has only some of them.
_HOLDERS = (
    # Row locks: MySQL, then MariaDB.
    (
        "SELECT b.processlist_id FROM performance_schema.data_lock_waits w"
        " JOIN performance_schema.threads b ON b.thread_id = w.blocking_thread_id"
        " JOIN performance_schema.threads a ON a.thread_id = w.requesting_thread_id"
        " WHERE a.processlist_id = %s"
    ),
    (
        "SELECT b.trx_mysql_thread_id FROM information_schema.innodb_lock_waits w"
        " JOIN information_schema.innodb_trx a ON a.trx_id = w.requesting_trx_id"
        " JOIN information_schema.innodb_trx b ON b.trx_id = w.blocking_trx_id"
        " WHERE a.trx_mysql_thread_id = %s"
    ),
    # Locks of tables: MySQL, then MariaDB with its plugin metadata_lock_info.
    (
        "SELECT b.processlist_id FROM performance_schema.metadata_locks w"
        " JOIN performance_schema.metadata_locks g ON g.object_type = w.object_type"
        " AND g.object_schema = w.object_schema AND g.object_name = w.object_name"
        " AND g.lock_status = 'GRANTED'"
        " JOIN performance_schema.threads a ON a.thread_id = w.owner_thread_id"
        " JOIN performance_schema.threads b ON b.thread_id = g.owner_thread_id"
        " WHERE w.lock_status = 'PENDING' AND a.processlist_id = %s AND b.processlist_id <> a.processlist_id"
    ),
    (
        "SELECT DISTINCT g.thread_id FROM information_schema.metadata_lock_info g WHERE g.thread_id <> %s"
        " AND g.table_schema = database() AND g.lock_type = 'Table metadata lock'"
    ),
)
#: Where none of those tells: whoever has a transaction open, or a statement under way, in this database.
_PERHAPS = (
    (
        "SELECT p.id FROM information_schema.processlist p"
        " JOIN information_schema.innodb_trx t ON t.trx_mysql_thread_id = p.id"
        " WHERE p.id <> %s AND p.db = database()"
    ),
    (
        "SELECT p.id FROM information_schema.processlist p WHERE p.id NOT IN (%s, connection_id())"
        " AND p.db = database() AND p.command = 'Query'"
    ),
)
#: Everybody with this: that a statement waits, and not merely works.
_WAITS = (
    (
        "SELECT 1 FROM information_schema.processlist WHERE id = %s AND"
        " (state LIKE 'Waiting for%%lock' OR state LIKE 'Waiting for table%%')"
    ),
    "SELECT 1 FROM information_schema.innodb_trx WHERE trx_mysql_thread_id = %s AND trx_state = 'LOCK WAIT'",
)


def sessions(connection: Any) -> Tuple[List[DatabaseSession], Optional[str]]:
    """Return the other sessions on the same database, and why they cannot all be told."""
    condition = "p.db = database() AND p.id <> connection_id()"
    with connection.cursor() as cursor:
        found = _first(cursor, (_WITH_TRANSACTIONS + condition,), ())
        if found is not None:
            return [_session(row) for row in found], None
        cursor.execute(_PLAIN + condition)
        why_not = "Sessions of other users cannot be seen by this user: it lacks the privilege PROCESS."
        return [_session(row) for row in cursor.fetchall()], why_not


def session_id(connection: Any) -> int:
    """Return the number of this session on the server."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT connection_id()")
        return int(cursor.fetchone()[0])


def blocking(connection: Any, waiting: int) -> List[DatabaseSession]:
    """Return who holds the lock that the session `waiting` waits for; nobody if it does not wait."""
    with connection.cursor() as cursor:
        if not any(_first(cursor, (query,), [waiting]) for query in _WAITS):
            return []
        for query in _HOLDERS + _PERHAPS:
            rows = _first(cursor, (query,), [waiting])
            if rows:
                named = _named(cursor, [row[0] for row in rows])
                return [_perhaps(each) for each in named] if query in _PERHAPS else named
    return []


def _perhaps(session: DatabaseSession) -> DatabaseSession:
    return replace(session, state="%s, perhaps the one" % session.state)


def claim(connection: Any) -> bool:
    """Take the lock of one run at a time and return whether it was free. It ends with the session."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT get_lock(%s, 0)", [_claim(connection)])
        return bool(cursor.fetchone()[0])


def claimed_by(connection: Any) -> List[DatabaseSession]:
    """Return the session that holds the lock of one run at a time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT is_used_lock(%s)", [_claim(connection)])
        holder = cursor.fetchone()[0]
        return [] if holder is None else _named(cursor, [holder])


def end(connection: Any, session: int) -> None:
    """End a session of ours that does not listen any more."""
    with connection.cursor() as cursor:
        cursor.execute("KILL %d" % session)


def waited_for_lock(error: BaseException) -> bool:
    """Return whether `error` is that of a lock that did not come in time: of a table or of a row."""
    return bool(error.args) and error.args[0] == 1205


def _claim(connection: Any) -> str:
    # The names of these locks are the server's, not the database's, and short.
    name = str(connection.settings_dict["NAME"]).encode("utf-8", "surrogateescape")
    return "djmig-tui %s" % hashlib.sha256(name).hexdigest()[:32]


def _first(cursor: Any, queries: Sequence[str], params: Sequence[Any]) -> Optional[List[Any]]:
    """Return the rows of the first query that this server and this user can be asked, None if none."""
    from django.db import Error

    for query in queries:
        try:
            cursor.execute(query, list(params))
            return list(cursor.fetchall())
        except Error:  # no such view on this server, or no right to it
            continue
    return None


def _named(cursor: Any, ids: Sequence[int]) -> List[DatabaseSession]:
    condition = "p.id IN (%s)" % ", ".join(str(int(each)) for each in ids)
    found = _first(cursor, (_WITH_TRANSACTIONS + condition, _PLAIN + condition), ())
    return [_session(row) for row in found or ()]


def _session(row: Sequence[Any]) -> DatabaseSession:
    id, user, host, command, state, info, started = row
    return DatabaseSession(
        id=str(id),
        user=_text(user),
        program="from %s" % _text(host) if host else "",
        state=_text(state) or ("idle" if command == "Sleep" else _text(command)),
        query=_text(info),
        since=None if started is None else _iso(float(started)),
    )


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")


def _iso(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).isoformat()
