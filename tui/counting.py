"""Counts the rows of a plan that is on screen: shows what is known so far, and gives up what is left."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from textual.screen import Screen

from djmig_tui.protocol import Plan, Progress

from . import asking, background
from .describe import COUNTING, NOT_COUNTED, NOT_IN_TIME
from .engine.errors import EngineError, Stale
from .session import Session
from .text import one_line

#: Shows a plan that is known better (None: the same), and how far the counting is ("": no word on it).
Show = Callable[[Plan | None, str], None]

_GROUP = "count"
#: Only a count that takes longer than this is spoken of, in seconds.
PATIENCE = 0.3


class Counting:
    """One count at a time. It ends with its screen, and then in the engine too."""

    def __init__(
        self, screen: Screen[Any], session: Session, show: Show, outdated: Callable[[], None]
    ) -> None:
        """`outdated` is called when the plan turns out not to be how things are."""
        self._screen = screen
        self._session = session
        self._show = show
        self._outdated = outdated
        #: What stands in place of rows that are not known.
        self.uncounted = NOT_COUNTED
        self._far = ""  # how far the counting is, in words
        self._spoken = False  # it takes long enough to be spoken of

    def start(self, plan: Plan) -> None:
        """Count the rows of `plan`, unless they are counted."""
        if plan.steps and not plan.counted:
            background.start(self._screen, partial(self._count, plan), _GROUP)

    def stop(self) -> None:
        """Give the count up: what comes next waits for nothing."""
        self._screen.workers.cancel_group(self._screen, _GROUP)
        if self.uncounted == COUNTING:
            self._end(None, "", NOT_COUNTED)

    async def _count(self, plan: Plan) -> None:
        self.uncounted, self._far, self._spoken = COUNTING, "Counting rows…", False
        self._show(None, "")
        waiting = self._screen.set_timer(PATIENCE, self._speak)
        try:
            counted = await count_rows(self._session, plan, self._so_far)
        except Stale:
            self._end(None, "", NOT_COUNTED)
            self._outdated()
        except EngineError as error:
            self._end(None, f"▲ The rows were not counted: {one_line(str(error), 300)}", NOT_COUNTED)
        else:
            self._end(counted, "", NOT_IN_TIME)
        finally:
            waiting.stop()

    def _speak(self) -> None:
        if self.uncounted == COUNTING:
            self._spoken = True
            self._show(None, self._far)

    def _so_far(self, plan: Plan, far: str) -> None:
        if self.uncounted == COUNTING:
            self._far = far
            self._show(plan, far if self._spoken else "")

    def _end(self, plan: Plan | None, words: str, uncounted: str) -> None:
        self.uncounted = uncounted
        self._show(plan, words)


async def count_rows(session: Session, plan: Plan, tell: Callable[[Plan, str], None]) -> Plan:
    """Return `plan` with its rows counted; `tell` hears of each that is known better on the way.

    Raises `Stale` if it would not be that plan any more, and what else the engine raises.
    """
    ended = False

    def on_progress(progress: Progress) -> None:
        if progress.plan is not None and not ended:  # what was on its way when the count ended is old
            tell(progress.plan, _words(progress))

    request = asking.measure(plan)
    try:
        return await session.engine.measure_plan(request, on_progress)
    finally:
        ended = True


def _words(progress: Progress) -> str:
    words = one_line(progress.message).rstrip(".…") or "Counting rows"
    return f"{words}… {progress.done:,} of {progress.total:,}" if progress.total else f"{words}…"
