"""Shows sentences and lists that scroll."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from ..actions import move_bindings


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
            self.query_one(Static).update(content)
            if not keep_place:
                self.scroll_home(animate=False)

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
