"""`djmig-tui list`: all apps with their migrations and marks."""

from __future__ import annotations

from djmig_tui.protocol import SQUASHED, History, Migration, to_wire

from ..interrupted import with_unfinished
from ..logbook import RECENT
from .answer import DONE, FAILED, Answer
from .session import Session, database_problem


async def list_migrations(session: Session) -> Answer:
    """Answer with the whole history, also if a part of it could not be read."""
    await session.project()
    history = with_unfinished(session.state.entries(RECENT), await session.history())
    problem = database_problem(history)
    data: dict[str, object] = to_wire(history)
    if problem:
        data["error"] = problem
    return Answer(data, _text(history), problem, code=FAILED if problem else DONE)


def _text(history: History) -> str:
    text = ""
    for app in history.apps:
        text += f"{app.label}\n"
        text += "".join(f" {_line(migration)}\n" for migration in app.migrations)
        if not app.migrations:
            text += f" ({(app.why_empty or 'no migrations').rstrip('.')})\n"
    for problem in history.problems:
        if problem.kind != "database":  # this one is the command's error
            text += f"\n{problem.message}\n"
    return text


def _line(migration: Migration) -> str:
    mark = "[-]" if migration.mark == SQUASHED else "[X]" if migration.applied else "[ ]"
    notes = []
    if migration.replaces:
        notes.append(f"{len(migration.replaces)} squashed migrations")
    if migration.ghost:
        notes.append("recorded, but its file is gone")
    if migration.reversible is False:
        notes.append("irreversible")
    if migration.error:
        notes.append(migration.error)
    return f"{mark} {migration.name}" + "".join(f" ({note})" for note in notes)
