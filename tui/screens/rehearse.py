"""The rehearsal: the plan is run for real and taken back, and this says how that went."""

from __future__ import annotations

from collections.abc import Iterable
from time import monotonic

from textual.containers import Horizontal
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from djmig_tui.protocol import ON_COPY, Plan, Progress, Rehearsal, RehearsePlan

from .. import asking, background
from ..actions import REHEARSE, bindings
from ..context import Context
from ..describe import describe_trouble, stack
from ..describe_rehearsal import describe_rehearsal
from ..engine.errors import EngineError, Stale
from ..fresh import replace_engine
from ..session import Session
from ..text import clean, one_line
from ..widgets.bars import StatusBar
from ..widgets.code_view import CodeView
from ..widgets.folded import Folded
from ..widgets.progress import StepBar
from ..widgets.prose import Prose
from .base import ActionScreen
from .consent import ConsentScreen


class RehearseScreen(ActionScreen[Stale]):
    """Rehearses a plan from the moment it is shown. Its result says that the plan is old, or nothing.

    An engine that rehearsed ends with it: a fresh one is started in its place.
    """

    SCOPE = REHEARSE
    BINDINGS = bindings(REHEARSE)
    CSS_PATH = ["plan.tcss", "rehearse.tcss"]
    AUTO_FOCUS = "Prose"

    rehearsal: reactive[Rehearsal | None] = reactive(None)

    def __init__(self, session: Session, plan: Plan) -> None:
        super().__init__()
        self._session = session
        self._plan = plan
        self._started = monotonic()
        self._under_way = False
        self._consent = False
        self._on: str | None = None
        self._place = ""

    def body(self) -> Iterable[Widget]:
        """Title, progress, what was found, the schema before and after."""
        status = StatusBar(self.djmig.where)
        status.project, status.database = self._session.project, self._plan.database
        yield status
        title = f"Rehearsal, to be taken back: {clean(self._plan.title)}"
        yield Static(Content.styled(title, "bold"), id="title")
        yield StepBar(len(self._plan.steps))
        text, diff = Prose(), CodeView(wrap=False)
        text.border_title, diff.border_title = "What was found", "The schema, before (-) and after (+)"
        yield Horizontal(text, diff, id="panes")
        yield Folded("Traceback")

    def context(self) -> Context:
        """Whether it still runs."""
        found = self.rehearsal
        return Context(
            connected=self._session.ready,
            running=self._under_way,
            plan=self._plan,
            copy_instead=found is not None and found.copy_instead,
        )

    def on_mount(self) -> None:
        """Rehearse; code is shown and asked about first."""
        self.set_interval(0.2, self._tick)
        self._rehearse()

    def _tick(self) -> None:
        if self._under_way:
            self.query_one(StepBar).seconds = monotonic() - self._started

    def _rehearse(self) -> None:
        self._started, self._under_way = monotonic(), True
        self._say_where("")
        background.start(self, self._run, "rehearsal")

    def _say_where(self, place: str) -> None:
        self._place = place
        under_way = Content("Under way. Esc stops it; whatever it has done is taken back.")
        self.query_one(Prose).show(stack(under_way, Content(), Content(one_line(place, 600))))

    async def _run(self) -> None:
        consent = self._consent
        request = asking.rehearse(self._plan, consent=consent, on=self._on)
        try:
            rehearsal = await self._asked(request)
        except EngineError as error:
            self._under_way = False
            replace_engine(self.djmig)
            self._failed(error)
            return
        self._under_way = False
        if rehearsal.sources and not consent:
            self.app.push_screen(ConsentScreen(rehearsal.sources), self._consented)
            return
        if rehearsal.where:
            replace_engine(self.djmig)
        self._show(rehearsal)

    async def _asked(self, request: RehearsePlan) -> Rehearsal:
        """Ask the engine; should it end unasked meanwhile, it is this screen that tells."""
        engine = self._session.engine
        on_ended, engine.on_ended = engine.on_ended, None
        try:
            return await engine.rehearse_plan(request, self._progress)
        finally:
            engine.on_ended = on_ended

    def _consented(self, yes: bool | None) -> None:
        if yes:
            self._consent = True
            self._rehearse()
        else:
            self.dismiss(None)

    def _failed(self, error: EngineError) -> None:
        if isinstance(error, Stale):
            self.dismiss(error)
            return
        self.query_one(StepBar).words = "ended"
        taken_back = Content("What it had done is not kept: nothing was changed.")
        self.query_one(Prose).show(stack(describe_trouble(str(error)), Content(), taken_back))
        self.query_one(Folded).show(error.detail)
        self.refresh_keys()

    def _show(self, rehearsal: Rehearsal) -> None:
        bar = self.query_one(StepBar)
        bar.seconds = rehearsal.seconds
        if rehearsal.works:
            bar.done = len(self._plan.steps)
        bar.words = "works" if rehearsal.works else "cannot be rehearsed" if rehearsal.cannot else "fails"
        self.rehearsal = rehearsal
        self.query_one(Prose).show(describe_rehearsal(self._plan, rehearsal))
        if rehearsal.works:
            self.query_one("#panes").add_class("-diff")
            self.query_one(CodeView).show_code(rehearsal.schema_diff or "The schema stays the same.")
        self.query_one(Folded).show(rehearsal.detail)
        outcome = bar.words + (f", {rehearsal.where}" if rehearsal.where else "")
        self._session.note(f"rehearsal of: {one_line(self._plan.title, 200)}", outcome, manage=False)
        self.refresh_keys()

    def _progress(self, progress: Progress) -> None:
        if self._under_way:
            bar = self.query_one(StepBar)
            bar.done, bar.words = progress.done, one_line(progress.message)
            if progress.note not in ("", self._place):
                self._say_where(progress.note)

    def engine_replaced(self) -> None:
        """What was found stands all the same."""
        self.refresh_keys()

    # ---------------------------------------------------------------- actions
    def action_unfold(self) -> None:
        """Show or hide the traceback."""
        self.query_one(Folded).toggle()

    def action_on_copy(self) -> None:
        """Rehearse again, on a copy of the database; a yes to its code holds for that too."""
        self._on, self.rehearsal = ON_COPY, None
        self._rehearse()
        self.refresh_keys()

    def action_leave(self) -> None:
        """Back to the plan; a rehearsal under way is stopped."""
        if self._under_way:
            self.workers.cancel_group(self, "rehearsal")
            replace_engine(self.djmig)
        self.dismiss(None)
