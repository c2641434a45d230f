"""The log of commands: what manage.py would have been told for everything that was done."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from ..messages import Done
from ..text import one_line
from .prose import Prose


class CommandLog(Prose):
    """Newest at the bottom, and in view."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self.border_title = "Commands"

    def show_log(self, log: Sequence[Done]) -> None:
        """Show the log and scroll to its end."""
        lines = [
            Content.assemble(
                (done.at, "$foreground 50%"),
                (" $ ", "$primary"),
                one_line(done.command, 500),
                (f"  # {one_line(done.outcome, 200)}" if done.outcome else "", "$foreground 60%"),
            )
            for done in log
        ]
        self.show(Content("\n").join(lines or [Content("Nothing was done yet.")]), keep_place=True)
        self.scroll_end(animate=False)
