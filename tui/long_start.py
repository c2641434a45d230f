"""Says how long a start takes, and shows what the project prints when it takes too long."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any

from textual.screen import Screen

from .session import STARTING, Session
from .widgets.bars import StatusBar
from .widgets.detail_pane import DetailPane

#: Seconds after which the output of a start is shown.
LONG_START = 10.0


def watch_start(
    screen: Screen[Any], session: Session, status: StatusBar, detail: DetailPane, printed: Callable[[], str]
) -> None:
    """Look every second, for as long as there is the screen."""

    def tick() -> None:
        if session.ready or session.opening is None:
            return
        seconds = monotonic() - session.opening
        status.activity = f"{STARTING} {seconds:.0f} s"
        if seconds >= LONG_START:
            detail.show_start(seconds, printed())

    screen.set_interval(1.0, tick)
