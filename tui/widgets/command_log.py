"""The log of commands: what manage.py would have been told for everything that was done."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.content import Content

from ..messages import Done
from ..text import one_line
from .prose import Prose


class CommandLog(Prose):
    """Newest at the bottom, and in view. What is not shown is not drawn."""

    def __init__(self, lines: Callable[[], tuple[Sequence[Done], Sequence[Done]]]) -> None:
        """`lines` gives what was done before this session, and in it."""
        super().__init__()
        self.border_title = "Commands"
        self._lines = lines

    def toggle(self) -> bool:
        """Show or hide it; return whether it is shown."""
        self.toggle_class("-shown")
        self.grew()
        return self.has_class("-shown")

    def grew(self) -> None:
        """Show what there is, and scroll to the end."""
        if not self.has_class("-shown"):
            return
        before, here = self._lines()
        lines = [_line(done) for done in before]
        if before:
            lines.append(Content.styled("── this session ──", "$foreground 50%"))
        lines += [_line(done) for done in here]
        self.show(Content("\n").join(lines or [Content("Nothing was done yet.")]), keep_place=True)
        self.scroll_end(animate=False)


def _line(done: Done) -> Content:
    return Content.assemble(
        (one_line(done.at, 60), "$foreground 50%"),
        (" $ ", "$primary"),
        one_line(done.command, 500),
        (f"  # {one_line(done.outcome, 200)}" if done.outcome else "", "$foreground 60%"),
    )
