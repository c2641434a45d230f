"""`djmig-tui restore --backup`: a backup in the place of the database, as careful as a rollback."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from djmig_tui.protocol import Plan, Project, RestoreFinished, to_wire

from .. import backups, own_restore, restores
from .. import source as sources
from ..keeping import Keeping
from ..source import Source
from ..store import BackupEntry
from ..text import sentence
from . import files
from .answer import DONE, FAILED, Answer, lines
from .backup_list import find
from .backups import keeping_of
from .consent import is_confirmed, why_not_run
from .plan_text import plan_text
from .session import Session


async def restore(session: Session) -> Answer:
    """Put back what was named: a removed migration's file, or a whole database from a backup."""
    if session.options.backup is None:
        return await files.restore(session)
    project = await session.project()
    keeping = keeping_of(session, project)
    named = session.options.backup
    source, entry = await _source(session, keeping, named)
    plan = await restores.preview(keeping, source, session.on_progress)
    first = _backs_up_first(session, keeping)
    text = lines(_other(keeping, entry), plan_text(plan).rstrip("\n"), _about_the_present(first))
    refusal = _why_not(session, project, keeping, plan, entry)
    if refusal:
        return Answer(_data(plan, source, None, None, refusal), text, refusal, code=FAILED)
    before = None
    if first:
        before = await backups.make(keeping, f"before: {plan.title}", session.on_progress, spare=source.id)
        text += lines(f"Made the backup {before.id} of the present state: {before.path}")
    finished = await _put_in_place(session, keeping, source, plan, before)
    wrong = what_went_wrong(finished)
    return Answer(
        _data(plan, source, finished, before, wrong),
        text + "\n" + how_it_ended(finished),
        wrong,
        detail=finished.detail,
        code=FAILED if wrong else DONE,
    )


async def _source(session: Session, keeping: Keeping, named: str) -> tuple[Source, BackupEntry | None]:
    if os.sep in named or os.path.exists(named):
        source = await sources.from_path(keeping.state, Path(named), session.on_progress)
        return source, find(session.state, source.id) if source.id else None
    entry = find(session.state, named)
    return await sources.from_entry(keeping.state, entry, session.on_progress), entry


async def _put_in_place(
    session: Session, keeping: Keeping, source: Source, plan: Plan, before: BackupEntry | None
) -> RestoreFinished:
    sent = await restores.upload(keeping, source, plan, session.on_progress)
    restoring = asyncio.ensure_future(
        restores.put_in_place(
            keeping,
            source,
            plan,
            sent,
            session.on_progress,
            end_others=session.options.end_sessions,
            before=before.id if before else "",
        )
    )
    # The engine is asked to stop where it can; a command of the project's own is ended.
    with session.run_under_way(restoring.cancel if own_restore.is_own(plan) else None):
        try:
            return await restoring
        except asyncio.CancelledError:
            return RestoreFinished(False, error=f"Stopped in the middle. {own_restore.AFTERWARDS}")


def _backs_up_first(session: Session, keeping: Keeping) -> bool:
    asked = session.options.back_up_first
    return keeping.database.local if asked is None else asked


def _about_the_present(first: bool) -> str:
    if first:
        return "A backup of the present state is made first; --no-backup-first leaves it out."
    return "No backup of the present state is made first. To make one, add --backup-first."


def _other(keeping: Keeping, entry: BackupEntry | None) -> str | None:
    database = keeping.database
    if entry is None or (entry.database, entry.name) == (database.alias, database.name):
        return None
    return f"This backup is of {entry.name} ({entry.database}), not of {database.name} ({database.alias})."


def _why_not(
    session: Session, project: Project, keeping: Keeping, plan: Plan, entry: BackupEntry | None
) -> str | None:
    refusal = why_not_run(session.options, project, plan)
    other = _other(keeping, entry)
    if refusal is None and other and not is_confirmed(session.options, keeping.database):
        return f"{other} To put it there all the same, add --confirm {keeping.database.name}."
    return refusal


def _data(
    plan: Plan,
    source: Source,
    finished: RestoreFinished | None,
    before: BackupEntry | None,
    error: str | None,
) -> dict[str, object]:
    data: dict[str, object] = to_wire(plan)
    return {
        **data,
        "source": to_wire(source),
        "restored": finished is not None and finished.done,
        "kept": finished.kept if finished else None,
        "notes": [*plan.notes, *(finished.notes if finished else ())],
        "blocked_by": to_wire(finished.blocked_by) if finished else [],
        "backup": before.path if before else None,
        "error": error,
    }


def what_went_wrong(finished: RestoreFinished) -> str | None:
    """Return why nothing was put in place, as a sentence with the next step, or None."""
    if finished.done:
        return None
    what = sentence(finished.error or "Stopped on request. Nothing was changed.")
    return f"{what} To end those sessions, add --end-sessions." if finished.blocked_by else what


def how_it_ended(finished: RestoreFinished) -> str:
    """Return what stands once something was put in place, in lines for people."""
    if not finished.done:
        return ""
    kept = f"The database that was there is kept as {finished.kept}." if finished.kept else None
    restart = "Restart what is connected to it: runserver, workers."
    return lines(f"Restored in {finished.seconds:.2f} s.", kept, *finished.notes, restart)
