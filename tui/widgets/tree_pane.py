"""The left half of the main screen: the tree, its title, and the line in which a filter is typed."""

from __future__ import annotations

from collections.abc import Iterable

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Input

from djmig_tui.protocol import History, MigrationFile

from ..marks import Marks
from ..nodes import MARKED
from ..text import one_line
from .filter_input import FilterInput
from .history_tree import HistoryTree


class TreePane(Vertical):
    """Shows a history the way the user wants to see it, and says in its frame which way that is."""

    #: The history is what was known last time, not what is there now.
    stale = reactive(False)

    class ViewChanged(Message):
        """Filter, order, what is hidden or what is marked is another."""

    def __init__(self) -> None:
        super().__init__()
        self.history_tree = HistoryTree()
        self._filter = FilterInput()
        self._title()

    def compose(self) -> ComposeResult:
        """The tree over the line for the filter."""
        yield self.history_tree
        yield self._filter

    def watch_stale(self, stale: bool) -> None:
        """Dim what is only remembered, and say so."""
        self.history_tree.stale = stale
        self._title()

    def show_history(self, history: History, title: str) -> None:
        """Show a history in place of the one before."""
        self.history_tree.show_history(history, title)
        self._title()  # marks may have gone

    @property
    def marks(self) -> Marks:
        """What is marked to be removed together."""
        return self.history_tree.marks

    def mark(self, files: Iterable[MigrationFile]) -> None:
        """Mark migrations: a tail."""
        self.marks.add(files)
        self._changed()

    def unmark(self, key: str) -> None:
        """Unmark a migration and what it needs."""
        self.marks.drop(key)
        self._changed()

    def drop_marks(self) -> None:
        """Unmark everything."""
        self.marks.clear()
        self._changed()

    def toggle_order(self) -> None:
        """Tree, or the order in which Django applies them."""
        self._change(plan_order=not self.history_tree.view.plan_order)

    def toggle_others(self) -> None:
        """Hide or show other people's apps."""
        self._change(hide_third_party=not self.history_tree.view.hide_third_party)

    def open_filter(self) -> None:
        """Ask for part of a name."""
        self._filter.open()

    def drop_filter(self) -> None:
        """Show everything again."""
        self._filter.close()

    def go_to_match(self, step: int) -> None:
        """Move to the next (1) or the previous (-1) line that matches the filter."""
        if not self.history_tree.go_to_match(step):
            words = one_line(self.history_tree.view.filter, 60)
            self.notify(f"No migration matches {words!r}; Esc drops it.", severity="warning", markup=False)

    @on(Input.Changed)
    def _filter_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._change(filter=event.value.strip())

    @on(FilterInput.Left)
    def _filter_left(self) -> None:
        self.history_tree.focus()

    def _change(self, **changes: bool | str) -> None:
        self.history_tree.show_view(**changes)
        self._changed()

    def _changed(self) -> None:
        self.history_tree.draw_again()
        self._title()
        self.post_message(self.ViewChanged().set_sender(self))

    def _title(self) -> None:
        view = self.history_tree.view
        self.border_title = "Migrations in the order of applying" if view.plan_order else "Migrations"
        words = [f"/{one_line(view.filter, 30)}"] if view.filter else []
        words += [f"{MARKED.glyph} {len(self.marks)} marked"] if self.marks else []
        words += ["other people's apps hidden"] if view.hide_third_party else []
        words += ["as of last time"] if self.stale else []
        # Titles are parsed as markup: nothing that was typed may open a tag.
        self.border_subtitle = " · ".join(words).replace("[", r"\[")
