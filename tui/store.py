"""What outlives a session, as the interface sees it: trash, backups, journal and the last-known tree.

`tui.state` keeps these on disk; the interface asks for nothing more than `StateStore`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from djmig_tui.protocol import (
    BackupMade,
    Database,
    History,
    KeepRows,
    KeptDefinition,
    KeptPart,
    MigrationFile,
    Plan,
    TableRows,
)

if TYPE_CHECKING:
    from .kept_settings import KeptSettings
    from .state_resets import ResetRecord

#: The reason of a backup that somebody made by hand: it is never deleted unasked.
ASKED_FOR = "asked for"

#: Hears how many bytes of a backup have been read; what it raises ends the reading.
OnRead = Callable[[int], None]


class StateError(OSError):
    """What is kept cannot be used; ``str(error)`` is a sentence with the next step."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True)
class TrashEntry:
    """A removed migration's file, with all that is needed to put it back."""

    app: str
    name: str
    path: str
    content: str  # base64
    mode: int  # permission bits
    sha256: str
    removed_at: str  # ISO 8601 with an offset
    database: str  # the alias that was looked at
    max_migration: str | None = None  # all of max_migration.txt beside it, if its removal rewrote that
    max_migration_after: str | None = None

    @property
    def mark(self) -> str:
        """What tells it from all others, for the journal."""
        return f"{self.app}.{self.name} {self.removed_at}"


@dataclass(frozen=True)
class JournalEntry:
    """One thing that was done, or tried, on behalf of the user."""

    at: str  # ISO 8601 with an offset
    action: str  # one of those named in `tui.journal`
    database: str  # alias
    command: str  # the manage.py or shell equivalent, "" if there is none
    outcome: str  # "started", then one of "done", "failed", "stopped", "refused", "interrupted"
    detail: str = ""  # what stands now, or the error's sentence; of "started": the steps
    id: str = ""  # joins the beginning of an action with its end
    steps: tuple[str, ...] = ()  # "app.name" of what was undone or applied, in order
    backup: str = ""  # id of the backup that was made before
    records: str = ""  # digest of the records as the action left them
    takes_back: str = ""  # id of the action that this one took back
    subject: str = ""  # what it was done to: the trash entry, the backup, the database that was kept


@dataclass(frozen=True)
class BackupEntry:
    """A backup in the state folder: its manifest. The content is the file beside it."""

    id: str  # of its moment, its database, and chance: "20260301T120000-default-1a2b3c4d"
    at: str  # ISO 8601 with an offset
    database: str  # alias
    name: str  # the database's own name
    host: str
    vendor: str
    reason: str  # ASKED_FOR, "before store zero", …
    format: str  # as the protocol has it
    size: int  # bytes
    sha256: str
    tables: tuple[TableRows, ...]
    records: tuple[str, ...]  # "app.name" of what was applied
    tools: tuple[str, ...]
    server: str
    path: str = ""  # of the content; not in the manifest


@dataclass(frozen=True)
class Recorded:
    """A step of a run, and when its migration had been applied by its record, if it had one."""

    step: str  # "app.name"
    applied_at: str | None = None


@dataclass(frozen=True)
class KeptEntry:
    """What one run dropped, in the state folder: the manifest. Each part is a file of rows beside it."""

    id: str
    at: str  # ISO 8601 with an offset
    database: str  # alias
    name: str  # the database's own name
    host: str
    reason: str  # the title of the plan
    parts: tuple[KeptPart, ...]  # in the order in which they were kept
    certain: bool = False  # the run has ended, and its steps stand; else only the records can tell
    recorded: tuple[Recorded, ...] = ()  # the steps of the run before it began
    one_transaction: bool = False  # all of the run stands, or nothing
    definitions: tuple[KeptDefinition, ...] = ()  # in an order in which they can be made

    @property
    def rows(self) -> int:
        """How many rows and values there are in it."""
        return sum(part.rows for part in self.parts)

    @property
    def size(self) -> int:
        """How many bytes it takes."""
        return sum(part.size for part in self.parts)

    @property
    def steps(self) -> tuple[str, ...]:
        """The migrations that they are of, each once."""
        steps = [part.step for part in self.parts] + [each.step for each in self.definitions]
        return tuple(dict.fromkeys(steps))


class KeptWriter(Protocol):
    """The rows of a run under way."""

    def take(self, rows: KeepRows) -> None:
        """Keep the next lines; with the last of a part, all of it is on the disk when this returns.

        Raises `StateError`, with the next step, if there is no room.
        """

    def finish(self, done: Collection[str], half_done: str | None = None) -> KeptEntry | None:
        """Say which steps ("app.name") stand: only their rows are kept. None if that leaves nothing."""

    def leave(self) -> None:
        """Leave all as it is, not certain: nobody knows which steps stand. Nothing more is taken."""


class BackupWriter(Protocol):
    """A backup that is being made. Nothing of it is listed before `finish`."""

    @property
    def path(self) -> str:
        """Where the content goes."""

    def write(self, data: bytes) -> None:
        """Keep the next bytes. Raises `StateError`, with the next step, if there is no room."""

    def finish(self, made: BackupMade, reason: str) -> BackupEntry:
        """Put all of it on the disk; raises `StateError` if the bytes are not those that were sent."""

    def abort(self) -> None:
        """Leave nothing behind. Does nothing after `finish`."""


class StateStore(Protocol):
    """What the interface asks of the state that is kept on the user's own machine."""

    @property
    def kept_settings(self) -> KeptSettings:
        """How much of what a run drops is kept, and how long."""

    def in_trash(self, mark: str) -> TrashEntry | None:
        """Return the entry with this mark, or None if it is not there any more."""

    def keep_in_trash(self, file: MigrationFile, database: str) -> TrashEntry:
        """Store the file's content; when this returns it has been fsynced and the file may go."""

    def latest_in_trash(self) -> TrashEntry | None:
        """Return the entry that was removed last, or None."""

    def forget_trash(self, entry: TrashEntry) -> None:
        """Drop an entry: its file was put back, or never went."""

    def log(self, entry: JournalEntry) -> None:
        """Append to the journal."""

    def entries(self, last: int = 0) -> list[JournalEntry]:
        """Return the journal, or about its `last` lines, oldest first."""

    def save_tree(self, history: History) -> None:
        """Keep the last-known tree of the history's database."""

    def last_tree(self, database: str) -> History | None:
        """Return the tree kept by `save_tree`, or None if there is none or it cannot be read."""

    def begin_backup(self, database: Database, size: int | None = None) -> BackupWriter:
        """Return where a backup of `database` goes, which takes about `size` bytes.

        Raises `StateError` if it cannot be kept: no room, no right to write.
        """

    def backups(self) -> list[BackupEntry]:
        """Return the backups, the newest first; without their content having been read."""

    def check_backup(self, entry: BackupEntry, on_read: OnRead | None = None) -> None:
        """Read all of the content. Raises `StateError` if it is not what the manifest says."""

    def delete_backup(self, entry: BackupEntry) -> None:
        """Delete a backup and its manifest. Raises `StateError` if that cannot be done."""

    def drop_old_backups(self, database: str, keep: int, spare: Collection[str] = ()) -> list[BackupEntry]:
        """Delete all but the last `keep` of an alias that nobody asked for by hand; return what went.

        Those whose ids are in `spare` stay.
        """

    def sweep_backups(self) -> list[str]:
        """Delete what was cut off half-way; return a sentence for each: nothing else is lost."""

    def begin_kept(self, database: Database, plan: Plan) -> KeptWriter:
        """Return where the rows go that a run drops; nothing is there before the first of them."""

    def settle_kept(self, database: Database, history: History) -> None:
        """Find out by the records what became of runs that were cut off while they kept rows."""

    def kept(self) -> list[KeptEntry]:
        """Return the kept rows, those of the newest run first; those past their age are dropped."""

    def kept_file(self, entry: KeptEntry, part: KeptPart) -> str:
        """Return where the lines of a part are."""

    def kept_folder(self, entry: KeptEntry) -> str:
        """Return the folder with all that was kept of a run."""

    def delete_kept(self, entry: KeptEntry) -> None:
        """Delete the kept rows of a run. Raises `StateError` if that cannot be done."""

    def trusts(self, command: Sequence[str]) -> bool:
        """Whether the user once agreed to run this very command in this project."""

    def trust(self, command: Sequence[str]) -> None:
        """Remember that the user agreed to run this very command in this project."""


class ResetStore(StateStore, Protocol):
    """What taking a reset step by step asks of the state, too."""

    def hold_reset(self) -> AbstractContextManager[None]:
        """Be the only one at a reset of this project. Raises `StateError` while another process is."""

    def save_reset(self, reset: ResetRecord) -> None:
        """Keep how far a reset is. Raises `StateError` if that cannot be done."""

    def reset_under_way(self) -> ResetRecord | None:
        """Return the reset that has begun and has no end yet, or None."""

    def reset_file(self) -> str:
        """Return the file with the record of the reset under way."""

    def finished_reset(self, id: str) -> ResetRecord | None:
        """Return a reset that has come to its end, if it is the last one that has."""

    def finish_reset(self) -> None:
        """Say that it has come to its end, and keep what leads back."""

    def forget_reset(self) -> None:
        """Say that nothing of it stands any more."""
