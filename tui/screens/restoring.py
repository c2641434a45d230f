"""A restore under way: a backup of the present state first, then the old one in its place, then what next."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from djmig_tui.protocol import KeptDatabase, ListSessions, Plan, Progress, RestoreFinished

from .. import background, backups, restores
from ..actions import RESTORING, bindings
from ..context import Context
from ..describe import describe_trouble, stack
from ..describe_backups import describe_restored, made_before
from ..describe_sessions import in_words
from ..engine.errors import EngineError, Stale
from ..fresh import replace_engine
from ..session import Session
from ..source import Source
from ..store import BackupEntry
from ..swaps import swap
from ..text import clean, one_line, progress_in_words, sentence, when
from ..widgets.bars import StatusBar
from ..widgets.folded import Folded
from ..widgets.progress import StepBar
from ..widgets.prose import Prose
from .ask import AskScreen
from .ask_meanwhile import AskMeanwhile
from .base import ActionScreen

if TYPE_CHECKING:
    from ..app import DjmigApp

_NOT_YET = "Nothing has been replaced yet."
_UNTIL = "Until names are changed, or the file is written over, it stops and nothing was replaced."
_ENDS = (
    "A restore is under way. Quitting stops it, as the engine ends with djmig-tui; "
    "the next start says what stands."
)


@dataclass(frozen=True)
class Job:
    """What is put in the place of a database."""

    title: str
    database: str
    source: Source | None  # a backup
    plan: Plan | None = None  # that was shown of it
    backup_first: bool = False
    end_others: bool = False
    kept: str = ""  # or a database that a restore replaced
    takes_back: str = ""  # id of the action that this takes back


class RestoringScreen(ActionScreen["bool | Stale"]):
    """Restores from the moment it is shown. Its result: put in place or not, or why the plan is old."""

    SCOPE = RESTORING
    BINDINGS = bindings(RESTORING)
    CSS_PATH = "run.tcss"
    AUTO_FOCUS = "Prose"

    def __init__(self, session: Session, job: Job) -> None:
        super().__init__()
        self._session = session
        self._job = job
        self._started = monotonic()
        self._under_way = True
        self._done = False
        self._backing_up = False
        self._sending = False
        self._question = AskMeanwhile(self, lambda: self._under_way)
        self._said: list[Content] = []
        self._before: BackupEntry | None = None

    def body(self) -> Iterable[Widget]:
        """Title, progress, log, and what an error left behind."""
        status = StatusBar(self.djmig.where)
        status.project, status.database = self._session.project, self._job.database
        yield status
        yield Static(Content.styled(clean(self._job.title), "bold"), id="title")
        yield StepBar(1 + self._job.backup_first)
        log = Prose()
        log.border_title = "Log"
        yield log
        yield Folded("Traceback")

    def context(self) -> Context:
        """Whether it still runs."""
        return Context(connected=self._session.ready, running=self._under_way)

    def on_mount(self) -> None:
        """Begin."""
        self.set_interval(0.2, self._tick)
        background.start(self, self._run, "restore")

    def _tick(self) -> None:
        if self._under_way:
            self.query_one(StepBar).seconds = monotonic() - self._started

    async def _run(self) -> None:
        self._session.running = True
        try:
            finished = await self._finished()
        except Stale as error:
            self._under_way = False
            self._question.close()
            self.dismiss(error)
            return
        except EngineError as error:
            why = f"{sentence(str(error))} So nothing was replaced." if self._backing_up else str(error)
            self._end(stack(describe_trouble(why), made_before(self._before)), "ended", error.detail)
            self.djmig.start_engine()
            return
        finally:
            self._session.running = False
        self._done = finished.done
        words = "done" if finished.done else "not done"
        self._end(describe_restored(finished, self._before), words, finished.detail)
        replace_engine(self.djmig)  # what it knew of the database is over

    async def _finished(self) -> RestoreFinished:
        job = self._job
        keeping = self._session.keeping(job.database)
        if job.source is None or job.plan is None:
            return await swap(
                keeping,
                job.kept,
                self._session.write,
                self._progress,
                end_others=job.end_others,
                takes_back=job.takes_back,
            )
        if job.backup_first:
            self._backing_up = True
            self._before = await backups.make(
                keeping, f"before: {job.title}", self._progress, spare=job.source.id
            )
            self._backing_up = False
            self.query_one(StepBar).done = 1
        self._sending = True
        sent = await restores.upload(keeping, job.source, job.plan, self._progress)
        self._sending = False
        return await restores.put_in_place(
            keeping,
            job.source,
            job.plan,
            sent,
            self._progress,
            end_others=job.end_others,
            before=self._before.id if self._before else "",
            takes_back=job.takes_back,
        )

    def _progress(self, progress: Progress) -> None:
        if not self._under_way:
            return
        words = progress_in_words(progress)
        self.query_one(StepBar).words = words
        message = one_line(progress.message, 300)
        if not self._said or not self._said[-1].plain.endswith(message):
            at = f"{monotonic() - self._started:6.1f} s  "
            self._said.append(Content.assemble((at, "$foreground 60%"), message))
            log = self.query_one(Prose)
            log.show(Content("\n").join(self._said), keep_place=True)
            log.scroll_end(animate=False)

    def _end(self, text: Content, words: str, detail: str) -> None:
        self._under_way = False
        self._question.close()
        bar = self.query_one(StepBar)
        bar.words = words
        if self._done:
            bar.done = 1 + self._job.backup_first
        log = self.query_one(Prose)
        log.border_title = "How it ended"
        log.show(text)
        self.query_one(Folded).show(detail)
        self.refresh_keys()

    def engine_replaced(self) -> None:
        """What needs an engine can be done again."""
        self.refresh_keys()

    # ---------------------------------------------------------------- actions
    def action_stop(self) -> None:
        """Ask before asking it to stop."""
        self._question.ask("Stop the restore?", _NOT_YET if self._harmless else _UNTIL, "Stop it", self._stop)

    @property
    def _harmless(self) -> bool:
        """Nothing is replaced by what is done just now."""
        return self._backing_up or self._sending

    def _stop(self) -> None:
        if not self._harmless:
            self._session.engine.stop_run()
            return
        self.workers.cancel_group(self, "restore")
        self._under_way, self._session.running = False, False
        self.dismiss(False)

    def ask_to_quit(self) -> None:
        """Quitting ends the engine: ask."""
        what = _NOT_YET if self._harmless else _ENDS
        self._question.ask("Quit during the restore?", what, "Quit", lambda: self.djmig.leave(0))

    def action_unfold(self) -> None:
        """Show or hide the traceback."""
        self.query_one(Folded).toggle()

    def action_leave(self) -> None:
        """To the tree; during the restore, ask."""
        if self._under_way:
            self.action_stop()
        else:
            self.dismiss(self._done)


def open_swap(
    app: DjmigApp,
    database: str,
    kept: KeptDatabase,
    then: Callable[[bool | None], None] = lambda _: None,
    takes_back: str = "",
) -> None:
    """Ask whether a database that a restore replaced is to be put back, and do it."""
    background.start(app, partial(_ask_to_swap, app, database, kept, then, takes_back), "swap")


async def _ask_to_swap(
    app: DjmigApp,
    database: str,
    kept: KeptDatabase,
    then: Callable[[bool | None], None],
    takes_back: str,
) -> None:
    try:
        others = (await app.session.engine.list_sessions(ListSessions(database))).sessions
    except EngineError as error:
        app.say(str(error), "error")
        return
    lines = [
        Content(f"It was replaced {when(kept.replaced_at)}."),
        Content("The database that is there now is kept in its stead, with all that was written since."),
        *[Content(f"Its connection is ended: {sentence(in_words(each))}") for each in others],
    ]
    job = Job(
        f"Put {kept.name} back in its place",
        database,
        None,
        end_others=bool(others),
        kept=kept.name,
        takes_back=takes_back,
    )

    def answered(yes: bool | None) -> None:
        if yes:
            screen = RestoringScreen(app.session, job)
            app.push_screen(screen, lambda result: then(result is True))

    app.push_screen(AskScreen(f"Put {one_line(kept.name, 100)} back?", lines, "Put it back"), answered)
