"""What follows when the project is not as it was read: screens are told, and a fresh engine looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.timer import Timer

from .screens.base import ActionScreen

if TYPE_CHECKING:
    from .app import DjmigApp

#: Changes on disk come in bursts (an editor saving, a git checkout): this long after the last one.
DEBOUNCE = 0.3


class Changes:
    """Never replaces an engine during a run: the end of a run looks again anyway."""

    def __init__(self, app: DjmigApp) -> None:
        self._app = app
        self._timer: Timer | None = None

    def seen(self, what: str) -> None:
        """Follow "files", "git" (a fresh engine) or "records" (the same one reads again)."""
        self.outdate()
        if self._app.session.running:
            return
        if what == "records":
            self._app.read_again()
            return
        if self._timer is not None:
            self._timer.stop()
        self._timer = self._app.set_timer(DEBOUNCE, self._app.start_engine)

    def outdate(self) -> None:
        """Tell every open screen that what it was made from is not how things are."""
        for screen in self._above_main():
            screen.project_changed()

    def engine_replaced(self) -> None:
        """Tell every open screen that a fresh engine answers."""
        for screen in self._above_main():
            screen.engine_replaced()

    def _above_main(self) -> list[ActionScreen[Any]]:
        stack = self._app.screen_stack[1:]
        return [screen for screen in stack if isinstance(screen, ActionScreen) and screen.is_mounted]
