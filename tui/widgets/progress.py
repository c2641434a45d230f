"""How far a run is: a bar by steps, the time, and the words for what is under way."""

from __future__ import annotations

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from ..text import count


class StepBar(Widget):
    """Filled by steps, not by guesses at time."""

    DEFAULT_CSS = """
    StepBar { height: 3; }
    """

    done = reactive(0)
    seconds = reactive(0.0)
    words = reactive("starting")

    def __init__(self, total: int) -> None:
        super().__init__()
        self._total = max(1, total)

    def render(self) -> Content:
        """Bar, numbers, words."""
        width = max(10, min(self.content_size.width, 60))
        full = width * min(self.done, self._total) // self._total
        bar = Content.assemble(("━" * full, "bold $success"), ("─" * (width - full), "$foreground 30%"))
        numbers = f"{self.done} of {count(self._total, 'step')}   {self.seconds:.1f} s"
        return Content("\n").join([bar, Content(numbers), Content.styled(self.words, "$accent")])
