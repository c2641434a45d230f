"""The reset that is under way: what it was to do, how far it is, and what leads back; one at a time."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from djmig_tui.protocol import Database, FileHash, ResetPlan, to_wire

from .private_files import FILE_MODE, make_folder, sync_folder, write_whole
from .records import content_of, record
from .store import StateError


@dataclass(frozen=True)
class Backed:
    """The backup that was made of a database before anything was done to it."""

    database: str  # alias
    backup: str  # id


@dataclass(frozen=True)
class ResetRecord:
    """A reset that has begun. It is kept until it is finished, or put back."""

    id: str
    at: str  # ISO 8601
    plan: ResetPlan
    done: int = 0  # steps that stand
    backups: tuple[Backed, ...] = ()
    trash: tuple[str, ...] = ()  # marks of the files that were removed
    made: tuple[FileHash, ...] = ()  # what makemigrations wrote
    going_back: bool = False  # everything is being put back: it cannot be finished any more
    databases: tuple[Database, ...] = ()  # where it began: an alias may be another one by now
    making: bool = False  # makemigrations has begun: what is there without `made` is no whole
    untouched: bool = False  # the step after those that stand was refused, and changed nothing


class Resets:
    """The record of the reset that is under way, in one file."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "reset.json"
        self._last = folder / "reset-done.json"
        self._lock = folder / "reset.lock"  # a file of its own: the record is replaced with each step

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Be the only one who begins, takes or puts back a reset; the lock goes with its process.

        Raises `StateError` while another one does.
        """
        make_folder(self._lock.parent)
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, FILE_MODE)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise StateError(
                    "Another djmig-tui is at a reset of this project at this moment. "
                    "Wait until that one has ended, then look again."
                ) from error
            if self.path.exists() and self.under_way() is None:
                raise StateError(
                    f"{self.path} says how far a reset is, but cannot be read: another version wrote it, or "
                    "it is damaged. Use that version; or put files and databases right by hand, from the "
                    "trash and the backups, then delete it."
                )
            yield
        finally:
            os.close(descriptor)

    def save(self, reset: ResetRecord) -> None:
        """Keep it: when this returns it is on the disk. Raises `StateError` if that cannot be done."""
        try:
            make_folder(self.path.parent)
            write_whole(self.path, json.dumps(to_wire(reset)).encode())
        except OSError as error:
            raise StateError(
                f"{self.path} cannot be written ({error.strerror}), so the reset stops here. Make room."
            ) from error

    def under_way(self) -> ResetRecord | None:
        """Return the reset that has begun and has no end yet, or None."""
        try:
            return record(ResetRecord, json.loads(content_of(self.path) or b"null"))
        except ValueError:
            return None

    def finished(self, id: str) -> ResetRecord | None:
        """Return a reset that has come to its end, if it is the last one that has."""
        try:
            found = record(ResetRecord, json.loads(content_of(self._last) or b"null"))
        except ValueError:
            return None
        return found if found is not None and found.id == id else None

    def finish(self) -> None:
        """Say that it has come to its end, and keep what leads back. Raises `StateError`."""
        self._away(self._last)

    def forget(self) -> None:
        """Say that nothing of it stands any more. Raises `StateError` if that cannot be kept."""
        self._away(None)

    def _away(self, to: Path | None) -> None:
        try:
            if to is not None and self.path.exists():
                self.path.replace(to)
            self.path.unlink(missing_ok=True)
            sync_folder(self.path.parent)
        except OSError as error:
            raise StateError(
                f"{self.path} cannot be deleted: {error.strerror}. Delete it by hand."
            ) from error
