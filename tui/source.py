"""The backup that is to be restored: one of ours, or a file of somebody else's, read to its end first."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from djmig_tui.protocol import TableRows

from .backups import check, in_thread
from .engine.api import OnProgress
from .engine.errors import Failed, NotFound
from .formats import format_of
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
