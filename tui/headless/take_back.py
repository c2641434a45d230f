"""`djmig-tui take-back`: takes back what was done last, as `z` does in the interface."""

from __future__ import annotations

from djmig_tui.protocol import PreviewRemoval, Project, ScanHistory

from ..journal import PUT_BACK, REMOVE, RESET, RUNS, Act, choice
from ..logbook import RECENT
from ..swaps import command as swap_command
from ..taking_back import NO_BACKUP_BEFORE, does, errand_for, not_in_trash, request_for, what, why_not
from . import files
from .answer import FAILED, Answer, CommandError, lines
from .plans import run_intent
from .reset import take_reset_back
from .session import Session


async def take_back(session: Session) -> Answer:
    """Take back what was done last or, with --redo, do again what was taken back; or say why not."""
    found = choice(session.state.entries(RECENT))
    act = found.redo if session.options.redo else found.undo
    if act is None:
        raise CommandError(_nothing(session.options.redo, found.redo))
    project = await session.project()
    if act.end.action in RUNS:
        return await _run(session, project, act)
    if act.end.action == REMOVE:
        return await _put_back(session, act)
    if act.end.action == PUT_BACK:
        return await _remove(session, act)
    if act.end.action == RESET:
        return await take_reset_back(session, project, act.id)
    raise CommandError(_by_restoring(act))


def _by_restoring(act: Act) -> str:
    option = "" if act.end.database == "default" else f" --database {act.end.database}"
    if act.end.backup:
        command = f"djmig-tui restore --backup {act.end.backup}{option} --yes"
        return f"The {what(act)} is taken back by restoring what was backed up before it: {command}."
    if act.subjects:
        return (
            f"The {what(act)} is taken back by putting {act.subjects[0]} back: z in the interface does, "
            f"and djmig-tui {swap_command(act.subjects[0])}{option}."
        )
    return f"The {what(act)} cannot be taken back. {NO_BACKUP_BEFORE}"


def _nothing(redo: bool, last: Act | None) -> str:
    if redo:
        return "Nothing was taken back that nothing else came after."
    again = f" To do again what was taken back by the {what(last)}: --redo." if last else ""
    return f"Nothing was done that can be taken back.{again}"


async def _run(session: Session, project: Project, act: Act) -> Answer:
    database = act.end.database
    if database not in (each.alias for each in project.databases):
        raise CommandError(
            f"The {what(act)} was on {database}, which is no database of the project any more."
        )
    refusal = why_not(act, await session.engine.scan_history(ScanHistory(database)))
    if refusal:
        raise CommandError(refusal)
    answer = await run_intent(session, project, request_for(act), errand_for(act))
    if isinstance(answer.data, dict):
        answer.data["takes_back"] = _about(act)
    return answer


async def _put_back(session: Session, act: Act) -> Answer:
    entries = [session.state.in_trash(mark) for mark in reversed(act.subjects)]
    there = [entry for entry in entries if entry is not None]
    if not there:
        raise CommandError(
            f"The trash does not hold what the {what(act)} left in it: it was put back otherwise."
        )
    less = lines(not_in_trash(act, len(there)) or None)
    if refusal := _consent(session):
        return _answer(act, [], less + lines(*(f"Would write {entry.path}" for entry in there)), refusal)
    restored = await files.write_all_back(session, there, act.id)
    said = lines(
        *(f"Put back {path}" for path in (*restored.paths, *restored.max_migration)), *restored.notes
    )
    return _answer(act, list(restored.paths), less + said)


async def _remove(session: Session, act: Act) -> Answer:
    removal = await session.engine.preview_removal(
        PreviewRemoval(act.end.database, act.subjects, dependents=False), session.on_progress
    )
    text = files.about(removal)
    if refusal := files.why_not(session, removal):
        return _answer(act, [], text, refusal)
    removed, error = await files.delete_all(session, removal, takes_back=act.id)
    done = [deleted.path for deleted in removed]
    return _answer(act, done, text + lines(*(f"Removed {path}" for path in done)), error)


def _consent(session: Session) -> str | None:
    if session.options.read_only:
        return "Nothing was done, because --read-only was given."
    return None if session.options.yes else "Nothing was done. To take it back, add --yes."


def _about(act: Act) -> dict[str, object]:
    return {"id": act.id, "action": act.end.action, "at": act.end.at, "database": act.end.database}


def _answer(act: Act, done: list[str], text: str, error: str | None = None) -> Answer:
    data: dict[str, object] = {"takes_back": _about(act), "done": done, "error": error}
    head = lines(f"Taking back the {what(act)}: it {does(act)}.")
    return Answer(data, head + text, error, code=FAILED if error else 0)
