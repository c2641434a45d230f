"""Putting a backup in the place of a database: what it is, what it would replace, and the doing."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from djmig_tui.protocol import (
    CHUNK_SIZE,
    BeginUpload,
    DropUpload,
    Plan,
    PreviewRestore,
    Progress,
    RestoreBackup,
    RestoreFinished,
    SendChunk,
    TableRows,
)

from .backups import check, in_thread
from .engine.api import OnProgress
from .engine.errors import EngineEnded, EngineError, Failed, NotFound, Refused, Stale
from .formats import format_of
from .journal import DONE, FAILED, REFUSED, RESTORE, STOPPED, Deed, digest
from .keeping import Keeping
from .store import BackupEntry, StateError, StateStore


@dataclass(frozen=True)
class Source:
    """A backup that is to be restored, read to its end. Without a manifest nobody knows what it holds."""

    path: str
    format: str
    size: int
    sha256: str
    made_at: str  # ISO 8601
    tables: tuple[TableRows, ...] = ()
    records: tuple[str, ...] = ()
    id: str = ""  # of the backup, "" if it is only a file


async def from_entry(state: StateStore, entry: BackupEntry, on_progress: OnProgress | None = None) -> Source:
    """Return a backup of ours, read to its end. Raises `Failed` if it is not what its manifest says."""
    try:
        await check(state, entry, on_progress)
    except StateError as error:
        raise Failed(str(error)) from error
    return Source(
        entry.path, entry.format, entry.size, entry.sha256, entry.at, entry.tables, entry.records, entry.id
    )


async def from_path(state: StateStore, path: Path, on_progress: OnProgress | None = None) -> Source:
    """Return the backup in a file, which may be one of ours. Raises `NotFound` if it is no backup."""
    entries = await asyncio.to_thread(state.backups)
    ours = next((entry for entry in entries if os.path.realpath(path) == os.path.realpath(entry.path)), None)
    if ours is not None:
        return await from_entry(state, ours, on_progress)
    try:
        size = (await asyncio.to_thread(path.stat)).st_size

        def read(on_read: Callable[[int], None]) -> Source:
            return _read(path, on_read)

        return await in_thread(read, size, "Reading the backup", on_progress or (lambda _: None))
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}. Name a backup's file or its id.") from error


def _read(path: Path, on_read: Callable[[int], None]) -> Source:
    digest, size, head = hashlib.sha256(), 0, b""
    with path.open("rb") as file:
        modified = os.fstat(file.fileno()).st_mtime
        while data := file.read(1024 * 1024):
            head = head or data[:64]
            digest.update(data)
            size += len(data)
            on_read(size)
    format = format_of(head)
    if not format:
        what = "is empty" if not size else "is no SQLite database and no dump of pg_dump -Fc or mysqldump"
        raise NotFound(f"{path} {what}, so it cannot be restored. Name another backup.")
    made_at = datetime.fromtimestamp(modified, timezone.utc).isoformat(timespec="seconds")
    return Source(str(path), format, size, digest.hexdigest(), made_at)


async def preview(keeping: Keeping, source: Source, on_progress: OnProgress | None = None) -> Plan:
    """Return what the backup would replace. Changes nothing."""
    request = PreviewRestore(
        keeping.database.alias, source.format, source.sha256, source.tables, source.records, source.made_at
    )
    return await keeping.engine.preview_restore(request, on_progress)


async def upload(keeping: Keeping, source: Source, on_progress: OnProgress | None = None) -> str:
    """Send a backup to where the database can be reached from; return what to call it there."""
    engine = keeping.engine
    begun = await engine.begin_upload(BeginUpload(source.size, source.sha256))
    try:
        with open(source.path, "rb") as file:
            sent = 0
            while data := await asyncio.to_thread(file.read, CHUNK_SIZE):
                await engine.send_chunk(SendChunk(begun.upload, base64.b64encode(data).decode("ascii")))
                sent += len(data)
                if on_progress is not None:
                    on_progress(Progress(sent, source.size, "Sending the backup"))
    except BaseException as error:
        with contextlib.suppress(EngineError):
            await engine.drop_upload(DropUpload(begun.upload))
        if isinstance(error, OSError):
            raise Failed(f"{source.path} cannot be read: {error.strerror}. Nothing was changed.") from error
        raise
    return begun.upload


async def restore(
    keeping: Keeping,
    source: Source,
    plan: Plan,
    on_progress: OnProgress | None = None,
    *,
    end_others: bool = False,
    before: str = "",
) -> RestoreFinished:
    """Send a backup over, then put it in the place of the database, as `put_in_place` says."""
    sent = await upload(keeping, source, on_progress)
    return await put_in_place(keeping, source, plan, sent, on_progress, end_others=end_others, before=before)


async def put_in_place(
    keeping: Keeping,
    source: Source,
    plan: Plan,
    sent: str,
    on_progress: OnProgress | None = None,
    *,
    end_others: bool = False,
    before: str = "",
) -> RestoreFinished:
    """Put a backup that was sent in the place of the database, as the plan that was shown says.

    `before` is the id of the backup that was made of the present state. Whatever else is connected
    is ended only with `end_others`. A cancel asks it to stop; the answer still says what stands.
    """
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
    command = keeping.command(f"restore --backup {shlex.quote(source.id or source.path)} --yes")
    deed = Deed(keeping.state.log, RESTORE, keeping.database.alias, command)
    deed.begin()
    try:
        finished = await keeping.engine.restore_backup(request, on_progress)
    except EngineEnded:
        raise  # in the journal it has no end: the next start looks what stands
    except EngineError as error:
        deed.end(REFUSED if isinstance(error, Refused | Stale) else FAILED, str(error), backup=before)
        raise
    finally:
        with contextlib.suppress(EngineError):  # the engine ends when it has replaced something
            await keeping.engine.drop_upload(DropUpload(sent))
    _end(deed, finished, source, before)
    return finished


def _end(deed: Deed, finished: RestoreFinished, source: Source, before: str) -> None:
    if finished.done:
        records = digest(source.records) if source.records else ""
        said = f"{source.id or source.path} is in place"
        deed.end(DONE, said, subject=finished.kept or "", backup=before, records=records)
    else:
        deed.end(FAILED if finished.error else STOPPED, finished.error or "", backup=before)
