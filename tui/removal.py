"""The way to removing a migration's file: is it free, what stands in the way, and in which order."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from textual.content import Content

from djmig_tui.protocol import UNDO, MigrationFile, PreviewPlan, ReadFile

from . import background, writes
from .engine.errors import EngineError
from .journal import new_id
from .screens.ask import AskScreen
from .screens.opening import open_plan
from .screens.remove import RemoveScreen
from .store import TrashEntry
from .text import count, one_line, sentence, when

if TYPE_CHECKING:
    from .app import DjmigApp


def start(app: DjmigApp, key: str, takes_back: str = "") -> None:
    """Look at the file of "app.name" and show what removing it means."""
    background.start(app, partial(_look, app, key, takes_back), "removal")


async def _look(app: DjmigApp, key: str, takes_back: str) -> None:
    try:
        file = await _read(app, key)
        tail = [await _read(app, needed) for needed in file.needed_by]
    except EngineError as error:
        app.push_screen(RemoveScreen(app.session, [], key, refusals=[str(error)]))
        return
    files = [*tail, file]
    refusals = [reason for one in files for reason in _in_the_way(one)]
    here = app.session.database
    applied_on = here if here in file.applied_on else next(iter(file.applied_on), "")
    if refusals:
        shown = list(dict.fromkeys(file.refusals if applied_on else [*file.refusals, *refusals]))
        screen = RemoveScreen(app.session, [file], key, refusals=shown, undo_on=applied_on)
    else:
        screen = RemoveScreen(app.session, files, key, takes_back=takes_back)

    def left(roll_back: bool | None) -> None:
        if roll_back:
            label, _, name = key.partition(".")
            request = PreviewPlan(applied_on, UNDO, label, name)
            open_plan(app, request, then=lambda: start(app, key, takes_back))

    app.push_screen(screen, left)


async def _read(app: DjmigApp, key: str) -> MigrationFile:
    label, _, name = key.partition(".")
    return await app.session.engine.read_file(ReadFile(app.session.database, label, name))


def _in_the_way(file: MigrationFile) -> tuple[str, ...]:
    """Return the refusals that removing what needs the file first does not clear away.

    The engine names those who need the file in one refusal, and the tail is removed before it.
    """
    if not file.applied_on and len(file.refusals) == bool(file.needed_by):
        return ()
    return file.refusals


def put_back(app: DjmigApp, entries: Sequence[TrashEntry], takes_back: str = "") -> None:
    """Put back files that were removed, the last one first, after a question."""

    def answered(yes: bool | None) -> None:
        if yes:
            background.start(app, partial(_restore, app, entries, takes_back), "removal")

    lines = [line for entry in entries for line in _about(entry)]
    what = f"{entries[0].app}.{entries[0].name}" if len(entries) == 1 else count(len(entries), "file")
    they = ("It is", "") if len(entries) == 1 else ("They are", ", in this order")
    lines.append(Content(f"{they[0]} put back byte for byte, and never over another file{they[1]}."))
    app.push_screen(AskScreen(f"Put back {what}?", lines, "Put back"), answered)


def _about(entry: TrashEntry) -> list[Content]:
    size = len(base64.b64decode(entry.content))
    return [
        Content(one_line(entry.path, 500)),
        Content(f"{count(size, 'byte')}, mode {entry.mode:o}, removed {when(entry.removed_at)}"),
    ]


async def _restore(app: DjmigApp, entries: Sequence[TrashEntry], takes_back: str) -> None:
    deed = new_id()
    done: list[str] = []
    try:
        for entry in entries:
            await writes.put_back(app.session, entry, deed=deed, takes_back=takes_back)
            done.append(entry.path)
    except EngineError as error:
        before = f" Put back before that: {', '.join(done)}." if done else ""
        app.say(sentence(str(error)) + before, "error")
    else:
        app.say(f"Put back {', '.join(done)}.")
    if done:
        app.start_engine()
