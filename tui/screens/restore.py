"""What putting a backup in the place of a database would replace; R does it, nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from textual.containers import Horizontal
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from djmig_tui.protocol import ListSessions, Plan, Progress, Sessions

from .. import background, restores
from ..actions import RESTORE, bindings
from ..backup_choice import BackupChoice
from ..context import Context
from ..describe import describe_trouble
from ..describe_plan import describe_plan, verdict_line
from ..describe_sessions import in_words
from ..engine.errors import EngineError, Stale
from ..session import Session
from ..source import Source, from_entry
from ..store import BackupEntry
from ..text import clean, progress_in_words, sentence, when
from ..widgets.bars import Banner, StatusBar
from ..widgets.buttons import CancelButton, YesButton
from ..widgets.prose import Prose
from .base import RunnableScreen
from .confirm import confirm_run
from .restoring import Job, RestoringScreen

_CHANGED = "The database changed since this was read. Press r to look again; until then nothing is restored."


class RestoreScreen(RunnableScreen[bool]):
    """Its result says whether the backup was put in place."""

    SCOPE = RESTORE
    BINDINGS = bindings(RESTORE)
    CSS_PATH = "plan.tcss"
    AUTO_FOCUS = "CancelButton"

    plan: reactive[Plan | None] = reactive(None)
    outdated = reactive(False)

    def __init__(
        self, session: Session, entry: BackupEntry, *, read_only: bool, takes_back: str = ""
    ) -> None:
        """`takes_back` is the id of the action that this takes back."""
        super().__init__()
        self._takes_back = takes_back
        self._session = session
        self._entry = entry
        self._read_only = read_only
        self._source: Source | None = None
        self._others: Sessions | None = None
        self._choice = BackupChoice(session, entry.database, self._show)

    def body(self) -> Iterable[Widget]:
        """Title and verdict, what it would replace, the buttons."""
        status = StatusBar(self.djmig.where, read_only=self._read_only)
        status.project, status.database = self._session.project, self._entry.database
        yield status
        yield Static(id="title", markup=False)
        yield Static(id="verdict", markup=False)
        yield Static(id="counting", markup=False)
        yield Static(id="backup", markup=False)
        yield Banner()
        text = Prose()
        text.border_title = "What it would replace"
        yield Horizontal(text, id="panes")
        yield Horizontal(CancelButton(), YesButton("Restore it", "R", "run"), classes="buttons")

    def context(self) -> Context:
        """The plan, and whether it still holds."""
        return Context(
            connected=self._session.ready,
            read_only=self._read_only,
            roomy=self.roomy,
            plan=self.plan,
            outdated=self.outdated,
            no_backup=self._choice.why_not,
        )

    def on_mount(self) -> None:
        """Look."""
        self.action_look_again()

    def action_look_again(self) -> None:
        """Look at the database again."""
        self.plan, self.outdated = None, False
        self.query_one("#title", Static).update(Content.styled("Looking at what it would replace…", "bold"))
        self.query_one("#verdict", Static).update("")
        self.query_one(Prose).show(Content())
        background.start(self, self._load, "plan")

    async def _load(self) -> None:
        try:
            keeping = self._session.keeping(self._entry.database)
            self._source = await from_entry(self._session.state, self._entry, self._progress)
            plan = await restores.preview(keeping, self._source, self._progress)
        except EngineError as error:
            self._say("")
            self.query_one("#title", Static).update(Content.styled("It cannot be restored", "bold"))
            self.query_one(Prose).show(describe_trouble(str(error), error.detail))
            self.refresh_keys()
            return
        self._say("")
        try:  # before the plan can be run: it says whose connections end with it
            self._others = await self._session.engine.list_sessions(ListSessions(self._entry.database))
        except EngineError as error:
            self._others = Sessions(why_not=f"Who else is connected cannot be told: {error}")
        self.plan = replace(plan, title=plan.title.replace(self._entry.at, when(self._entry.at)))
        await self._choice.ask()

    def _progress(self, progress: Progress) -> None:
        if self.plan is None and self.is_mounted:
            self._say(progress_in_words(progress))

    def _say(self, words: str) -> None:
        line = self.query_one("#counting", Static)
        line.set_class(bool(words), "-shown")
        line.update(Content(words))

    def watch_plan(self) -> None:
        """Show the plan."""
        self._show()

    def _show(self) -> None:
        if self.plan is None or not self.is_mounted:
            return
        self.query_one("#title", Static).update(Content.styled(clean(self.plan.title), "bold"))
        self.query_one("#verdict", Static).update(verdict_line(self.plan))
        line = self.query_one("#backup", Static)
        line.set_class(self._choice.concerns(self.plan), "-shown")
        line.update(self._choice.line())
        text = describe_plan(
            self.plan, others=self._others, database=self._session.database_of(self._entry.database)
        )
        self.query_one(Prose).show(text, keep_place=True)
        self.refresh_keys()

    def project_changed(self) -> None:
        """What was shown is not how things are."""
        self.outdated = True
        self.query_one(Banner).show(_CHANGED)
        self.refresh_keys()

    # ---------------------------------------------------------------- actions
    def action_back_up(self) -> None:
        """Make a backup of what is there now first, or do not."""
        self._choice.toggle()

    def action_run(self) -> None:
        """Restore; ask again, and name who is connected: they are ended with it."""
        plan = self.plan
        if plan is None or self._source is None:
            return
        others = self._others.sessions if self._others else ()
        reasons = [f"Its connection is ended: {sentence(in_words(each))}" for each in others]
        reasons += self._choice.warning(plan)
        confirm_run(self.djmig, plan, self._confirmed, reasons=reasons, yes="Restore it")

    def _confirmed(self, yes: bool) -> None:
        plan, source = self.plan, self._source
        if not yes or plan is None or source is None or self.why_not("run") is not None:
            return
        backup_first = self._choice.first(plan)
        end_others = bool(self._others and self._others.sessions)
        job = Job(
            plan.title,
            plan.database,
            source,
            plan,
            backup_first,
            end_others,
            takes_back=self._takes_back,
        )
        self.app.push_screen(RestoringScreen(self._session, job), self._ended)

    def _ended(self, result: bool | Stale | None) -> None:
        if isinstance(result, Stale):
            self.query_one(Banner).show(str(result))
            self.action_look_again()
        else:
            self.dismiss(bool(result))

    def action_leave(self) -> None:
        """Leave; nothing was changed."""
        self.dismiss(False)
