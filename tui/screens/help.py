"""Help for what is under the cursor: what it is, what can be done with it and what not, and all keys."""

from __future__ import annotations

from collections.abc import Iterable

from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from .. import describe
from ..actions import ACTIONS, MAIN, SCOPES, TEXT, bindings
from ..context import Context
from ..held_back import why_not
from ..text import one_line
from ..widgets.prose import Prose
from .base import ActionScreen


class HelpScreen(ActionScreen[None]):
    """Made from actions.py, with the reasons of the moment in which ? was pressed."""

    SCOPE = TEXT
    BINDINGS = bindings(TEXT)
    CSS_PATH = "plan.tcss"
    AUTO_FOCUS = "Prose"

    def __init__(self, scope: str, moment: Context) -> None:
        super().__init__()
        self._scope = scope
        self._moment = moment

    def body(self) -> Iterable[Widget]:
        """One long text."""
        yield Static(
            Content.styled(f"Help: {SCOPES.get(self._scope, self._scope)}", "bold $primary"), id="title"
        )
        text = Prose()
        text.show(self._text())
        yield Horizontal(text, id="panes")

    def context(self) -> Context:
        """Nothing stands against leaving."""
        return Context()

    def _text(self) -> Content:
        return describe.stack(
            describe.section("Under the cursor", self._pointed()) if self._scope == MAIN else None,
            describe.section("Keys here", self._keys(self._scope)),
            describe.section("Marks and signs", describe.legend()) if self._scope == MAIN else None,
            self._other_screens(),
            Content("ctrl+p finds every command by its name. The mouse works everywhere."),
        )

    def _pointed(self) -> list[Content]:
        node = self._moment.node
        if node.migration is None:
            what = f"the app {node.app.label}" if node.app else "the whole project"
            return [Content(one_line(what))]
        lines = [describe.title_of(node, None), describe.state_of(node.migration)]
        if node.migration.error:
            lines.append(Content.assemble(("✖ ", "bold $error"), one_line(node.migration.error, 500)))
        return lines

    def _keys(self, scope: str) -> list[Content]:
        lines = []
        for action in ACTIONS[scope]:
            reason = why_not(scope, action, self._moment) if scope == self._scope else None
            style = "$foreground 45%" if reason else ""
            lines.append(Content.assemble((f"{action.key:<22}", "bold $accent"), (action.help, style)))
            if reason:
                lines.append(Content.assemble(" " * 22, ("not now: ", "$warning"), one_line(reason, 300)))
        return lines

    def _other_screens(self) -> list[Content]:
        lines: list[Content] = []
        for scope, title in SCOPES.items():
            if scope != self._scope:
                lines += describe.section(title, self._keys(scope))
        return lines

    def action_leave(self) -> None:
        """Close."""
        self.dismiss()
