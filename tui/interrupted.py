"""What the journal knows the beginning of but not the end: what became of it, by the database's truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from djmig_tui.protocol import History, Problem

from .journal import BACKUP, INTERRUPTED, MIGRATE, REPLACEMENTS, RUNS, STARTED, now
from .store import JournalEntry, StateStore
from .text import count, one_line, when

#: What the problem of a history is called.
KIND = "interrupted"

_SEPARATOR = ", "


def unfinished(entries: Sequence[JournalEntry], database: str) -> JournalEntry | None:
    """Return the beginning of the last action on a database if nothing was written down after it.

    After a backup that was cut off anything counts; after the rest only what changed the database too.
    """
    last: JournalEntry | None = None
    for entry in entries:
        if entry.database == database and entry.action in (*RUNS, *REPLACEMENTS, BACKUP):
            changes = entry.action != BACKUP
            if changes or last is None or last.action == BACKUP or last.outcome != STARTED:
                last = entry
    return last if last is not None and last.outcome == STARTED else None


def in_words(entry: JournalEntry, history: History) -> str:
    """Return what became of it, as sentences with the next step."""
    what = f"The {entry.action} of {when(entry.at)}"
    if entry.action == BACKUP:
        return (
            f"{what} was interrupted: nothing of it is kept, and the database is as it was. B makes another."
        )
    called = f"{what} ({one_line(entry.command, 120)}) was interrupted"
    if entry.action in REPLACEMENTS:
        return (
            f"{called}: the tree shows the records of the database that is in its place. Press V on the"
            " project: it compares its schema with them. B lists the backups, and what a restore replaced."
        )
    return f"{called}: {_stands(entry, history)}"


def _stands(entry: JournalEntry, history: History) -> str:
    applied = {f"{app.label}.{one.name}" for app in history.apps for one in app.migrations if one.applied}
    keys = _keys(entry)
    done = [key for key in keys if (key in applied) == (entry.action == MIGRATE)]
    verb = "applied" if entry.action == MIGRATE else "undone"
    if not done:
        stands = f"by the records none of its {count(len(keys), 'step')} is {verb}"
    elif len(done) == len(keys):
        stands = f"by the records all of it is {verb}: {count(len(keys), 'step')}"
    else:
        stands = f"by the records {len(done)} of {count(len(keys), 'step')} {_is(len(done))} {verb}"
    where = next((key for key in keys if key not in done), keys[-1]).partition(".")[0] if keys else "the app"
    return f"{stands}. Press V on {where}: it compares the schema with the records."


def with_unfinished(entries: Sequence[JournalEntry], history: History) -> History:
    """Return a whole history with what is known of an action that has no end in the journal."""
    entry = unfinished(entries, history.database) if history.complete else None
    if entry is None:
        return history
    return replace(history, problems=(Problem(KIND, in_words(entry, history)), *history.problems))


def settle(state: StateStore, database: str, app: str | None, found: str) -> bool:
    """Write down that an interruption was looked into, if `app` (None: every app) is where it stood."""
    entry = unfinished(state.entries(), database)
    if entry is None or not (app is None or any(key.startswith(f"{app}.") for key in _keys(entry))):
        return False
    state.log(replace(entry, at=now(), outcome=INTERRUPTED, detail=found))
    return True


def _keys(entry: JournalEntry) -> list[str]:
    # Journals of old versions have the steps in words only.
    return list(entry.steps) or [key for key in entry.detail.split(_SEPARATOR) if key]


def _is(number: int) -> str:
    return "is" if number == 1 else "are"
