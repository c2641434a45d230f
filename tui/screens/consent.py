"""Shows the code that a rehearsal would run, and asks for a yes of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.content import Content
from textual.widget import Widget

from djmig_tui.protocol import SqlPart

from ..text import count, one_line
from ..widgets.code_view import CodeView
from .ask import AskScreen

_WARNING = (
    "What it does in this database is taken back. What it does outside it (files, mail, requests, "
    "queues, sequences) is not. Read it first."
)


class ConsentScreen(AskScreen):
    """The question, and the whole source under it."""

    def __init__(self, sources: Sequence[SqlPart]) -> None:
        pieces = count(len(sources), "piece")
        title = f"This plan runs {pieces} of code of the project. Rehearse it?"
        super().__init__(title, [Content(_WARNING)], "Run and take back")
        self._sources = sources

    def details(self) -> Iterable[Widget]:
        """The whole source."""
        yield CodeView(wrap=False)

    def on_mount(self) -> None:
        """Show it."""
        self.query_one(CodeView).show_code(source_text(self._sources), "python")


def source_text(sources: Sequence[SqlPart]) -> str:
    """Return all sources, each under the operation that runs it."""
    parts = []
    for number, part in enumerate(sources, 1):
        where = f"  {part.file}:{part.line or ''}".rstrip(":") if part.file else ""
        parts.append(f"# {number}. {one_line(part.operation, 300)}{one_line(where, 300)}\n{part.text}")
    return "\n\n".join(parts) + "\n"
