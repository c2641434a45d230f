"""What comes before kept rows are put back, and how it is told: for screens and commands for scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from djmig_tui.protocol import Database, History, LoadHistory, RowsMatched, ScanHistory

from . import kept_rows
from .describe import bullets, section
from .describe_kept import joined, kinds
from .engine.api import OnProgress
from .engine.errors import Failed, Refused
from .store import KeptEntry, StateStore
from .text import count, one_line

if TYPE_CHECKING:
    from .session import Session

#: How many migrations are named before the rest is counted.
NAMED = 3

NOTHING_DROPPED = (
    "That run was cut off and has dropped nothing, by the records: there is nothing to put back."
)
NONE = "None of what is kept can be put back."


def settled(state: StateStore, database: Database, history: History, entry: KeptEntry) -> KeptEntry | None:
    """Return what is kept of a run that was cut off, by what the records say of it; None if nothing is."""
    state.settle_kept(database, history)
    return next((one for one in state.kept() if one.id == entry.id), None)


async def expect_applied(session: Session, entry: KeptEntry) -> KeptEntry:
    """Return kept rows whose migration is applied again: as they are once it is certain what was dropped.

    Raises `Refused` with the next step where it is not applied, any other `EngineError` where that
    cannot be told.
    """
    database = session.database_of(entry.database)
    if database is None:
        raise Refused(f"The project has no database {entry.database} any more, and that is whose it was.")
    if entry.certain:
        history = await session.engine.scan_history(ScanHistory(entry.database))
    else:
        history = await session.engine.load_history(LoadHistory(entry.database))
        found = settled(session.state, database, history, entry)
        if found is None:
            raise Refused(NOTHING_DROPPED)
        entry = found
    unknown = next((one.message for one in history.problems if one.kind == "database"), None)
    if unknown is not None:
        raise Failed(unknown)
    if not kept_rows.to_put_back([entry], history):
        raise Refused(_not_applied(entry, session.database))
    return entry


def _not_applied(entry: KeptEntry, shown: str) -> str:
    names = ", ".join(entry.steps[:NAMED]) or entry.reason
    more = len(entry.steps) - NAMED
    names += f" and {more} more" if more > 0 else ""
    is_not = "is not" if len(entry.steps) < 2 else "are not"
    turn = "" if entry.database == shown else f"look at {entry.database} with A, "
    return (
        f"{names} {is_not} applied on {entry.database}, so there is no place for what was kept. "
        f"Leave with Esc, {turn}migrate forward with m, then come back here."
    )


async def put_back(session: Session, entry: KeptEntry, on_progress: OnProgress | None = None) -> RowsMatched:
    """Put back what matches; nobody takes the engine away meanwhile. Raises `EngineError`."""
    session.running = True
    try:
        return await kept_rows.put_back(session.engine, session.state, entry, on_progress)
    finally:
        session.running = False
        session.forget()  # how many rows there are


# ------------------------------------------------------------------ in words
def all_there(found: RowsMatched) -> bool:
    """Whether all of it is there already, which is what was asked for."""
    rows = all(part.there == part.rows for part in found.parts)
    return rows and all(each.there for each in found.definitions)


def why_none(found: RowsMatched) -> str:
    """Return why nothing of it can be put back."""
    if all_there(found):
        return "All of what is kept is there already."
    reasons = [part.why_not for part in found.parts] + [each.why_not for each in found.definitions]
    return next(filter(None, reasons), NONE)


def number(found: RowsMatched) -> str:
    """Return how many match, or were put back."""
    rows = sum(part.match for part in found.parts)
    made = [each.kind for each in found.definitions if each.match]
    said = [count(rows, "kept row or value", "kept rows and values")] if rows or not made else []
    return joined([*said, *kinds(made)])


def result(entry: KeptEntry, done: RowsMatched) -> str:
    """Return in a sentence what was put back."""
    kept = entry.rows + len(entry.definitions)
    rest = kept - kept_rows.matching(done)
    why = f"; {rest:,} of {kept:,} were not: the list says why" if rest else ""
    return f"Put back {number(done)}{why}."


def told(title: str, found: RowsMatched, *, done: bool = False) -> list[Content]:
    """Return a section on each part: what matches, or was put back, and why the rest was not."""
    lines = [one_line(line, 500) for line in kept_rows.all_in_words(found, done)]
    return section(title, bullets(lines))
