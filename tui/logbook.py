"""What was done: the commands of this session, and the journal of those before and beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from .journal import STARTED, Choice, acts, choice
from .messages import Done
from .store import JournalEntry, StateStore
from .text import when

MAX_LOG = 500
#: How much of the journal is looked at: who goes further back looks into the file.
RECENT = 1000


class Logbook:
    """Kept for `@` and for `z`; `grew` is called whenever there is more in it."""

    def __init__(self, state: StateStore, grew: Callable[[], object]) -> None:
        self.commands: list[Done] = []
        #: The end of the journal, of earlier sessions and other instances too, as it was read last.
        self.journal: list[JournalEntry] = []
        #: What can be taken back, or done again.
        self.choice = Choice()
        self._state = state
        self._grew = grew
        self._own: set[JournalEntry] = set()

    async def read(self) -> None:
        """Read the end of the journal anew: others write into it too."""
        self.take(await asyncio.to_thread(self._state.entries, RECENT))

    def note(self, command: str, outcome: str = "") -> None:
        """Add a command to those of this session."""
        if self.commands and (self.commands[-1].command, self.commands[-1].outcome) == (command, outcome):
            return
        self.commands.append(Done(f"{datetime.now():%H:%M:%S}", command, outcome))
        del self.commands[:-MAX_LOG]
        self._grew()

    def write(self, entry: JournalEntry) -> None:
        """Write what was done, or tried, to the journal and to the commands."""
        self._state.log(entry)
        self._own.add(entry)
        self.take([*self.journal, entry])
        if entry.outcome != STARTED:
            self.note(entry.command, entry.outcome)

    def take(self, entries: list[JournalEntry]) -> None:
        """Take entries for the end of the journal."""
        self.journal, self.choice = entries, choice(entries)

    @property
    def has_deeds(self) -> bool:
        """Whether anything was done that can be taken back."""
        return self.choice != Choice()

    def shown(self) -> tuple[list[Done], list[Done]]:
        """Return what was done before this session, and in it."""
        return self.before, self.commands

    @property
    def before(self) -> list[Done]:
        """What was done before this session or beside it, as lines with their date and database."""
        theirs = [act.end for act in acts(self.journal) if act.end not in self._own]
        return [
            Done(f"{when(end.at)}  {end.database}", end.command or f"{end.action} {end.detail}", end.outcome)
            for end in theirs
        ]
