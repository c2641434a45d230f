"""Asks about something that is under way, for as long as it is: the question goes when that is over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.content import Content
from textual.screen import Screen

from .ask import AskScreen


class AskMeanwhile:
    """The question of one screen; `goes_on` says whether what it is about is still under way."""

    def __init__(self, screen: Screen[Any], goes_on: Callable[[], bool]) -> None:
        self._screen = screen
        self._goes_on = goes_on
        self._ask: AskScreen | None = None

    def ask(self, title: str, what: str, yes: str, then: Callable[[], None]) -> None:
        """Call `then` after a yes that is not too late."""

        def answered(answer: bool | None) -> None:
            if answer and self._goes_on():
                then()

        self._ask = AskScreen(title, [Content(what)], yes)
        self._screen.app.push_screen(self._ask, answered)

    def close(self) -> None:
        """Drop the question: it is over."""
        if self._ask is not None and self._ask.is_current:
            self._ask.dismiss(False)
