"""`djmig-tui backups --kept`: the databases that restores replaced, and their end."""

from __future__ import annotations

from djmig_tui.protocol import DropKept, Kept, KeptDatabase, ListKept, to_wire

from ..text import size_in_words, when
from . import backup_list
from .answer import FAILED, USAGE, Answer, CommandError, lines
from .session import Session


async def answer(session: Session) -> Answer:
    """List the databases that were replaced, or drop one; everything else needs no engine."""
    options = session.options
    if not options.kept and options.drop_kept is None:
        return backup_list.answer(session.state, options)
    await session.project()
    kept = await session.engine.list_kept(ListKept(options.database))
    if options.drop_kept is None:
        none = f"No database that was replaced is kept beside {options.database}."
        return Answer(_data(kept, None), lines(*map(_line, kept.databases), None if kept.databases else none))
    return await _drop(session, kept, options.drop_kept)


async def _drop(session: Session, kept: Kept, name: str) -> Answer:
    found = next((each for each in kept.databases if each.name == name), None)
    if found is None:
        these = ", ".join(each.name for each in kept.databases) or "none"
        raise CommandError(f"No kept database is called '{name}'. These are kept: {these}.", USAGE)
    options = session.options
    if options.read_only or not options.yes:
        error = "Nothing was done. To drop it for good, add --yes."
        if options.read_only:
            error = "Nothing was done, because --read-only was given."
        return Answer(_data(kept, error), lines(_line(found)), error, code=FAILED)
    left = await session.engine.drop_kept(DropKept(options.database, name))
    return Answer(_data(left, None), lines(_line(found), f"Dropped {name}."))


def _data(kept: Kept, error: str | None) -> dict[str, object]:
    data: dict[str, object] = to_wire(kept)
    return {**data, "error": error}


def _line(database: KeptDatabase) -> str:
    size = f", {size_in_words(database.size)}" if database.size is not None else ""
    return f"{database.name} (replaced {when(database.replaced_at)}{size})"
