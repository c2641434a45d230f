"""Stops a preview in the middle of whatever it does, and never anything else."""

import signal
import sys
import threading
from contextlib import contextmanager
from typing import Any, Callable, Iterator, Optional, TypeVar

from .calls import Call

T = TypeVar("T")


class Interrupts:
    """Raises KeyboardInterrupt in the main thread, but only inside the preview that it is meant for.

    Rendering is Python that asks nobody whether to go on: one migration can take a minute. A
    signal is used, not a flag of the interpreter alone, because it also ends a wait in a system
    call (a driver written in Python that waits for its server). A signal that arrives late finds
    its call gone and does nothing.
    """

    def __init__(self) -> None:
        self._armed: Optional[Call] = None
        self._possible = threading.current_thread() is threading.main_thread()
        self._install()

    def run(self, call: Call, work: Callable[[], T]) -> T:
        """Return what `work` returns; `fire` can interrupt it. The caller catches KeyboardInterrupt."""
        if call.preview:
            # Each time: a project may install a handler of its own, or block the signal, at any moment.
            self._install()
        try:
            self._armed = call
            self._raise_if_late(call)
            return work()
        finally:
            self._armed = None

    @contextmanager
    def held_off(self) -> Iterator[None]:
        """Keep what runs inside whole: half a line on the channel would be the end of it."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        call, self._armed = self._armed, None
        try:
            yield
        finally:
            self._armed = call
        if call is not None:
            self._raise_if_late(call)

    def fire(self, call: Call) -> None:
        """Interrupt `call`. Called by the reader thread, which holds `call` in its place meanwhile."""
        if self._armed is call and self._possible:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    def _install(self) -> None:
        if self._possible:
            signal.signal(signal.SIGINT, self._on_signal)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})

    def _on_signal(self, number: int, frame: Any) -> None:
        if self._armed is not None:
            self._raise_if_late(self._armed)

    @staticmethod
    def _raise_if_late(call: Call) -> None:
        if call.preview and call.stopping and not call.interrupted:
            call.interrupted = True
            raise KeyboardInterrupt


def single_threaded() -> bool:
    """Return whether gevent or eventlet replaced threads: a reader thread would then stop the world."""
    gevent = sys.modules.get("gevent.monkey")
    if gevent is not None and gevent.is_module_patched("threading"):
        return True
    eventlet = sys.modules.get("eventlet.patcher")
    return eventlet is not None and bool(eventlet.is_monkey_patched("thread"))
