"""Asks before the program ends while something is under way that would end with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from .ask import AskScreen

if TYPE_CHECKING:
    from ..app import DjmigApp


@runtime_checkable
class AsksToQuit(Protocol):
    """A screen on which something is under way."""

    def ask_to_quit(self) -> None:
        """Ask; a yes ends the program."""


def ask_to_quit(app: DjmigApp) -> None:
    """Let the screen ask where something is under way, wherever the user is; once."""
    if isinstance(app.screen, AskScreen):
        return
    for screen in reversed(app.screen_stack):
        if isinstance(screen, AsksToQuit):
            screen.ask_to_quit()
            return
