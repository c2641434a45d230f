"""What belongs behind a sentence: a traceback or a project's output, folded until it is asked for."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from ..text import clean, count
from .prose import Prose


class Folded(Vertical):
    """One line that says what is behind it; unfolded, a text that scrolls."""

    DEFAULT_CSS = """
    Folded {
        height: auto; display: none; padding: 0 1;
        &.-some { display: block; }
        & > Static { height: 1; width: auto; }
        & > Prose { display: none; height: auto; max-height: 14; }
        & > Prose { background: $surface; color: $foreground 80%; }
        &.-open > Prose { display: block; }
    }
    """

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title
        self._lines = 0

    def compose(self) -> ComposeResult:
        """The line and the text."""
        yield Static(markup=False)
        yield Prose()

    def show(self, text: str) -> None:
        """Put a text behind the line; an empty one hides it."""
        shown = clean(text.strip("\n"), strip_ansi=True)
        self._lines = len(shown.splitlines())
        self.set_class(bool(shown), "-some")
        self.query_one(Prose).show(Content(shown))
        self._say()

    def toggle(self) -> None:
        """Fold or unfold."""
        self.toggle_class("-open")
        if self.has_class("-open"):
            prose = self.query_one(Prose)
            prose.focus()
            prose.scroll_end(animate=False)
        self._say()

    def _say(self) -> None:
        arrow, verb = ("▾", "hides") if self.has_class("-open") else ("▸", "shows")
        text = f"{arrow} {self._title}, {count(self._lines, 'line')} (l {verb} it)"
        self.query_one(Static).update(Content.styled(text, "$accent"))

    def on_click(self, event: events.Click) -> None:
        """Fold or unfold by the mouse."""
        if event.widget is self.query_one(Static):
            self.toggle()
