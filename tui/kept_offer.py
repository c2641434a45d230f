"""The offer after a migrate: rows that a rollback dropped and that were kept can be put back."""

from __future__ import annotations

from textual.content import Content

from djmig_tui.protocol import Plan, RowsMatched, RunFinished

from . import kept_rows
from .describe import bullets, section
from .describe_kept import amount, definition_in_words, joined, kinds, put_back_command
from .kept_rows import RowsKept
from .session import Session
from .store import KeptEntry
from .text import count, one_line


class KeptOffer:
    """What is kept of the steps that a run applied again; the newest of it that has something to give."""

    def __init__(self, session: Session, plan: Plan) -> None:
        self._session = session
        self._plan = plan
        self.entry: KeptEntry | None = None

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
                return _said(f"{_what(matched)} can be put back: press p", matched)
        return []

    async def put_back(self) -> list[Content]:
        """Put it back and return what was done. Raises `EngineError`."""
        entry, self.entry = self.entry, None
        if entry is None:
            return []
        found = await kept_rows.put_back(self._session.engine, self._session.state, entry)
        return _said("What was kept is back", found, done=True)


def _what(matched: RowsMatched) -> str:
    rows = sum(part.match for part in matched.parts)
    said = [count(rows, "kept row or value", "kept rows and values")] if rows else []
    return joined([*said, *kinds(each.kind for each in matched.definitions if each.match)])


def _said(title: str, found: RowsMatched, *, done: bool = False) -> list[Content]:
    lines = [one_line(line, 500) for line in kept_rows.all_in_words(found, done)]
    return [Content(), *section(title, bullets(lines))]


def kept_by(kept: RowsKept | None) -> list[Content]:
    """Return the section on the rows that a run kept, nothing if it kept none."""
    entry = kept.entry if kept is not None else None
    if entry is None:
        return []
    lines = [
        amount(entry),
        *(one_line(definition_in_words(each), 300) for each in entry.definitions),
        "Once it is migrated again, it can be put back there.",
        put_back_command(entry),
    ]
    return [Content(), *section("What was dropped is kept", bullets(lines))]
