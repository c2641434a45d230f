"""Stands in front of everything while there is no engine: why, what the project printed, and the way on."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import TYPE_CHECKING

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from ..actions import TROUBLE, bindings
from ..context import Context
from ..describe import describe_trouble, stack
from ..messages import Where
from ..text import one_line
from ..widgets.folded import Folded
from ..widgets.prose import Prose
from .base import ActionScreen

if TYPE_CHECKING:
    from ..app import DjmigApp


class TroubleScreen(ActionScreen[None]):
    """Goes away by itself when an engine answers."""

    SCOPE = TROUBLE
    BINDINGS = bindings(TROUBLE)
    CSS_PATH = "plan.tcss"
    AUTO_FOCUS = "Prose"

    def __init__(self, where: Where, sentence: str, detail: str) -> None:
        super().__init__()
        self._where = where
        self._sentence = sentence
        self._detail = detail

    def body(self) -> Iterable[Widget]:
        """The sentence, where the project was looked for, the output."""
        yield Static(Content.styled("■ The project's engine is not running", "bold $error"), id="title")
        yield Prose()
        yield Folded("What the project printed last")

    def context(self) -> Context:
        """Nothing stands against starting again."""
        return Context()

    def on_mount(self) -> None:
        """Show it."""
        self.show(self._sentence, self._detail)

    def show(self, sentence: str, detail: str) -> None:
        """Say why."""
        facts = {
            "project": self._where.folder,
            "command": shlex.join(self._where.command),
            "python": self._where.how,
        }
        lines = [
            Content.assemble((f"{key:<9}", "$foreground 60%"), one_line(value, 500))
            for key, value in facts.items()
        ]
        next_step = Content.assemble(
            ("r", "bold $accent"), " starts it again, ", ("q", "bold $accent"), " quits."
        )
        self.query_one(Prose).show(stack(describe_trouble(sentence), Content(), lines, Content(), next_step))
        self.query_one(Folded).show(detail)

    def engine_replaced(self) -> None:
        """An engine answers again."""
        self.dismiss()

    def action_restart(self) -> None:
        """Start the engine again."""
        self.query_one(Prose).show(Content("Starting the project's engine…"))
        self.query_one(Folded).show("")
        self.djmig.start_engine()

    def action_unfold(self) -> None:
        """Show or hide what the project printed."""
        self.query_one(Folded).toggle()


def show_trouble(app: DjmigApp, sentence: str, detail: str) -> None:
    """Show why there is no engine, on the screen that says so already if it is there."""
    for screen in app.screen_stack:
        if isinstance(screen, TroubleScreen):
            screen.show(sentence, detail)
            return
    app.push_screen(TroubleScreen(app.where, sentence, detail))
