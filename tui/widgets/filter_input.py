"""The line under the tree in which part of a name is typed."""

from __future__ import annotations

from textual.binding import Binding
from textual.message import Message
from textual.widgets import Input


class FilterInput(Input):
    """Narrows the tree with every letter. Enter keeps the filter, Esc drops it."""

    BINDINGS = [Binding("escape", "close", show=False), Binding("down", "leave", show=False)]
    DEFAULT_CSS = """
    FilterInput {
        display: none; height: 1; border: none; padding: 0 1; background: $panel;
        &.-shown { display: block; }
        &:focus { border: none; }
    }
    """

    class Left(Message):
        """The focus goes back to the tree."""

    def __init__(self) -> None:
        super().__init__(placeholder="/ part of a name: store price", compact=True)

    def open(self) -> None:
        """Show the line and take the focus."""
        self.add_class("-shown")
        self.focus()

    def close(self) -> None:
        """Drop the filter."""
        self.value = ""
        self.action_leave()

    def action_close(self) -> None:
        """Drop the filter."""
        self.close()

    async def action_submit(self) -> None:
        """Keep the filter."""
        self.action_leave()

    def action_leave(self) -> None:
        """Back to the tree; the line stays while there is a filter."""
        self.set_class(bool(self.value), "-shown")
        self.post_message(self.Left())
