"""Whether a backup is made before something that may lose data: on by default where that costs little."""

from __future__ import annotations

from collections.abc import Callable

from textual.content import Content

from djmig_tui.protocol import BackupMeans, Database, Plan

from . import backups
from .describe_backups import backup_line
from .engine.errors import EngineError
from .guards import needs_second_yes
from .session import Session

_WITHOUT = "No backup is made first: what is lost cannot be got back."


class BackupChoice:
    """The toggle of one plan. `changed` is called when what it says is not what it said."""

    def __init__(self, session: Session, database: str, changed: Callable[[], None]) -> None:
        self._session = session
        self._alias = database
        self._changed = changed
        self._means: BackupMeans | None = None
        self._trouble = ""
        self._decided: bool | None = None  # by the user; None: as it is by default

    @property
    def _database(self) -> Database | None:
        return self._session.database_of(self._alias)

    async def ask(self) -> None:
        """Ask what a backup takes."""
        try:
            self._means = await backups.means(self._session.keeping(self._alias))
            self._trouble = ""
        except EngineError as error:
            self._trouble = str(error)
        self._changed()

    @property
    def why_not(self) -> str:
        """Why none can be made, "" if one can."""
        return self._trouble or (self._means.why_not or "" if self._means is not None else "")

    @property
    def wanted(self) -> bool:
        """Whether one is made first: where it can be, if the database is local or the user says so.

        Also while that is being asked: whoever is quicker than the answer gets the backup all the same.
        """
        if self.why_not:
            return False
        if self._decided is not None:
            return self._decided
        database = self._database
        return database is not None and database.local

    def toggle(self) -> None:
        """Decide otherwise."""
        self._decided = not self.wanted
        self._changed()

    def concerns(self, plan: Plan | None) -> bool:
        """Whether a plan may lose anything, so that there is something to choose."""
        return plan is not None and needs_second_yes(plan) and not plan.blockers

    def first(self, plan: Plan) -> bool:
        """Whether one is made before this plan."""
        return self.wanted and self.concerns(plan)

    def warning(self, plan: Plan) -> list[str]:
        """Return what must be read before the plan is run without one."""
        return [_WITHOUT] if self.concerns(plan) and not self.wanted else []

    def line(self) -> Content:
        """Return what is shown of it."""
        return backup_line(self._means, self.wanted, self._database, self.why_not)
