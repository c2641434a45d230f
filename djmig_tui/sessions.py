"""Who else is on the database: named before a run, and when a run waits for a lock."""

from typing import Any, Iterable, List, Tuple

from . import databases
from .protocol import DatabaseSession, ListSessions, Sessions

#: So much of a query is shown.
QUERY = 300


def list_sessions(session: Any, request: ListSessions, call: Any) -> Sessions:
    """Answer with the other sessions on the database, those with the longest transaction first.

    Raises what `databases.looking` raises.
    """
    connection = databases.looking(request.database)
    others, why_not = databases.peers(connection).sessions(connection)
    return Sessions(tuple(sorted(others, key=_order)), why_not)


def _order(session: DatabaseSession) -> Tuple[bool, bool, str]:
    """Sort what holds something before what is idle, then the oldest first."""
    return session.state == "idle", session.since is None, session.since or ""


def in_words(session: DatabaseSession) -> str:
    """Return one session as a clause: what to look for, and on whose desk."""
    who = ", ".join(word for word in (session.user, session.program) if word)
    text = "session %s" % session.id + (" (%s)" % who if who else "")
    if session.state:
        text += ", %s" % session.state
    if session.since:
        text += " since %s" % session.since
    query = " ".join(session.query.split())
    if query:
        text += ": %s" % (query if len(query) <= QUERY else query[: QUERY - 1] + "…")
    return text


def blocked_sentence(blockers: Iterable[DatabaseSession]) -> str:
    """Return who held the lock that was waited for, as a sentence; empty if nobody was seen."""
    named: List[str] = [in_words(each) for each in blockers]
    if not named:
        return ""
    return "The lock is held by %s." % "; and by ".join(named)
