"""The numbered tabs of the detail pane, on one line however narrow it is."""

from __future__ import annotations

from textual import events
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from ..action import TABS

_SHORT = ("Reverse", "Forward", "Ops", "Source", "Impact", "Deps")
_SHORTEST = ("Rev", "Fwd", "Ops", "Src", "Imp", "Dep")


class TabBar(Widget):
    """Full names where they fit, short ones where not; the pane's frame has the full one."""

    DEFAULT_CSS = """
    TabBar { height: 1; width: 1fr; }
    """

    chosen = reactive(1)

    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, tab: int) -> None:
            super().__init__()
            self.tab = tab

    def _names(self) -> list[str]:
        full = [f" {place} {name} " for place, name in enumerate(TABS, 1)]
        short = [f" {place} {name} " for place, name in enumerate(_SHORT, 1)]
        shortest = [f" {place} {name}" for place, name in enumerate(_SHORTEST, 1)]
        return next((names for names in (full, short) if sum(map(len, names)) <= self.size.width), shortest)

    def render(self) -> Content:
        """Number and name; the chosen one is inverted, and so is not told by colour alone."""
        parts: list[Content] = []
        for place, name in enumerate(self._names(), 1):
            if place == self.chosen:
                parts.append(Content.styled(name, "bold reverse $primary"))
            else:
                parts.append(Content.assemble((name[:2], "$accent"), (name[2:], "$foreground 70%")))
        return Content("").join(parts)

    def on_click(self, event: events.Click) -> None:
        """Choose the tab under the mouse."""
        place = 0
        for tab, name in enumerate(self._names(), 1):
            place += len(name)
            if event.x < place:
                self.post_message(self.Chosen(tab))
                return
