"""A reset under way, put back, or cut off: how far it is, how it ended, and the two ways on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from time import monotonic

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from djmig_tui.protocol import Progress, ResetStep

from .. import background
from ..actions import RESETTING, bindings
from ..context import Context
from ..describe import describe_trouble
from ..describe_reset import describe_back, describe_cut_off, describe_done, describe_under_way
from ..engine.errors import EngineEnded, EngineError, Failed
from ..fresh import replace_engine
from ..reset_back import put_back
from ..reset_ground import forget_unless_taken
from ..reset_host import SessionHost
from ..reset_words import about
from ..resetting import Reset, puts_itself_back
from ..session import Session
from ..state_resets import ResetRecord
from ..store import StateError
from ..text import clean, one_line, progress_in_words, sentence
from ..widgets.bars import StatusBar
from ..widgets.folded import Folded
from ..widgets.progress import StepBar
from ..widgets.prose import Prose
from .ask_meanwhile import AskMeanwhile
from .base import ActionScreen
from .reset_back import ResetBackScreen

#: What is begun when the screen is shown; "" only shows what was cut off.
GO, BACK = "go on", "put back"

_NOT_YET = "Nothing has been done yet: only a backup is being made."
_AFTER = "It stops after the step under way. What stands can be finished, or put back."
_CUT = "Quitting cuts it off. What stands is kept, and the next start finishes it or puts everything back."


class ResettingScreen(ActionScreen[bool]):
    """Its result says whether the reset came to its end, or was put back."""

    SCOPE = RESETTING
    BINDINGS = bindings(RESETTING)
    CSS_PATH = "run.tcss"
    AUTO_FOCUS = "Prose"

    def __init__(self, session: Session, record: ResetRecord, way: str = "") -> None:
        super().__init__()
        self._session = session
        self._host = SessionHost(session)
        self._record = record
        self._way = way
        self._begun_here = way == GO
        self._under_way = bool(way)
        self._done = False
        self._nothing = False  # nothing stands of it, and it is forgotten
        self._step: int | None = None
        self._stopping = False
        self._started = monotonic()
        self._question = AskMeanwhile(self, lambda: self._under_way)

    def body(self) -> Iterable[Widget]:
        """Title, progress, steps, and what an error left behind."""
        status = StatusBar(self.djmig.where, read_only=self.djmig.read_only)
        status.project, status.database = self._session.project, self._record.plan.database
        yield status
        yield Static(Content.styled(clean(self._record.plan.title), "bold"), id="title")
        yield StepBar(len(self._record.plan.steps))
        yield Prose()
        yield Folded("Traceback")

    def context(self) -> Context:
        """Whether it is under way, and what can be done about how it ended."""
        return Context(
            connected=self._session.ready,
            read_only=self.djmig.read_only,
            roomy=self.roomy,
            running=self._under_way,
            cut_off=not (self._under_way or self._done or self._nothing),
            going_back=self._record.going_back or (self._under_way and self._way == BACK),
        )

    def on_mount(self) -> None:
        """Begin, or show what was cut off."""
        self.set_interval(0.2, self._tick)
        self.query_one(StepBar).done = self._record.done
        if self._way:
            self._start(self._way)
        else:
            self._end(describe_cut_off(self._record, about(self._record)), "cut off")

    def _tick(self) -> None:
        if self._under_way:
            self.query_one(StepBar).seconds = monotonic() - self._started

    # ------------------------------------------------------------- under way
    def _start(self, way: str) -> None:
        self._way, self._under_way, self._stopping, self._step = way, True, False, None
        self._started = monotonic()
        self._session.running = True
        self.query_one(Folded).show("")
        self._show_way()
        self.refresh_keys()
        background.start(self, self._work, "reset")

    def _show_way(self) -> None:
        log, words = self.query_one(Prose), "putting everything back"
        if self._way == BACK:
            log.border_title = "Putting everything back"
            log.show(Content("Files first, then the databases, each from the backup made before the reset."))
        else:
            log.border_title = "Steps"
            preparing = self._step is None and not self._record.done
            log.show(describe_under_way(self._record, self._step, preparing), keep_place=True)
            words = "making backups first" if preparing else "going on"
        self.query_one(StepBar).words = words

    async def _work(self) -> None:
        try:
            text, detail = await (self._put_back() if self._way == BACK else self._go_on())
            words, self._done = "done", True
        except EngineError as error:
            text, detail, words = self._failed(error), error.detail, "not done"
        finally:
            self._session.running = False
        self._end(text, words, detail)
        replace_engine(self.djmig)  # what the old one knew is over

    async def _go_on(self) -> tuple[Content, str]:
        run = Reset(self._host, self._record, self._on_step, self._progress)
        try:
            await run.go_on()
        except EngineError as error:
            self._record = run.record
            if not puts_itself_back(run.record) or self._step is None:  # nothing was begun in this go
                raise
            self._way = BACK
            self._show_way()
            done = await put_back(self._host, run.record, self._progress)
            return describe_back(done, self._seconds, str(error)), error.detail
        self._record = run.record
        self.query_one(StepBar).done = run.record.done
        return describe_done(run.record, self._seconds), ""

    async def _put_back(self) -> tuple[Content, str]:
        done = await put_back(self._host, self._record, self._progress)
        self.query_one(StepBar).done = 0
        return describe_back(done, self._seconds), ""

    @property
    def _seconds(self) -> float:
        return monotonic() - self._started

    @property
    def _is_untouched(self) -> bool:
        """No step was begun, here or before: only backups were made."""
        return self._begun_here and self._step is None

    def _failed(self, error: EngineError) -> Content:
        if self._is_untouched and forget_unless_taken(self._session.state, self._record):
            self._nothing = True
            return describe_trouble(f"{sentence(str(error))} So nothing was done.")
        self._record = self._session.state.reset_under_way() or self._record
        return describe_cut_off(self._record, str(error))

    def _forget(self) -> None:
        with contextlib.suppress(StateError):  # else it is told as cut off, and can be put back
            self._session.state.forget_reset()
            self._nothing = True

    def _on_step(self, number: int, step: ResetStep) -> None:
        if self._stopping:
            raise Failed("Stopped, as you asked.")
        self._step = number
        bar = self.query_one(StepBar)
        bar.done = number
        self._record = self._session.state.reset_under_way() or self._record
        self._show_way()
        bar.words = one_line(step.words, 300)

    def _progress(self, progress: Progress) -> None:
        if self._under_way and self.is_mounted:
            self.query_one(StepBar).words = progress_in_words(progress)

    def _end(self, text: Content, words: str, detail: str = "") -> None:
        self._under_way = False
        self._question.close()
        self.query_one(StepBar).words = words
        log = self.query_one(Prose)
        log.border_title = "How it ended" if self._done else "How far it is"
        log.show(text)
        self.query_one(Folded).show(detail)
        self.refresh_keys()

    def engine_replaced(self) -> None:
        """What needs an engine can be done again."""
        self.refresh_keys()

    def project_changed(self) -> None:
        """The steps change it themselves."""

    # ---------------------------------------------------------------- actions
    def action_stop(self) -> None:
        """Ask before asking it to stop."""
        self._question.ask(
            "Stop the reset?", _NOT_YET if self._is_untouched else _AFTER, "Stop it", self._stop
        )

    def _stop(self) -> None:
        if self._is_untouched:
            self.workers.cancel_group(self, "reset")
            self._under_way = self._session.running = False
            self._forget()
            self.dismiss(False)
            return
        self._stopping = True
        with contextlib.suppress(EngineEnded):  # between two engines nothing runs that could be stopped
            self._session.engine.stop_run()

    def ask_to_quit(self) -> None:
        """Quitting ends the engine: ask."""
        what = _NOT_YET if self._is_untouched else _CUT
        self._question.ask("Quit during the reset?", what, "Quit", lambda: self.djmig.leave(0))

    def action_finish(self) -> None:
        """Go on from the step that is not done."""
        self._begun_here = False
        self._start(GO)

    def action_put_back(self) -> None:
        """Show what putting everything back would do."""
        self.app.push_screen(ResetBackScreen(self._session, self._record), self._left)

    def _left(self, done: bool | None) -> None:
        if done:
            self.dismiss(True)
        elif (record := self._session.state.reset_under_way()) is not None:
            self._record = record
            self._end(describe_cut_off(record, about(record)), "cut off")

    def action_unfold(self) -> None:
        """Show or hide the traceback."""
        self.query_one(Folded).toggle()

    async def action_leave(self) -> None:
        """To the tree; while steps are taken, ask."""
        if self._under_way:
            await self.action_do("stop")
        else:
            self.dismiss(self._done)
