"""What every headless command needs: the engine, what was typed, the kept state, and how to stop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from djmig_tui.protocol import History, LoadHistory, OpenProject, Project

from ..backup_settings import DEFAULTS, BackupSettings
from ..engine.api import Engine, OnProgress
from ..options import Options
from ..state import State
from .answer import USAGE, CommandError


@dataclass
class Session:
    """One command under way."""

    engine: Engine
    options: Options
    state: State
    on_progress: OnProgress
    local_hosts: tuple[str, ...] = ()
    connect: Callable[[], Awaitable[Engine]] | None = None  # starts another engine
    settings: BackupSettings = DEFAULTS
    stop: Callable[[], object] | None = None  # asks the run that is under way to stop

    async def project(self) -> Project:
        """Return the project. Raises `CommandError` if it does not have the database that was asked for."""
        project = await self.engine.open_project(OpenProject(self.options.read_only, self.local_hosts))
        aliases = [database.alias for database in project.databases]
        if self.options.database not in aliases:
            known = ", ".join(aliases) or "none at all"
            raise CommandError(
                f"There is no database '{self.options.database}' in DATABASES. These are: {known}.", USAGE
            )
        return project

    async def renew(self) -> None:
        """Go on with a fresh engine: one that rehearsed has run the project's code, and ends."""
        await self.engine.close()
        if self.connect is None:
            raise CommandError("The engine ended after the rehearsal, and no other can be started.")
        self.engine = await self.connect()
        await self.project()

    async def history(self) -> History:
        """Return the history of the database that was asked for."""
        return await self.engine.load_history(LoadHistory(self.options.database), self.on_progress)

    @contextmanager
    def run_under_way(self, stop: Callable[[], object] | None = None) -> Iterator[None]:
        """While this lasts an interrupt asks the run to stop (by `stop`) instead of giving the request up."""
        self.stop = stop or self.engine.stop_run
        try:
            yield
        finally:
            self.stop = None


def database_problem(history: History) -> str | None:
    """Return why the records could not be read, or None."""
    return next((problem.message for problem in history.problems if problem.kind == "database"), None)
