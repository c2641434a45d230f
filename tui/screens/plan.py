"""The plan screen: nothing that changes a database happens without it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import monotonic
from typing import TYPE_CHECKING

from textual.containers import Horizontal
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from djmig_tui.protocol import FAILS, LOSES, UNKNOWN, Database, Plan, PreviewPlan, Sql

from .. import background
from ..actions import PLAN, bindings
from ..context import Context
from ..describe import describe_trouble
from ..describe_plan import describe_plan, verdict_line, what_it_takes
from ..engine.errors import EngineError
from ..script import as_script, gather, suggest_path
from ..session import Session
from ..text import clean, one_line
from ..widgets.bars import Banner, StatusBar, place_of
from ..widgets.buttons import CancelButton, YesButton
from ..widgets.code_view import CodeView
from ..widgets.prose import Prose
from .ask import AskScreen
from .base import ActionScreen
from .run import RunScreen
from .save import SaveScreen

if TYPE_CHECKING:
    from ..app import DjmigApp

#: Seconds between two drawings of SQL that is still coming in.
_REDRAW = 0.2
_CHANGED = "The project changed since this plan was made. Press r to look again; until then it cannot run."


class PlanScreen(ActionScreen[bool]):
    """Shows a plan; R runs it. Its result says whether it was run to its end."""

    SCOPE = PLAN
    BINDINGS = bindings(PLAN)
    CSS_PATH = "plan.tcss"
    AUTO_FOCUS = "CancelButton"

    plan: reactive[Plan | None] = reactive(None)
    outdated = reactive(False)

    def __init__(self, session: Session, request: PreviewPlan, *, read_only: bool) -> None:
        super().__init__()
        self._session = session
        self._request = request
        self._read_only = read_only
        self._sql: list[Sql] | None = None  # of each step, once all are there

    def body(self) -> Iterable[Widget]:
        """Title and verdict, what it would do, its SQL, the buttons."""
        status = StatusBar(self.djmig.where, read_only=self._read_only)
        status.project, status.database = self._session.project, self._request.database
        yield status
        yield Static(id="title", markup=False)
        yield Static(id="verdict", markup=False)
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
            sql_ready=self._sql is not None,
        )

    def on_mount(self) -> None:
        """Ask for the plan."""
        self._look()

    def _look(self) -> None:
        self.plan, self._sql = None, None
        self.query_one("#title", Static).update(Content.styled("Making the plan…", "bold"))
        self.query_one("#verdict", Static).update("")
        self.query_one(CodeView).show_code("")
        self.query_one(Prose).show(Content())
        background.start(self, self._load, "plan")

    async def _load(self) -> None:
        try:
            plan = await self._session.engine.preview_plan(self._request)
        except EngineError as error:
            self.query_one("#title", Static).update(Content.styled("There is no plan", "bold"))
            self.query_one(Prose).show(describe_trouble(str(error), error.detail))
            self.refresh_keys()
            return
        self.outdated = False
        self.plan = plan
        view = self.query_one(CodeView)
        done: list[Sql] = []
        shown_at = 0.0
        async for sql in gather(self._session, plan):
            done.append(sql)
            view.border_title = f"SQL, {len(done)} of {len(plan.steps)} steps"
            if monotonic() - shown_at > _REDRAW:
                view.show_code(as_script(plan, done, for_eyes=True), "sql", keep_place=True)
                shown_at = monotonic()
        view.show_code(as_script(plan, done, for_eyes=True), "sql", keep_place=True)
        view.border_title = "SQL of all steps" if plan.steps else "SQL: nothing to do"
        self._sql = done
        self.refresh_keys()

    def watch_plan(self, plan: Plan | None) -> None:
        """Show the plan."""
        if plan is None or not self.is_mounted:
            return
        self.query_one("#title", Static).update(Content.styled(clean(plan.title), "bold"))
        self.query_one("#verdict", Static).update(verdict_line(plan))
        self.query_one(Prose).show(describe_plan(plan))
        self.refresh_keys()

    def refresh_keys(self) -> None:
        """Bring keys and button up to the moment."""
        super().refresh_keys()
        for button in self.query(YesButton):
            button.disabled = self.why_not("run") is not None

    def watch_outdated(self, outdated: bool) -> None:
        """Say that the plan does not hold any more."""
        if self.is_mounted:
            self.query_one(Banner).show(_CHANGED if outdated else "")
            self.refresh_keys()

    def project_changed(self) -> None:
        """What was shown is not how things are, or may be planned otherwise."""
        self.outdated = True

    # ---------------------------------------------------------------- actions
    def action_look_again(self) -> None:
        """Make the plan again from how things are."""
        self._look()

    def action_run(self) -> None:
        """Run the plan; ask again where something is lost or where it is not a playground."""
        plan = self.plan
        if plan is None:
            return
        database = self._database()
        project = self._session.project
        playground = (database is None or database.local) and (project is None or project.debug)
        name = "" if playground or database is None else database.name.rsplit("/", 1)[-1]
        if plan.verdict not in (LOSES, UNKNOWN, FAILS) and not name:
            self._run(True)
            return
        lines = [*what_it_takes(plan), Content(), self._where(database)]
        title = f"Really? {one_line(plan.title, 300)}"
        self.app.push_screen(AskScreen(title, lines, "Run it", name_to_type=name), self._run)

    def _where(self, database: Database | None) -> Content:
        if database is None:
            return Content(f"On {one_line(self._request.database)}.")
        where = "on this machine" if database.local else "REMOTE"
        return Content.assemble("On ", (one_line(place_of(database)), "bold"), f", {where}.")

    def _database(self) -> Database | None:
        databases = self._session.project.databases if self._session.project else ()
        return next((one for one in databases if one.alias == self._request.database), None)

    def _run(self, confirmed: bool | None) -> None:
        if confirmed and self.plan is not None and self.why_not("run") is None:
            self.app.push_screen(RunScreen(self._session, self.plan), self.dismiss)

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


def open_plan(app: DjmigApp, request: PreviewPlan, then: Callable[[], None] | None = None) -> None:
    """Show what an intent would do; `then` follows once it was run to its end."""

    def left(done: bool | None) -> None:
        if done and then is not None:
            then()

    app.push_screen(PlanScreen(app.session, request, read_only=app.read_only), left)
