"""`x`: starts over with an app or the project, or leads to a reset that was cut off; `z` puts one back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from djmig_tui.protocol import RESET_APP, RESET_KEEPING, RESET_PROJECT, PreviewReset

from .screens.choose import ChooseScreen
from .screens.reset import ResetScreen
from .screens.reset_back import ResetBackScreen
from .screens.resetting import ResettingScreen
from .text import one_line

if TYPE_CHECKING:
    from .app import DjmigApp

#: Kind of a reset of an app → what it is called, and what it does.
_KINDS = {
    RESET_APP: (
        "Start over, with empty tables",
        "roll back to zero, files to the trash, make again, migrate",
    ),
    RESET_KEEPING: (
        "Keep the data",
        "a new first migration, recorded only if verify agrees",
    ),
}


def start(app: DjmigApp, label: str | None) -> None:
    """Show what starting over with an app (None: the project) would do; one that was cut off comes first."""
    if (record := app.session.state.reset_under_way()) is not None:
        app.push_screen(ResettingScreen(app.session, record))
    elif label is None:
        _open(app, RESET_PROJECT, None)
    else:
        _choose(app, label)


def _choose(app: DjmigApp, label: str) -> None:
    kinds = tuple(_KINDS)
    lines = [Content.assemble((f"{name}\n", "bold"), f"  {words}") for name, words in _KINDS.values()]

    def chosen(number: int | None) -> None:
        if number is not None:
            _open(app, kinds[number], label)

    question = f"Reset {one_line(label, 60)} how? Enter chooses; nothing is changed yet."
    app.push_screen(ChooseScreen(question, lines), chosen)


def _open(app: DjmigApp, kind: str, label: str | None) -> None:
    app.push_screen(ResetScreen(app.session, PreviewReset(app.session.database, kind, label)))


def take_back(app: DjmigApp, id: str) -> None:
    """Show what putting a finished reset back would do."""
    if (record := app.session.state.finished_reset(id)) is not None:
        app.push_screen(ResetBackScreen(app.session, record))
    else:
        app.say("What would lead back from that reset is gone; B lists the backups that there are.", "error")
