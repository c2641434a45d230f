"""`djmig-tui backups --kept`: the databases that restores replaced, their return and their end."""

from __future__ import annotations

from djmig_tui.protocol import DropKept, Kept, KeptDatabase, ListKept, Project, RestoreFinished, to_wire

from ..swaps import swap
from ..text import size_in_words, when
from . import backup_list
from .answer import DONE, FAILED, USAGE, Answer, CommandError, lines
from .backups import keeping_of
from .restoring import how_it_ended, what_went_wrong
from .session import Session


async def answer(session: Session) -> Answer:
    """List the databases that were replaced, put one back or drop it; everything else needs no engine."""
    options = session.options
    if not options.about_kept:
        return backup_list.answer(session.state, options)
    project = await session.project()
    kept = await session.engine.list_kept(ListKept(options.database))
    if options.swap_kept is not None:
        return await _swap(session, project, _find(kept, options.swap_kept))
    if options.drop_kept is not None:
        return await _drop(session, kept, _find(kept, options.drop_kept))
    none = f"No database that was replaced is kept beside {options.database}."
    return Answer(_data(kept, None), lines(*map(_line, kept.databases), None if kept.databases else none))


def _find(kept: Kept, name: str) -> KeptDatabase:
    found = next((each for each in kept.databases if each.name == name), None)
    if found is None:
        these = ", ".join(each.name for each in kept.databases) or "none"
        raise CommandError(f"No kept database is called '{name}'. These are kept: {these}.", USAGE)
    return found


def _refusal(session: Session, what: str) -> str | None:
    if session.options.read_only:
        return "Nothing was done, because --read-only was given."
    return None if session.options.yes else f"Nothing was done. To {what}, add --yes."


async def _drop(session: Session, kept: Kept, found: KeptDatabase) -> Answer:
    if error := _refusal(session, "drop it for good"):
        return Answer(_data(kept, error), lines(_line(found)), error, code=FAILED)
    left = await session.engine.drop_kept(DropKept(session.options.database, found.name))
    return Answer(_data(left, None), lines(_line(found), f"Dropped {found.name}."))


async def _swap(session: Session, project: Project, found: KeptDatabase) -> Answer:
    stays = "The database that is there now is kept in its stead, with all that was written since."
    text = lines(_line(found), stays)
    if error := _refusal(session, "put it back in its place"):
        return Answer(_swapped(found, RestoreFinished(False), error), text, error, code=FAILED)
    keeping, end_others = keeping_of(session, project), session.options.end_sessions
    with session.run_under_way():
        finished = await swap(
            keeping, found.name, session.state.log, session.on_progress, end_others=end_others
        )
    wrong = what_went_wrong(finished)
    return Answer(
        _swapped(found, finished, wrong),
        text + how_it_ended(finished),
        wrong,
        detail=finished.detail,
        code=FAILED if wrong else DONE,
    )


def _swapped(found: KeptDatabase, finished: RestoreFinished, error: str | None) -> dict[str, object]:
    return {
        "database": found.name,
        "swapped": finished.done,
        "kept": finished.kept,
        "notes": list(finished.notes),
        "blocked_by": to_wire(finished.blocked_by),
        "error": error,
    }


def _data(kept: Kept, error: str | None) -> dict[str, object]:
    data: dict[str, object] = to_wire(kept)
    return {**data, "error": error}


def _line(database: KeptDatabase) -> str:
    size = f", {size_in_words(database.size)}" if database.size is not None else ""
    return f"{database.name} (replaced {when(database.replaced_at)}{size})"
