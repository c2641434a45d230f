"""What starting over with an app, or with the project, would do; R does it, nothing else."""

from __future__ import annotations

from functools import partial

from textual.content import Content

from djmig_tui.protocol import RESET_KEEPING, PreviewReset, ResetPlan

from .. import background, reset_stakes
from ..actions import RESET, bindings
from ..describe import loss_lines
from ..describe_reset import counted, describe_reset, verdict_of
from ..describe_sessions import in_words
from ..engine.errors import EngineError
from ..reset_ground import begin
from ..reset_stakes import Stakes
from ..session import Session
from ..store import StateError
from ..text import one_line, sentence
from .deciding import DecidingScreen, Shown
from .resetting import GO, ResettingScreen

_OTHERWISE = "Things changed meanwhile, so nothing was done. This is what it would do as things are."


class ResetScreen(DecidingScreen):
    """Shows every step before the first one is taken."""

    SCOPE = RESET
    BINDINGS = bindings(RESET)
    YES = "Start over"

    def __init__(self, session: Session, request: PreviewReset) -> None:
        super().__init__(session, request.database)
        self._request = request
        self._plan: ResetPlan | None = None
        self._stakes = Stakes()

    async def read(self) -> Shown:
        """Ask for the steps, and for what is known of the databases that they change."""
        plan = await self._session.engine.preview_reset(self._request)
        self._stakes = await reset_stakes.look(self._session, plan)
        self._plan = plan
        why_not = ""
        if plan.blockers:
            why_not = "This is blocked and is never done; the reasons and the ways out are above."
        elif self._stakes.no_backup:
            why_not = f"No backup can be made first, so nothing starts over: {self._stakes.no_backup}"
        return Shown(plan.title, verdict_of(plan), describe_reset(plan, self._stakes), why_not)

    # ---------------------------------------------------------------- actions
    def action_run(self) -> None:
        """Ask what drops tables for good first, then for the database's name."""
        plan = self._plan
        if plan is None:
            return
        if plan.gate:
            lines = [Content(one_line(plan.gate, 600)), Content(), *self._lost(plan)]
            title = f"Drop the tables of {one_line(plan.app or '', 60)}?"
            self.ask(lines, partial(self._ask_name, plan), title=title, typed=False)
        else:
            self._ask_name(plan)

    def _ask_name(self, plan: ResetPlan) -> None:
        ended = [
            Content(f"Its connection may be ended: {sentence(in_words(each))}")
            for each in self._stakes.others.sessions
        ]
        self.ask([*self._lost(plan), *ended], partial(self._start, plan))

    def _lost(self, plan: ResetPlan) -> list[Content]:
        if plan.kind == RESET_KEEPING:
            return [Content("The tables stay with all their rows; files and records are made anew.")]
        if loss := loss_lines(counted(plan.loss, self._stakes)):
            return [*loss, Content("A backup is made first.")]
        return [Content("No table goes.")]

    def _start(self, plan: ResetPlan) -> None:
        background.start(self, partial(self._begin, plan), "reset")

    async def _begin(self, plan: ResetPlan) -> None:
        """Begin, if it still is what was agreed to."""
        try:
            fresh = await self._session.engine.preview_reset(self._request)
            if fresh != plan:
                self.look(_OTHERWISE)
                return
            project = self._session.project
            record = begin(self._session.state, plan, project.databases if project is not None else ())
        except (EngineError, StateError) as error:
            self.djmig.say(str(error), "error")
            return
        self.app.push_screen(ResettingScreen(self._session, record, GO), self.ended)
