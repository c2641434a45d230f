"""The plan screen: nothing that changes a database happens without it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from textual.containers import Horizontal
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from djmig_tui.protocol import ListSessions, Plan, PreviewPlan, Sessions, Sql

from .. import background, forward_fix
from ..actions import PLAN, bindings
from ..backup_choice import BackupChoice
from ..context import Context
from ..counting import Counting
from ..describe import describe_trouble
from ..describe_plan import describe_plan, verdict_line
from ..editor import command as editor_command
from ..engine.errors import EngineEnded, EngineError, Stale
from ..kept_choice import KeptChoice
from ..script import as_script, suggest_path
from ..session import Session
from ..taking_back import Errand
from ..text import clean, sentence
from ..widgets.bars import Banner, StatusBar
from ..widgets.buttons import CancelButton, YesButton
from ..widgets.code_view import CodeView
from ..widgets.prose import Prose
from .base import RunnableScreen
from .confirm import confirm_run
from .plan_sql import show_sql
from .rehearse import RehearseScreen
from .run import RunScreen
from .save import SaveScreen

_CHANGED = "The project changed since this plan was made. Press r to look again; until then it cannot run."
#: What a fresh engine is waited for: to see whether the plan still is the same, or to make it anew.
_CHECK, _LOOK = "check", "look"


class PlanScreen(RunnableScreen[bool]):
    """Shows a plan; R runs it. Its result says whether it was run to its end."""

    SCOPE = PLAN
    BINDINGS = bindings(PLAN)
    CSS_PATH = "plan.tcss"
    AUTO_FOCUS = "CancelButton"

    plan: reactive[Plan | None] = reactive(None)
    outdated = reactive(False)

    def __init__(
        self, session: Session, request: PreviewPlan, *, read_only: bool, errand: Errand | None = None
    ) -> None:
        super().__init__()
        self._errand = errand or Errand()
        self._session = session
        self._request = request
        self._read_only = read_only
        self._sql: list[Sql] | None = None  # of each step, once all are there
        self._others: Sessions | None = None  # who else is on the database, once that is known
        self._choice = BackupChoice(session, request.database, self._show)
        self._kept = KeptChoice(session, request.database, self._show)
        self._counting = Counting(self, session, self._counted, self.project_changed)
        self._why_again = ""  # why the plan had to be made again
        self._waiting_for = ""

    def body(self) -> Iterable[Widget]:
        """Title and verdict, what it would do, its SQL, the buttons."""
        status = StatusBar(self.djmig.where, read_only=self._read_only)
        status.project, status.database = self._session.project, self._request.database
        yield status
        yield Static(id="title", markup=False)
        yield Static(id="verdict", markup=False)
        yield Static(id="counting", markup=False)
        yield Static(id="backup", markup=False)
        yield Banner()
        steps, sql = Prose(), CodeView()
        steps.border_title, sql.border_title = "What it would do", "SQL"
        yield Horizontal(steps, sql, id="panes")
        yield Horizontal(CancelButton(), YesButton("Run it", "R", "run"), classes="buttons")

    def context(self) -> Context:
        """The plan, and whether it still holds."""
        return Context(
            connected=self._session.ready,
            read_only=self._read_only,
            roomy=self.roomy,
            plan=self.plan,
            outdated=self.outdated,
            no_backup=self._choice.why_not,
            sql_ready=self._sql is not None,
            editor=editor_command() is not None,
        )

    def on_mount(self) -> None:
        """Ask for the plan."""
        self._look()

    # ------------------------------------------------------------- the plan
    def _look(self, why_again: str = "") -> None:
        self._counting.stop()
        self._why_again = why_again
        self.plan, self._sql, self._others = None, None, None
        self.query_one("#title", Static).update(Content.styled("Making the plan…", "bold"))
        self.query_one("#verdict", Static).update("")
        self.query_one(CodeView).show_code("")
        self.query_one(Prose).show(Content())
        background.start(self, self._load, "plan")

    async def _load(self) -> None:
        try:
            plan = await self._session.engine.preview_plan(self._request)
        except Stale as error:
            if self._waiting_for != _LOOK:  # this engine knows the files as they were
                self._waiting_for, self._why_again = _LOOK, self._why_again or str(error)
                self.djmig.start_engine()
                return
            self._no_plan(error)
        except EngineError as error:
            self._no_plan(error)
        else:
            self._waiting_for = ""
            self._banner("")
            self.outdated = False
            self.plan = plan
            # In this order at the engine: what a person decides by comes before the SQL.
            background.start(self, self._ask_for_others, "others")
            background.start(self, self._choice.ask, "backup means")
            self._counting.start(plan)
            background.start(self, self._fetch_sql, "sql")

    def _no_plan(self, error: EngineError) -> None:
        self.query_one("#title", Static).update(Content.styled("There is no plan", "bold"))
        self.query_one(Prose).show(describe_trouble(str(error), error.detail))
        self.refresh_keys()

    def _banner(self, words: str) -> None:
        again = f"{sentence(self._why_again)} This is the plan as it is now." if self._why_again else ""
        self.query_one(Banner).show(words or again)

    async def _ask_for_others(self) -> None:
        try:
            self._others = await self._session.engine.list_sessions(ListSessions(self._request.database))
        except EngineError as error:
            self._others = Sessions(why_not=f"Who else is connected cannot be told: {error}")
        self._show()

    @property
    def _is_shown(self) -> bool:
        return self.is_attached and bool(self.query("#counting"))  # else it has gone while it waited

    def _counted(self, plan: Plan | None, words: str) -> None:
        if not self._is_shown:
            return
        line = self.query_one("#counting", Static)
        line.set_class(bool(words), "-shown")
        line.update(Content(words))
        if plan is not None:
            self.plan = plan
        self._show()

    async def _fetch_sql(self) -> None:
        if self.plan is not None:
            self._sql = await show_sql(self.query_one(CodeView), self._session, self.plan)
            self.refresh_keys()

    def watch_plan(self) -> None:
        """Show the plan."""
        self._show()

    def _show(self) -> None:
        plan = self.plan
        if plan is None or not self._is_shown:
            return
        self.query_one("#title", Static).update(Content.styled(clean(plan.title), "bold"))
        self.query_one("#verdict", Static).update(verdict_line(plan))
        text = describe_plan(
            replace(plan, notes=(*self._errand.notes, *plan.notes)),
            uncounted=self._counting.uncounted,
            others=self._others,
            database=self._session.database_of(plan.database),
        )
        line = self.query_one("#backup", Static).set_class(self._choice.concerns(plan), "-shown")
        line.update(self._kept.below(self._choice.line(), plan))
        self.query_one(Prose).show(text, keep_place=True)
        self.refresh_keys()

    def watch_outdated(self, outdated: bool) -> None:
        """Say that the plan does not hold any more."""
        if self._is_shown:
            self._banner(_CHANGED if outdated else "")
            self.refresh_keys()

    def project_changed(self) -> None:
        """What was shown is not how things are, or may be planned otherwise."""
        self.outdated = True

    def engine_replaced(self) -> None:
        """A fresh engine may plan otherwise: it is asked, unless a change was seen already."""
        if self._waiting_for == _LOOK:
            self._look(self._why_again)
        elif not self.outdated and self._is_shown:
            background.start(self, self._check, "plan")

    async def _check(self) -> None:
        """See whether a fresh engine makes the same plan."""
        self._waiting_for = ""
        try:
            fresh = await self._session.engine.preview_plan(self._request)
        except EngineEnded:
            return  # the next one is asked when it takes over; that there is none is told
        except EngineError:
            self.outdated = True
            return
        if not self._is_shown:
            return
        if self.plan is None or fresh.fingerprint != self.plan.fingerprint:
            self.outdated = True
            return
        self.refresh_keys()
        self._counting.start(self.plan)
        if self._sql is None:
            background.start(self, self._fetch_sql, "sql")

    # ---------------------------------------------------------------- actions
    def action_look_again(self) -> None:
        """Make the plan again from how things are."""
        self._waiting_for = ""
        self._look()

    def action_run(self) -> None:
        """Run the plan; ask again where something is lost or where it is not a playground."""
        self._counting.stop()
        plan = self.plan
        if plan is not None:
            warning = self._choice.warning(plan)
            confirm_run(self.djmig, plan, lambda yes: self._run(plan, yes), reasons=warning)

    def _run(self, plan: Plan, confirmed: bool) -> None:
        if confirmed and self.why_not("run") is None:
            first, kept = self._choice.first(plan), self._kept.keeper(plan)
            screen = RunScreen(self._session, plan, self._errand, backup_first=first, kept=kept)
            self.app.push_screen(screen, self._ran)
        else:
            self._counting.start(plan)

    def _ran(self, result: bool | Stale | None) -> None:
        if isinstance(result, Stale):
            self._look(str(result))
        else:
            self.dismiss(bool(result))

    def action_back_up(self) -> None:
        """Make a backup before it is run, or do not."""
        self._choice.toggle()

    def action_keep_rows(self) -> None:
        """Keep more of what is dropped, or nothing."""
        self._kept.next(self.plan)

    def action_rehearse(self) -> None:
        """Run it and take it back."""
        self._counting.stop()
        if self.plan is not None:
            self._waiting_for = _CHECK
            self.app.push_screen(RehearseScreen(self._session, self.plan), self._rehearsed)

    def _rehearsed(self, stale: Stale | None) -> None:
        if stale is not None:
            self._waiting_for, self._why_again = _LOOK, str(stale)
        elif self._waiting_for == _CHECK and self._session.ready:  # nothing was run: no fresh engine comes
            background.start(self, self._check, "plan")

    def action_forward_fix(self) -> None:
        """Write a new migration instead."""
        if self.plan is not None and self.plan.app is not None:
            forward_fix.offer(self.djmig, self.plan.app, self.plan.name or "", self.plan)

    def action_leave(self) -> None:
        """Leave; nothing was changed."""
        self.dismiss(False)

    def action_copy_command(self) -> None:
        """Copy the manage.py command."""
        if self.plan is not None:
            self.djmig.copy("\n".join(self.plan.commands), "the command")

    def action_copy_sql(self) -> None:
        """Copy the SQL of all steps."""
        if self.plan is not None and self._sql is not None:
            self.djmig.copy(as_script(self.plan, self._sql), "the SQL")

    def action_save(self) -> None:
        """Save the SQL as a script."""
        if self.plan is not None and self._sql is not None:
            self.app.push_screen(SaveScreen(suggest_path(self.plan), as_script(self.plan, self._sql)))
