"""What an engine can be asked, as typed methods: the real client and the tests' fake both fit it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from djmig_tui.protocol import (
    BackupMade,
    BackupMeans,
    BeginUpload,
    Changed,
    ChangeRecords,
    CheckBackup,
    CountTables,
    DeleteFile,
    DeleteFiles,
    DropKept,
    DropTables,
    DropUpload,
    FileDeleted,
    FileRestored,
    FilesDeleted,
    FilesRestored,
    History,
    KeepRows,
    Kept,
    ListKept,
    ListSessions,
    LoadHistory,
    MakeBackup,
    MakeMigrations,
    MatchRows,
    MeasurePlan,
    MigrationDetail,
    MigrationFile,
    MigrationFiles,
    MigrationsMade,
    OpenProject,
    Plan,
    PreviewPlan,
    PreviewRemoval,
    PreviewReset,
    PreviewRestore,
    Progress,
    Project,
    PutRowsBack,
    ReadFile,
    ReadFiles,
    RecordsChanged,
    RecreateDatabase,
    Rehearsal,
    RehearsePlan,
    Removal,
    RenderSql,
    ResetPlan,
    RestoreBackup,
    RestoreFile,
    RestoreFiles,
    RestoreFinished,
    RowsMatched,
    RunFinished,
    RunPlan,
    ScanHistory,
    SendChunk,
    Sessions,
    ShowMigration,
    Sql,
    SwapKept,
    TablesCounted,
    TablesDropped,
    Uploaded,
    Verification,
    VerifySchema,
    Watch,
    Watching,
)

OnProgress = Callable[[Progress], None]
OnChanged = Callable[[Changed], None]
#: Takes the bytes of an answer as they come. What it raises cancels the request and is raised by it.
OnChunk = Callable[[bytes], None]
#: Keeps rows that a run is about to drop, in a thread; what it raises makes the run fail with these words.
OnKeep = Callable[[KeepRows], None]


class Engine(ABC):
    """One engine process. Cancelling an awaiting task cancels the request in the engine.

    Every method raises `EngineError` (its subclasses say which kind), see `tui.engine.errors`.
    """

    #: Called on the event loop when the project or its records changed behind our back.
    on_changed: OnChanged | None = None
    #: Called on the event loop, once, when the process ends unasked; with the tail of its output.
    on_ended: Callable[[str], None] | None = None

    @abstractmethod
    async def open_project(self, request: OpenProject) -> Project: ...

    @abstractmethod
    async def scan_history(self, request: ScanHistory) -> History: ...

    @abstractmethod
    async def load_history(self, request: LoadHistory, on_progress: OnProgress | None = None) -> History: ...

    @abstractmethod
    async def render_sql(self, request: RenderSql, *, prefetch: bool = False) -> Sql: ...

    @abstractmethod
    async def show_migration(self, request: ShowMigration, *, prefetch: bool = False) -> MigrationDetail: ...

    @abstractmethod
    async def preview_plan(self, request: PreviewPlan) -> Plan: ...

    @abstractmethod
    async def measure_plan(self, request: MeasurePlan, on_progress: OnProgress | None = None) -> Plan:
        """Count; what is known so far comes as `Progress.plan`."""

    @abstractmethod
    async def rehearse_plan(self, request: RehearsePlan, on_progress: OnProgress | None = None) -> Rehearsal:
        """Run and take back. An engine that ran anything ends after its answer, or after a cancel."""

    @abstractmethod
    async def run_plan(
        self, request: RunPlan, on_progress: OnProgress | None = None, on_keep: OnKeep | None = None
    ) -> RunFinished:
        """Run it; `on_keep` keeps the rows that are dropped, if the request says so.

        Cancelling asks the run to stop; the answer still comes, and says what stands.

        So this one shields itself: use `stop_run` to ask, and await the result as usual.
        """

    @abstractmethod
    def stop_run(self) -> None:
        """Ask the run under way, if any, to stop at the next moment where it can."""

    @abstractmethod
    async def list_sessions(self, request: ListSessions) -> Sessions: ...

    @abstractmethod
    async def verify_schema(
        self, request: VerifySchema, on_progress: OnProgress | None = None
    ) -> Verification: ...

    @abstractmethod
    async def read_file(self, request: ReadFile) -> MigrationFile: ...

    @abstractmethod
    async def preview_removal(
        self, request: PreviewRemoval, on_progress: OnProgress | None = None
    ) -> Removal: ...

    @abstractmethod
    async def delete_file(self, request: DeleteFile) -> FileDeleted: ...

    @abstractmethod
    async def restore_file(self, request: RestoreFile) -> FileRestored: ...

    @abstractmethod
    async def check_backup(self, request: CheckBackup) -> BackupMeans: ...

    @abstractmethod
    async def make_backup(
        self, request: MakeBackup, on_chunk: OnChunk, on_progress: OnProgress | None = None
    ) -> BackupMade:
        """Have every byte of a backup handed to `on_chunk`, in order, before the answer."""

    @abstractmethod
    async def count_tables(
        self, request: CountTables, on_progress: OnProgress | None = None
    ) -> TablesCounted: ...

    @abstractmethod
    async def begin_upload(self, request: BeginUpload) -> Uploaded: ...

    @abstractmethod
    async def send_chunk(self, request: SendChunk) -> Uploaded: ...

    @abstractmethod
    async def drop_upload(self, request: DropUpload) -> Uploaded: ...

    @abstractmethod
    async def preview_restore(
        self, request: PreviewRestore, on_progress: OnProgress | None = None
    ) -> Plan: ...

    @abstractmethod
    async def restore_backup(
        self, request: RestoreBackup, on_progress: OnProgress | None = None
    ) -> RestoreFinished:
        """Shielded as `run_plan` is. The engine ends after its answer if anything was replaced."""

    @abstractmethod
    async def list_kept(self, request: ListKept) -> Kept: ...

    @abstractmethod
    async def drop_kept(self, request: DropKept) -> Kept: ...

    @abstractmethod
    async def swap_kept(
        self, request: SwapKept, on_progress: OnProgress | None = None
    ) -> RestoreFinished: ...

    @abstractmethod
    async def preview_reset(self, request: PreviewReset) -> ResetPlan: ...

    @abstractmethod
    async def recreate_database(
        self, request: RecreateDatabase, on_progress: OnProgress | None = None
    ) -> RestoreFinished:
        """Shielded as `run_plan` is. The engine ends after its answer if anything was replaced."""

    @abstractmethod
    async def read_files(self, request: ReadFiles) -> MigrationFiles: ...

    @abstractmethod
    async def delete_files(self, request: DeleteFiles) -> FilesDeleted: ...

    @abstractmethod
    async def restore_files(self, request: RestoreFiles) -> FilesRestored: ...

    @abstractmethod
    async def change_records(self, request: ChangeRecords) -> RecordsChanged: ...

    @abstractmethod
    async def make_migrations(self, request: MakeMigrations) -> MigrationsMade:
        """The engine ends after its answer: it knows the files as they were."""

    @abstractmethod
    async def drop_tables(self, request: DropTables) -> TablesDropped: ...

    @abstractmethod
    async def match_rows(self, request: MatchRows, on_progress: OnProgress | None = None) -> RowsMatched: ...

    @abstractmethod
    async def put_rows_back(
        self, request: PutRowsBack, on_progress: OnProgress | None = None
    ) -> RowsMatched: ...

    @abstractmethod
    async def watch(self, request: Watch) -> Watching: ...

    @abstractmethod
    async def close(self) -> None:
        """End the process (EOF, then kill after 5 s)."""
