"""`space`: marks a migration and what needs it, once the engine has said that all of these files may go."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from djmig_tui.protocol import PreviewRemoval

from . import background
from .engine.errors import EngineError
from .text import sentence
from .widgets.tree_pane import TreePane

if TYPE_CHECKING:
    from .app import DjmigApp


def toggle(app: DjmigApp, pane: TreePane, key: str) -> None:
    """Mark "app.name" with all that needs it; or unmark it with what it needs."""
    if key in pane.marks:
        pane.unmark(key)
    else:
        # A group of its own: the next one that is marked must not end this one.
        background.start(pane, partial(_mark, app, pane, key), f"mark {key}")


async def _mark(app: DjmigApp, pane: TreePane, key: str) -> None:
    try:
        removal = await app.session.engine.preview_removal(PreviewRemoval(app.session.database, (key,)))
    except EngineError as error:
        app.say(str(error), "error")
        return
    if removal.stay:
        first = removal.stay[0]  # what stays behind it does so because of this one
        whose = (
            f"{key} is not marked."
            if f"{first.app}.{first.name}" == key
            else f"{key} is not marked: what needs it stays."
        )
        app.say(f"{whose} {sentence(first.refusals[0])}", "warning")
    else:
        pane.mark(removal.files)
