"""What outlives a session, as the interface sees it: the trash, the journal and the last-known tree.

`tui.state` keeps these on disk; the interface asks for nothing more than `StateStore`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from djmig_tui.protocol import History, MigrationFile


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


@dataclass(frozen=True)
class JournalEntry:
    """One thing that was done, or tried, on behalf of the user."""

    at: str  # ISO 8601 with an offset
    action: str  # "rollback", "migrate", "remove", "restore"
    database: str  # alias
    command: str  # the manage.py or shell equivalent, "" if there is none
    outcome: str  # "started", then one of "done", "failed", "stopped", "refused", "interrupted"
    detail: str = ""  # what stands now, or the error's sentence; of "started": the steps


class StateStore(Protocol):
    """What the interface asks of the state that is kept on the user's own machine."""

    def keep_in_trash(self, file: MigrationFile, database: str) -> TrashEntry:
        """Store the file's content; when this returns it has been fsynced and the file may go."""

    def latest_in_trash(self) -> TrashEntry | None:
        """Return the entry that was removed last, or None."""

    def forget_trash(self, entry: TrashEntry) -> None:
        """Drop an entry: its file was put back, or never went."""

    def log(self, entry: JournalEntry) -> None:
        """Append to the journal."""

    def entries(self) -> list[JournalEntry]:
        """Return the journal, oldest first."""

    def save_tree(self, history: History) -> None:
        """Keep the last-known tree of the history's database."""

    def last_tree(self, database: str) -> History | None:
        """Return the tree kept by `save_tree`, or None if there is none or it cannot be read."""
