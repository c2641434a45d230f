"""Rows that rollbacks dropped: kept by run, each part a file of its own, and a manifest that lists them."""

from __future__ import annotations

import base64
import contextlib
import errno
import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Collection
from dataclasses import asdict, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from threading import Lock

from djmig_tui.protocol import Database, History, KeepRows, KeptPart, Plan, StepDefinitions

from .cut_off import what_stands
from .kept_settings import DEFAULTS
from .private_files import FILE_MODE, hold_new, not_held, sync_folder, write_whole
from .records import record
from .store import KeptEntry, Recorded, StateError

#: An engine whose interface was killed has taken its one transaction back, or committed it, after so long.
ENDING = timedelta(hours=1)

_MANIFEST = "manifest.json"
#: The names that we give: any other folder was put there by somebody else.
_OURS = re.compile(r"(\d{8}T\d{6})-[0-9a-f]{8}")

Now = Callable[[], datetime]


def _now() -> datetime:
    return datetime.now(timezone.utc)


class KeptRows:
    """The kept rows of one project, in a folder that appears with the first of them."""

    def __init__(self, folder: Path, age: timedelta = DEFAULTS.age, now: Now = _now) -> None:
        self.folder = folder
        self._age = age
        self._now = now

    def begin(self, database: Database, plan: Plan) -> Writer:
        """Return where the rows of a run go."""
        at = self._now()
        id = f"{at.astimezone(timezone.utc):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
        entry = KeptEntry(
            id=id,
            at=at.isoformat(timespec="milliseconds"),
            database=database.alias,
            name=database.name,
            host=database.host,
            reason=plan.title,
            parts=(),
            recorded=tuple(Recorded(f"{step.app}.{step.name}", step.applied_at) for step in plan.steps),
            one_transaction=plan.one_transaction,
        )
        return Writer(self.folder / id, entry)

    def entries(self) -> list[KeptEntry]:
        """Return what is kept, the newest first; first of all, what is past its age goes."""
        self._drop_old()
        found = [self._read(path) for path in self.folder.glob(f"*/{_MANIFEST}")]
        return sorted((one for one in found if one), key=lambda one: (one.at, one.id), reverse=True)

    def settle(self, database: Database, history: History) -> None:
        """Find out what became of runs on `database` that were cut off: its records in `history` tell.

        What no step dropped is deleted, as far as that is certain; what the records do not tell stays.
        """
        for folder in self.folder.glob("*"):
            if _OURS.fullmatch(folder.name):
                # What cannot be read, written or deleted is looked at again next time.
                with not_held(folder) as free, contextlib.suppress(OSError):
                    if free:
                        self._settle(folder, database, history)

    def _settle(self, folder: Path, database: Database, history: History) -> None:
        entry = self._read(folder / _MANIFEST)
        if entry is None:
            if not (folder / _MANIFEST).exists():  # the first step waited for its rows, and never began
                _delete(folder)
            return
        theirs = (entry.database, entry.name, entry.host) == (database.alias, database.name, database.host)
        if entry.certain or not theirs:
            return
        stands = what_stands(entry, history)
        if stands is True:
            Writer(folder, entry).finish(entry.steps)
        elif stands is False and self._now() - datetime.fromisoformat(entry.at) > ENDING:
            _delete(folder)

    def file(self, entry: KeptEntry, part: KeptPart) -> str:
        """Return where the lines of a part are."""
        return str(self.folder / entry.id / _file_of(part))

    def folder_of(self, entry: KeptEntry) -> str:
        """Return where all of a run's is."""
        return str(self.folder / entry.id)

    def delete(self, entry: KeptEntry) -> None:
        """Delete the rows of a run. Raises `StateError` if that cannot be done."""
        _delete(self.folder / entry.id)

    def _drop_old(self) -> None:
        oldest = self._now().astimezone(timezone.utc) - self._age
        for path in self.folder.glob("*"):
            match = _OURS.fullmatch(path.name)
            if match and match[1] < f"{oldest:%Y%m%dT%H%M%S}":
                with contextlib.suppress(StateError):  # it is tried again next time
                    _delete(path)

    @staticmethod
    def _read(manifest: Path) -> KeptEntry | None:
        try:
            entry = record(KeptEntry, json.loads(manifest.read_bytes()))
        except (OSError, ValueError):
            return None
        return entry if entry is not None and entry.id == manifest.parent.name else None


class Writer:
    """The rows of a run under way. Fits `KeptWriter`."""

    def __init__(self, folder: Path, entry: KeptEntry) -> None:
        self._folder = folder
        self._entry = entry
        self._descriptor: int | None = None
        self._digest = hashlib.sha256()
        self._size = 0
        self._held: int | None = None
        self._one_at_a_time = Lock()
        self._over = False

    def take(self, rows: KeepRows) -> None:
        """Keep the next lines; with the last of a part, all of it is on the disk when this returns."""
        with self._one_at_a_time:
            if self._over:  # the run failed while these were on their way
                raise StateError("The run is over: nothing more is kept.")
            try:
                if rows.definitions is not None:
                    self._define(rows.definitions)
                else:
                    self._write(base64.b64decode(rows.data))
                if rows.part is not None:
                    self._close(rows.part)
            except StateError:
                raise
            except OSError as error:
                raise _cannot_keep(self._folder.parent, error) from error

    def finish(self, done: Collection[str], half_done: str | None = None) -> KeptEntry | None:
        """Say which steps stand, and which may: only their rows are kept. None if that leaves nothing."""
        with self._one_at_a_time:
            self._over = True
            try:
                return self._finish(done, half_done)
            finally:
                self._let_go()

    def leave(self) -> None:
        """Leave all as it is, not certain: nobody knows which steps stand. Nothing more is taken."""
        with self._one_at_a_time:
            self._over = True
            self._let_go()

    def _let_go(self) -> None:
        for descriptor in (self._descriptor, self._held):
            if descriptor is not None:
                os.close(descriptor)
        self._descriptor = self._held = None

    def _finish(self, done: Collection[str], half_done: str | None) -> KeptEntry | None:
        steps = {*done, half_done}
        entry = replace(
            self._entry,
            parts=tuple(part for part in self._entry.parts if part.step in steps),
            definitions=tuple(each for each in self._entry.definitions if each.step in steps),
        )
        if not entry.steps:
            if self._folder.exists():
                _delete(self._folder)
            return None
        self._list(replace(entry, certain=half_done not in entry.steps))
        files = {_file_of(part) for part in entry.parts} | {_MANIFEST}
        for path in self._folder.iterdir():
            if path.name not in files:
                path.unlink()
        return self._entry

    def _define(self, of_step: StepDefinitions) -> None:
        others = [each for each in self._entry.definitions if each.step != of_step.step]
        if self._held is None:
            if not of_step.definitions:
                return
            self._held = hold_new(self._folder)
        # What went last can be made first.
        self._list(replace(self._entry, definitions=(*of_step.definitions, *others)))

    def _write(self, data: bytes) -> None:
        if self._descriptor is None:
            if self._held is None:
                self._held = hold_new(self._folder)
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
            self._descriptor = os.open(self._folder / "part", flags, FILE_MODE)
            self._digest, self._size = hashlib.sha256(), 0
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        self._digest.update(data)
        self._size += len(data)

    def _close(self, part: KeptPart) -> None:
        if self._descriptor is None or (self._size, self._digest.hexdigest()) != (part.size, part.sha256):
            raise StateError("The rows that are to be kept arrived damaged. Try again.")
        os.fsync(self._descriptor)
        os.close(self._descriptor)
        self._descriptor = None
        (self._folder / "part").rename(self._folder / _file_of(part))
        sync_folder(self._folder)
        self._list(replace(self._entry, parts=(*self._entry.parts, part)))

    def _list(self, entry: KeptEntry) -> None:
        # Last of all: what a manifest lists is on the disk.
        write_whole(self._folder / _MANIFEST, json.dumps(asdict(entry), indent=1).encode())
        self._entry = entry


def _file_of(part: KeptPart) -> str:
    """Return a name that no other part of a run has, whatever its table is called."""
    names = json.dumps([part.step, part.table, part.column])
    return f"{hashlib.sha256(names.encode()).hexdigest()[:16]}.rows"


def _delete(folder: Path) -> None:
    try:
        # First the manifest: what it claims is there for as long as it is.
        (folder / _MANIFEST).unlink(missing_ok=True)
        shutil.rmtree(folder)
    except OSError as error:
        raise StateError(
            f"The kept rows in {folder} cannot be deleted: {error.strerror}. Delete them by hand."
        ) from error


def _cannot_keep(folder: Path, error: OSError) -> StateError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StateError(
            f"There is no room left in {folder} for the rows that are dropped. "
            "Make room, set XDG_STATE_HOME to a folder on another disk, or run it without keeping rows."
        )
    return StateError(
        f"The rows that are dropped cannot be kept in {folder} ({error.strerror}). "
        "Set XDG_STATE_HOME to a folder that can be written."
    )
