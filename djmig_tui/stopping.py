"""Stops a run that is rolled back whole, in the middle of whatever it does."""

import threading
from typing import Any, Callable, Optional

from . import databases

#: How often a run that should stop is cut off anew, in seconds.
AGAIN = 0.1


class RunStopped(Exception):
    """Raised between two steps, or before a statement, when a stop was asked for."""


class Stopping:
    """While inside, a stop of `call` ends what runs on `connection`, as long as `allowed` says so.

    Without `allowed` nothing is cut off: the run looks for itself, between two steps.
    """

    def __init__(self, call: Any, connection: Any, allowed: Optional[Callable[[], bool]]) -> None:
        self._call = call
        self._connection = connection
        self._allowed = allowed
        self._over = threading.Event()
        self._thread: Optional[threading.Thread] = None
        self._wrapper: Any = None

    def __enter__(self) -> "Stopping":
        """Listen for a stop from here on."""
        if self._allowed is not None:
            self._wrapper = self._connection.execute_wrapper(self._execute)
            self._wrapper.__enter__()
            self._call.on_stop(self._begin)
        return self

    def __exit__(self, *exception: object) -> None:
        """Cut nothing off any more."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        if self._wrapper is not None:
            self._wrapper.__exit__(*exception)

    def _execute(self, execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        if self._call.stopping and self._allowed is not None and self._allowed():
            raise RunStopped
        return execute(sql, params, many, context)

    def _begin(self) -> None:
        thread = threading.Thread(target=self._cut_off, name="djmig-tui stop", daemon=True)
        thread.start()
        self._thread = thread  # only now: the main thread joins what it finds here

    def _cut_off(self) -> None:
        """Cancel again and again: a cancel that comes just before a statement does not reach it."""
        while not self._over.is_set() and self._allowed is not None and self._allowed():
            databases.cancel_all()
            self._over.wait(AGAIN)
