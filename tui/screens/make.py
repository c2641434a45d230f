"""Shows what makemigrations would make; only R runs the real command, in the lent terminal."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from .. import background, child, making
from ..actions import MAKE, bindings
from ..context import Context
from ..describe import bullets, section, stack
from ..making import KEPT, Making
from ..session import Session
from ..text import clean, one_line
from ..widgets.bars import Banner, StatusBar
from ..widgets.buttons import CancelButton, YesButton
from ..widgets.code_view import CodeView
from ..widgets.prose import Prose
from .base import RunnableScreen

if TYPE_CHECKING:
    from ..app import DjmigApp

_CHANGED = "The project changed since this was read. Press r to look again."
_NO_FILE = (
    "The database's file is not there yet, and makemigrations would make an empty one by asking it: "
    "so there is no dry run. R runs the command itself."
)


class MakeScreen(RunnableScreen[bool]):
    """Runs the dry run from the moment it is shown, and ends it when it is left."""

    SCOPE = MAKE
    BINDINGS = bindings(MAKE)
    CSS_PATH = ["plan.tcss", "make.tcss"]
    AUTO_FOCUS = "CancelButton"

    def __init__(self, session: Session, wanted: Making) -> None:
        super().__init__()
        self._session = session
        self._wanted = wanted
        self._said, self._cut = "", False
        self._found = ""  # what the dry run came to, once it has ended
        self._started = 0.0

    def body(self) -> Iterable[Widget]:
        """The question, how far the dry run is, what runs, what would be made, the buttons."""
        status = StatusBar(self.djmig.where, read_only=self.djmig.read_only)
        status.project, status.database = self._session.project, self._session.database
        yield status
        yield Static(Content.styled(clean(self._wanted.title), "bold"), id="title")
        yield Static(id="counting", markup=False)
        yield Banner()
        text, output = Prose(), CodeView(wrap=False)
        text.border_title, output.border_title = "What it would do", "Dry run"
        yield Horizontal(text, output, id="panes")
        yield Horizontal(CancelButton(), YesButton("Run it in the terminal", "R", "run"), classes="buttons")

    def context(self) -> Context:
        """Whether the dry run has ended."""
        return Context(read_only=self.djmig.read_only, roomy=self.roomy, running=not self._found)

    def on_mount(self) -> None:
        """Begin the dry run."""
        self.set_interval(0.2, self._tick)
        self.action_look_again()

    def action_look_again(self) -> None:
        """Begin the dry run anew."""
        self._said, self._cut, self._found, self._started = "", False, "", monotonic()
        self.query_one(Banner).show("")
        self._show()
        background.start(self, self._look, "dry run")

    async def _look(self) -> None:
        history = self._session.history
        if history is not None and any(problem.kind == "fresh" for problem in history.problems):
            self._found = _NO_FILE
        else:
            self._found = await self._dry_run()
        self._show()

    async def _dry_run(self) -> str:
        words, where = self._wanted.preview(self.djmig.where), self.djmig.where
        try:
            code = await child.follow(words, Path(where.cwd or where.folder), self._heard)
        except OSError as error:
            return f"{words[0]} cannot be started: {error.strerror or error}. Press r to try again."
        return making.in_words(code, self._said)

    def _heard(self, text: str) -> None:
        self._cut |= len(self._said) + len(text) > KEPT
        self._said = (self._said + text)[-KEPT:]

    def _tick(self) -> None:
        if not self._found:
            self._show()

    def _show(self) -> None:
        line = self.query_one("#counting", Static)
        line.set_class(not self._found, "-shown")
        line.update(Content(f"Dry run under way… {monotonic() - self._started:.0f} s; Esc ends it."))
        self.query_one(Prose).show(self._text(), keep_place=True)
        cut = "# The beginning is left off.\n" if self._cut else ""
        self.query_one(CodeView).show_code(
            cut + clean(self._said, strip_ansi=True), "python", keep_place=True
        )
        self.refresh_keys()

    def _text(self) -> Content:
        words = one_line(shlex.join(self._wanted.command(self.djmig.where)), 500)
        joined = [
            Content(f"{one_line(label)}: {one_line(', '.join(names), 500)}")
            for label, names in making.forked(self._session.history, self._wanted.app)
        ]
        how = [
            "R lends it the terminal: it can ask you there, and ^C stops it.",
            "Then the tree is read again and shows what was made. No database is changed.",
        ]
        return stack(
            section("The heads that it joins", bullets(joined, "◆")) if self._wanted.merge else None,
            section("The command", [Content.assemble(("$ ", "$primary"), words)]),
            section("What the dry run says", [Content(self._found)] if self._found else []),
            section("How", bullets(how, "→")),
            Content("Nothing has been written."),
        )

    def project_changed(self) -> None:
        """What would be made may be something else by now."""
        if self._found:
            self.query_one(Banner).show(_CHANGED)

    # ---------------------------------------------------------------- actions
    def action_run(self) -> None:
        """Run the real command in the terminal."""
        making.run(self.djmig, self._wanted)
        self.dismiss(True)

    def action_leave(self) -> None:
        """End the dry run, if it is under way, and leave."""
        self.dismiss(False)


def open_make(app: DjmigApp, label: str | None) -> None:
    """Show what makemigrations would do for an app, or for all; where an app has two heads, merge them."""
    app.push_screen(MakeScreen(app.session, making.making_for(app.session.history, label)))
