"""What an action is, and those that most screens share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from textual.binding import Binding, BindingType

from . import context as why
from .context import Context


@dataclass(frozen=True)
class Action:
    """One thing that a user can do: `id` names the screen's ``action_<id>`` method."""

    id: str
    keys: tuple[str, ...]  # as Textual names them
    label: str  # for the footer; "" keeps it out
    help: str
    why_not: Callable[[Context], str | None] = why.always
    shown: str = ""  # the keys as people write them; made from `keys` if empty

    @property
    def key(self) -> str:
        """The keys as people write them."""
        return self.shown or " ".join(self.keys)


def _move() -> Action:
    keys = ("j", "k", "up", "down", "g", "G", "ctrl+d", "ctrl+u")
    return Action("move", keys, "", "move, in every pane", shown="j k ↑ ↓ g G ^d ^u")


MOVE = _move()
FOLD = Action("fold", ("h", "l", "left", "right"), "", "fold, unfold; sideways in a text", shown="h l ← →")
PANE = Action("pane", ("tab", "shift+tab"), "", "next pane; with Shift the one before", shown="Tab")
#: Key → what a pane does with it. A pane that can hold the focus answers ``action_move`` for each.
MOVES = {
    "j,down": "down",
    "k,up": "up",
    "g,home": "top",
    "G,end": "bottom",
    "ctrl+d,pagedown": "half_down",
    "ctrl+u,pageup": "half_up",
    "h,left": "left",
    "l,right": "right",
}
HELP = Action("help", ("question_mark",), "help", "help for what is under the cursor", shown="?")
QUIT = Action("quit", ("q", "ctrl+q"), "quit", "quit; asks during a run", shown="q ^q")
TABS = ("Reverse SQL", "Forward SQL", "Operations", "Source", "Impact", "Depends")


def move_bindings(*, sideways: bool = True) -> list[BindingType]:
    """Return the bindings of a pane for the keys that move; without `sideways` h and l are left alone."""
    moves = {keys: how for keys, how in MOVES.items() if sideways or how not in ("left", "right")}
    return [Binding(keys, f"move({how!r})", how, show=False) for keys, how in moves.items()]
