"""Everything that changes a database or a file, each asked for once the user has confirmed it."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable

from djmig_tui.protocol import (
    DeleteFile,
    MigrationFile,
    Plan,
    Progress,
    RunFinished,
)

from . import asking
from .engine.errors import EngineEnded, EngineError, Refused, Stale
from .interrupted import STARTED, steps_of
from .session import Session
from .store import TrashEntry


async def run(session: Session, plan: Plan, on_progress: Callable[[Progress], None]) -> RunFinished:
    """Run a confirmed plan, and write down how it ended."""
    request, action = asking.run(plan), asking.action_of(plan)
    command = plan.commands[0] if plan.commands else plan.title

    def record(outcome: str, detail: str) -> None:
        session.record(action, command, outcome, detail, plan.database)

    session.running = True
    try:
        engine = session.engine
        record(STARTED, steps_of(plan))  # an end that never comes is found at the next start
        finished = await engine.run_plan(request, on_progress)
    except EngineEnded:
        session.note(command, "the engine ended", manage=False)  # in the journal the run has no end
        raise
    except EngineError as error:
        record(_outcome(error), str(error))
        raise
    finally:
        session.running = False
    outcome = "failed" if finished.error else "stopped" if finished.stopped else "done"
    stands = ", ".join(f"{one.app}.{one.name}" for one in finished.done)
    record(outcome, finished.error or stands)
    return finished


async def remove(session: Session, file: MigrationFile) -> None:
    """Keep a migration's file in the trash, then delete it."""
    command = f"rm {shlex.quote(file.path)}"
    entry = await asyncio.to_thread(session.state.keep_in_trash, file, session.database)
    request = DeleteFile(session.database, file.app, file.name, file.sha256, file.first)
    try:
        await session.engine.delete_file(request)
    except EngineError as error:
        if not isinstance(error, EngineEnded):  # then the file may be gone, and the trash keeps it
            session.state.forget_trash(entry)
        session.record("remove", command, _outcome(error), str(error))
        raise
    finally:
        session.trash = session.state.latest_in_trash()
    session.record("remove", command, "done", "kept in the trash; z puts it back")


async def put_back(session: Session, entry: TrashEntry) -> None:
    """Put a removed file back where it was. The engine never writes over another file."""
    command = f"restore {shlex.quote(entry.path)}"
    request = asking.put_back(entry)
    try:
        await session.engine.restore_file(request)
    except EngineError as error:
        session.record("restore", command, _outcome(error), str(error))
        raise
    session.state.forget_trash(entry)
    session.trash = session.state.latest_in_trash()
    session.record("restore", command, "done", "put back from the trash")


def _outcome(error: EngineError) -> str:
    return "refused" if isinstance(error, Refused | Stale) else "failed"
