"""`z`: takes back what was done last, through the plan screen or, for files, a question."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from textual.content import Content

from djmig_tui.protocol import KeptDatabase, ScanHistory

from . import background, removal, starting_over
from .engine.errors import EngineError
from .journal import PUT_BACK, REMOVE, RESET, RUNS, Act, Choice
from .screens.choose import ChooseScreen
from .screens.opening import open_plan
from .screens.restore import RestoreScreen
from .screens.restoring import open_swap
from .taking_back import NO_BACKUP_BEFORE, does, errand_for, not_in_trash, request_for, what, why_not
from .text import one_line, sentence
from .why_back import NOTHING_DONE

if TYPE_CHECKING:
    from .app import DjmigApp


def start(app: DjmigApp) -> None:
    """Find what was done last, by this instance or another one, and lead to taking it back."""
    background.start(app, partial(_start, app), "take back")


async def _start(app: DjmigApp) -> None:
    await app.session.logbook.read()
    found = app.session.logbook.choice
    if found.undo and found.redo:
        _choose(app, found)
    elif act := found.undo or found.redo:
        await _take_back(app, act)
    elif app.session.trash is not None:  # removed when the journal did not say which file
        removal.put_back(app, [app.session.trash])
    else:
        app.say(NOTHING_DONE, "warning")


def _choose(app: DjmigApp, found: Choice) -> None:
    acts = [act for act in (found.undo, found.redo) if act is not None]
    lines = [
        Content.assemble(
            (f"{verb} the {one_line(what(act), 200)}\n", "bold"), f"  {one_line(does(act), 300)}"
        )
        for verb, act in zip(("Take back", "Do again: take back"), acts, strict=True)
    ]

    def chosen(place: int | None) -> None:
        if place is not None:
            background.start(app, partial(_take_back, app, acts[place]), "take back")

    app.push_screen(ChooseScreen("Take back what? Enter chooses; nothing is changed yet.", lines), chosen)


async def _take_back(app: DjmigApp, act: Act) -> None:
    ways: dict[str, Callable[[DjmigApp, Act], None]] = {REMOVE: _put_back, PUT_BACK: _remove}
    if act.end.action in ways:
        ways[act.end.action](app, act)
    elif act.end.action == RESET:
        starting_over.take_back(app, act.id)
    elif await _is_as_it_left_it(app, act):
        if act.end.action in RUNS:
            open_plan(app, request_for(act), errand=errand_for(act))
        elif act.subjects:
            kept = KeptDatabase(act.subjects[0], act.end.at)
            open_swap(app, act.end.database, kept, takes_back=act.id)
        else:
            _restore(app, act)


async def _is_as_it_left_it(app: DjmigApp, act: Act) -> bool:
    """Look whether anybody changed the records since; say so if they did."""
    try:
        records = await app.session.engine.scan_history(ScanHistory(act.end.database))
    except EngineError as error:
        app.say(str(error), "error")
        return False
    if refusal := why_not(act, records):
        app.say(refusal, "error")
    return refusal is None


def _restore(app: DjmigApp, act: Act) -> None:
    """Lead to the backup that was made before a restore which wrote over the database."""
    made = next((each for each in app.session.state.backups() if each.id == act.end.backup), None)
    if made is None:
        app.say(f"{sentence(f'The {what(act)} cannot be taken back')} {NO_BACKUP_BEFORE}", "error")
    else:
        screen = RestoreScreen(app.session, made, read_only=app.read_only, takes_back=act.id)
        app.push_screen(screen)


def _put_back(app: DjmigApp, act: Act) -> None:
    entries = [app.session.state.in_trash(mark) for mark in reversed(act.subjects)]
    there = [entry for entry in entries if entry is not None]
    if there:
        removal.put_back(app, there, act.id, note=not_in_trash(act, len(there)))
    else:
        app.say(
            f"The trash does not hold what the {what(act)} left in it: it was put back otherwise.", "error"
        )


def _remove(app: DjmigApp, act: Act) -> None:
    removal.start(app, act.subjects, act.id)
