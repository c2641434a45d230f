"""A list of what was applied, newest first, in runs: only the lines in view are drawn."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ..action import move_bindings
from ..applied_runs import Applied, Run, between, moment
from ..text import one_line

Line = tuple[Run | None, Applied | None, float]  # a run's heading, or a record with the pause before it


class Timeline(ScrollView, can_focus=True):
    """The cursor is on a record; it and all above it are marked as what `u` undoes."""

    BINDINGS = move_bindings(sideways=False)
    COMPONENT_CLASSES = {"timeline--run", "timeline--going", "timeline--staying", "timeline--cursor"}
    DEFAULT_CSS = """
    Timeline {
        & .timeline--run { color: $primary; text-style: bold; }
        & .timeline--going { color: $warning; }
        & .timeline--staying { color: $foreground; }
        & .timeline--cursor { background: $block-cursor-blurred-background; text-style: bold; }
        &:focus .timeline--cursor { background: $block-cursor-background; color: $block-cursor-foreground; }
    }
    """

    class Moved(Message):
        """The cursor is on another record."""

        def __init__(self, place: int) -> None:
            super().__init__()
            self.place = place

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[Line] = []
        self._rows: list[int] = []  # of each record
        self._at = 0

    @property
    def place(self) -> int:
        """Which record the cursor is on, 0 for the newest."""
        return self._at

    def show_runs(self, runs: Sequence[Run], place: int) -> None:
        """Show runs, with the cursor on a record."""
        self._lines, self._rows = [], []
        for run in runs:
            self._lines.append((run, None, 0.0))
            for later, record in zip((None, *run.records), run.records, strict=False):
                self._rows.append(len(self._lines))
                pause = (later.at - record.at).total_seconds() if later else 0.0
                self._lines.append((None, record, pause))
        self.virtual_size = Size(self.size.width, len(self._lines))
        self.go_to(place)

    def go_to(self, place: int) -> None:
        """Move the cursor to a record, or as near to it as there are any."""
        self._at = max(0, min(place, len(self._rows) - 1))
        self.refresh()
        if self._rows:
            row = self._rows[self._at]
            top = row - 1 if self._lines[row - 1][0] is not None else row  # its run's heading too
            self.scroll_to_region(Region(0, top, 1, row - top + 1), animate=False)
            self.post_message(self.Moved(self._at))

    def action_move(self, how: str) -> None:
        """Move the cursor."""
        half = max(1, self.size.height // 2)
        steps = {"up": -1, "down": 1, "half_up": -half, "half_down": half}
        ends = {"top": 0, "bottom": len(self._rows) - 1}
        self.go_to(ends[how] if how in ends else self._at + steps.get(how, 0))

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the line that was clicked."""
        row = event.y + self.scroll_offset.y
        if row in self._rows:
            self.go_to(self._rows.index(row))

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        row = y + self.scroll_offset.y
        width = self.size.width
        if row >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        run, record, pause = self._lines[row]
        cursor = bool(self._rows) and row == self._rows[self._at]
        if run is not None:
            text, name = f" {between(run.records)}{' by djmig-tui' if run.ours else ''}", "run"
        elif record is not None:
            name = "cursor" if cursor else "going" if row < self._rows[self._at] else "staying"
            going = row <= self._rows[self._at]
            text = _record_line(record, pause, going=going, cursor=cursor)
        style: Style = self.rich_style + self.get_component_rich_style(f"timeline--{name}", partial=True)
        strip = Strip([Segment(one_line(text, 500), style)])
        return strip.adjust_cell_length(width, style)


def _record_line(record: Applied, pause: float, *, going: bool, cursor: bool) -> str:
    mark = "▶" if cursor else "▲" if going else " "
    gap = f"  {_pause(pause)} earlier" if pause >= 1 else ""
    ghost = "  ✖ its file is gone" if record.ghost else ""
    return f" {mark} {moment(record.at)}  {record.key}{ghost}{gap}"


def _pause(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.0f} h"
