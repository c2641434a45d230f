"""The offer after a migrate: rows that a rollback dropped and that were kept can be put back."""

from __future__ import annotations

import asyncio

from textual.content import Content

from djmig_tui.protocol import Plan, RunFinished

from . import kept_rows, putting_back
from .describe import bullets, section
from .describe_kept import amount, definition_in_words
from .engine.api import OnProgress
from .engine.errors import Cancelled
from .kept_rows import RowsKept
from .session import Session
from .store import KeptEntry
from .text import one_line


class KeptOffer:
    """What is kept of the steps that a run applied again; the newest of it that has something to give."""

    def __init__(self, session: Session, plan: Plan) -> None:
        self._session = session
        self._plan = plan
        self.entry: KeptEntry | None = None
        self.under_way = False

    @property
    def stands(self) -> bool:
        """Whether there is something to put back, and nobody is at it."""
        return self.entry is not None and not self.under_way

    async def look(self, finished: RunFinished) -> list[Content]:
        """Return the offer, nothing if there is none. Raises `EngineError`."""
        if not self._plan.steps or self._plan.steps[0].backwards:
            return []
        applied = {f"{one.app}.{one.name}" for one in finished.done}
        for entry in self._session.state.kept():
            if entry.database != self._plan.database or not applied & set(entry.steps):
                continue
            matched = await kept_rows.match(self._session.engine, self._session.state, entry)
            if kept_rows.matching(matched):
                self.entry = entry
                offer = f"{putting_back.number(matched)} can be put back: press p"
                return [Content(), *putting_back.told(offer, matched)]
        return []

    async def put_back(self, on_progress: OnProgress) -> list[Content]:
        """Put it back and return what was done. Raises `EngineError`; it is offered again then."""
        if self.entry is None or self.under_way:
            return []
        self.under_way = True
        try:
            found = await putting_back.put_back(self._session, self.entry, on_progress)
        except asyncio.CancelledError as stopped:
            raise Cancelled("Stopped: nothing was put back.") from stopped
        finally:
            self.under_way = False
        self.entry = None
        return [Content(), *putting_back.told("What was kept is back", found, done=True)]


def kept_by(kept: RowsKept | None) -> list[Content]:
    """Return the section on the rows that a run kept, nothing if it kept none."""
    entry = kept.entry if kept is not None else None
    if entry is None:
        return []
    lines = [
        amount(entry),
        *(one_line(definition_in_words(each), 300) for each in entry.definitions),
        "Once it is migrated again, it can be put back there, or later with B.",
    ]
    return [Content(), *section("What was dropped is kept", bullets(lines))]
