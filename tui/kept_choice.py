"""Whether, and how much, of what a rollback drops is kept: on by default where the database is local."""

from __future__ import annotations

from collections.abc import Callable

from textual.content import Content

from djmig_tui.protocol import Database, Plan

from . import kept_rows
from .kept_rows import RowsKept
from .session import Session
from .text import size_in_words

#: What the key goes through after the usual one, as far as it is more; the last keeps nothing.
SIZES = (1_000_000_000, 10_000_000_000, 0)

_MUTED = "$foreground 60%"


class KeptChoice:
    """The choice of one plan. `changed` is called when what it says is not what it said."""

    def __init__(self, session: Session, database: str, changed: Callable[[], None]) -> None:
        self._session = session
        self._alias = database
        self._changed = changed
        self._decided: int | None = None  # by the user; None: as it is by default

    def limit(self, plan: Plan) -> int:
        """Return how many bytes are kept of what this plan drops, 0 for none."""
        if not kept_rows.concerns(plan):
            return 0
        if self._decided is not None:
            return self._decided
        return self._usual if kept_rows.by_default(plan, self._database) else 0

    @property
    def _usual(self) -> int:
        return self._session.state.kept_settings.limit

    @property
    def _database(self) -> Database | None:
        return self._session.database_of(self._alias)

    def next(self, plan: Plan | None) -> None:
        """Decide for the next size, or none."""
        if plan is not None:
            sizes = [self._usual, *(size for size in SIZES if size > self._usual or not size)]
            at = sizes.index(self.limit(plan))
            self._decided = sizes[(at + 1) % len(sizes)]
            self._changed()

    def below(self, line: Content, plan: Plan) -> Content:
        """Return `line`, and below it what is kept of this plan."""
        if not kept_rows.concerns(plan):
            return line
        limit = self.limit(plan)
        if limit:
            words = f"  up to {size_in_words(limit)}; of more, nothing is run  "
            said = Content.assemble(
                ("[x] keep what it drops", "bold $success"), words, ("(K: more, not)", _MUTED)
            )
        else:
            said = Content.assemble(
                ("[ ] what it drops is not kept  ", "bold $warning"), ("(K: keep it)", _MUTED)
            )
        return Content("\n").join([line, said])

    def keeper(self, plan: Plan) -> RowsKept | None:
        """Return what keeps the rows of a run, None if they are not kept."""
        limit, database = self.limit(plan), self._database
        return RowsKept(self._session.state, database, plan, limit) if limit and database else None
