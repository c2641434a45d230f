"""The real engine: everything that it can be asked, one typed stub each, on one screen."""

from __future__ import annotations

import asyncio
from typing import TypeVar

from djmig_tui import protocol as p

from .api import Engine, OnChunk, OnKeep, OnProgress
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


#: Writes that take their time: asked to stop where they can, never killed where they cannot.
_LONG_WRITES = ("run_plan", "restore_backup", "swap_kept", "recreate_database", "put_rows_back")

T = TypeVar("T")


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

    async def run_plan(
        self, request: p.RunPlan, on_progress: OnProgress | None = None, on_keep: OnKeep | None = None
    ) -> p.RunFinished:
        return await self._to_its_end("run_plan", request, p.RunFinished, on_progress, on_keep)

    async def _to_its_end(
        self,
        method: str,
        request: object,
        reply: type[T],
        on_progress: OnProgress | None,
        on_keep: OnKeep | None = None,
    ) -> T:
        """Ask for a write. A cancel asks it to stop, and its answer, which says what stands, still comes."""
        asked = self._connection.ask(method, request, reply, on_progress=on_progress, on_keep=on_keep)
        running = asyncio.ensure_future(asked)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            self._connection.cancel(method)
            return await running

    def stop_run(self) -> None:
        for method in _LONG_WRITES:
            self._connection.cancel(method)

    async def list_sessions(self, request: p.ListSessions) -> p.Sessions:
        return await self._connection.ask("list_sessions", request, p.Sessions)

    async def verify_schema(
        self, request: p.VerifySchema, on_progress: OnProgress | None = None
    ) -> p.Verification:
        return await self._connection.ask("verify_schema", request, p.Verification, on_progress=on_progress)

    async def read_file(self, request: p.ReadFile) -> p.MigrationFile:
        return await self._connection.ask("read_file", request, p.MigrationFile)

    async def preview_removal(
        self, request: p.PreviewRemoval, on_progress: OnProgress | None = None
    ) -> p.Removal:
        return await self._connection.ask("preview_removal", request, p.Removal, on_progress=on_progress)

    async def delete_file(self, request: p.DeleteFile) -> p.FileDeleted:
        return await self._connection.ask("delete_file", request, p.FileDeleted)

    async def restore_file(self, request: p.RestoreFile) -> p.FileRestored:
        return await self._connection.ask("restore_file", request, p.FileRestored)

    async def check_backup(self, request: p.CheckBackup) -> p.BackupMeans:
        return await self._connection.ask("check_backup", request, p.BackupMeans)

    async def make_backup(
        self, request: p.MakeBackup, on_chunk: OnChunk, on_progress: OnProgress | None = None
    ) -> p.BackupMade:
        return await self._connection.ask(
            "make_backup", request, p.BackupMade, on_progress=on_progress, on_chunk=on_chunk
        )

    async def count_tables(
        self, request: p.CountTables, on_progress: OnProgress | None = None
    ) -> p.TablesCounted:
        return await self._connection.ask("count_tables", request, p.TablesCounted, on_progress=on_progress)

    async def begin_upload(self, request: p.BeginUpload) -> p.Uploaded:
        return await self._connection.ask("begin_upload", request, p.Uploaded)

    async def send_chunk(self, request: p.SendChunk) -> p.Uploaded:
        return await self._connection.ask("send_chunk", request, p.Uploaded)

    async def drop_upload(self, request: p.DropUpload) -> p.Uploaded:
        return await self._connection.ask("drop_upload", request, p.Uploaded)

    async def preview_restore(
        self, request: p.PreviewRestore, on_progress: OnProgress | None = None
    ) -> p.Plan:
        return await self._connection.ask("preview_restore", request, p.Plan, on_progress=on_progress)

    async def restore_backup(
        self, request: p.RestoreBackup, on_progress: OnProgress | None = None
    ) -> p.RestoreFinished:
        return await self._to_its_end("restore_backup", request, p.RestoreFinished, on_progress)

    async def list_kept(self, request: p.ListKept) -> p.Kept:
        return await self._connection.ask("list_kept", request, p.Kept)

    async def drop_kept(self, request: p.DropKept) -> p.Kept:
        return await self._connection.ask("drop_kept", request, p.Kept)

    async def swap_kept(
        self, request: p.SwapKept, on_progress: OnProgress | None = None
    ) -> p.RestoreFinished:
        return await self._to_its_end("swap_kept", request, p.RestoreFinished, on_progress)

    async def preview_reset(self, request: p.PreviewReset) -> p.ResetPlan:
        return await self._connection.ask("preview_reset", request, p.ResetPlan)

    async def recreate_database(
        self, request: p.RecreateDatabase, on_progress: OnProgress | None = None
    ) -> p.RestoreFinished:
        return await self._to_its_end("recreate_database", request, p.RestoreFinished, on_progress)

    async def read_files(self, request: p.ReadFiles) -> p.MigrationFiles:
        return await self._connection.ask("read_files", request, p.MigrationFiles)

    async def delete_files(self, request: p.DeleteFiles) -> p.FilesDeleted:
        return await self._connection.ask("delete_files", request, p.FilesDeleted)

    async def restore_files(self, request: p.RestoreFiles) -> p.FilesRestored:
        return await self._connection.ask("restore_files", request, p.FilesRestored)

    async def change_records(self, request: p.ChangeRecords) -> p.RecordsChanged:
        return await self._connection.ask("change_records", request, p.RecordsChanged)

    async def make_migrations(self, request: p.MakeMigrations) -> p.MigrationsMade:
        return await self._connection.ask("make_migrations", request, p.MigrationsMade)

    async def drop_tables(self, request: p.DropTables) -> p.TablesDropped:
        return await self._connection.ask("drop_tables", request, p.TablesDropped)

    async def match_rows(self, request: p.MatchRows, on_progress: OnProgress | None = None) -> p.RowsMatched:
        return await self._connection.ask("match_rows", request, p.RowsMatched, on_progress=on_progress)

    async def put_rows_back(
        self, request: p.PutRowsBack, on_progress: OnProgress | None = None
    ) -> p.RowsMatched:
        return await self._to_its_end("put_rows_back", request, p.RowsMatched, on_progress)

    async def watch(self, request: p.Watch) -> p.Watching:
        return await self._connection.ask("watch", request, p.Watching)

    async def close(self) -> None:
        # A run that is under way stops where it can, and is not killed where it cannot.
        await self._lifetime.close(kill=not any(map(self._connection.is_pending, _LONG_WRITES)))

    def output(self) -> str:
        """Return the end of what the project printed, for the log."""
        return self._lifetime.output()

    def _changed(self, changed: p.Changed) -> None:
        if self.on_changed is not None:
            self.on_changed(changed)

    def _ended(self, tail: str) -> None:
        if self.on_ended is not None:
            self.on_ended(tail)
