"""The backups of a project, and the rows that runs kept: make one, look at them, restore or delete one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from textual import on
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from djmig_tui.protocol import BackupMeans, ListKept, Progress

from .. import background, backups
from ..action import Action
from ..actions import BACKUPS, bindings
from ..context import Context
from ..describe_backups import describe_none
from ..engine.api import OnProgress
from ..engine.errors import EngineError
from ..session import Session
from ..store import ASKED_FOR, StateError
from ..text import one_line, size_in_words
from ..under_way import BACKUP, UnderWay
from ..widgets.bars import Banner, StatusBar
from ..widgets.prose import Prose
from .ask import AskScreen
from .backup_things import Backup, KeptSet, Replaced, Thing, Work
from .base import ActionScreen
from .choose import Choices


class BackupsScreen(ActionScreen[None]):
    """Lists what can be put back: backups and kept rows, the newest first, then replaced databases."""

    SCOPE = BACKUPS
    BINDINGS = bindings(BACKUPS)
    CSS_PATH = "backups.tcss"
    AUTO_FOCUS = "Choices"

    def __init__(self, session: Session, database: str, *, read_only: bool) -> None:
        super().__init__()
        self._session = session
        self.database = database
        self.read_only = read_only
        self._things: list[Thing] = []
        self._means: BackupMeans | None = None
        self.told: dict[str, Sequence[Content]] = {}
        self._under_way: UnderWay | None = None
        self._outdated = False  # something changed while something was under way
        self._ask: AskScreen | None = None

    def body(self) -> Iterable[Widget]:
        """The list, and what is under the cursor."""
        status = StatusBar(self.djmig.where, read_only=self.read_only)
        status.project, status.database = self._session.project, self.database
        yield status
        yield Static(Content.styled(f"Backups of {one_line(self.database)}", "bold"), id="title")
        yield Static(id="counting", markup=False)
        yield Banner()
        choices, text = Choices(), Prose()
        choices.border_title, text.border_title = "Newest first", "What it holds"
        yield Horizontal(choices, text, id="panes")

    def context(self) -> Context:
        """What is under the cursor, and what is under way."""
        return Context(
            connected=self._session.ready,
            read_only=self.read_only,
            busy=self._under_way.why_not if self._under_way is not None else "",
            chosen=self._chosen is not None,
        )

    def named(self, action: Action) -> Action:
        """Call Enter what it does with what is under the cursor."""
        one = self._chosen
        return replace(action, label=one.word) if one is not None and action.id == "restore" else action

    def on_mount(self) -> None:
        """Read what there is."""
        background.start(self, self._read, "backups")

    # ---------------------------------------------------------- what is shown
    async def _read(self) -> None:
        swept = self._session.state.sweep_backups()
        state = self._session.state
        found: list[Thing] = [Backup(self, one) for one in state.backups()]
        found += [KeptSet(self, one) for one in state.kept()]
        found.sort(key=lambda one: datetime.fromisoformat(one.at), reverse=True)
        # The newest first; those of the database that is shown before all others.
        found.sort(key=lambda one: one.alias != self.database)
        self._show(found)
        if swept:
            self.query_one(Banner).show(" ".join(swept))
        try:
            keeping = self._session.keeping(self.database)
            kept = await self._session.engine.list_kept(ListKept(self.database))
            self._means = await backups.means(keeping)
        except EngineError as error:
            self.query_one(Banner).show(str(error))
            return
        self._show([*found, *(Replaced(self, one) for one in kept.databases)])

    def _show(self, things: list[Thing]) -> None:
        choices = self.query_one(Choices)
        at = choices.highlighted or 0
        self._things = things
        choices.clear_options()
        for one in things:
            choices.add_option(Option(one.line))
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
        text = one.detail if one is not None else describe_none(self._means)
        self.query_one(Prose).show(text)
        self.refresh_keys()

    @on(OptionList.OptionSelected)
    async def _selected(self) -> None:
        await self.action_do("restore")

    # ---------------------------------------------------------------- actions
    def action_make(self) -> None:
        """Make a backup."""
        self.work(BACKUP, self._make)

    async def _make(self, on_progress: OnProgress) -> None:
        entry = await backups.make(self._session.keeping(self.database), ASKED_FOR, on_progress)
        self.djmig.say(f"Made a backup: {size_in_words(entry.size)}, kept with the others.")

    def work(self, what: UnderWay, task: Work) -> None:
        """Do what takes its time, unless something else does; the keys stay free, and Esc stops it."""
        if self._under_way is None:
            self._under_way, self._outdated = what, False
            self._session.running = True  # nobody takes its engine away
            self.refresh_keys()
            background.start(self, partial(self._work, what, task), "work")

    async def _work(self, what: UnderWay, task: Work) -> None:
        def on_progress(progress: Progress) -> None:
            if self._under_way is what and self.is_attached:
                self._say(what.so_far(progress))

        then: Callable[[], object] | None = None
        try:
            then = await task(on_progress)
        except EngineError as error:
            self.djmig.say(str(error), "error")
        except asyncio.CancelledError:
            if not self.is_attached:
                raise
            self.djmig.say(f"Stopped: {what.stopped}.")
        finally:
            self._under_way, self._session.running = None, False
        if self.is_attached:
            self._worked()
            if then is not None:
                then()

    def _worked(self) -> None:
        self._close_question()
        self._say("")
        self.refresh_keys()
        if self._outdated or not self._session.ready:
            self.djmig.start_engine()  # for what had to wait, or as the one that was asked ended
        background.start(self, self._read, "backups")

    def _say(self, words: str) -> None:
        line = self.query_one("#counting", Static)
        line.set_class(bool(words), "-shown")
        line.update(Content(words))

    def action_restore(self) -> None:
        """Lead to its return, as its kind has it."""
        if self._chosen is not None:
            self._chosen.open()

    def came_back(self, done: bool | None) -> None:
        """Look again, or leave if what Enter led to was done."""
        if done:
            self.dismiss(None)
        else:
            background.start(self, self._read, "backups")

    def action_delete(self) -> None:
        """Delete it, after a question."""
        one = self._chosen
        if one is None:
            return
        title, what = one.question
        lines = [Content(one_line(what, 500)), Content("It does not come back.")]

        def answered(yes: bool | None) -> None:
            if yes:
                background.start(self, partial(self._delete, one), "backups")

        self.app.push_screen(AskScreen(title, lines, "Delete"), answered)

    async def _delete(self, one: Thing) -> None:
        try:
            await one.delete()
        except (EngineError, StateError) as error:
            self.djmig.say(str(error), "error")
        await self._read()

    def action_copy_path(self) -> None:
        """Copy where it is."""
        if self._chosen is not None:
            self.djmig.copy(self._chosen.place, "where it is")

    def project_changed(self) -> None:
        """A fresh engine waits until what is under way is over."""
        self._outdated = True

    def engine_replaced(self) -> None:
        """Look again with the fresh engine."""
        if self._under_way is None:
            background.start(self, self._read, "backups")

    def action_leave(self) -> None:
        """Stop what is under way, or leave."""
        if self._under_way is not None:
            background.stop(self, "work")
        else:
            self.dismiss(None)

    def ask_to_quit(self) -> None:
        """Quitting ends the engine: ask."""

        what = self._under_way
        if what is None:
            return

        def answered(yes: bool | None) -> None:
            if yes and self._under_way is what:
                self.djmig.leave(0)

        self._ask = AskScreen(f"Quit during {what.name}?", [Content(what.if_quit)], "Quit")
        self.app.push_screen(self._ask, answered)

    def _close_question(self) -> None:
        if self._ask is not None and self._ask.is_current:
            self._ask.dismiss(False)
