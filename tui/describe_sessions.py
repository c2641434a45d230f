"""Says in words who else is on a database, and who holds the lock that was waited for."""

from __future__ import annotations

from collections.abc import Iterable

from textual.content import Content

from djmig_tui.protocol import DatabaseSession, Sessions

from .describe import section
from .text import count, one_line, sentence, when

_MUTED = "$foreground 60%"
#: So many are named; the rest is a number.
_NAMED = 8


def session_lines(sessions: Iterable[DatabaseSession]) -> list[Content]:
    """Return one line for each session: what it is, since when it holds something, its query."""
    return [_line(one) for one in sessions]


def in_words(session: DatabaseSession) -> str:
    """Return one session as a phrase: what to look for, and on whose desk."""
    who = ", ".join(one_line(word, 80) for word in (session.user, session.program) if word)
    return f"session {one_line(session.id)}" + (f" ({who})" if who else "")


def others_on_it(sessions: Sessions | None) -> list[Content]:
    """Return the section on the other sessions of a database; nothing while they are not known."""
    if sessions is None:
        return []
    found = sessions.sessions
    lines = session_lines(found[:_NAMED])
    if len(found) > _NAMED:
        lines.append(Content.styled(f"  and {len(found) - _NAMED:,} more", _MUTED))
    if sessions.why_not:
        lines.append(Content.styled(one_line(sentence(sessions.why_not), 400), _MUTED))
    title = f"{count(len(found), 'other session')} on this database" if found else "Others on this database"
    return section(title, lines)


def _line(session: DatabaseSession) -> Content:
    name = one_line(session.program or session.user or "a program", 60)
    who = ", ".join(
        part
        for part in (
            f"pid {one_line(session.id, 20)}" if session.id else "",
            f"user {one_line(session.user, 40)}" if session.user and session.program else "",
        )
        if part
    )
    state = one_line(session.state, 40)
    since = f" since {when(session.since)}" if session.since else ""
    query = f": {one_line(session.query, 200)}" if session.query else ""
    return Content.assemble(
        ("● ", "$accent"), (name, "bold"), f" ({who})" if who else "", f", {state}" if state else "",
        since, (query, _MUTED),
    )  # fmt: skip
