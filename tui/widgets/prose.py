"""Shows sentences and lists that scroll."""

from __future__ import annotations

import re

from textual import events
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from ..action import move_bindings

#: What a line begins with and what its continuations are indented by: spaces, a number, a sign.
_LEAD = re.compile(r"\s*(?:\d+\.\s+|\[.\]\s+|λ\s+|[^\w\s\[\](){}<>.,;:'\"/\\-]\s+|because )?")


class Prose(VerticalScroll, inherit_bindings=False):
    """A text that scrolls by our keys. What it is given is never parsed as markup."""

    BINDINGS = move_bindings(sideways=False)
    DEFAULT_CSS = """
    Prose {
        background: transparent;
        scrollbar-size-vertical: 1;
        padding: 0 1;
        & > Static { width: 1fr; height: auto; }
        &:focus { background-tint: $foreground 3%; }
    }
    """

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name=name, can_focus=True)
        self._content = Content()

    def compose(self) -> ComposeResult:
        """One static text."""
        yield Static(self._content, markup=False)

    def show(self, content: Content, *, keep_place: bool = False) -> None:
        """Show `content` from its top."""
        if content.is_same(self._content):
            return
        self._content = content
        if self.is_mounted:
            self._draw()
            if not keep_place:
                self.scroll_home(animate=False)

    def on_resize(self, event: events.Resize) -> None:
        """Break the lines for the new width."""
        self._draw()

    def _draw(self) -> None:
        width = self.scrollable_content_region.width
        self.query_one(Static).update(hang(self._content, width) if width > 8 else self._content)

    def action_move(self, how: str) -> None:
        """Scroll."""
        half = max(1, self.size.height // 2)
        if how == "top":
            self.scroll_home(animate=False)
        elif how == "bottom":
            self.scroll_end(animate=False)
        elif how in ("down", "up", "half_down", "half_up"):
            step = half if how.startswith("half") else 1
            self.scroll_relative(y=step if how.endswith("down") else -step, animate=False)


def hang(content: Content, width: int) -> Content:
    """Return `content` with lines broken so that what follows a bullet stays right of it."""
    lines: list[Content] = []
    for line in content.split("\n", allow_blank=True):
        lead = _LEAD.match(line.plain)
        indent = lead.end() if lead else 0
        if line.cell_length <= width or not 0 < indent < width // 2:
            lines.append(line)
            continue
        first, *rest = line[indent:].wrap(width - indent)
        lines.append(line[:indent] + first)
        lines += [part.pad_left(indent) for part in rest]
    return Content("\n").join(lines)
