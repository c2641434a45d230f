"""Asks where a script is to be saved, and never writes over a file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from textual import on
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input, Static

from ..actions import TEXT, bindings
from ..context import Context
from ..text import clean
from ..widgets.buttons import CancelButton
from .base import ActionScreen


class SaveScreen(ActionScreen[None], ModalScreen[None]):
    """A line for the path; Enter in it saves."""

    SCOPE = TEXT
    BINDINGS = bindings(TEXT)
    CSS_PATH = "ask.tcss"
    AUTO_FOCUS = "Input"

    def __init__(self, path: Path, script: str) -> None:
        super().__init__()
        self._path = path
        self._script = script

    def body(self) -> Iterable[Widget]:
        """The path, and what is wrong with it."""
        yield Vertical(
            Static(Content.styled("Save the SQL as a script: path, then Enter", "bold"), classes="title"),
            Input(str(self._path), compact=True),
            Static(id="problem", markup=False),
            Horizontal(CancelButton(), classes="buttons"),
            id="dialog",
        )

    def context(self) -> Context:
        """Nothing stands against leaving."""
        return Context()

    @on(Input.Submitted)
    def _save(self, event: Input.Submitted) -> None:
        path = Path(event.value.strip()).expanduser()
        try:
            with path.open("x", encoding="utf-8", errors="backslashreplace") as target:
                target.write(self._script)
        except FileExistsError:
            self._complain(f"{path} is there already and is not written over. Choose another name.")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            self._complain(f"{path} cannot be written: {reason}. Choose another path.")
        else:
            self.djmig.say(f"Saved {path}. Read it before you run it.")
            self.dismiss()

    def _complain(self, sentence: str) -> None:
        self.query_one("#problem", Static).update(Content(clean(sentence)))

    def action_leave(self) -> None:
        """Leave; nothing was saved."""
        self.dismiss()
