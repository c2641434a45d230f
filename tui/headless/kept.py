"""`djmig-tui kept`: what rollbacks dropped, its return and its end."""

from __future__ import annotations

from djmig_tui.protocol import Plan, Project, RowsMatched, to_wire

from .. import kept_rows, putting_back
from ..describe_kept import amount, definition_in_words, doubt, part_in_words, put_back_command, script
from ..options import Options
from ..options_kept import DELETE, SHOW, USUAL
from ..state import State
from ..store import KeptEntry, StateError
from ..text import size_in_words, when
from .answer import DONE, FAILED, USAGE, Answer, CommandError, lines
from .backups import database_of
from .session import Session


def answer(state: State, options: Options) -> Answer:
    """List what is kept, show or delete one. Needs no engine. Raises `CommandError`."""
    if options.action == DELETE:
        return _delete(state, options, _find(state, options))
    if options.action == SHOW:
        return _show(_find(state, options))
    entries = state.kept()
    text = lines(*(line for entry in entries for line in _about(entry)))
    none = f"Nothing that a rollback dropped is kept in {state.folder}."
    data: dict[str, object] = {"kept": [entry_data(entry) for entry in entries], "error": None}
    return Answer(data, text or lines(none))


async def put_back(session: Session) -> Answer:
    """Show how many kept rows match and, with --yes, put them back."""
    project = await session.project()
    options, state = session.options, session.state
    entry = _find(state, options)
    if not entry.certain:
        entry = await _settled(session, project, entry)
    matched = await kept_rows.match(session.engine, state, entry, session.on_progress)
    text = lines(*_about(entry), *(f"  {line}" for line in kept_rows.all_in_words(matched)))
    if options.read_only or not options.yes or not kept_rows.matching(matched):
        error = _why_not(options, matched)
        return Answer(_data(entry, matched, 0, error), text, error, code=FAILED if error else DONE)
    done = await kept_rows.put_back(session.engine, state, entry, session.on_progress)
    said = [f"  {line}" for line in kept_rows.all_in_words(done, done=True)]
    text = lines(*_about(entry), *said)
    return Answer(_data(entry, done, kept_rows.matching(done), None), text)


def _why_not(options: Options, matched: RowsMatched) -> str | None:
    """Return why nothing is put back; None if all of it is there already, which is what was asked for."""
    if options.read_only:
        return "Nothing was done, because --read-only was given."
    if kept_rows.matching(matched):
        return "Nothing was done. To put them back, add --yes."
    return None if putting_back.all_there(matched) else putting_back.why_none(matched)


# ------------------------------------------------------------- before and after a run
def keeping(session: Session, project: Project, plan: Plan) -> kept_rows.RowsKept | None:
    """Return what keeps the rows of a run, None if they are not kept."""
    database, wanted = database_of(session, project), session.options.keep_rows
    if wanted == 0 or not kept_rows.concerns(plan):
        return None
    if wanted is None and not kept_rows.by_default(plan, database):
        return None
    limit = session.state.kept_settings.limit if wanted in {None, USUAL} else wanted
    return kept_rows.RowsKept(session.state, database, plan, limit)


def beforehand(kept: kept_rows.RowsKept | None) -> str:
    """Return what a plan says of it, "" if nothing is kept."""
    if kept is None:
        return ""
    return f"\nWhat it drops is kept first, up to {size_in_words(kept.limit)}.\n"


def afterwards(kept: kept_rows.RowsKept | None) -> str:
    """Return what was kept, and how it is put back, "" if nothing was."""
    entry = kept.entry if kept is not None else None
    if entry is None:
        return ""
    return lines(
        f"Kept {amount(entry)}.",
        *(f"  {definition_in_words(each)}" for each in entry.definitions),
        f"Once it is migrated again, to put them back: {put_back_command(entry)} --yes",
    )


# ---------------------------------------------------------------------------- details
async def _settled(session: Session, project: Project, entry: KeptEntry) -> KeptEntry:
    """Return what is kept of a run that was cut off, by what the records say of it."""
    database, history = database_of(session, project), await session.history()
    found = putting_back.settled(session.state, database, history, entry)
    if found is None:
        raise CommandError(putting_back.NOTHING_DROPPED)
    return found


def _find(state: State, options: Options) -> KeptEntry:
    entries, typed = state.kept(), options.id or ""
    found = [one for one in entries if one.id == typed]
    found = found or [one for one in entries if typed and one.id.startswith(typed)]
    if len(found) == 1:
        return found[0]
    if found:
        raise CommandError(f"More than one starts with '{typed}'. Type more of its id.", USAGE)
    raise CommandError(f"There are no kept rows '{typed}'. To see them all: djmig-tui kept.", USAGE)


def _delete(state: State, options: Options, entry: KeptEntry) -> Answer:
    shown = lines(*_about(entry))
    if options.read_only or not options.yes:
        error = "Nothing was done. To delete these rows, add --yes."
        if options.read_only:
            error = "Nothing was done, because --read-only was given."
        return Answer({**entry_data(entry), "deleted": False, "error": error}, shown, error, code=FAILED)
    try:
        state.delete_kept(entry)
    except StateError as failed:
        raise CommandError(str(failed)) from failed
    return Answer({**entry_data(entry), "deleted": True, "error": None}, shown + lines("Deleted."))


def _show(entry: KeptEntry) -> Answer:
    """Print the definitions as SQL; the rest as its comments, so that all of it is a script."""
    about = [f"-- {line.strip()}" for line in _about(entry)]
    text = lines(*about, *([f"\n{script(entry)}"] if entry.definitions else []))
    return Answer({**entry_data(entry), "error": None}, text)


def _about(entry: KeptEntry) -> list[str]:
    unsure = f"; {doubt(entry)}" if doubt(entry) else ""
    parts = [f"  {part_in_words(part)}" for part in entry.parts]
    first = f"  {entry.database}, {when(entry.at)}, {entry.reason}"
    definitions = [f"  {definition_in_words(each)}" for each in entry.definitions]
    return [entry.id, first, f"  {amount(entry)}{unsure}", *parts, *definitions]


def entry_data(entry: KeptEntry) -> dict[str, object]:
    """Return kept rows for --json."""
    data: dict[str, object] = {**to_wire(entry), "rows": entry.rows, "size": entry.size}
    return data


def _data(entry: KeptEntry, matched: RowsMatched, put: int, error: str | None) -> dict[str, object]:
    return {
        **entry_data(entry),
        "matched": to_wire(matched.parts),
        "matched_definitions": to_wire(matched.definitions),
        "put_back": put,
        "error": error,
    }
