"""The steps of a reset, each as often as it takes until it stands: what stands already is left alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import Protocol

from djmig_tui.protocol import (
    APPLY_THESE,
    FORWARD,
    RESET_DROP,
    RESET_FORGET,
    RESET_MAKE,
    RESET_MIGRATE,
    RESET_PROJECT,
    RESET_RECORD,
    RESET_RECREATE,
    RESET_REMOVE,
    RESET_UNDO,
    ZERO,
    ChangeRecords,
    CountTables,
    DeleteFiles,
    DropTables,
    FileHash,
    History,
    LoadHistory,
    MakeMigrations,
    Migration,
    MigrationFile,
    Plan,
    PreviewPlan,
    PreviewReset,
    Project,
    ReadFiles,
    RecreateDatabase,
    ResetStep,
    ScanHistory,
    VerifySchema,
)

from . import asking
from .engine.api import Engine, OnProgress
from .engine.errors import Failed, Refused, Stale
from .keeping import Keeping
from .state_resets import ResetRecord
from .store import JournalEntry, ResetStore


class Host(Protocol):
    """Whoever takes the steps: a command, or a screen."""

    state: ResetStore

    @property
    def project(self) -> Project | None:
        """The project as the engine of the moment sees it."""

    @property
    def engine(self) -> Engine:
        """The engine of the moment."""

    async def renew(self) -> None:
        """Go on with a fresh engine: the old one ended, or knows the files as they were."""

    def keeping(self, alias: str) -> Keeping:
        """Whose backups those of an alias are."""

    def write(self, entry: JournalEntry) -> None:
        """Write into the journal."""


class Steps:
    """Takes steps of one reset, and writes down what stands."""

    def __init__(self, host: Host, record: ResetRecord, on_progress: OnProgress) -> None:
        self.record = record
        self._host = host
        self._on_progress = on_progress
        #: Alias → the way to zero, with the rows that go: counted before the backup was made.
        self._ways: dict[str, Plan] = {}
        #: Alias → the rows of each table in the backup that was made last.
        self._backed: dict[str, dict[str, int]] = {}

    def keep(self, record: ResetRecord) -> None:
        """Write down what stands by now. Raises `StateError`."""
        self.record = record
        self._host.state.save_reset(record)

    async def take(self, step: ResetStep) -> None:
        """Take one step. Raises `EngineError`; `Untouched` if it failed and has changed nothing."""
        takes = {
            RESET_UNDO: self._undo,
            RESET_DROP: self._drop,
            RESET_RECREATE: self._recreate,
            RESET_FORGET: self._forget,
            RESET_REMOVE: self._remove,
            RESET_MAKE: self._make,
            RESET_MIGRATE: self._migrate,
            RESET_RECORD: self._record,
        }
        if step.action not in takes:
            raise Failed(f"The engine asks for a step that is not known: {step.action}.")
        await takes[step.action](step)

    # -- the steps
    async def _undo(self, step: ResetStep) -> None:
        request = PreviewPlan(step.database, ZERO, self.record.plan.app)
        try:
            await self._run(request, self._ways.get(step.database))
        except Stale as error:
            raise Stale(f"Since the backup was made: {error}") from error

    async def _run(self, request: PreviewPlan, known: Plan | None = None) -> None:
        plan = known or await self._host.engine.preview_plan(request)
        if plan.blockers:
            raise Refused(" ".join(plan.blockers))
        if not plan.steps:
            return
        # Not written down by itself: it is part of the reset, and taken back with it.
        finished = await self._host.engine.run_plan(asking.run(plan), self._on_progress)
        if finished.error or finished.stopped:
            await self._host.renew()
            words = finished.error or "Stopped. What stands can be finished, or put back."
            raise (Untouched if finished.taken_back and not finished.done else Failed)(words)

    async def _drop(self, step: ResetStep) -> None:
        plan = self.record.plan
        fresh = await self._host.engine.preview_reset(PreviewReset(plan.database, plan.kind, plan.app))
        ways = {one.action for one in fresh.steps if one.database == step.database}
        if RESET_DROP in ways:
            await self._refuse_more_rows(step.database, {one.table for one in plan.loss})
            await self._host.engine.drop_tables(DropTables(step.database, str(plan.app), fresh.fingerprint))
        elif RESET_UNDO in ways:
            raise Refused(
                f"{plan.app} can be taken back to zero by now, so its tables are not dropped. "
                "Put everything back, then start over."
            )

    async def _recreate(self, step: ResetStep) -> None:
        if self._host.keeping(step.database).database.vendor == "sqlite":  # servers keep what is replaced
            await self._refuse_more_rows(step.database)
        request = RecreateDatabase(step.database, end_others=True)
        finished = await self._host.engine.recreate_database(request, self._on_progress)
        if not finished.done:
            raise Untouched(finished.error or "The database was not made anew.")
        await self._host.renew()

    async def _refuse_more_rows(self, alias: str, going: Collection[str] = ()) -> None:
        """Raise `Stale` if a table that goes, any of them for (), has more rows than the backup of it."""
        had = self._backed.get(alias)
        if had is None:
            return
        now = (await self._host.engine.count_tables(CountTables(alias), self._on_progress)).tables
        gone = [one for one in now if one.exact and (not going or one.table in going)]
        more = [one for one in gone if one.rows > had.get(one.table, 0)]
        if more:
            said = ", ".join(f"{one.table}: {one.rows} instead of {had.get(one.table, 0)}" for one in more)
            raise Stale(f"Since the backup was made rows were written ({said}): nothing was done; try again.")

    async def _forget(self, step: ResetStep) -> None:
        before = await recorded(self._host.engine, step.database, labels_of(step.keys))
        gone = tuple(key for key in step.keys if key in before)
        if gone:
            await self._host.engine.change_records(ChangeRecords(step.database, before, gone))

    async def _remove(self, step: ResetStep) -> None:
        plan, state = self.record.plan, self._host.state
        history = await self._host.engine.scan_history(ScanHistory(plan.database))
        there = keys_of(history, has_file, labels_of(step.keys))
        self._refuse_others(key for key in there if key not in step.keys)
        keys = tuple(key for key in step.keys if key in there)
        files = (await self._host.engine.read_files(ReadFiles(plan.database, keys))).files
        # All of them are in the trash, and the record knows them, before the first one goes.
        marks = tuple(state.keep_in_trash(file, plan.database).mark for file in files)
        self.keep(replace(self.record, trash=(*self.record.trash, *marks)))
        await delete(self._host.engine, plan.database, plan.kind, files)

    async def _make(self, step: ResetStep) -> None:
        database = self.record.plan.database
        history = await self._host.engine.scan_history(ScanHistory(database))
        found = keys_of(history, has_file, step.apps)
        if not self.record.making:
            self._refuse_others(found)
            self.keep(replace(self.record, making=True))
        elif found:  # it was cut off when it had written some of them
            await self._away(found)
        made = (await self._host.engine.make_migrations(MakeMigrations(database, step.apps))).keys
        await self._host.renew()
        files = (await self._host.engine.read_files(ReadFiles(database, made))).files
        self.keep(replace(self.record, made=hashes_of(files)))

    @staticmethod
    def _refuse_others(keys: Iterable[str]) -> None:
        for key in keys:
            raise Refused(
                f"{key} was not there when this reset began, and would go with the rest. "
                "Move its file out of the project, or put everything back."
            )

    async def _away(self, keys: tuple[str, ...]) -> None:
        """Remove what makemigrations wrote before it was cut off; a copy of it is in the trash."""
        plan, engine = self.record.plan, self._host.engine
        files = (await engine.read_files(ReadFiles(plan.database, keys))).files
        for file in files:
            self._host.state.keep_in_trash(file, plan.database)
        await delete(engine, plan.database, plan.kind, files)
        await self._host.renew()

    async def _migrate(self, step: ResetStep) -> None:
        if self.record.plan.kind == RESET_PROJECT:
            await self._run(PreviewPlan(step.database, FORWARD))
            return
        history = await self._host.engine.load_history(LoadHistory(step.database))
        wanted = {*step.keys, *self._made}
        keys = tuple(key for key in keys_of(history, lambda one: not one.applied) if key in wanted)
        if keys:
            await self._run(PreviewPlan(step.database, APPLY_THESE, keys=keys))

    @property
    def _made(self) -> tuple[str, ...]:
        return tuple(f"{each.app}.{each.name}" for each in self.record.made)

    async def _record(self, step: ResetStep) -> None:
        """Exchange the records, but only if the schema is what the new migrations make."""
        app = self.record.plan.app
        found = await self._host.engine.verify_schema(
            VerifySchema(step.database, app, assume=self._made), self._on_progress
        )
        wrong = [*(each.message for each in found.differences), *(each.message for each in found.half_done)]
        if wrong or found.not_checked:
            raise Disagrees([*wrong, *found.not_checked])
        before = await recorded(self._host.engine, step.database, {str(app)})
        request = ChangeRecords(step.database, before, before, self._made)
        await self._host.engine.change_records(request)


class Disagrees(Refused):
    """The schema is not what the new migrations make, so that nothing was recorded."""

    def __init__(self, differences: list[str]) -> None:
        more = f" (and {len(differences) - 1} more)" if differences[1:] else ""
        super().__init__(
            f"The tables are not what the new migrations make: {differences[0]}{more}",
            "\n".join(differences),
        )


class Untouched(Failed):
    """A step failed and has changed nothing."""


async def recorded(engine: Engine, alias: str, labels: Collection[str]) -> tuple[str, ...]:
    """Return what is recorded of some apps, as "app.name"."""
    history = await engine.scan_history(ScanHistory(alias))
    return keys_of(history, lambda one: one.applied, labels)


async def holds_tables(host: Host, alias: str, on_progress: OnProgress) -> bool:
    """Say whether there is anything to back up: a dump without a table would be refused as no backup."""
    return bool((await host.engine.count_tables(CountTables(alias), on_progress)).tables)


def keys_of(
    history: History, wanted: Callable[[Migration], object], labels: Collection[str] | None = None
) -> tuple[str, ...]:
    """Return "app.name" of the migrations that are `wanted`, of some apps or of all."""
    return tuple(
        f"{app.label}.{one.name}"
        for app in history.apps
        if labels is None or app.label in labels
        for one in app.migrations
        if wanted(one)
    )


def labels_of(keys: Iterable[str]) -> set[str]:
    """Return whose "app.name" these are."""
    return {key.partition(".")[0] for key in keys}


def has_file(migration: Migration) -> bool:
    """Whether there is a file of it."""
    return migration.file is not None


def hashes_of(files: Iterable[MigrationFile]) -> tuple[FileHash, ...]:
    """Return what tells these files, with what is in them, from all others."""
    return tuple(FileHash(file.app, file.name, file.sha256) for file in files)


async def delete(engine: Engine, database: str, kind: str, files: Iterable[MigrationFile]) -> None:
    """Delete these files, as a reset of a kind may. Raises `Failed`, and what the engine refuses."""
    deleted = await engine.delete_files(DeleteFiles(database, kind, hashes_of(files)))
    if deleted.error:
        raise Failed(deleted.error)
