"""The trash: files of removed migrations, each with all that is needed to put it back."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path

from djmig_tui.protocol import MigrationFile

from .private_files import make_folder, write_whole
from .records import record, slug
from .store import StateError, TrashEntry


class Trash:
    """The removed files of one project, in a folder that appears with the first of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, file: MigrationFile, database: str) -> TrashEntry:
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
            max_migration=file.max_migration,
            max_migration_after=file.max_migration_after,
        )
        manifest = {name: value for name, value in asdict(entry).items() if name != "content"}
        try:
            make_folder(self.folder)
            write_whole(self._content_of(entry), content)
            # The manifest comes last: an entry exists once all of it is on the disk.
            write_whole(self._manifest_of(entry), json.dumps(manifest, indent=1).encode())
        except OSError as error:
            raise StateError(
                f"The trash in {self.folder.parent} cannot be written ({error.strerror}), so nothing was "
                "removed. Make room or set XDG_STATE_HOME to a folder that can be written."
            ) from error
        return entry

    def entries(self) -> list[TrashEntry]:
        """Return the entries, the one removed last first; damaged ones are left out."""
        entries = [self._read(path) for path in self.folder.glob("*.json")]
        return sorted((entry for entry in entries if entry), key=lambda entry: entry.removed_at, reverse=True)

    def forget(self, entry: TrashEntry) -> None:
        """Drop an entry: its file was put back, or never went. Raises `OSError`."""
        self._manifest_of(entry).unlink(missing_ok=True)
        self._content_of(entry).unlink(missing_ok=True)

    def _read(self, manifest: Path) -> TrashEntry | None:
        try:
            values = json.loads(manifest.read_bytes())
            content = manifest.with_suffix(".content").read_bytes()
        except (OSError, ValueError):
            return None
        if not isinstance(values, dict) or hashlib.sha256(content).hexdigest() != values.get("sha256"):
            return None
        return record(TrashEntry, {**values, "content": base64.b64encode(content).decode()})

    def _manifest_of(self, entry: TrashEntry) -> Path:
        stamp = re.sub(r"[^0-9T]", "", entry.removed_at.split("+")[0])
        return self.folder / f"{stamp}-{slug(f'{entry.app}.{entry.name}')}-{entry.sha256[:8]}.json"

    def _content_of(self, entry: TrashEntry) -> Path:
        # Not .py: nothing that searches for code is to find it.
        return self._manifest_of(entry).with_suffix(".content")
