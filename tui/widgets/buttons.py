"""Buttons of the screens that ask: Cancel takes the focus, yes takes none."""

from __future__ import annotations

from textual.widgets import Button


class CancelButton(Button):
    """Has the focus, so that Enter leaves; so does the mouse."""

    def __init__(self, label: str = "Cancel") -> None:
        super().__init__(label, action="screen.do('leave')", compact=True)


class YesButton(Button):
    """Cannot be focused, so that Enter never says yes: its key does, or the mouse."""

    def __init__(self, label: str, key: str, action_id: str) -> None:
        super().__init__(f"{label}  ({key})", action=f"screen.do({action_id!r})", compact=True)
        self.can_focus = False
