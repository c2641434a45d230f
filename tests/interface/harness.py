"""Starts the interface on fake engines, and waits for what a user would wait for."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from datetime import datetime, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from textual.pilot import Pilot

from djmig_tui.protocol import Database, History, KeptPart, MigrationFile, Plan
from tui.app import DjmigApp
from tui.engine.api import Engine
from tui.kept_settings import DEFAULTS
from tui.messages import Where
from tui.state_backups import Backups
from tui.state_kept import KeptRows
from tui.state_resets import ResetRecord, Resets
from tui.store import BackupEntry, BackupWriter, JournalEntry, KeptEntry, KeptWriter, OnRead, TrashEntry
from tui.widgets.history_tree import HistoryTree
from tui.widgets.prose import Prose

from .fake_engine import FakeEngine

WHERE = Where("/srv/bookshop", (".venv/bin/python", "manage.py"), ".venv in the project")
WIDE, NARROW = (120, 36), (80, 24)


class FakeState:
    """Keeps in memory what the real state keeps on disk; backups are files here too."""

    def __init__(self, last: History | None = None) -> None:
        self.last = last
        self.kept_settings = DEFAULTS
        self._folder = TemporaryDirectory(prefix="djmig-backups-")  # gone when nobody refers to it
        self._backups = Backups(Path(self._folder.name), now=self._next_moment)
        self._resets = Resets(Path(self._folder.name))
        self._kept = KeptRows(Path(self._folder.name) / "kept", now=self._next_moment)
        self._moments = 0
        self.trusted: set[tuple[str, ...]] = set()
        self.trash: list[TrashEntry] = []
        self.journal: list[JournalEntry] = []
        self.happened: list[str] = []

    def keep_in_trash(self, file: MigrationFile, database: str) -> TrashEntry:
        assert hashlib.sha256(base64.b64decode(file.content)).hexdigest() == file.sha256
        self.happened.append(f"trash {file.app}.{file.name}")
        at = f"2026-03-01T12:00:{len(self.trash):02}+00:00"
        entry = TrashEntry(
            file.app,
            file.name,
            file.path,
            file.content,
            file.mode,
            file.sha256,
            at,
            database,
            file.max_migration,
            file.max_migration_after,
        )
        self.trash.append(entry)
        return entry

    def latest_in_trash(self) -> TrashEntry | None:
        return self.trash[-1] if self.trash else None

    def in_trash(self, mark: str) -> TrashEntry | None:
        return next((entry for entry in self.trash if entry.mark == mark), None)

    def begin_kept(self, database: Database, plan: Plan) -> KeptWriter:
        self.happened.append(f"keep rows {database.alias}")
        return self._kept.begin(database, plan)

    def settle_kept(self, database: Database, history: History) -> None:
        self._kept.settle(database, history)

    def kept(self) -> list[KeptEntry]:
        return self._kept.entries()

    def kept_file(self, entry: KeptEntry, part: KeptPart) -> str:
        return self._kept.file(entry, part)

    def kept_folder(self, entry: KeptEntry) -> str:
        return self._kept.folder_of(entry)

    def delete_kept(self, entry: KeptEntry) -> None:
        self._kept.delete(entry)

    def forget_trash(self, entry: TrashEntry) -> None:
        self.trash.remove(entry)

    def _next_moment(self) -> datetime:
        self._moments += 1
        return datetime(2026, 3, 1, 12, self._moments, tzinfo=timezone.utc)

    def begin_backup(self, database: Database, size: int | None = None) -> BackupWriter:
        return self._backups.begin(database, size)

    def backups(self) -> list[BackupEntry]:
        return self._backups.entries()

    def check_backup(self, entry: BackupEntry, on_read: OnRead | None = None) -> None:
        self._backups.check(entry, on_read)

    def delete_backup(self, entry: BackupEntry) -> None:
        self._backups.delete(entry)

    def drop_old_backups(self, database: str, keep: int, spare: Collection[str] = ()) -> list[BackupEntry]:
        return self._backups.drop_old(database, keep, spare)

    def sweep_backups(self) -> list[str]:
        return self._backups.sweep()

    def hold_reset(self) -> AbstractContextManager[None]:
        return self._resets.hold()

    def save_reset(self, reset: ResetRecord) -> None:
        self._resets.save(reset)

    def reset_under_way(self) -> ResetRecord | None:
        return self._resets.under_way()

    def reset_file(self) -> str:
        return str(self._resets.path)

    def finished_reset(self, id: str) -> ResetRecord | None:
        return self._resets.finished(id)

    def finish_reset(self) -> None:
        self._resets.finish()

    def forget_reset(self) -> None:
        self._resets.forget()

    def trusts(self, command: Sequence[str]) -> bool:
        return tuple(command) in self.trusted

    def trust(self, command: Sequence[str]) -> None:
        self.trusted.add(tuple(command))

    def log(self, entry: JournalEntry) -> None:
        self.journal.append(entry)

    def entries(self, last: int = 0) -> list[JournalEntry]:
        return self.journal[-last:]

    def save_tree(self, history: History) -> None:
        self.last = history

    def last_tree(self, database: str) -> History | None:
        return self.last


class Desk:
    """A user in front of the interface: the app, its engines, and what was kept."""

    def __init__(self, engine: FakeEngine | None = None, **options: Any) -> None:
        self.engine = engine or FakeEngine()
        self.engines: list[FakeEngine] = []
        self.start_error: Exception | None = None
        self.connect_gate = asyncio.Event()
        self.connect_gate.set()
        self.state = FakeState(options.pop("last", None))
        self.app = DjmigApp(connect=self.connect, where=WHERE, state=self.state, **options)
        self.pilot: Pilot[int] | None = None

    async def connect(self) -> Engine:
        """Give the same fake again, as a fresh process on the same project would answer."""
        await self.connect_gate.wait()
        if self.start_error is not None:
            raise self.start_error
        if self.engines:
            fresh = FakeEngine(self.engines[-1].history, self.engines[-1].project)
            fresh.writes = self.engines[-1].writes
            fresh.errors, fresh.answers = self.engines[-1].errors, self.engines[-1].answers
            fresh.held = self.engines[-1].held
            self.engine = fresh
        self.engines.append(self.engine)
        return self.engine

    @asynccontextmanager
    async def sit_down(self, size: tuple[int, int] = WIDE, *, wait: bool = True) -> AsyncIterator[Desk]:
        """Open the interface and wait until the whole history is there."""
        async with self.app.run_test(size=size) as self.pilot:
            if wait:
                await self.ready()
            yield self

    async def point_at(self, key: str) -> None:
        """Move the cursor to a node by its key, unfolding what hides it, and wait for its SQL."""
        await self.point_quietly(key)
        await self.settle()

    async def point_quietly(self, key: str) -> None:
        """Move the cursor without waiting for what follows it."""
        assert self.pilot is not None
        tree = self.app.main.query_one(HistoryTree)
        tree._show(tree._by_key[key])
        await self.pilot.pause()

    async def until(self, condition: Callable[[], object], what: str = "") -> None:
        """Wait for a condition, with a deadline."""
        assert self.pilot is not None
        deadline = time.monotonic() + 15
        while not condition():
            assert time.monotonic() < deadline, f"This never came: {what or condition}"
            await self.pilot.pause(0.01)

    async def ready(self) -> None:
        """Wait until the whole history is on screen and all requests are answered."""
        await self.until(lambda: self.app.main.history and self.app.main.history.complete, "the history")
        await self.settle()

    async def settle(self) -> None:
        """Wait until nothing is under way."""
        assert self.pilot is not None
        await self.pilot.pause()
        if self._busy():
            await self.until(lambda: not self._busy(), "the end of all work")
            await self.pilot.pause()

    def _busy(self) -> bool:
        return any(worker.is_running for worker in self.app.workers)

    async def press(self, *keys: str) -> None:
        """Press keys and wait until what they started is done."""
        assert self.pilot is not None
        await self.pilot.press(*keys)
        await self.settle()

    @property
    def notices(self) -> str:
        """What was said in the corner."""
        return "\n".join(str(one.message) for one in self.app._notifications)

    @property
    def left(self) -> str:
        """What the pane at the left says, its lines joined as if they had never been broken."""
        prose = next(iter(self.app.screen.query(Prose)))
        return str(prose._content)

    @property
    def texts(self) -> str:
        """Everything that is on the screen, as text."""
        lines = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text.rstrip() for strip in lines)
