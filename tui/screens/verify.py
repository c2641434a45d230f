"""The verify screen: does the real schema agree with what the records claim?"""

from __future__ import annotations

from collections.abc import Iterable

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from djmig_tui.protocol import Progress, Verification, VerifySchema

from .. import background, interrupted
from ..actions import VERIFY, bindings
from ..context import Context
from ..describe import describe_trouble
from ..describe_verify import describe_verification, headline, remedies
from ..engine.errors import EngineError
from ..session import Session
from ..text import one_line
from ..widgets.bars import Banner, StatusBar
from ..widgets.folded import Folded
from ..widgets.prose import Prose
from .base import ActionScreen

_CHANGED = "The project changed since this was read. Press r to look again."


class VerifyScreen(ActionScreen[None]):
    """Looks from the moment it is shown, and stops looking when it is left."""

    SCOPE = VERIFY
    BINDINGS = bindings(VERIFY)
    CSS_PATH = ["plan.tcss", "verify.tcss"]
    AUTO_FOCUS = "Prose"

    verification: reactive[Verification | None] = reactive(None)

    def __init__(self, session: Session, database: str, app: str | None) -> None:
        """`app` None: all of them."""
        super().__init__()
        self._session = session
        self._database = database
        self._app = app
        self._settled = False

    def body(self) -> Iterable[Widget]:
        """The question, how far the looking is, the answer."""
        status = StatusBar(self.djmig.where, read_only=self.djmig.read_only)
        status.project, status.database = self._session.project, self._database
        yield status
        what = f"the tables of {one_line(self._app)}" if self._app else "all tables"
        yield Static(
            Content.styled(f"Does the schema agree with the records? Looking at {what}", "bold"), id="title"
        )
        yield Static(id="counting", markup=False)
        yield Banner()
        text = Prose()
        text.border_title = "Records and schema"
        yield text
        yield Folded("Traceback")

    def context(self) -> Context:
        """Whether there is something to copy."""
        found = self.verification
        return Context(connected=self._session.ready, remedies=bool(found and remedies(found)))

    def on_mount(self) -> None:
        """Look."""
        self.action_look_again()

    def action_look_again(self) -> None:
        """Look at the schema again."""
        self.verification = None
        self.query_one(Banner).show("")
        self.query_one(Folded).show("")
        self.query_one(Prose).show(Content("Looking. Nothing is changed; Esc stops it."))
        self._say("Looking…")
        background.start(self, self._look, "verify")

    def _say(self, words: str) -> None:
        line = self.query_one("#counting", Static)
        line.set_class(bool(words), "-shown")
        line.update(Content(words))

    async def _look(self) -> None:
        request = VerifySchema(self._database, self._app)
        try:
            found = await self._session.engine.verify_schema(request, self._progress)
        except EngineError as error:
            self._say("")
            self.query_one(Prose).show(describe_trouble(str(error)))
            self.query_one(Folded).show(error.detail)
        else:
            self._say("")
            self.verification = found
            self.query_one(Prose).show(describe_verification(found))
            self._write_down(found)
        self.refresh_keys()

    def _write_down(self, found: Verification) -> None:
        words = headline(found)
        what = f" {self._app}" if self._app else ""
        option = "" if self._database == "default" else f" --database {self._database}"
        self._session.note(f"djmig-tui verify{what}{option}", words, manage=False)
        self._settled |= interrupted.settle(self._session.state, self._database, self._app, words)

    def _progress(self, progress: Progress) -> None:
        if self.verification is None and self.is_mounted:
            far = f" {progress.done:,} of {progress.total:,}" if progress.total else ""
            self._say(f"{one_line(progress.message, 200).rstrip('…')}…{far}")

    def project_changed(self) -> None:
        """What was read may not be how things are."""
        if self.verification is not None:
            self.query_one(Banner).show(_CHANGED)

    def engine_replaced(self) -> None:
        """A look that the old engine did not finish begins again."""
        if self.verification is None:
            self.action_look_again()
        else:
            self.project_changed()

    # ---------------------------------------------------------------- actions
    def action_copy_remedies(self) -> None:
        """Copy how to finish and how to undo what is half done."""
        if self.verification is not None:
            self.djmig.copy(remedies(self.verification), "the ways out")

    def action_unfold(self) -> None:
        """Show or hide the traceback."""
        self.query_one(Folded).toggle()

    def action_leave(self) -> None:
        """Stop looking."""
        self.dismiss(None)
        if self._settled:  # the main screen need not speak of the interrupted run any more
            self.djmig.read_again()
