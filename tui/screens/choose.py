"""Chooses one of several: a database of the project, what to take back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from textual import on
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from djmig_tui.protocol import Database

from ..action import move_bindings
from ..actions import CHOOSE, bindings
from ..context import Context
from ..text import one_line
from ..widgets.bars import place_of
from ..widgets.buttons import CancelButton
from .base import ActionScreen

if TYPE_CHECKING:
    from ..app import DjmigApp


class Choices(OptionList):
    """A list that moves by our keys."""

    BINDINGS = move_bindings()

    async def action_move(self, how: str) -> None:
        """Move the highlight."""
        moves = {
            "up": "cursor_up",
            "down": "cursor_down",
            "top": "first",
            "bottom": "last",
            "half_up": "page_up",
            "half_down": "page_down",
        }
        if how in moves:
            await self.run_action(moves[how])


class ChooseScreen(ActionScreen[int], ModalScreen[int]):
    """Its result is the place of the chosen line. What choosing leads to changes nothing by itself."""

    SCOPE = CHOOSE
    BINDINGS = bindings(CHOOSE)
    CSS_PATH = "ask.tcss"
    AUTO_FOCUS = "Choices"

    def __init__(self, question: str, lines: Sequence[Content], highlighted: int = 0) -> None:
        super().__init__()
        self._question = question
        self._lines = lines
        self._highlighted = highlighted

    def body(self) -> Iterable[Widget]:
        """The question, and a line for each answer."""
        choices = Choices(*(Option(line, id=f"line-{place}") for place, line in enumerate(self._lines)))
        choices.highlighted = self._highlighted
        yield Vertical(
            Static(Content.styled(self._question, "bold"), classes="title"),
            choices,
            Horizontal(CancelButton(), classes="buttons"),
            id="dialog",
        )

    def context(self) -> Context:
        """Nothing stands against leaving."""
        return Context()

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_index)

    def action_choose(self) -> None:
        """Choose the line that is lit, as Enter on it does."""
        self.query_one(Choices).action_select()

    def action_leave(self) -> None:
        """Choose none."""
        self.dismiss(None)


def choose_database(app: DjmigApp) -> None:
    """Let the user choose one of the project's databases, and look at it."""

    databases = app.session.project.databases if app.session.project else ()
    current = app.session.database

    def chosen(place: int | None) -> None:
        if place is not None and databases[place].alias != app.session.database:
            app.read_again(databases[place].alias)

    aliases = [one.alias for one in databases]
    screen = ChooseScreen(
        "Look at which database? Enter chooses; nothing is changed.",
        [_line(one, current) for one in databases],
        aliases.index(current) if current in aliases else 0,
    )
    app.push_screen(screen, chosen)


def _line(database: Database, current: str) -> Content:
    return Content.assemble(
        "● " if database.alias == current else "  ",
        (one_line(database.alias), "bold"),
        f"  {place_of(database)}{f'  {one_line(database.vendor)}' if database.host else ''}",
        ("" if database.local else "  REMOTE", "bold $warning"),
    )
