"""Everything that changes a database or a file, each asked for once the user has confirmed it."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable, Sequence

from djmig_tui.protocol import (
    DeleteFile,
    FilesRestored,
    MigrationFile,
    Plan,
    Progress,
    RestoreFiles,
    RunFinished,
)

from . import asking
from .engine.errors import EngineEnded, EngineError
from .journal import DONE, PUT_BACK, REMOVE, Deed, new_id
from .kept_rows import RowsKept
from .recording import command_of, outcome_of, run_recorded
from .session import Session
from .store import TrashEntry


async def run(
    session: Session,
    plan: Plan,
    on_progress: Callable[[Progress], None],
    *,
    takes_back: str = "",
    backup: str = "",
    kept: RowsKept | None = None,
) -> RunFinished:
    """Run a confirmed plan, and write down how it ended."""
    session.running = True
    try:
        return await run_recorded(
            session.engine, session.write, plan, on_progress, takes_back=takes_back, backup=backup, kept=kept
        )
    except EngineEnded:
        session.note(command_of(plan), "the engine ended", manage=False)
        raise
    finally:
        session.running = False


async def remove(session: Session, file: MigrationFile, *, deed: str = "", takes_back: str = "") -> None:
    """Keep a migration's file in the trash, then delete it. `deed` joins those that go together."""
    entry = await asyncio.to_thread(session.state.keep_in_trash, file, session.database)
    request = DeleteFile(session.database, file.app, file.name, file.sha256, file.first)
    written = Deed(
        session.write,
        REMOVE,
        session.database,
        f"rm {shlex.quote(file.path)}",
        id=deed,
        takes_back=takes_back,
    )
    try:
        await session.engine.delete_file(request)
    except EngineError as error:
        if not isinstance(error, EngineEnded):  # then the file may be gone, and the trash keeps it
            session.state.forget_trash(entry)
        written.end(outcome_of(error), str(error))
        raise
    finally:
        session.trash = session.state.latest_in_trash()
    written.end(DONE, "kept in the trash; z puts it back", subject=entry.mark)


async def put_back(session: Session, entries: Sequence[TrashEntry], *, takes_back: str = "") -> FilesRestored:
    """Put removed files back where they were, all or none. The engine never writes over another file."""
    deed = new_id()
    written = [
        Deed(
            session.write,
            PUT_BACK,
            session.database,
            f"restore {shlex.quote(entry.path)}",
            id=deed,
            takes_back=takes_back,
        )
        for entry in entries
    ]
    try:
        restored = await session.engine.restore_files(RestoreFiles(tuple(map(asking.put_back, entries))))
    except EngineError as error:
        for each in written:
            each.end(outcome_of(error), str(error))
        raise
    for entry, each in zip(entries, written, strict=True):
        session.state.forget_trash(entry)
        each.end(DONE, "put back from the trash", subject=f"{entry.app}.{entry.name}")
    session.trash = session.state.latest_in_trash()
    return restored
