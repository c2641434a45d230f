"""Chooses one of the project's databases."""

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

from ..actions import TEXT, bindings, move_bindings
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


class ChooseDatabase(ActionScreen[str], ModalScreen[str]):
    """Its result is the chosen alias. Choosing looks at another database and changes nothing."""

    SCOPE = TEXT
    BINDINGS = bindings(TEXT)
    CSS_PATH = "ask.tcss"
    AUTO_FOCUS = "Choices"

    def __init__(self, databases: Sequence[Database], current: str) -> None:
        super().__init__()
        self._databases = databases
        self._current = current

    def body(self) -> Iterable[Widget]:
        """One line for each alias."""
        options = [Option(self._line(one), id=f"alias-{place}") for place, one in enumerate(self._databases)]
        choices = Choices(*options)
        aliases = [one.alias for one in self._databases]
        choices.highlighted = aliases.index(self._current) if self._current in aliases else 0
        yield Vertical(
            Static(Content.styled("Look at which database? Enter chooses; nothing is changed.", "bold"),
                   classes="title"),
            choices,
            Horizontal(CancelButton(), classes="buttons"),
            id="dialog",
        )  # fmt: skip

    def _line(self, database: Database) -> Content:
        return Content.assemble(
            "● " if database.alias == self._current else "  ",
            (one_line(database.alias), "bold"),
            f"  {place_of(database)}{f'  {one_line(database.vendor)}' if database.host else ''}",
            ("" if database.local else "  REMOTE", "bold $warning"),
        )

    def context(self) -> Context:
        """Nothing stands against leaving."""
        return Context()

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._databases[event.option_index].alias)

    def action_leave(self) -> None:
        """Keep looking at the same database."""
        self.dismiss(None)


def choose_database(app: DjmigApp) -> None:
    """Let the user choose one of the project's databases, and look at it."""

    def chosen(alias: str | None) -> None:
        if alias is not None and alias != app.session.database:
            app.read_again(alias)

    databases = app.session.project.databases if app.session.project else ()
    app.push_screen(ChooseDatabase(databases, app.session.database), chosen)
