"""The way to removing a migration's file: is it free, what stands in the way, and in which order."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from textual.content import Content

from djmig_tui.protocol import UNDO, PreviewPlan, PreviewRemoval, Removal

from . import background, writes
from .engine.errors import EngineEnded, EngineError
from .screens.ask import AskScreen
from .screens.opening import open_plan
from .screens.remove import RemoveScreen
from .store import TrashEntry
from .text import count, one_line, sentence, when

if TYPE_CHECKING:
    from .app import DjmigApp


def start(app: DjmigApp, keys: Sequence[str], takes_back: str = "") -> None:
    """Look at the files of "app.name" and of all that needs them, and show what removing them means."""
    background.start(app, partial(_look, app, keys, takes_back), "removal")


async def _look(app: DjmigApp, keys: Sequence[str], takes_back: str) -> None:
    try:
        removal = await app.session.engine.preview_removal(PreviewRemoval(app.session.database, tuple(keys)))
    except EngineError as error:
        app.push_screen(RemoveScreen(app.session, Removal((), (), ()), keys[0], refusals=[str(error)]))
        return
    refusals, undo_on = _in_the_way(removal, app.session.database)
    last = (removal.stay or removal.files)[-1]  # all the others need it, if only one was asked for
    what = f"{last.app}.{last.name}"
    screen = RemoveScreen(
        app.session, removal, what, refusals=refusals, undo_on=undo_on, takes_back=takes_back
    )

    def left(roll_back: bool | None) -> None:
        if roll_back:
            request = PreviewPlan(undo_on, UNDO, last.app, last.name)
            open_plan(app, request, then=lambda: start(app, keys, takes_back))

    app.push_screen(screen, left)


def _in_the_way(removal: Removal, here: str) -> tuple[list[str], str]:
    """Return why files stay, and the alias on which rolling the last of them back would clear the way."""
    if not removal.stay:
        return [], ""
    last = removal.stay[-1]  # all the others need it, so rolling it back takes them along
    if last.applied_on:
        return list(last.refusals), here if here in last.applied_on else last.applied_on[0]
    return list(dict.fromkeys(reason for one in removal.stay for reason in one.refusals)), ""


def put_back(app: DjmigApp, entries: Sequence[TrashEntry], takes_back: str = "", *, note: str = "") -> None:
    """Put back files that were removed, the last one first, after a question; `note` is told with it."""

    def answered(yes: bool | None) -> None:
        if yes:
            background.start(app, partial(_restore, app, entries, takes_back), "removal")

    lines = [line for entry in entries for line in _about(entry)]
    what = f"{entries[0].app}.{entries[0].name}" if len(entries) == 1 else count(len(entries), "file")
    they = ("It is", "") if len(entries) == 1 else ("They are", ", in this order")
    lines.append(Content(f"{they[0]} put back byte for byte, and never over another file{they[1]}."))
    lines += [Content(note)] if note else []
    app.push_screen(AskScreen(f"Put back {what}?", lines, "Put back"), answered)


def _about(entry: TrashEntry) -> list[Content]:
    size = len(base64.b64decode(entry.content))
    return [
        Content(one_line(entry.path, 500)),
        Content(f"{count(size, 'byte')}, mode {entry.mode:o}, removed {when(entry.removed_at)}"),
    ]


async def _restore(app: DjmigApp, entries: Sequence[TrashEntry], takes_back: str) -> None:
    try:
        restored = await writes.put_back(app.session, entries, takes_back=takes_back)
    except EngineError as error:
        # Then nobody knows how far it came; any other error says so itself.
        some = " Some of the files may be back: look at the tree." if isinstance(error, EngineEnded) else ""
        app.say(sentence(str(error)) + some, "error")
        return
    paths = ", ".join([*restored.paths, *restored.max_migration])
    app.say(" ".join([f"Put back {paths}.", *restored.notes]), "warning" if restored.notes else "information")
    app.start_engine()
