"""Rollbacks whose rows are kept, and their return, as the interface does both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from djmig_tui import protocol as p
from tests.driver import Driver, driving
from tests.engine.small import execute, migrate, project_of
from tests.projects import SampleProject
from tui import asking, kept_rows
from tui.options_kept import LIMIT
from tui.state import State
from tui.store import KeptEntry

Made = tuple[SampleProject, "Keeping"]
Make = Callable[..., Made]


@contextmanager
def making(tmp_path: Path) -> Iterator[Make]:
    """Yield what makes a migrated project with rows, and what keeps its rows."""
    with ExitStack() as stack:

        def make(vendor: str, files: dict[str, str], *rows: str) -> Made:
            project = stack.enter_context(project_of(tmp_path, files, vendor))
            project.migrate_all()
            execute(project, *rows)
            return project, Keeping(stack.enter_context(driving(project)), tmp_path)

        yield make


def insertions(column: str, *values: str) -> list[str]:
    """Return the statements that insert shop's items 1, 2, … with these values, as SQL, in one column."""
    name = "" if column == "name" else "name, "
    given = "" if column == "name" else "'x', "
    return [
        f"INSERT INTO shop_item (id, {name}{column}) VALUES ({number}, {given}{value})"
        for number, value in enumerate(values, 1)
    ]


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
        return tuple(self.matched(entry).parts)

    def matched(self, entry: KeptEntry) -> p.RowsMatched:
        """Return what could be put back or made again."""
        found: p.RowsMatched = self.engine.wait(kept_rows.match(self.engine.engine, self.state, entry))
        return found

    def put_back(self, entry: KeptEntry) -> tuple[p.PartMatched, ...]:
        """Put it back; return what was."""
        return tuple(self.returned(entry).parts)

    def returned(self, entry: KeptEntry) -> p.RowsMatched:
        """Put it back and make it again; return what was."""
        found: p.RowsMatched = self.engine.wait(kept_rows.put_back(self.engine.engine, self.state, entry))
        return found

    def forward(self) -> None:
        """Migrate everything."""
        migrate(self.engine)


def counts(part: p.PartMatched) -> dict[str, Any]:
    """Return what is counted of a part, but for zeros."""
    names = ("match", "there", "gone", "changed", "unfit", "taken", "dangling")
    return {name: getattr(part, name) for name in names if getattr(part, name)}
