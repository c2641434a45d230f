"""The real engine: everything that it can be asked, one typed stub each, on one screen."""

from __future__ import annotations

import asyncio

from djmig_tui import protocol as p

from .api import Engine, OnProgress
from .connection import Connection
from .lifetime import Lifetime, OnWaiting, started
from .process import Spawned


async def connect(spawned: Spawned, on_waiting: OnWaiting | None = None) -> Client:
    """Return the client of an engine once it is there. Raises `StartFailed`.

    While the project takes long to start, `on_waiting` is told again and again what it printed
    so far: it may be asking something.
    """
    await started(spawned, on_waiting)
    client = Client(spawned)
    await client.open()
    return client


class Client(Engine):
    """An engine process, over its pipes."""

    def __init__(self, spawned: Spawned) -> None:
        self._lifetime = Lifetime(spawned, self._ended)
        self._connection = Connection(self._changed, self._lifetime.log)

    async def open(self) -> None:
        """Take the pipes over, on the loop that runs."""
        await self._lifetime.open(self._connection)

    async def open_project(self, request: p.OpenProject) -> p.Project:
        return await self._connection.ask("open_project", request, p.Project)

    async def scan_history(self, request: p.ScanHistory) -> p.History:
        return await self._connection.ask("scan_history", request, p.History)

    async def load_history(self, request: p.LoadHistory, on_progress: OnProgress | None = None) -> p.History:
        return await self._connection.ask("load_history", request, p.History, on_progress=on_progress)

    async def render_sql(self, request: p.RenderSql, *, prefetch: bool = False) -> p.Sql:
        return await self._connection.ask("render_sql", request, p.Sql, prefetch=prefetch)

    async def show_migration(self, request: p.ShowMigration, *, prefetch: bool = False) -> p.MigrationDetail:
        return await self._connection.ask("show_migration", request, p.MigrationDetail, prefetch=prefetch)

    async def preview_plan(self, request: p.PreviewPlan) -> p.Plan:
        return await self._connection.ask("preview_plan", request, p.Plan)

    async def measure_plan(self, request: p.MeasurePlan, on_progress: OnProgress | None = None) -> p.Plan:
        return await self._connection.ask("measure_plan", request, p.Plan, on_progress=on_progress)

    async def rehearse_plan(
        self, request: p.RehearsePlan, on_progress: OnProgress | None = None
    ) -> p.Rehearsal:
        return await self._connection.ask("rehearse_plan", request, p.Rehearsal, on_progress=on_progress)

    async def run_plan(self, request: p.RunPlan, on_progress: OnProgress | None = None) -> p.RunFinished:
        asked = self._connection.ask("run_plan", request, p.RunFinished, on_progress=on_progress)
        running = asyncio.ensure_future(asked)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            self.stop_run()
            return await running

    def stop_run(self) -> None:
        self._connection.cancel("run_plan")

    async def list_sessions(self, request: p.ListSessions) -> p.Sessions:
        return await self._connection.ask("list_sessions", request, p.Sessions)

    async def verify_schema(
        self, request: p.VerifySchema, on_progress: OnProgress | None = None
    ) -> p.Verification:
        return await self._connection.ask("verify_schema", request, p.Verification, on_progress=on_progress)

    async def read_file(self, request: p.ReadFile) -> p.MigrationFile:
        return await self._connection.ask("read_file", request, p.MigrationFile)

    async def delete_file(self, request: p.DeleteFile) -> p.FileDeleted:
        return await self._connection.ask("delete_file", request, p.FileDeleted)

    async def restore_file(self, request: p.RestoreFile) -> p.FileRestored:
        return await self._connection.ask("restore_file", request, p.FileRestored)

    async def watch(self, request: p.Watch) -> p.Watching:
        return await self._connection.ask("watch", request, p.Watching)

    async def close(self) -> None:
        # A run that is under way stops where it can, and is not killed where it cannot.
        await self._lifetime.close(kill=not self._connection.is_pending("run_plan"))

    def output(self) -> str:
        """Return the end of what the project printed, for the log."""
        return self._lifetime.output()

    def _changed(self, changed: p.Changed) -> None:
        if self.on_changed is not None:
            self.on_changed(changed)

    def _ended(self, tail: str) -> None:
        if self.on_ended is not None:
            self.on_ended(tail)
