"""A backup that is being made: its file, the lock that says so, and its manifest at the very end."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import re
import secrets
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path

from djmig_tui.protocol import BackupMade, Database

from .private_files import FILE_MODE, sync_folder, write_whole
from .store import BackupEntry, StateError

#: What the users of a format call its files.
EXTENSIONS = {"sqlite": ".sqlite3", "pg_dump": ".dump", "mysqldump": ".sql"}
#: Of a format that only the command that made it knows.
OTHER = ".backup"
PART = ".part"

MAKE_ROOM = "Make room, delete old backups, or set XDG_STATE_HOME to a folder on another disk."


class Writer:
    """A backup that is being made, into a file that is locked until it is listed. Fits `BackupWriter`."""

    def __init__(self, folder: Path, database: Database, at: datetime) -> None:
        self._database, self._at, self._folder = database, at, folder
        self.id = _new_id(database, at)
        self._file = folder / (self.id + PART)
        self._digest = hashlib.sha256()
        self._size = 0
        self._descriptor: int | None = _create_locked(self._file)

    @property
    def path(self) -> str:
        """Where the content is."""
        return str(self._file)

    def write(self, data: bytes) -> None:
        """Keep the next bytes. Raises `StateError`, with the next step, if there is no room."""
        if self._descriptor is None:
            raise StateError("The backup was given up. Make it again.")
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            self.abort()
            raise cannot_write(self._folder, error) from error
        self._digest.update(data)
        self._size += len(data)

    def finish(self, made: BackupMade, reason: str) -> BackupEntry:
        """Put all of it on the disk; raises `StateError` if the bytes are not those that were sent."""
        if (self._size, self._digest.hexdigest()) != (made.size, made.sha256):
            self.abort()
            raise StateError("The backup arrived damaged, and nothing of it was kept. Make it again.")
        if not self._size or self._descriptor is None:
            self.abort()
            raise StateError("The backup is empty, so nothing of it was kept. Make it again.")
        entry = self._entry(made, reason)
        try:
            os.fsync(self._descriptor)
            self._file = self._file.rename(entry.path)
            sync_folder(self._folder)
            # The manifest comes last: a backup exists once all of it is on the disk.
            manifest = {name: value for name, value in asdict(entry).items() if name != "path"}
            write_whole(manifest_of(self._folder, entry.id), json.dumps(manifest, indent=1).encode())
        except OSError as error:
            self.abort()
            raise cannot_write(self._folder, error) from error
        self._release()
        return entry

    def abort(self) -> None:
        """Leave nothing behind. Does nothing after `finish`."""
        if self._descriptor is not None:
            manifest_of(self._folder, self.id).unlink(missing_ok=True)
            self._file.unlink(missing_ok=True)
            self._release()

    def _release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)  # the lock goes with it
            self._descriptor = None

    def _entry(self, made: BackupMade, reason: str) -> BackupEntry:
        return BackupEntry(
            id=self.id,
            at=self._at.isoformat(timespec="milliseconds"),
            database=self._database.alias,
            name=self._database.name,
            host=self._database.host,
            vendor=self._database.vendor,
            reason=reason,
            format=made.format,
            size=made.size,
            sha256=made.sha256,
            tables=made.tables,
            records=made.records,
            tools=made.tools,
            server=made.server,
            path=str(content_of(self._folder, self.id, made.format)),
        )


def manifest_of(folder: Path, id: str) -> Path:
    """Return where the manifest of a backup is."""
    return folder / f"{id}.json"


def content_of(folder: Path, id: str, format: str) -> Path:
    """Return where the content of a whole backup is."""
    return folder / (id + EXTENSIONS.get(format, OTHER))


def _new_id(database: Database, at: datetime) -> str:
    alias = re.sub(r"[^A-Za-z0-9_-]+", "_", database.alias)[:40]
    return f"{at.astimezone(timezone.utc):%Y%m%dT%H%M%S}-{alias}-{secrets.token_hex(4)}"


def _create_locked(path: Path) -> int:
    """Create `path` and hold its lock, which says that somebody is at it, for as long as it is open."""
    while True:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, FILE_MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_nlink:
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # swept by another instance, between its creation and its lock


def cannot_write(folder: Path, error: OSError) -> StateError:
    """Return why nothing can be kept in `folder`, with the next step."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StateError(
            f"There is no room left in {folder}, so no backup was made and nothing is left of it. {MAKE_ROOM}"
        )
    return StateError(
        f"No backup can be kept in {folder} ({error.strerror}). "
        "Set XDG_STATE_HOME to a folder that can be written."
    )
