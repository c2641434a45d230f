"""The interface as the one that takes the steps of a reset."""

from __future__ import annotations

from djmig_tui.protocol import Project

from .engine.api import Engine
from .fresh import renew
from .keeping import Keeping
from .session import Session
from .store import JournalEntry, ResetStore


class SessionHost:
    """Fits `resetting.Host`: what the steps need of the project that is open."""

    def __init__(self, session: Session) -> None:
        self.state: ResetStore = session.state
        self._session = session

    @property
    def project(self) -> Project | None:
        """The project as the engine of the moment sees it."""
        return self._session.project

    @property
    def engine(self) -> Engine:
        """The engine of the moment."""
        return self._session.engine

    async def renew(self) -> None:
        """Go on with a fresh engine. Raises `EngineEnded`, with the reason, if none can be started."""
        await renew(self._session)

    def keeping(self, alias: str) -> Keeping:
        """Whose backups those of an alias are."""
        return self._session.keeping(alias)

    def write(self, entry: JournalEntry) -> None:
        """Write into the journal."""
        self._session.write(entry)
