"""The command palette: the actions of the screen below it, by name."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.markup import escape

from .action import FOLD, MOVE, PANE, Action
from .actions import ACTIONS
from .held_back import why_not
from .screens.base import ActionScreen
from .text import one_line

_LEFT_OUT = {MOVE, FOLD, PANE}


class ActionCommands(Provider):
    """Finds actions by their words; those that cannot act say why, here too."""

    def _actions(self) -> Iterator[tuple[Action, str, str]]:
        screen = self.screen
        if not isinstance(screen, ActionScreen):
            return
        moment = screen.moment()
        for action in ACTIONS[screen.SCOPE]:
            if action not in _LEFT_OUT and action.id != "tab":
                reason = why_not(screen.SCOPE, action, moment)
                yield action, f"{action.help}  ({action.key})", one_line(reason) if reason else ""

    async def discover(self) -> Hits:
        """Offer every action before anything is typed."""
        for action, text, reason in self._actions():
            yield DiscoveryHit(
                escape(text), partial(self._do, action.id), text=text, help=escape(reason) or None
            )

    async def search(self, query: str) -> Hits:
        """Offer the actions whose words match."""
        matcher = self.matcher(query)
        for action, text, reason in self._actions():
            score = matcher.match(text)
            if score > 0:
                shown = matcher.highlight(text)
                yield Hit(score, shown, partial(self._do, action.id), text=text, help=escape(reason) or None)

    async def _do(self, action_id: str) -> None:
        screen = self.screen
        if isinstance(screen, ActionScreen):
            await screen.action_do(action_id)
