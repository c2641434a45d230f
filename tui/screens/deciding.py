"""What starting over and putting it back share: read first, Cancel focused, R after a second question."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from .. import background
from ..context import Context
from ..describe import describe_trouble
from ..engine.errors import EngineError
from ..guards import name_to_type
from ..session import Session
from ..text import clean, one_line
from ..widgets.bars import Banner, StatusBar, place_of
from ..widgets.buttons import CancelButton, YesButton
from ..widgets.prose import Prose
from .ask import AskScreen
from .base import RunnableScreen

_CHANGED = "The project changed since this was read. Press r to look again; until then nothing is done."


class Shown(NamedTuple):
    """What was read, and why it is not to be done: "" if it may."""

    title: str
    verdict: Content
    text: Content
    why_not: str = ""


class DecidingScreen(RunnableScreen[bool]):
    """Its result says whether it was done. Subclasses read what is at stake, and answer R."""

    CSS_PATH = "plan.tcss"
    AUTO_FOCUS = "CancelButton"
    YES = ""

    def __init__(self, session: Session, alias: str) -> None:
        super().__init__()
        self._session = session
        self._alias = alias
        self._shown: Shown | None = None
        self._outdated = False
        self._why = ""

    def body(self) -> Iterable[Widget]:
        """Title and verdict, what is at stake, the buttons."""
        status = StatusBar(self.djmig.where, read_only=self.djmig.read_only)
        status.project, status.database = self._session.project, self._alias
        yield status
        yield Static(id="title", markup=False)
        yield Static(id="verdict", markup=False)
        yield Banner()
        yield Horizontal(Prose(), id="panes")
        yield Horizontal(CancelButton(), YesButton(self.YES, "R", "run"), classes="buttons")

    def context(self) -> Context:
        """What was read, and whether it still holds."""
        return Context(
            connected=self._session.ready,
            read_only=self.djmig.read_only,
            roomy=self.roomy,
            outdated=self._outdated,
            read=self._shown is not None,
            no_reset=self._shown.why_not if self._shown is not None else "",
        )

    async def read(self) -> Shown:
        """Return what is at stake. Raises `EngineError`."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Look."""
        self.action_look_again()

    def action_look_again(self) -> None:
        """Look at files and databases again."""
        self.look()

    def look(self, why: str = "") -> None:
        """Read what is at stake; `why` stands above it."""
        self._outdated, self._why = False, why
        if self._shown is None:
            self._show("Looking at what it would do…", Content(), Content())
        background.start(self, self._load, "plan")

    async def _load(self) -> None:
        try:
            self._shown = await self.read()
            title, verdict, text = self._shown[:3]
        except EngineError as error:
            self._shown = None
            title, verdict = "It cannot be done", Content()
            text = describe_trouble(str(error), error.detail)
        if self.query(Banner):  # else the screen has gone meanwhile
            self.query_one(Banner).show(self._why)
            self._show(title, verdict, text)

    def _show(self, title: str, verdict: Content, text: Content) -> None:
        self.query_one("#title", Static).update(Content.styled(clean(title), "bold"))
        self.query_one("#verdict", Static).update(verdict)
        self.query_one(Prose).show(text, keep_place=True)
        self.refresh_keys()

    def project_changed(self) -> None:
        """What was shown is not how things are."""
        if not self._session.running:
            self._outdated = True
            self.query_one(Banner).show(_CHANGED)
            self.refresh_keys()

    def engine_replaced(self) -> None:
        """A fresh engine may say otherwise: it is asked, unless it came for the steps under way."""
        if not self._session.running:
            self.action_look_again()

    def ask(
        self, lines: Sequence[Content], then: Callable[[], None], *, title: str = "", typed: bool = True
    ) -> None:
        """Call `then` after a yes; where `typed`, the database's name must be typed before it."""
        database = self.djmig.session.database_of(self._alias)
        where = place_of(database) if database is not None else one_line(self._alias)
        machine = "on this machine" if database is not None and database.local else "REMOTE"
        about = [*lines, Content(), Content.assemble("On ", (where, "bold"), f", {machine}.")]
        shown = self._shown
        name = name_to_type(self._alias, database) if typed else ""
        question = title or f"Really? {shown.title if shown else ''}"

        def answered(yes: bool | None) -> None:
            if yes and self.why_not("run") is None:
                then()

        self.app.push_screen(AskScreen(question, about, self.YES, name_to_type=name), answered)

    def ended(self, done: bool | None) -> None:
        """Leave with what became of it."""
        self.dismiss(bool(done))

    def action_leave(self) -> None:
        """Leave; nothing was changed."""
        self.dismiss(False)
