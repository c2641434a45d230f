"""What every screen shares: one path from key to action, the bar of keys, a word when there is no room."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from textual import events
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget

from .. import held_back
from ..action import Action
from ..actions import ACTIONS, find
from ..context import Context
from ..widgets.bars import KeyBar, TooSmall
from ..widgets.buttons import YesButton

if TYPE_CHECKING:
    from ..app import DjmigApp

Result = TypeVar("Result")

#: Below this nothing is shown but a sentence.
MIN_WIDTH, MIN_HEIGHT = 60, 16


class ActionScreen(Screen[Result], Generic[Result]):
    """A screen whose keys come from actions.py. Subclasses say which, what they show, and answer the ids."""

    SCOPE = ""
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (MIN_WIDTH, "-narrow"), (100, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (MIN_HEIGHT, "-short"), (30, "-tall")]

    @property
    def djmig(self) -> DjmigApp:
        """The app, by its own type."""
        return cast("DjmigApp", self.app)

    def compose(self) -> ComposeResult:
        """The screen's own widgets between nothing and the keys."""
        yield from self.body()
        yield KeyBar()
        yield TooSmall()

    def body(self) -> Iterable[Widget]:
        """Return the screen's own widgets."""
        raise NotImplementedError

    def context(self) -> Context:
        """Return the moment, for the actions' reasons."""
        raise NotImplementedError

    def moment(self) -> Context:
        """Return `context`, and whether an unfinished reset holds back what changes anything."""
        record = self.djmig.session.state.reset_under_way()
        return replace(self.context(), held_back=held_back.by_keys(record))

    def project_changed(self) -> None:
        """What this screen was made from is not how things are any more."""

    def engine_replaced(self) -> None:
        """A fresh engine answers."""
        self.project_changed()

    @property
    def roomy(self) -> bool:
        """Whether the terminal is large enough for what is being decided to be read."""
        return self.size.width >= MIN_WIDTH and self.size.height >= MIN_HEIGHT

    def named(self, action: Action) -> Action:
        """Return an action as the bar of keys is to name it at the moment."""
        return action

    def why_not(self, action_id: str) -> str | None:
        """Return why an action cannot act now, or None."""
        return held_back.why_not(self.SCOPE, find(self.SCOPE, action_id), self.moment())

    def refresh_keys(self) -> None:
        """Bring the bar of keys up to the moment."""
        if self.query(KeyBar):
            moment = self.moment()
            keys = [
                (self.named(action), held_back.why_not(self.SCOPE, action, moment))
                for action in ACTIONS[self.SCOPE]
            ]
            self.query_one(KeyBar).actions = keys

    async def action_do(self, action_id: str, *arguments: str) -> None:
        """Do an action, or say why it cannot be done. Keys, mouse and palette all come through here."""
        if reason := self.why_not(action_id):
            self.djmig.say(reason, "warning")
            return
        values = "".join(f"{argument!r}" for argument in arguments)
        await self.run_action(f"screen.{action_id}({values})")

    def action_help(self) -> None:
        """Show help for this screen."""
        from .help import HelpScreen

        self.app.push_screen(HelpScreen(self.SCOPE, self.moment()))

    async def action_quit(self) -> None:
        """Quit by the one path."""
        await self.app.action_quit()

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        """Look at the moment again when another screen went away."""
        self.refresh_keys()

    def on_resize(self, event: events.Resize) -> None:
        """Whether there is room decides what can be done."""
        self.refresh_keys()


class RunnableScreen(ActionScreen[Result], Generic[Result]):
    """A screen whose R does what it shows: its button can be pressed while the key can act."""

    def refresh_keys(self) -> None:
        """Bring keys and button up to the moment."""
        super().refresh_keys()
        for button in self.query(YesButton):
            button.disabled = self.why_not("run") is not None
