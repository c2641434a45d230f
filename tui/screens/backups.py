"""The backups of a project, and the rows that runs kept: make one, look at them, restore or delete one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from pathlib import Path

from textual import on
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from djmig_tui.protocol import BackupMeans, DropKept, KeptDatabase, ListKept, Progress

from .. import background, backups, kept_rows
from ..actions import BACKUPS, bindings
from ..context import READ_ONLY, Context
from ..describe_backups import by_hand, describe_entry, describe_kept, describe_none, entry_line, kept_line
from ..describe_kept import describe_rows, put_back_command, rows_line
from ..engine.errors import EngineError
from ..session import Session
from ..store import ASKED_FOR, BackupEntry, KeptEntry, StateError
from ..text import one_line, progress_in_words, size_in_words, when
from ..widgets.bars import Banner, StatusBar
from ..widgets.prose import Prose
from .ask import AskScreen
from .base import ActionScreen
from .choose import Choices
from .restore import RestoreScreen
from .restoring import open_swap

Thing = BackupEntry | KeptEntry | KeptDatabase


class BackupsScreen(ActionScreen[None]):
    """Lists what can be put back: backups and kept rows, the newest first, then replaced databases."""

    SCOPE = BACKUPS
    BINDINGS = bindings(BACKUPS)
    CSS_PATH = "backups.tcss"
    AUTO_FOCUS = "Choices"

    def __init__(self, session: Session, database: str, *, read_only: bool) -> None:
        super().__init__()
        self._session = session
        self._database = database
        self._read_only = read_only
        self._things: list[Thing] = []
        self._means: BackupMeans | None = None
        self._busy = False
        self._outdated = False  # something changed while a backup was made
        self._ask: AskScreen | None = None

    def body(self) -> Iterable[Widget]:
        """The list, and what is under the cursor."""
        status = StatusBar(self.djmig.where, read_only=self._read_only)
        status.project, status.database = self._session.project, self._database
        yield status
        yield Static(Content.styled(f"Backups of {one_line(self._database)}", "bold"), id="title")
        yield Static(id="counting", markup=False)
        yield Banner()
        choices, text = Choices(), Prose()
        choices.border_title, text.border_title = "Newest first", "What it holds"
        yield Horizontal(choices, text, id="panes")

    def context(self) -> Context:
        """What is under the cursor, and whether a backup is being made."""
        return Context(
            connected=self._session.ready,
            read_only=self._read_only,
            running=self._busy,
            chosen=self._chosen is not None,
        )

    def on_mount(self) -> None:
        """Read what there is."""
        background.start(self, self._read, "backups")

    # ---------------------------------------------------------- what is shown
    async def _read(self) -> None:
        swept = self._session.state.sweep_backups()
        state = self._session.state
        both: list[BackupEntry | KeptEntry] = [*state.backups(), *state.kept()]
        both.sort(key=lambda one: datetime.fromisoformat(one.at), reverse=True)
        # The newest first; those of the database that is shown before all others.
        found: list[Thing] = [*sorted(both, key=lambda one: one.database != self._database)]
        self._show(found)
        if swept:
            self.query_one(Banner).show(" ".join(swept))
        try:
            keeping = self._session.keeping(self._database)
            kept = await self._session.engine.list_kept(ListKept(self._database))
            self._means = await backups.means(keeping)
        except EngineError as error:
            self.query_one(Banner).show(str(error))
            return
        self._show([*found, *kept.databases])

    def _show(self, things: list[Thing]) -> None:
        choices = self.query_one(Choices)
        at = choices.highlighted or 0
        self._things = things
        choices.clear_options()
        for one in things:
            choices.add_option(Option(_line(one)))
        if things:
            choices.highlighted = min(at, len(things) - 1)
        self._describe()

    @property
    def _chosen(self) -> Thing | None:
        at = self.query_one(Choices).highlighted if self.is_mounted else None
        return self._things[at] if at is not None and at < len(self._things) else None

    @on(OptionList.OptionHighlighted)
    def _describe(self) -> None:
        one = self._chosen
        if one is None:
            text = describe_none(self._means)
        elif isinstance(one, BackupEntry):
            command = by_hand(one, self._session.database_of(one.database))
            text = describe_entry(one, self._session.history, command)
        elif isinstance(one, KeptEntry):
            text = describe_rows(one)
        else:
            text = describe_kept(one)
        self.query_one(Prose).show(text)
        self.refresh_keys()

    @on(OptionList.OptionSelected)
    async def _selected(self) -> None:
        await self.action_do("restore")

    # ---------------------------------------------------------------- actions
    def action_make(self) -> None:
        """Make a backup."""
        self._busy = self._session.running = True  # nobody takes its engine away
        self._outdated = False
        self.refresh_keys()
        background.start(self, self._make, "backup")

    async def _make(self) -> None:
        try:
            entry = await backups.make(self._session.keeping(self._database), ASKED_FOR, self._progress)
        except EngineError as error:
            self.djmig.say(str(error), "error")
        else:
            self.djmig.say(f"Made a backup: {size_in_words(entry.size)}, kept with the others.")
        finally:
            self._busy = self._session.running = False
        if self.is_mounted:
            await self._made()

    async def _made(self) -> None:
        self._close_question()
        self._say("")
        self.refresh_keys()
        if self._outdated or not self._session.ready:
            self.djmig.start_engine()  # for what had to wait, or as the one that was asked ended
        await self._read()

    def _progress(self, progress: Progress) -> None:
        if self._busy and self.is_mounted:
            self._say(f"{progress_in_words(progress)}   Esc stops it; nothing of it is kept then.")

    def _say(self, words: str) -> None:
        line = self.query_one("#counting", Static)
        line.set_class(bool(words), "-shown")
        line.update(Content(words))

    def action_restore(self) -> None:
        """Lead to the plan of restoring it."""
        one = self._chosen
        if isinstance(one, BackupEntry):
            screen = RestoreScreen(self._session, one, read_only=self._read_only)
            self.app.push_screen(screen, self._came_back)
        elif isinstance(one, KeptEntry):
            self.djmig.say(f"Rows are put back on the command line: {put_back_command(one)}")
        elif one is not None and self._read_only:
            self.djmig.say(READ_ONLY, "warning")
        elif one is not None:
            open_swap(self.djmig, self._database, one, self._came_back)

    def _came_back(self, done: bool | None) -> None:
        if done:
            self.dismiss(None)
        else:
            background.start(self, self._read, "backups")

    def action_delete(self) -> None:
        """Delete it, after a question."""
        one = self._chosen
        if one is None:
            return
        if isinstance(one, BackupEntry):
            title, what = f"Delete the backup of {when(one.at)}?", one.path
        elif isinstance(one, KeptEntry):
            title, what = f"Delete the rows kept {when(one.at)}?", one.reason
        else:
            title, what = f"Drop the database {one_line(one.name)}?", "It was replaced by a restore."
        lines = [Content(one_line(what, 500)), Content("It does not come back.")]

        def answered(yes: bool | None) -> None:
            if yes:
                background.start(self, partial(self._delete, one), "backups")

        self.app.push_screen(AskScreen(title, lines, "Delete"), answered)

    async def _delete(self, one: Thing) -> None:
        try:
            if isinstance(one, BackupEntry):
                self._session.state.delete_backup(one)
            elif isinstance(one, KeptEntry):
                kept_rows.delete(self._session.state, one)
            else:
                await self._session.engine.drop_kept(DropKept(self._database, one.name))
        except (EngineError, StateError) as error:
            self.djmig.say(str(error), "error")
        await self._read()

    def action_copy_path(self) -> None:
        """Copy where it is."""
        one = self._chosen
        if isinstance(one, KeptEntry):
            folder = Path(self._session.state.kept_file(one, one.parts[0])).parent
            self.djmig.copy(str(folder), "where it is")
        elif one is not None:
            self.djmig.copy(one.path if isinstance(one, BackupEntry) else one.name, "where it is")

    def project_changed(self) -> None:
        """A fresh engine waits until the backup under way is made."""
        self._outdated = True

    def engine_replaced(self) -> None:
        """Look again with the fresh engine."""
        if not self._busy:
            background.start(self, self._read, "backups")

    def action_leave(self) -> None:
        """Stop a backup under way, or leave."""
        if self._busy:
            self.workers.cancel_group(self, "backup")
        else:
            self.dismiss(None)

    def ask_to_quit(self) -> None:
        """Quitting ends the engine: ask."""

        def answered(yes: bool | None) -> None:
            if yes and self._busy:
                self.djmig.leave(0)

        what = Content("A backup is being made. Nothing of it is kept if djmig-tui ends.")
        self._ask = AskScreen("Quit during the backup?", [what], "Quit")
        self.app.push_screen(self._ask, answered)

    def _close_question(self) -> None:
        if self._ask is not None and self._ask.is_current:
            self._ask.dismiss(False)


def _line(one: Thing) -> Content:
    if isinstance(one, BackupEntry):
        return entry_line(one)
    return rows_line(one) if isinstance(one, KeptEntry) else kept_line(one)
