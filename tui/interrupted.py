"""A run that the journal knows the beginning of but not the end: what the records say of it later."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone

from djmig_tui.protocol import History, Plan, Problem

from .store import JournalEntry, StateStore
from .text import count, one_line, when

#: Outcomes of journal entries: a run began; a run that had no end was looked into.
STARTED, INTERRUPTED = "started", "interrupted"
#: What the problem of a history is called.
KIND = "interrupted"

_RUNS = ("rollback", "migrate")
_SEPARATOR = ", "


def steps_of(plan: Plan) -> str:
    """Return a plan's steps as the journal keeps them when a run begins."""
    return _SEPARATOR.join(f"{step.app}.{step.name}" for step in plan.steps)


def unfinished(entries: Sequence[JournalEntry], database: str) -> JournalEntry | None:
    """Return the beginning of the last run on a database if nothing was written down after it."""
    runs = (one for one in reversed(entries) if one.database == database and one.action in _RUNS)
    last = next(runs, None)
    return last if last is not None and last.outcome == STARTED else None


def in_words(entry: JournalEntry, history: History) -> str:
    """Return what became of the run by the records, as sentences with the next step."""
    applied = {f"{app.label}.{one.name}" for app in history.apps for one in app.migrations if one.applied}
    keys = _keys(entry)
    done = [key for key in keys if (key in applied) == (entry.action == "migrate")]
    verb = "applied" if entry.action == "migrate" else "undone"
    if not done:
        stands = f"by the records none of its {count(len(keys), 'step')} is {verb}"
    elif len(done) == len(keys):
        stands = f"by the records all of it is {verb}: {count(len(keys), 'step')}"
    else:
        stands = f"by the records {len(done)} of {count(len(keys), 'step')} {_is(len(done))} {verb}"
    where = next((key for key in keys if key not in done), keys[-1]).partition(".")[0] if keys else "the app"
    return (
        f"The {entry.action} of {when(entry.at)} ({one_line(entry.command, 120)}) was interrupted: {stands}. "
        f"Press V on {where}: it compares the schema with the records."
    )


async def with_unfinished_run(state: StateStore, history: History) -> History:
    """Return a whole history with what is known of a run that has no end in the journal."""
    if not history.complete:
        return history
    entry = unfinished(await asyncio.to_thread(state.entries), history.database)
    if entry is None:
        return history
    problem = Problem(KIND, in_words(entry, history))
    return replace(history, problems=(problem, *history.problems))


def settle(state: StateStore, database: str, app: str | None, found: str) -> bool:
    """Write down that an unfinished run was looked into, if `app` (None: every app) is where it stood."""
    entry = unfinished(state.entries(), database)
    if entry is None or not (app is None or any(key.startswith(f"{app}.") for key in _keys(entry))):
        return False
    at = datetime.now(timezone.utc).isoformat(timespec="seconds")
    state.log(replace(entry, at=at, outcome=INTERRUPTED, detail=found))
    return True


def _keys(entry: JournalEntry) -> list[str]:
    return [key for key in entry.detail.split(_SEPARATOR) if key]


def _is(number: int) -> str:
    return "is" if number == 1 else "are"
