"""The backups of one project: listed once all of them is on the disk, read whole before they are used."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from djmig_tui.protocol import Database

from .backup_writer import MAKE_ROOM, Writer, cannot_write, content_of, manifest_of
from .private_files import make_folder, sync_folder
from .records import record
from .store import ASKED_FOR, BackupEntry, OnRead, StateError
from .text import size_in_words

#: Room that a backup leaves to everything else on the disk.
SPARE = 16 * 1024 * 1024

_AT_ONCE = 1024 * 1024

#: The names that we give: any other file in the folder was put there by somebody else.
_OURS = re.compile(r"\d{8}T\d{6}-[A-Za-z0-9_-]*-[0-9a-f]{8}")


class Backups:
    """All backups of one project, in a folder that appears with the first of them."""

    def __init__(
        self, folder: Path, now: Callable[[], datetime] = lambda: datetime.now(timezone.utc)
    ) -> None:
        self.folder = folder
        self._now = now

    def begin(self, database: Database, size: int | None = None) -> Writer:
        """Return where a backup of `database` goes, which takes about `size` bytes."""
        try:
            make_folder(self.folder)
            free = shutil.disk_usage(self.folder).free
            if size is not None and size + SPARE > free:
                raise StateError(
                    f"A backup of {database.name} takes up to {size_in_words(size)}, and in {self.folder}, "
                    f"where it would be kept, {size_in_words(free)} are free. {MAKE_ROOM}"
                )
            return Writer(self.folder, database, self._now())
        except StateError:
            raise
        except OSError as error:
            raise cannot_write(self.folder, error) from error

    def entries(self) -> list[BackupEntry]:
        """Return the backups, the newest first; manifests that cannot be read are left out."""
        entries = [self._read(path) for path in self.folder.glob("[!.]*.json")]
        return sorted(
            (entry for entry in entries if entry), key=lambda entry: (entry.at, entry.id), reverse=True
        )

    def check(self, entry: BackupEntry, on_read: OnRead | None = None) -> None:
        """Read all of the content. Raises `StateError` if it is not what the manifest says."""
        digest, size = hashlib.sha256(), 0
        try:
            with open(entry.path, "rb") as file:
                while data := file.read(_AT_ONCE):
                    digest.update(data)
                    size += len(data)
                    if on_read is not None:
                        on_read(size)
        except OSError as error:
            raise StateError(
                f"The backup {entry.id} cannot be read from {entry.path}: {error.strerror}. "
                "Choose another one."
            ) from error
        if size != entry.size:
            have, wanted = size_in_words(size), size_in_words(entry.size)
            short = "is empty" if not size else f"has {have} where its manifest says {wanted}"
            raise StateError(f"The backup {entry.id} {short}, so it is not used. Choose another one.")
        if digest.hexdigest() != entry.sha256:
            raise StateError(
                f"The backup {entry.id} is damaged: its bytes are not those that were written. "
                "It is not used. Choose another one."
            )

    def delete(self, entry: BackupEntry) -> None:
        """Delete a backup and its manifest. Raises `StateError` if that cannot be done."""
        try:
            # First the manifest: what it claims is there for as long as it is.
            manifest_of(self.folder, entry.id).unlink(missing_ok=True)
            content_of(self.folder, entry.id, entry.format).unlink(missing_ok=True)
            sync_folder(self.folder)
        except OSError as error:
            raise StateError(
                f"The backup {entry.id} in {self.folder} cannot be deleted: {error.strerror}. "
                "Delete it by hand."
            ) from error

    def drop_old(self, database: str, keep: int, spare: Collection[str] = ()) -> list[BackupEntry]:
        """Delete all but the last `keep` of an alias that nobody asked for by hand; return what went.

        Those whose ids are in `spare` stay: somebody is about to restore them.
        """
        automatic = [one for one in self.entries() if one.database == database and one.reason != ASKED_FOR]
        old = [one for one in automatic[keep:] if one.id not in spare]
        for entry in old:
            self.delete(entry)
        return old

    def sweep(self) -> list[str]:
        """Delete what was cut off half-way; return a sentence for each: nothing else is lost."""
        found: dict[str, list[Path]] = {}
        for path in self.folder.glob("*") if self.folder.is_dir() else ():
            found.setdefault(path.name.lstrip(".").partition(".")[0], []).append(path)
        said = []
        for id, paths in sorted(found.items()):
            manifest = manifest_of(self.folder, id)
            if _OURS.fullmatch(id) and not manifest.exists() and _delete_unlocked(paths, manifest):
                said.append(
                    f"A backup begun at {_moment_of(id)} was cut off before it was whole. "
                    "What there was of it has been deleted; nothing else is lost."
                )
        return said

    def _read(self, manifest: Path) -> BackupEntry | None:
        try:
            entry = record(BackupEntry, json.loads(manifest.read_bytes()))
        except (OSError, ValueError):
            return None
        # A manifest says nothing about files elsewhere.
        if entry is None or entry.id != manifest.name.removesuffix(".json"):
            return None
        return replace(entry, path=str(content_of(self.folder, entry.id, entry.format)))


def _moment_of(id: str) -> str:
    try:
        moment = datetime.strptime(id.partition("-")[0], "%Y%m%dT%H%M%S").replace(tzinfo=timezone.utc)
    except ValueError:
        return "a time that is not known"
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def _delete_unlocked(paths: list[Path], manifest: Path) -> bool:
    """Delete files that belong together, unless another instance is writing them, or just has."""
    held: list[int] = []
    try:
        for path in paths:
            held.append(os.open(path, os.O_RDONLY | os.O_NOFOLLOW))
            fcntl.flock(held[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
        if manifest.exists():  # finished after we looked, before we had the lock
            return False
        for path in paths:
            path.unlink()
    except OSError:  # locked, renamed meanwhile, or not ours to delete: it is looked at again next time
        return False
    finally:
        for descriptor in held:
            os.close(descriptor)
    return True
