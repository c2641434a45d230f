"""The journal's meaning: which lines are one action, what an action left, and which one `z` takes back."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone

from djmig_tui.protocol import History

from .store import JournalEntry

#: What is done. A file that is put back is called "restore" since the first journals were written.
ROLLBACK, MIGRATE, REMOVE, PUT_BACK = "rollback", "migrate", "remove", "restore"
#: What `z` does not take back: the files that it made are removed one by one, and a backup stays.
MAKE = "makemigrations"
RESET, RESET_BACK = "reset", "put back a reset"
BACKUP, RESTORE, SWAP = "backup", "restore database", "swap databases"
PUT_ROWS_BACK = "put rows back"

#: Outcomes: an action began; one that had no end was looked into; the ends.
STARTED, INTERRUPTED = "started", "interrupted"
DONE, FAILED, STOPPED, REFUSED = "done", "failed", "stopped", "refused"

RUNS = (ROLLBACK, MIGRATE)
#: Those of a whole database: their steps are not known by name.
REPLACEMENTS = (RESTORE, SWAP)
FILES = (REMOVE, PUT_BACK)


@dataclass(frozen=True)
class Act:
    """One action as a whole: several lines of the journal."""

    end: JournalEntry  # its last line
    began: str  # ISO 8601
    subjects: tuple[str, ...] = ()  # of all its lines that were done

    @property
    def id(self) -> str:
        """What joins its lines, "" in the journals of old versions."""
        return self.end.id

    @property
    def changed(self) -> bool:
        """Whether something stands that could be taken back."""
        if self.end.action in RUNS:
            return bool(self.end.id and self.end.steps) and self.end.outcome not in (STARTED, REFUSED)
        if self.end.action in FILES:
            return bool(self.end.id and self.subjects)
        return bool(self.end.id) and self.end.action in (*REPLACEMENTS, RESET) and self.end.outcome == DONE


class Deed:
    """Writes one action into the journal, from its beginning to its end."""

    def __init__(self, write: Callable[[JournalEntry], None], action: str, database: str, command: str,
                 *, steps: Sequence[str] = (), takes_back: str = "", id: str = "") -> None:  # fmt: skip
        self._write = write
        self._entry = JournalEntry(
            now(), action, database, command, STARTED,
            id=id or new_id(), steps=tuple(steps), takes_back=takes_back,
        )  # fmt: skip

    @property
    def id(self) -> str:
        """What joins the action's lines."""
        return self._entry.id

    def begin(self) -> None:
        """Write down that it begins: an end that never comes is found at the next start."""
        self._write(replace(self._entry, detail=", ".join(self._entry.steps)))

    def end(self, outcome: str, detail: str = "", *, steps: Sequence[str] = (), records: str = "",
            subject: str = "", backup: str = "") -> None:  # fmt: skip
        """Write down how it ended: `steps` are those that stand."""
        self._write(replace(
            self._entry, at=now(), outcome=outcome, detail=detail, steps=tuple(steps), records=records,
            subject=subject, backup=backup,
        ))  # fmt: skip


def now() -> str:
    """Return the moment as the journal writes it."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


def new_id() -> str:
    """Return an id for an action."""
    return secrets.token_hex(6)


# ------------------------------------------------------------------- records
def recorded(history: History) -> frozenset[str]:
    """Return "app.name" of every record, by a scan: what the graph adds to the marks is no record."""
    return frozenset(
        f"{app.label}.{one.name}" for app in history.apps for one in app.migrations if one.applied
    )


def digest(records: Iterable[str]) -> str:
    """Return a short hash of a set of records."""
    return hashlib.sha256("\n".join(sorted(records)).encode()).hexdigest()[:16]


# ------------------------------------------------------------ what was done
def acts(entries: Iterable[JournalEntry]) -> list[Act]:
    """Return the actions in the order in which they ended; those under way by their beginning."""
    found: dict[str, Act] = {}
    for place, entry in enumerate(entries):
        key = entry.id or f"line {place}"
        before = found.pop(key, None)
        began = before.began if before else entry.at
        subjects = before.subjects if before else ()
        if entry.subject and entry.outcome == DONE and entry.subject not in subjects:
            subjects = (*subjects, entry.subject)
        found[key] = Act(entry, began, subjects)
    return list(found.values())


@dataclass(frozen=True)
class Choice:
    """What `z` could do: take an action back, or do again what was taken back last."""

    undo: Act | None = None
    redo: Act | None = None


def choice(entries: Iterable[JournalEntry]) -> Choice:
    """Return the last action that stands, and the taking back that nothing came after.

    An action that took another one back stands for that one's absence. Taken back itself, the first
    one stands again: with the action that did so, which is as good as it.
    """
    standing: list[Act] = []
    lines = list(entries)
    backs = [line for line in lines if line.action == RESET_BACK]
    gone = {back.takes_back for back in backs if back.outcome == DONE}
    parts = _restores_in(lines)
    depth: dict[str, int] = {}
    done = [act for act in acts(lines) if act.changed and act.id not in parts]
    for act in done:
        depth[act.id] = depth.get(act.end.takes_back, 0) + 1 if act.end.takes_back else 0
    for act in reversed(done):
        if act.id not in gone:
            standing.append(act)
            if act.end.takes_back:
                gone.add(act.end.takes_back)
    undo = next((act for act in standing if depth[act.id] % 2 == 0), None)
    redo = standing[0] if standing and depth[standing[0].id] % 2 else None
    return Choice(undo, redo)


def _restores_in(lines: Iterable[JournalEntry]) -> set[str]:
    """Return the ids of the restores in putting a reset back, which is taken back as a whole or not."""
    found: set[str] = set()
    under_way = False
    for line in lines:
        if line.action == RESET_BACK:
            under_way = line.outcome == STARTED
        elif under_way and line.action in REPLACEMENTS:
            found.add(line.id)
    return found
