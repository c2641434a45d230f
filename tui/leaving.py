"""Ends the interface on a signal the way q does: the engine is told, the terminal is restored."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .app import DjmigApp


def leave_on_signals(app: DjmigApp) -> None:
    """Leave on SIGTERM and SIGHUP, with the exit code that shells expect."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        # Outside the main thread no handler can be set; then the program that runs us handles them.
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            asyncio.get_running_loop().add_signal_handler(number, app.leave, 128 + number)
