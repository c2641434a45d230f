"""`djmig-tui backup`, and the backup that `--backup` makes before a run."""

from __future__ import annotations

from djmig_tui.protocol import LOSES, SAFE, Database, Plan, Project, to_wire

from .. import backups
from ..keeping import Keeping
from ..store import ASKED_FOR, BackupEntry
from ..text import count, size_in_words
from .answer import Answer, lines
from .session import Session


async def back_up(session: Session) -> Answer:
    """Make a backup of the database that was asked for, or say why that cannot be done."""
    keeping = keeping_of(session, await session.project())
    swept = session.state.sweep_backups()
    told = (*swept, *(await backups.means(keeping)).notes)
    entry = await backups.make(keeping, ASKED_FOR, session.on_progress)
    command = keeping.command(f"restore --backup {entry.id} --yes")
    text = lines(*told, f"Made the backup {entry.id}", *about(entry), f"To restore it: {command}")
    return Answer({**entry_data(entry), "notes": told, "error": None}, text)


async def back_up_before(session: Session, project: Project, plan: Plan) -> BackupEntry | None:
    """Make the backup that `--backup` asks for. Raises `EngineError`: then nothing is run."""
    if not session.options.back_up:
        return None
    reason = f"before: {plan.title}"
    return await backups.make(keeping_of(session, project), reason, session.on_progress)


def without_backup(session: Session, plan: Plan) -> str | None:
    """Return the sentence that a plan which may lose data has if no backup is made of it first."""
    safe = plan.verdict == SAFE and not plan.loss
    if session.options.back_up or safe or not plan.steps:
        return None
    what = "Data is lost" if plan.verdict == LOSES else "Data may be lost"
    return f"{what}, and no backup is made first. To make one, add --backup."


def keeping_of(session: Session, project: Project) -> Keeping:
    """Return whose backups the command is about."""
    options, database = session.options, database_of(session, project)
    return Keeping(session.engine, session.state, database, session.settings, options.read_only)


def database_of(session: Session, project: Project) -> Database:
    """Return the database that was asked for, which the project has."""
    return next(each for each in project.databases if each.alias == session.options.database)


def about(entry: BackupEntry) -> list[str]:
    """Return what a backup is, in lines for people."""
    rows = sum(table.rows for table in entry.tables)
    tables = f"{count(len(entry.tables), 'table')} with {count(rows, 'row')}"
    return [
        f"  {entry.path}",
        f"  {', '.join((size_in_words(entry.size), *entry.tools))}",
        f"  {tables}; {count(len(entry.records), 'migration')} recorded as applied",
    ]


def entry_data(entry: BackupEntry) -> dict[str, object]:
    """Return a backup for --json."""
    data: dict[str, object] = to_wire(entry)
    return data
