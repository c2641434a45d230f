"""Putting a backup in the place of a database: what it would replace, and the doing."""

from __future__ import annotations

import asyncio
import contextlib
import shlex

from djmig_tui.protocol import (
    DropUpload,
    Plan,
    PreviewRestore,
    RestoreBackup,
    RestoreFinished,
)

from . import own_restore
from .engine.api import OnProgress
from .engine.errors import EngineEnded, EngineError, Refused, Stale
from .journal import DONE, FAILED, REFUSED, RESTORE, STOPPED, Deed, digest
from .keeping import Keeping
from .sending import send
from .source import Source


async def preview(keeping: Keeping, source: Source, on_progress: OnProgress | None = None) -> Plan:
    """Return what the backup would replace. Changes nothing."""
    if await own_restore.stands_in(keeping):
        return await own_restore.preview(keeping, source, on_progress)
    request = PreviewRestore(
        keeping.database.alias, source.format, source.sha256, source.tables, source.records, source.made_at
    )
    return await keeping.engine.preview_restore(request, on_progress)


async def upload(keeping: Keeping, source: Source, plan: Plan, on_progress: OnProgress | None = None) -> str:
    """Send a backup to where the database can be reached from; return what to call it there.

    A command of the project's own reads it from here.
    """
    if own_restore.is_own(plan):
        return ""
    size, sha256, words = source.size, source.sha256, "Sending the backup"
    return await send(keeping.engine, source.path, size, sha256, on_progress, words=words)


async def restore(
    keeping: Keeping,
    source: Source,
    plan: Plan,
    on_progress: OnProgress | None = None,
    *,
    end_others: bool = False,
    before: str = "",
    takes_back: str = "",
) -> RestoreFinished:
    """Send a backup over, then put it in the place of the database, as `put_in_place` says."""
    sent = await upload(keeping, source, plan, on_progress)
    return await put_in_place(
        keeping,
        source,
        plan,
        sent,
        on_progress,
        end_others=end_others,
        before=before,
        takes_back=takes_back,
    )


async def put_in_place(
    keeping: Keeping,
    source: Source,
    plan: Plan,
    sent: str,
    on_progress: OnProgress | None = None,
    *,
    end_others: bool = False,
    before: str = "",
    takes_back: str = "",
) -> RestoreFinished:
    """Put a backup that was sent in the place of the database, as the plan that was shown says.

    `before` is the id of the backup that was made of the present state, `takes_back` that of the action
    which this takes back. Whatever else is connected is ended only with `end_others`. A cancel asks it
    to stop; the answer still says what stands.
    """
    command = keeping.command(f"restore --backup {shlex.quote(source.id or source.path)} --yes")
    deed = Deed(keeping.state.log, RESTORE, keeping.database.alias, command, takes_back=takes_back)
    deed.begin()
    try:
        if own_restore.is_own(plan):
            finished = await own_restore.put_in_place(keeping, source, plan, on_progress)
        else:
            finished = await _ask(keeping, source, plan, sent, on_progress, end_others)
    except EngineEnded:
        raise  # in the journal it has no end: the next start looks what stands
    except EngineError as error:
        deed.end(REFUSED if isinstance(error, Refused | Stale) else FAILED, str(error), backup=before)
        raise
    except asyncio.CancelledError:
        deed.end(STOPPED, "what stands is not known", backup=before)
        raise
    _end(deed, finished, source, before)
    return finished


async def _ask(  # noqa: PLR0917 -- all of what was asked for
    keeping: Keeping, source: Source, plan: Plan, sent: str, on_progress: OnProgress | None, end_others: bool
) -> RestoreFinished:
    request = RestoreBackup(
        keeping.database.alias,
        source.format,
        source.sha256,
        sent,
        plan.fingerprint,
        source.tables,
        source.records,
        end_others,
    )
    try:
        return await keeping.engine.restore_backup(request, on_progress)
    finally:
        with contextlib.suppress(EngineError):  # the engine ends when it has replaced something
            await keeping.engine.drop_upload(DropUpload(sent))


def _end(deed: Deed, finished: RestoreFinished, source: Source, before: str) -> None:
    if finished.done:
        records = digest(source.records) if source.records else ""
        said = f"{source.id or source.path} is in place"
        deed.end(DONE, said, subject=finished.kept or "", backup=before, records=records)
    else:
        deed.end(FAILED if finished.error else STOPPED, finished.error or "", backup=before)
