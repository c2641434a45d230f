"""What the screen of backups lists: each kind of thing with its words, and with what its keys do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol

from textual.content import Content

from djmig_tui.protocol import DropKept, KeptDatabase, RowsMatched

from .. import kept_rows, putting_back
from ..context import READ_ONLY
from ..describe_backups import by_hand, describe_entry, describe_kept, entry_line, kept_line
from ..describe_kept import describe_rows, rows_line
from ..engine.api import OnProgress
from ..store import BackupEntry, KeptEntry
from ..text import one_line, when
from ..under_way import COUNTING, PUTTING_BACK, UnderWay
from .confirm import confirm_put_back
from .restore import RestoreScreen
from .restoring import open_swap

if TYPE_CHECKING:
    from ..app import DjmigApp


#: What takes its time: it tells how far it is, and returns what is to be done once it is over.
Work = Callable[[OnProgress], Awaitable[Callable[[], object] | None]]


class Host(Protocol):
    """The screen that lists things, as they see it."""

    database: str  # the alias whose backups are shown
    read_only: bool
    #: What was found out last about kept rows, by their id.
    told: dict[str, Sequence[Content]]

    @property
    def djmig(self) -> DjmigApp:
        """The app."""

    def came_back(self, done: bool | None) -> None:
        """Look again, or leave if what Enter led to was done."""

    def work(self, what: UnderWay, task: Work) -> None:
        """Do what takes its time, one thing after the other; the keys stay free, and Esc stops it."""


class Thing(ABC):
    """One line of the list."""

    #: What the footer calls Enter.
    word = "restore"

    def __init__(self, host: Host, at: str, alias: str) -> None:
        """`at` is when it was made, in ISO 8601, `alias` the database that it is of."""
        self._host = host
        self._session = host.djmig.session
        self.at = at
        self.alias = alias

    @property
    @abstractmethod
    def line(self) -> Content:
        """It on one line."""

    @property
    @abstractmethod
    def detail(self) -> Content:
        """What it is and holds."""

    @property
    @abstractmethod
    def place(self) -> str:
        """Where it is: what is copied."""

    @property
    @abstractmethod
    def question(self) -> tuple[str, str]:
        """What is asked before it is deleted, and a line that says what it is."""

    @abstractmethod
    async def delete(self) -> None:
        """Delete it. Raises `EngineError` or `StateError`."""

    @abstractmethod
    def open(self) -> None:
        """Do what Enter does: lead to its return, which is asked about before anything changes."""


class Backup(Thing):
    """A backup."""

    def __init__(self, host: Host, entry: BackupEntry) -> None:
        super().__init__(host, entry.at, entry.database)
        self._entry = entry

    @property
    def line(self) -> Content:
        """It on one line."""
        return entry_line(self._entry)

    @property
    def detail(self) -> Content:
        """What it holds, and what became of the database since."""
        command = by_hand(self._entry, self._session.database_of(self.alias))
        return describe_entry(self._entry, self._session.history, command)

    @property
    def place(self) -> str:
        """Its file."""
        return self._entry.path

    @property
    def question(self) -> tuple[str, str]:
        """Names its file."""
        return f"Delete the backup of {when(self.at)}?", self._entry.path

    async def delete(self) -> None:
        """Delete it from the state folder."""
        self._session.state.delete_backup(self._entry)

    def open(self) -> None:
        """Lead to what restoring it would replace."""
        screen = RestoreScreen(self._session, self._entry, read_only=self._host.read_only)
        self._host.djmig.push_screen(screen, self._host.came_back)


class KeptSet(Thing):
    """What one run kept of what it dropped."""

    word = "put back"

    def __init__(self, host: Host, entry: KeptEntry) -> None:
        super().__init__(host, entry.at, entry.database)
        self._entry = entry

    @property
    def line(self) -> Content:
        """It on one line."""
        return rows_line(self._entry)

    @property
    def detail(self) -> Content:
        """What was kept, and how it is put back."""
        age = self._session.state.kept_settings.age
        return describe_rows(self._entry, age, self._host.told.get(self._entry.id, ()))

    @property
    def place(self) -> str:
        """Its folder."""
        return self._session.state.kept_folder(self._entry)

    @property
    def question(self) -> tuple[str, str]:
        """Names the run."""
        return f"Delete what was kept {when(self.at)}?", self._entry.reason

    async def delete(self) -> None:
        """Delete it from the state folder."""
        kept_rows.delete(self._session.state, self._entry)

    def open(self) -> None:
        """Count how many of them match, then ask whether they are put back."""
        if self._host.read_only:
            self._host.djmig.say(READ_ONLY, "warning")
        else:
            self._host.work(COUNTING, self._match)

    async def _match(self, on_progress: OnProgress) -> Callable[[], object] | None:
        entry = await putting_back.expect_applied(self._session, self._entry)
        found = await kept_rows.match(self._session.engine, self._session.state, entry, on_progress)
        if kept_rows.matching(found):
            return lambda: self._ask(entry, found)
        self._host.told[entry.id] = putting_back.told("What could be put back", found)
        self._host.djmig.say(putting_back.why_none(found), "warning")
        return None

    def _ask(self, entry: KeptEntry, found: RowsMatched) -> None:
        def answered(yes: bool) -> None:
            if yes:
                self._host.work(PUTTING_BACK, partial(self._put_back, entry))

        confirm_put_back(self._host.djmig, entry, found, answered)

    async def _put_back(self, entry: KeptEntry, on_progress: OnProgress) -> None:
        done = await putting_back.put_back(self._session, entry, on_progress)
        self._host.told[entry.id] = putting_back.told("What was put back", done, done=True)
        self._host.djmig.say(putting_back.result(entry, done))


class Replaced(Thing):
    """A database that a restore replaced."""

    def __init__(self, host: Host, kept: KeptDatabase) -> None:
        super().__init__(host, kept.replaced_at, host.database)
        self._kept = kept

    @property
    def line(self) -> Content:
        """It on one line."""
        return kept_line(self._kept)

    @property
    def detail(self) -> Content:
        """What it is for."""
        return describe_kept(self._kept)

    @property
    def place(self) -> str:
        """Its name on the server."""
        return self._kept.name

    @property
    def question(self) -> tuple[str, str]:
        """Says where it came from."""
        return f"Drop the database {one_line(self._kept.name)}?", "It was replaced by a restore."

    async def delete(self) -> None:
        """Drop it on the server."""
        await self._session.engine.drop_kept(DropKept(self._host.database, self._kept.name))

    def open(self) -> None:
        """Ask whether it goes back in its place."""
        if self._host.read_only:
            self._host.djmig.say(READ_ONLY, "warning")
        else:
            open_swap(self._host.djmig, self._host.database, self._kept, self._host.came_back)
