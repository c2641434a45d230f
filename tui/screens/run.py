"""The run screen: how far a confirmed plan is, and at the end what stands and what comes next."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from time import monotonic

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from djmig_tui.protocol import Plan, Progress, RunFinished

from .. import background, backups, writes
from ..actions import RUN, bindings
from ..context import Context
from ..describe import bullets, describe_trouble, stack
from ..describe_backups import made_before
from ..describe_run import describe_end
from ..engine.errors import EngineError, Stale
from ..fresh import replace_engine
from ..kept_offer import KeptOffer, kept_by
from ..kept_rows import RowsKept
from ..session import Session
from ..store import BackupEntry
from ..taking_back import Errand
from ..text import clean, one_line, progress_in_words, sentence
from ..under_way import PUTTING_BACK
from ..widgets.bars import StatusBar
from ..widgets.folded import Folded
from ..widgets.progress import StepBar
from ..widgets.prose import Prose
from .ask import AskScreen
from .base import ActionScreen
from .make import open_make
from .verify import VerifyScreen

_VERIFY = "V compares the schema with the records, and shows which operations are in."


class RunScreen(ActionScreen["bool | Stale"]):
    """Runs a plan from the moment it is shown. Its result: run to its end or not, or why it is old."""

    SCOPE = RUN
    BINDINGS = bindings(RUN)
    CSS_PATH = "run.tcss"
    AUTO_FOCUS = "Prose"

    finished: reactive[RunFinished | None] = reactive(None)

    def __init__(
        self,
        session: Session,
        plan: Plan,
        errand: Errand | None = None,
        *,
        backup_first: bool = False,
        kept: RowsKept | None = None,
    ) -> None:
        super().__init__()
        self._kept = kept
        self._offer = KeptOffer(session, plan)
        self._ended: Content = Content()
        self._backup_first = backup_first
        self._backing_up = False
        self._backup: BackupEntry | None = None
        self._errand = errand or Errand()
        self._session = session
        self._plan = plan
        self._started = monotonic()
        self._under_way = True
        self._said: list[Content] = []
        self._ask: AskScreen | None = None

    def body(self) -> Iterable[Widget]:
        """Title, progress, log, and what an error left behind."""
        status = StatusBar(self.djmig.where)
        status.project, status.database = self._session.project, self._plan.database
        yield status
        yield Static(Content.styled(clean(self._plan.title), "bold"), id="title")
        yield StepBar(len(self._plan.steps))
        log = Prose()
        log.border_title = "Log"
        yield log
        yield Folded("Traceback")

    def context(self) -> Context:
        """Whether it still runs, and what can be done about how it ended."""
        locked_out = self.finished is not None and bool(self.finished.blocked_by)
        return Context(
            connected=self._session.ready,
            read_only=self.djmig.read_only,
            running=self._under_way,
            plan=self._plan,
            locked_out=locked_out,
            kept=self._offer.stands,
        )

    def on_mount(self) -> None:
        """Run."""
        self.set_interval(0.2, self._tick)
        background.start(self, self._run, "run")

    def _tick(self) -> None:
        if self._under_way:
            self.query_one(StepBar).seconds = monotonic() - self._started

    async def _run(self) -> None:
        if self._backup_first and self._backup is None and not await self._backed_up():
            return
        try:
            finished = await writes.run(
                self._session,
                self._plan,
                self._progress,
                takes_back=self._errand.takes_back,
                backup=self._backup.id if self._backup else "",
                kept=self._kept,
            )
        except Stale as error:
            self._under_way = False
            self._close_question()
            self.dismiss(error)
            return
        except EngineError as error:
            trouble = describe_trouble(f"{error} The database is the truth: look at the tree.")
            next_step = [Content(), *bullets([_VERIFY], "→", "$success")]
            self._end(stack(trouble, next_step, made_before(self._backup)), error.detail)
            self.query_one(StepBar).words = "ended"
            self.djmig.start_engine()
            return
        good = finished.error is None and not finished.stopped
        bar = self.query_one(StepBar)
        bar.done, bar.words = (
            len(finished.done),
            "done" if good else "stopped" if finished.stopped else "failed",
        )
        self.finished = finished
        self._ended = stack(
            describe_end(self._plan, finished), kept_by(self._kept), made_before(self._backup)
        )
        self._end(self._ended, finished.detail)
        if good:
            self.djmig.read_again()
            await self._say(self._offer.look(finished))
        else:
            replace_engine(self.djmig)  # one that failed ends after its answer
            self.refresh_keys()

    async def _say(self, more: Awaitable[list[Content]]) -> None:
        """Add to how it ended."""
        try:
            said = await more
        except EngineError as error:
            said = [Content(), *bullets([str(error)], "!", "$warning")]
        if said and self.is_attached:
            self.query_one(Prose).show(stack(self._ended, said), keep_place=True)
        self.refresh_keys()

    def action_put_rows_back(self) -> None:
        """Put back what was kept of the migrations that were applied again."""
        background.start(self, self._put_rows_back, "put back")

    async def _put_rows_back(self) -> None:
        await self._say(self._offer.put_back(self._put_progress))
        if self.is_attached:
            self.query_one(StepBar).words = "done"
            self._close_question()

    def _put_progress(self, progress: Progress) -> None:
        if self._offer.under_way:
            self.query_one(StepBar).words = PUTTING_BACK.so_far(progress)

    async def _backed_up(self) -> bool:
        """Make the backup that comes first; say that nothing was run if it cannot be made."""
        self._backing_up = self._session.running = True
        try:
            keeping = self._session.keeping(self._plan.database)
            self._backup = await backups.make(keeping, f"before: {self._plan.title}", self._backup_progress)
        except EngineError as error:
            self._end(describe_trouble(f"{sentence(str(error))} So nothing was run."), error.detail)
            self.query_one(StepBar).words = "not run"
        else:
            return True
        finally:
            self._backing_up = self._session.running = False
        self.djmig.start_engine()  # the engine may be what failed; what changed meanwhile is looked at too
        return False

    def _backup_progress(self, progress: Progress) -> None:
        if self._backing_up:
            self.query_one(StepBar).words = f"first a backup: {progress_in_words(progress)}"

    def _progress(self, progress: Progress) -> None:
        bar = self.query_one(StepBar)
        bar.done, bar.words = progress.done, one_line(progress.message)
        at = f"{monotonic() - self._started:6.1f} s  "
        self._said.append(Content.assemble((at, "$foreground 60%"), one_line(progress.message, 300)))
        log = self.query_one(Prose)
        log.show(Content("\n").join(self._said), keep_place=True)
        log.scroll_end(animate=False)

    def _end(self, text: Content, detail: str) -> None:
        self._under_way = False
        self._close_question()
        log = self.query_one(Prose)
        log.border_title = "How it ended"
        log.show(text)
        self.query_one(Folded).show(detail)
        self.refresh_keys()

    def _close_question(self) -> None:
        if self._ask is not None and self._ask.is_current:
            self._ask.dismiss(False)

    # ---------------------------------------------------------------- actions
    def action_stop(self) -> None:
        """Ask before asking the run to stop."""
        if self._backing_up:
            what = "Only the backup is being made: nothing of it is kept, and nothing is run."
            self._ask_for("Stop before the run?", what, self._give_up)
            return
        if self._plan.one_transaction:
            what = "The run is one transaction: everything it has done is taken back."
        else:
            what = "The run goes step by step: it stops after the step under way, and what is done stays."
        self._ask_for("Stop the run?", what, self._session.engine.stop_run)

    def _give_up(self) -> None:
        """Stop the backup that comes first; if it is over by now, the run."""
        if not self._backing_up:
            self._session.engine.stop_run()
            return
        self.workers.cancel_group(self, "run")
        self._under_way = False
        self.dismiss(False)

    def ask_to_quit(self) -> None:
        """Quitting ends the engine: ask."""
        what = "A run is under way. Quitting stops it, as the engine ends with djmig-tui."
        if self._offer.under_way:
            what = PUTTING_BACK.if_quit
        self._ask_for("Quit during the run?", what, lambda: self.djmig.leave(0))

    def _ask_for(self, title: str, what: str, then: object) -> None:
        def answered(yes: bool | None) -> None:
            if yes and callable(then):
                then()

        self._ask = AskScreen(title, [Content(what)], title.rstrip("?"))
        self.app.push_screen(self._ask, answered)

    def action_retry(self) -> None:
        """Run the same plan again: what was confirmed is what the engine checks first."""
        self._started, self._under_way, self.finished = monotonic(), True, None
        self._said.clear()
        bar, log = self.query_one(StepBar), self.query_one(Prose)
        bar.done, bar.words = 0, "starting"
        log.border_title = "Log"
        log.show(Content())
        self.query_one(Folded).show("")
        self.refresh_keys()
        background.start(self, self._run, "run")

    def action_verify(self) -> None:
        """Compare the schema with the records, of the app where the run ended."""
        failed = self.finished.failed_step if self.finished else None
        app = failed.app if failed else self._plan.app
        self.app.push_screen(VerifyScreen(self._session, self._plan.database, app))

    def action_make(self) -> None:
        """Show what makemigrations would make for the app that was run, or for all if there were several."""
        labels = {step.app for step in self._plan.steps if not step.third_party}
        open_make(self.djmig, labels.pop() if len(labels) == 1 else None)

    def engine_replaced(self) -> None:
        """What needs an engine can be done again."""
        self.refresh_keys()

    def action_unfold(self) -> None:
        """Show or hide the traceback."""
        self.query_one(Folded).toggle()

    def action_leave(self) -> None:
        """To the tree; during the run, ask."""
        if self._under_way:
            self.action_stop()
        elif self._offer.under_way:
            background.stop(self, "put back")
        else:
            self.dismiss(self.finished is not None and not (self.finished.error or self.finished.stopped))
