"""The interface: theme, first screen, start and end of the engine. All else is in screens and session."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Literal

from textual import on
from textual.app import App, SystemCommand
from textual.message import Message
from textual.screen import Screen

from djmig_tui.protocol import OpenProject

from . import background
from .backup_settings import DEFAULTS, BackupSettings
from .changes import Changes
from .leaving import leave_on_signals
from .making import Made
from .messages import (
    EngineLost,
    HistoryRead,
    ProjectChanged,
    ProjectOpened,
    Where,
)
from .palette import ActionCommands
from .screens.main import MainScreen
from .screens.quitting import ask_to_quit
from .screens.trouble import show_trouble
from .session import Connect, Session
from .store import ResetStore
from .text import one_line
from .theme import INK

#: How long the first tree may take if the engine has begun to answer, before that of last time is shown.
ALMOST_THERE = 0.1


class DjmigApp(App[int]):
    """`run` returns the exit code."""

    TITLE = "djmig-tui"
    CSS_PATH = ["app.tcss", "screens/main.tcss"]  # the default screen does not bring its own
    COMMANDS = App.COMMANDS | {lambda: ActionCommands}

    def __init__(
        self,
        *,
        connect: Connect,
        where: Where,
        state: ResetStore,
        database: str = "default",
        read_only: bool = False,
        demo: bool = False,
        printed: Callable[[], str] | None = None,
        has_answered: Callable[[], bool] = lambda: False,
        local_hosts: tuple[str, ...] = (),
        settings: BackupSettings = DEFAULTS,
    ) -> None:
        """`printed` gives what the project has printed so far, while its engine is starting.

        `has_answered` says whether the first tree is as good as there.
        """
        super().__init__()
        self.where = where
        self.read_only = read_only
        opening = OpenProject(read_only, local_hosts)
        self.session = Session(connect, state, database, self._tell_main, opening, settings=settings)
        self._has_answered = has_answered
        self.main = MainScreen(self.session, where, read_only=read_only, demo=demo, printed=printed)
        self.made = Made(self)
        self._changes = Changes(self)
        self.register_theme(INK)
        self.theme = INK.name

    def _tell_main(self, message: Message) -> None:
        self.main.post_message(message)  # what it leaves alone bubbles up to here

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """What our styles need and other themes lack."""
        return {"muted": "#8b949e"}

    def get_default_screen(self) -> Screen[Any]:
        """The main screen is under everything."""
        return self.main

    async def on_mount(self) -> None:
        """Show what was known last time; start the engine."""
        leave_on_signals(self)
        if self._has_answered():  # to draw what is about to be replaced would take longer than to wait
            self.set_timer(ALMOST_THERE, self.session.show_last_tree)
        else:
            self.session.show_last_tree()
        self.start_engine()

    async def on_unmount(self) -> None:
        """End the engine, whatever ended us."""
        await self.session.close()

    def start_engine(self) -> None:
        """Start a fresh engine; it takes over when it is ready."""
        if not self.session.running:
            background.start(self, self.session.open, "engine")

    async def action_quit(self) -> None:
        """The one way out; asks during a run."""
        if self.session.running:
            ask_to_quit(self)
        else:
            self.leave(0)

    def leave(self, code: int) -> None:
        """End with an exit code; the terminal is restored."""
        self.exit(code, return_code=code)

    # ------------------------------------------------- what the session tells
    @on(ProjectOpened)
    def _project_opened(self) -> None:
        self._changes.engine_replaced()

    @on(HistoryRead)
    def _history_read(self, event: HistoryRead) -> None:
        self.made.seen(event.history)

    @on(EngineLost)
    def _engine_lost(self, event: EngineLost) -> None:
        self._changes.outdate()
        show_trouble(self, event.sentence, event.detail)

    @on(ProjectChanged)
    def _project_changed(self, event: ProjectChanged) -> None:
        self._changes.seen(event.what)

    def on_app_focus(self) -> None:
        """Somebody looks: the records are watched."""
        background.start(self, partial(self.session.watch, focused=True), "watch")

    def on_app_blur(self) -> None:
        """Nobody looks."""
        background.start(self, partial(self.session.watch, focused=False), "watch")

    # ----------------------------------------------- what the screens ask for
    def read_again(self, database: str | None = None) -> None:
        """Read the history again from the same engine, perhaps of another database."""
        if not self.session.opening:
            background.start(self, partial(self.session.read_again, database), "engine")
        elif database is not None:  # the engine that is on its way reads it
            self.session.look_at(database)
            self.start_engine()

    def say(self, text: str, severity: Literal["information", "warning", "error"] = "information") -> None:
        """Say a sentence in the corner; it is never parsed as markup."""
        self.notify(one_line(text, 500), severity=severity, markup=False)

    def copy(self, text: str, what: str) -> None:
        """Copy to the terminal's clipboard."""
        self.copy_to_clipboard(text)
        self.say(f"Copied {what}: {one_line(text, 60)}")

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Only the theme: everything else is one of our actions."""
        yield SystemCommand("Theme", "choose other colours", self.action_change_theme)
