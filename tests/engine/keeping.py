"""Rollbacks whose rows are kept, and their return, as the interface does both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from djmig_tui import protocol as p
from tests.driver import Driver
from tests.engine.small import migrate
from tui import asking, kept_rows
from tui.options_kept import LIMIT
from tui.state import State
from tui.store import KeptEntry


class Keeping:
    """The state folder of a project, and the engine that its rows go through."""

    def __init__(self, engine: Driver, folder: Path) -> None:
        self.engine = engine
        self.state = State(folder / "state")

    def roll_back(
        self, name: str | None = None, *, limit: int = LIMIT
    ) -> tuple[p.RunFinished, KeptEntry | None]:
        """Roll shop back to `name`, to zero without one; return how it ended and what was kept."""
        plan = self.engine.plan(p.BACK_TO if name else p.ZERO, "shop", name)
        (database,) = self.engine.ask(p.OpenProject()).databases
        kept = kept_rows.RowsKept(self.state, database, plan, limit)
        finished = self.engine.wait(kept.run(self.engine.engine, asking.run(plan), None))
        return finished, kept.entry

    def kept(self, name: str | None = None) -> KeptEntry:
        """Roll back, which must work and keep something; return that."""
        finished, entry = self.roll_back(name)
        assert finished.error is None, finished.detail
        assert entry is not None
        return entry

    def match(self, entry: KeptEntry) -> tuple[p.PartMatched, ...]:
        """Return what could be put back."""
        found = self.engine.wait(kept_rows.match(self.engine.engine, self.state, entry))
        return tuple(found.parts)

    def put_back(self, entry: KeptEntry) -> tuple[p.PartMatched, ...]:
        """Put it back; return what was."""
        found = self.engine.wait(kept_rows.put_back(self.engine.engine, self.state, entry))
        return tuple(found.parts)

    def forward(self) -> None:
        """Migrate everything."""
        migrate(self.engine)


def counts(part: p.PartMatched) -> dict[str, Any]:
    """Return what is counted of a part, but for zeros."""
    names = ("match", "there", "gone", "changed", "unfit", "taken", "dangling")
    return {name: getattr(part, name) for name in names if getattr(part, name)}
