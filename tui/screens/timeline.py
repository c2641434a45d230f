"""What was applied, newest first: undo down to a record, or go back to the moment when it was the last."""

from __future__ import annotations

from collections.abc import Iterable

from textual import on
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from ..actions import TIMELINE, bindings
from ..applied_runs import applied, between, errand, how_known, moment, request, runs
from ..context import Context
from ..describe import stack
from ..session import Session
from ..text import count, one_line
from ..widgets.bars import Banner, StatusBar
from ..widgets.timeline import Timeline
from .base import ActionScreen
from .opening import open_plan

_CHANGED = "The records changed since this was made. Press Esc, then L again."


class TimelineScreen(ActionScreen[None]):
    """Opens on the last run: the cursor is on its first record."""

    SCOPE = TIMELINE
    BINDINGS = bindings(TIMELINE)
    CSS_PATH = ["plan.tcss", "timeline.tcss"]
    AUTO_FOCUS = "Timeline"

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._database = session.database
        self._records = applied(session.history) if session.history else []
        self._runs = runs(self._records, session.logbook.journal, self._database)
        self._outdated = False

    def body(self) -> Iterable[Widget]:
        """What the keys would do, and the list."""
        status = StatusBar(self.djmig.where, read_only=self.djmig.read_only)
        status.project, status.database = self._session.project, self._database
        yield status
        yield Static(Content.styled("What was applied, newest first", "bold"), id="title")
        yield Banner()
        yield Static(id="bound", markup=False)
        timeline = Timeline()
        timeline.border_title = f"{count(len(self._records), 'record')} in {count(len(self._runs), 'run')}"
        yield timeline

    def on_mount(self) -> None:
        """Put the cursor where the last run began."""
        place = len(self._runs[0].records) - 1 if self._runs else 0
        self.query_one(Timeline).show_runs(self._runs, place)

    def context(self) -> Context:
        """How much is above the cursor."""
        place = self.query_one(Timeline).place if self.is_mounted and self.query(Timeline) else 0
        return Context(
            connected=self._session.ready, outdated=self._outdated, recorded=bool(self._records), newer=place
        )

    @on(Timeline.Moved)
    def _moved(self, event: Timeline.Moved) -> None:
        self.query_one("#bound", Static).update(self._bound(event.place))
        self.refresh_keys()

    def _bound(self, place: int) -> Content:
        here = self._records[place]
        undo = f"undoes {between(self._records[: place + 1])}, down to {here.key}."
        if place:
            gone = f"{count(place, 'migration')} applied after it {'goes' if place == 1 else 'go'}"
            back = f"goes back to {moment(here.at)}: {here.key} stays, {gone}."
        else:
            back = "goes nowhere from here: nothing was applied after this one."
        key, first = "bold $accent", self._runs[0]
        last = place == len(first.records) - 1
        return stack(
            Content.assemble(("u ", key), one_line(undo, 300)),
            Content.assemble(("b ", key), one_line(back, 300)),
            Content.styled(f"This is the last run. {how_known(first)}" if last else "", "$foreground 60%"),
        )

    def project_changed(self) -> None:
        """What was read may not be how things are."""
        self._outdated = True
        self.query_one(Banner).show(_CHANGED)
        self.refresh_keys()

    # ---------------------------------------------------------------- actions
    def action_undo(self) -> None:
        """Plan to undo the record under the cursor and all that was applied after it."""
        place = self.query_one(Timeline).place
        chosen = self._records[: place + 1]
        open_plan(self.djmig, request(chosen, self._database), self._done, errand(chosen, None))

    def action_back_to(self) -> None:
        """Plan to go back to the moment when the record under the cursor was the last."""
        place = self.query_one(Timeline).place
        chosen, stays = self._records[:place], self._records[place]
        open_plan(self.djmig, request(chosen, self._database), self._done, errand(chosen, stays))

    def _done(self) -> None:
        self.dismiss(None)

    def action_leave(self) -> None:
        """Leave; nothing was changed."""
        self.dismiss(None)
