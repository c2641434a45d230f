"""What outlives a session, kept on the user's own machine and never in the project's folder."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime, timezone
from pathlib import Path
from typing import TypeVar

from djmig_tui.protocol import History, MigrationFile, ProtocolError, from_wire, to_wire

from .private_files import append_line, make_folder, read_end, write_whole
from .store import JournalEntry, TrashEntry

Record = TypeVar("Record", TrashEntry, JournalEntry)


class StateError(OSError):
    """The state folder cannot be used; ``str(error)`` is a sentence with the next step."""

    def __str__(self) -> str:
        return str(self.args[0])


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
    return f"{_slug(os.path.basename(where)) or 'project'}-{digest[:12]}"


class State:
    """The trash, the journal and the last-known trees of one project. Fits `StateStore`.

    The folder appears when something is first kept. Keeping in the trash raises `StateError` when
    it cannot be done, since a file is deleted afterwards; the rest leaves the reason in `trouble`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.trouble: str | None = None

    @classmethod
    def of_project(cls, root: Path, settings: str, environ: Mapping[str, str]) -> State:
        """Return the state of the project in `root` with these settings."""
        return cls(state_home(environ) / project_id(root, settings))

    # -- trash
    def keep_in_trash(self, file: MigrationFile, database: str) -> TrashEntry:
        """Store the file's content; when this returns it has been fsynced and the file may go."""
        content = base64.b64decode(file.content)
        digest = hashlib.sha256(content).hexdigest()
        if digest != file.sha256:
            raise StateError(f"{file.path} arrived damaged and was not removed. Try again.")
        entry = TrashEntry(
            app=file.app,
            name=file.name,
            path=file.path,
            content=file.content,
            mode=file.mode,
            sha256=digest,
            removed_at=datetime.now(timezone.utc).isoformat(timespec="microseconds"),
            database=database,
        )
        manifest = {name: value for name, value in asdict(entry).items() if name != "content"}
        try:
            make_folder(self._trash)
            write_whole(self._content_of(entry), content)
            # The manifest comes last: an entry exists once all of it is on the disk.
            write_whole(self._manifest_of(entry), json.dumps(manifest, indent=1).encode())
        except OSError as error:
            raise StateError(
                f"The trash in {self.folder} cannot be written ({error.strerror}), so nothing was removed. "
                "Make room or set XDG_STATE_HOME to a folder that can be written."
            ) from error
        return entry

    def trash(self) -> list[TrashEntry]:
        """Return the entries, the one removed last first; damaged ones are left out."""
        entries = [self._read_entry(path) for path in self._trash.glob("*.json")]
        return sorted((entry for entry in entries if entry), key=lambda entry: entry.removed_at, reverse=True)

    def latest_in_trash(self) -> TrashEntry | None:
        """Return the entry that was removed last, or None."""
        return next(iter(self.trash()), None)

    def in_trash(self, mark: str) -> TrashEntry | None:
        """Return the entry with this mark, or None if it is not there any more."""
        return next((entry for entry in self.trash() if entry.mark == mark), None)

    def forget_trash(self, entry: TrashEntry) -> None:
        """Drop an entry: its file was put back, or never went."""
        try:
            self._manifest_of(entry).unlink(missing_ok=True)
            self._content_of(entry).unlink(missing_ok=True)
        except OSError as error:
            self._note(error)

    def _read_entry(self, manifest: Path) -> TrashEntry | None:
        try:
            values = json.loads(manifest.read_bytes())
            content = manifest.with_suffix(".content").read_bytes()
        except (OSError, ValueError):
            return None
        if not isinstance(values, dict) or hashlib.sha256(content).hexdigest() != values.get("sha256"):
            return None
        return _record(TrashEntry, {**values, "content": base64.b64encode(content).decode()})

    @property
    def _trash(self) -> Path:
        return self.folder / "trash"

    def _manifest_of(self, entry: TrashEntry) -> Path:
        stamp = re.sub(r"[^0-9T]", "", entry.removed_at.split("+")[0])
        return self._trash / f"{stamp}-{_slug(f'{entry.app}.{entry.name}')}-{entry.sha256[:8]}.json"

    def _content_of(self, entry: TrashEntry) -> Path:
        # Not .py: nothing that searches for code is to find it.
        return self._manifest_of(entry).with_suffix(".content")

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
            entry = _record(JournalEntry, values)
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
            return from_wire(History, json.loads(zlib.decompress(_read(self._tree_of(database)))))
        except (zlib.error, ValueError, ProtocolError):
            return None

    def _tree_of(self, database: str) -> Path:
        digest = hashlib.sha256(database.encode()).hexdigest()[:8]
        return self.folder / f"tree-{_slug(database)}-{digest}.json.z"

    # -- commands of a project's own pyproject.toml
    def trusts(self, command: Sequence[str]) -> bool:
        """Whether the user once agreed to run this very command in this project."""
        return _digest(command) in _read(self.folder / "trusted").decode("ascii", "replace").splitlines()

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


def _slug(text: str) -> str:
    """Return `text` as part of a file name: short, and no separators in it."""
    return re.sub(r"[^\w.-]+", "_", text).strip("._")[:60]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _record(kind: type[Record], values: object) -> Record | None:
    """Return `values` as a `kind`, or None if a member is missing or has another type."""
    if not isinstance(values, dict):
        return None
    names = {field.name for field in fields(kind)}
    try:
        return from_wire(kind, {name: value for name, value in values.items() if name in names})
    except ProtocolError:
        return None
