"""Ctrl-C and SIGTERM: a run is asked to stop where it can be stopped, anything else is given up."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from djmig_tui.protocol import Progress

from .session import Session

CAUGHT = (signal.SIGINT, signal.SIGTERM)


@dataclass
class Stopping:
    """What an interrupt is to stop: `task`, or the run that the session has under way."""

    task: asyncio.Task[Any] | None
    session: Session | None = None

    def interrupted(self) -> None:
        """Stop as gently as it takes."""
        if self.session is not None and self.session.stop is not None:
            self.session.on_progress(Progress(message="Stopping where the database allows it…"))
            self.session.stop()
        elif self.task is not None:
            self.task.cancel()


@contextmanager
def interrupts(task: asyncio.Task[Any] | None) -> Iterator[Stopping]:
    """While this lasts, interrupts go to what is yielded."""
    loop = asyncio.get_running_loop()
    stopping = Stopping(task)
    for number in CAUGHT:
        loop.add_signal_handler(number, stopping.interrupted)
    try:
        yield stopping
    finally:
        for number in CAUGHT:
            loop.remove_signal_handler(number)
