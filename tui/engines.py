"""Engines of one project, one after the other: the first was spawned early, the others when needed."""

from __future__ import annotations

from .engine.api import Engine
from .engine.client import connect
from .engine.discover import Launch
from .engine.lifetime import OnWaiting
from .engine.process import Spawned, spawn


class Engines:
    """Starts a fresh engine whenever one is asked for."""

    def __init__(self, launch: Launch, first: Spawned, on_waiting: OnWaiting | None = None) -> None:
        self._launch = launch
        self._first: Spawned | None = first
        self._starting = first
        self._on_waiting = on_waiting

    async def connect(self) -> Engine:
        """Return an engine that is there. Raises `StartFailed`."""
        self._starting, self._first = self._first or spawn(self._launch), None
        return await connect(self._starting, self._on_waiting)

    def has_answered(self) -> bool:
        """Say whether the first engine has begun to answer before it was connected to."""
        return self._first is not None and self._first.has_answered()

    def printed(self) -> str:
        """Return the end of what the project of the newest engine has printed."""
        return self._starting.output()
