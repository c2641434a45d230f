"""Backups and restores by a real engine, for tests: what came over, and the way back."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, replace
from typing import Any

from djmig_tui import protocol as p
from tests.driver import Driver


@dataclass(frozen=True)
class Backup:
    """A backup as the interface would keep it."""

    made: p.BackupMade
    content: bytes

    def rows(self) -> dict[str, int]:
        """Return the rows that it claims, by table."""
        return {each.table: each.rows for each in self.made.tables}


def back_up(engine: Driver, database: str = "default") -> Backup:
    """Make a backup and collect it."""
    chunks: list[bytes] = []
    made = engine.wait(
        engine.engine.make_backup(p.MakeBackup(database), chunks.append, engine.progress.append)
    )
    content = b"".join(chunks)
    assert made.size == len(content)
    assert made.sha256 == hashlib.sha256(content).hexdigest()
    return Backup(made, content)


def preview(engine: Driver, backup: Backup, database: str = "default", **changes: Any) -> p.Plan:
    """Return the plan of putting the backup back."""
    made = backup.made
    asked: dict[str, Any] = {
        "format": made.format,
        "sha256": hashlib.sha256(backup.content).hexdigest(),
        "tables": made.tables,
        "records": made.records,
        "made_at": "2026-03-01T12:00:00+00:00",
        **changes,
    }
    plan: p.Plan = engine.wait(engine.engine.preview_restore(p.PreviewRestore(database, **asked)))
    return plan


def upload(engine: Driver, content: bytes) -> str:
    """Send the bytes over and return the upload's name."""
    begun = engine.ask(p.BeginUpload(len(content), hashlib.sha256(content).hexdigest()))
    for start in range(0, len(content), p.CHUNK_SIZE):
        data = base64.b64encode(content[start : start + p.CHUNK_SIZE]).decode()
        engine.ask(p.SendChunk(begun.upload, data))
    name: str = begun.upload
    return name


def restore(
    engine: Driver,
    backup: Backup,
    plan: p.Plan | None = None,
    *,
    end_others: bool = False,
    bare: bool = False,
) -> p.RestoreFinished:
    """Put the backup in the place of the database; `bare` without the claims of its manifest."""
    made = replace(backup.made, tables=(), records=()) if bare else backup.made
    plan = plan or preview(engine, replace(backup, made=made))
    request = p.RestoreBackup(
        "default",
        backup.made.format,
        hashlib.sha256(backup.content).hexdigest(),
        upload(engine, backup.content),
        plan.fingerprint,
        made.tables,
        made.records,
        end_others,
    )
    finished: p.RestoreFinished = engine.wait(engine.engine.restore_backup(request, engine.progress.append))
    return finished
