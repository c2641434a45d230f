"""A second, deliberate yes: what is at stake, Cancel focused, and a name to type where it matters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual import on
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input, Static

from ..actions import ASK, bindings
from ..context import Context
from ..text import clean
from ..widgets.buttons import CancelButton, YesButton
from ..widgets.prose import Prose
from .base import ActionScreen


class AskScreen(ActionScreen[bool], ModalScreen[bool]):
    """Answers True only by the key y (or a click on its button), and only once the name was typed."""

    SCOPE = ASK
    BINDINGS = bindings(ASK)
    CSS_PATH = "ask.tcss"
    AUTO_FOCUS = "Input, CancelButton"

    def __init__(self, title: str, lines: Sequence[Content], yes: str, *, name_to_type: str = "") -> None:
        super().__init__()
        self._question = title
        self._lines = lines
        self._yes = yes
        self._name_to_type = name_to_type
        self._named = not name_to_type

    def body(self) -> Iterable[Widget]:
        """Question, what is at stake, the name, the buttons."""
        text = Prose()
        text.show(Content("\n").join(self._lines))
        parts: list[Widget] = [Static(Content.styled(clean(self._question), "bold"), classes="title"), text]
        parts += self.details()
        if self._name_to_type:
            prompt = Content.assemble("Type ", (clean(self._name_to_type), "bold $accent"), " to go on:")
            parts += [Static(prompt, id="prompt"), Input(compact=True)]
        yes = YesButton(self._yes, "y", "confirm")
        yes.disabled = not self._named
        parts.append(Horizontal(CancelButton(), yes, classes="buttons"))
        yield Vertical(*parts, id="dialog")

    def details(self) -> Iterable[Widget]:
        """Return what must be read before answering, for questions that have more to show."""
        return ()

    def context(self) -> Context:
        """Whether the name was typed, and whether the question can be read."""
        return Context(named=self._named, roomy=self.roomy)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        if event.value == self._name_to_type:
            self._named = True
            event.input.disabled = True
            self.query_one(YesButton).disabled = False
            self.query_one("#prompt", Static).update(Content("The name is right: y goes on, Esc leaves."))
            self.query_one(CancelButton).focus()
            self.refresh_keys()

    def action_confirm(self) -> None:
        """Yes."""
        self.dismiss(True)

    def action_leave(self) -> None:
        """No."""
        self.dismiss(False)
