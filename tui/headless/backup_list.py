"""`djmig-tui backups`: those of this project, read, checked and deleted without an engine."""

from __future__ import annotations

from ..options import Options
from ..state import State
from ..store import BackupEntry, StateError
from ..text import when
from .answer import DONE, FAILED, USAGE, Answer, CommandError, lines
from .backups import about, entry_data


def answer(state: State, options: Options) -> Answer:
    """List the backups, check or delete. Raises `CommandError`."""
    if options.delete is not None:
        return _delete(state, options, find(state, options.delete))
    swept = state.sweep_backups()
    entries = state.backups()
    problems = {entry.id: _problem(state, entry) for entry in entries} if options.check else {}
    said = [problem for problem in problems.values() if problem]
    data = [
        {**entry_data(entry), **({"problem": problems[entry.id]} if options.check else {})}
        for entry in entries
    ]
    shown = [line for entry in entries for line in _entry(entry, problems)]
    text = lines(*swept, *shown, None if entries else f"There are no backups in {state.folder}.")
    error = " ".join(said) or None
    folder = str(state.folder / "backups")
    return Answer(
        {"folder": folder, "backups": data, "notes": swept, "error": error},
        text,
        error,
        code=FAILED if error else DONE,
    )


def find(state: State, typed: str) -> BackupEntry:
    """Return the backup whose id is, or alone starts with, what was typed. Raises `CommandError`."""
    entries = state.backups()
    found = [entry for entry in entries if entry.id == typed]
    found = found or [entry for entry in entries if typed and entry.id.startswith(typed)]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(entry.id for entry in found)
        raise CommandError(
            f"More than one backup starts with '{typed}': {names}. Type more of its id.", USAGE
        )
    raise CommandError(f"There is no backup '{typed}'. To see them all: djmig-tui backups.", USAGE)


def _delete(state: State, options: Options, entry: BackupEntry) -> Answer:
    data = {**entry_data(entry), "deleted": False}
    shown = lines(*_entry(entry, {}))
    if options.read_only or not options.yes:
        error = "Nothing was done. To delete this backup, add --yes."
        if options.read_only:
            error = "Nothing was done, because --read-only was given."
        return Answer({**data, "error": error}, shown, error, code=FAILED)
    try:
        state.delete_backup(entry)
    except StateError as failed:
        raise CommandError(str(failed)) from failed
    return Answer({**data, "deleted": True, "error": None}, shown + lines("Deleted."))


def _problem(state: State, entry: BackupEntry) -> str | None:
    try:
        state.check_backup(entry)
    except StateError as error:
        return str(error)
    return None


def _entry(entry: BackupEntry, problems: dict[str, str | None]) -> list[str]:
    mark = {True: "  It is damaged.", False: "  Read to its end: it is whole."}
    checked = [mark[problems[entry.id] is not None]] if entry.id in problems else []
    return [entry.id, f"  {entry.database}, {when(entry.at)}, {entry.reason}", *about(entry), *checked]
