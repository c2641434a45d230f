"""What outlives a session, kept on the user's own machine and never in the project's folder."""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path

from djmig_tui.protocol import (
    Database,
    History,
    KeptPart,
    MigrationFile,
    Plan,
    ProtocolError,
    from_wire,
    to_wire,
)

from .kept_settings import DEFAULTS, KeptSettings, kept_settings
from .private_files import append_line, make_folder, read_end, write_whole
from .records import content_of, record, slug
from .state_backups import Backups
from .state_kept import KeptRows
from .state_resets import ResetRecord, Resets
from .state_trash import Trash
from .store import (
    BackupEntry,
    BackupWriter,
    JournalEntry,
    KeptEntry,
    KeptWriter,
    OnRead,
    StateError,
    TrashEntry,
)


def state_home(environ: Mapping[str, str]) -> Path:
    """Return the folder that holds the state of all projects."""
    named = environ.get("XDG_STATE_HOME", "")
    # The XDG specification: a relative path is to be ignored.
    base = Path(named) if os.path.isabs(named) else Path(os.path.expanduser("~"), ".local", "state")
    return base / "djmig-tui"


def project_id(root: Path, settings: str) -> str:
    """Return the name of a project's state folder: readable, and its own per root and settings."""
    where = os.path.realpath(root)
    digest = hashlib.sha256(os.fsencode(where) + b"\0" + settings.encode()).hexdigest()
    return f"{slug(os.path.basename(where)) or 'project'}-{digest[:12]}"


class State:
    """The trash, the backups, the journal and the last-known trees of one project. Fits `StateStore`.

    The folder appears when something is first kept. What the user relies on, the trash and backups,
    raises `StateError` when it cannot be kept; the rest leaves the reason in `trouble`.
    """

    def __init__(self, folder: Path, kept: KeptSettings = DEFAULTS) -> None:
        self.folder = folder
        self.kept_settings = kept
        self.trouble: str | None = None
        self._trash = Trash(folder / "trash")
        self._backups = Backups(folder / "backups")
        self._kept = KeptRows(folder / "kept", kept.age)
        self._resets = Resets(folder)

    @classmethod
    def of_project(cls, root: Path, settings: str, environ: Mapping[str, str]) -> State:
        """Return the state of the project in `root` with this settings module.

        Raises `NotFound` if what its pyproject.toml says of kept rows cannot be meant.
        """
        return cls(state_home(environ) / project_id(root, settings), kept_settings(root))

    # -- trash
    def keep_in_trash(self, file: MigrationFile, database: str) -> TrashEntry:
        """Store the file's content; when this returns it has been fsynced and the file may go."""
        return self._trash.keep(file, database)

    def trash(self) -> list[TrashEntry]:
        """Return the entries, the one removed last first; damaged ones are left out."""
        return self._trash.entries()

    def latest_in_trash(self) -> TrashEntry | None:
        """Return the entry that was removed last, or None."""
        return next(iter(self.trash()), None)

    def in_trash(self, mark: str) -> TrashEntry | None:
        """Return the entry with this mark, or None if it is not there any more."""
        return next((entry for entry in self.trash() if entry.mark == mark), None)

    def forget_trash(self, entry: TrashEntry) -> None:
        """Drop an entry: its file was put back, or never went."""
        try:
            self._trash.forget(entry)
        except OSError as error:
            self._note(error)

    # -- backups
    def begin_backup(self, database: Database, size: int | None = None) -> BackupWriter:
        """Return where a backup of `database` goes. Raises `StateError` if it cannot be kept."""
        return self._backups.begin(database, size)

    def backups(self) -> list[BackupEntry]:
        """Return the backups, the newest first; without their content having been read."""
        return self._backups.entries()

    def check_backup(self, entry: BackupEntry, on_read: OnRead | None = None) -> None:
        """Read all of the content. Raises `StateError` if it is not what the manifest says."""
        self._backups.check(entry, on_read)

    def delete_backup(self, entry: BackupEntry) -> None:
        """Delete a backup and its manifest. Raises `StateError` if that cannot be done."""
        if entry.id in self._leading_back():
            raise StateError(
                f"The backup {entry.id} leads back from a reset that is not finished, so it stays. "
                "Finish that, or put it back, first."
            )
        self._backups.delete(entry)

    def drop_old_backups(self, database: str, keep: int, spare: Collection[str] = ()) -> list[BackupEntry]:
        """Delete all but the last `keep` of an alias that nobody asked for by hand; return what went.

        Those in `spare` stay, and those that lead back from a reset which is under way.
        """
        return self._backups.drop_old(database, keep, {*spare, *self._leading_back()})

    def _leading_back(self) -> list[str]:
        """Return the ids of the backups that lead back from a reset which is under way."""
        reset = self.reset_under_way()
        return [each.backup for each in reset.backups] if reset is not None else []

    def sweep_backups(self) -> list[str]:
        """Delete what was cut off half-way; return a sentence for each: nothing else is lost."""
        return self._backups.sweep()

    # -- kept rows
    def begin_kept(self, database: Database, plan: Plan) -> KeptWriter:
        """Return where the rows go that a run drops; nothing is there before the first of them."""
        return self._kept.begin(database, plan)

    def settle_kept(self, database: Database, history: History) -> None:
        """Find out by the records what became of runs that were cut off while they kept rows."""
        self._kept.settle(database, history)

    def kept(self) -> list[KeptEntry]:
        """Return the kept rows, those of the newest run first; those past their age are dropped."""
        return self._kept.entries()

    def kept_file(self, entry: KeptEntry, part: KeptPart) -> str:
        """Return where the lines of a part are."""
        return self._kept.file(entry, part)

    def kept_folder(self, entry: KeptEntry) -> str:
        """Return the folder with all that was kept of a run."""
        return self._kept.folder_of(entry)

    def delete_kept(self, entry: KeptEntry) -> None:
        """Delete the kept rows of a run. Raises `StateError` if that cannot be done."""
        self._kept.delete(entry)

    # -- resets
    def hold_reset(self) -> AbstractContextManager[None]:
        """Be the only one at a reset of this project. Raises `StateError` while another process is."""
        return self._resets.hold()

    def save_reset(self, reset: ResetRecord) -> None:
        """Keep how far a reset is. Raises `StateError` if that cannot be done."""
        self._resets.save(reset)

    def reset_under_way(self) -> ResetRecord | None:
        """Return the reset that has begun and has no end yet, or None."""
        return self._resets.under_way()

    def reset_file(self) -> str:
        """Return the file with the record of the reset under way."""
        return str(self._resets.path)

    def finished_reset(self, id: str) -> ResetRecord | None:
        """Return a reset that has come to its end, if it is the last one that has."""
        return self._resets.finished(id)

    def finish_reset(self) -> None:
        """Say that it has come to its end, and keep what leads back."""
        self._resets.finish()

    def forget_reset(self) -> None:
        """Say that nothing of it stands any more."""
        self._resets.forget()

    # -- journal
    def log(self, entry: JournalEntry) -> None:
        """Append to the journal."""
        try:
            make_folder(self.folder)
            append_line(self.folder / "journal.jsonl", json.dumps(asdict(entry)).encode())
        except OSError as error:
            self._note(error)

    def entries(self, last: int = 0) -> list[JournalEntry]:
        """Return the journal, or its `last` lines, oldest first; what a crash cut off is left out."""
        found = []
        for line in read_end(self.folder / "journal.jsonl", last):
            try:
                values = json.loads(line)
            except ValueError:
                continue
            entry = record(JournalEntry, values)
            if entry is not None:
                found.append(entry)
        return found

    # -- last-known trees
    def save_tree(self, history: History) -> None:
        """Keep the last-known tree of the history's database."""
        try:
            make_folder(self.folder)
            data = json.dumps(to_wire(history, brief=True)).encode()
            write_whole(self._tree_of(history.database), zlib.compress(data))
        except OSError as error:
            self._note(error)

    def last_tree(self, database: str) -> History | None:
        """Return the tree kept by `save_tree`, or None if there is none or it cannot be read."""
        try:
            return from_wire(History, json.loads(zlib.decompress(content_of(self._tree_of(database)))))
        except (zlib.error, ValueError, ProtocolError):
            return None

    def _tree_of(self, database: str) -> Path:
        digest = hashlib.sha256(database.encode()).hexdigest()[:8]
        return self.folder / f"tree-{slug(database)}-{digest}.json.z"

    # -- commands of a project's own pyproject.toml
    def trusts(self, command: Sequence[str]) -> bool:
        """Whether the user once agreed to run this very command in this project."""
        return _digest(command) in content_of(self.folder / "trusted").decode("ascii", "replace").splitlines()

    def trust(self, command: Sequence[str]) -> None:
        """Remember that the user agreed to run this very command in this project."""
        try:
            make_folder(self.folder)
            append_line(self.folder / "trusted", _digest(command).encode())
        except OSError as error:
            self._note(error)

    def _note(self, error: OSError) -> None:
        self.trouble = f"Nothing can be kept in {self.folder}: {error.strerror}."


def _digest(command: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps(list(command)).encode()).hexdigest()
