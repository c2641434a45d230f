"""Takes a reset step by step; what stands is written down, so that it can be finished or put back."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Protocol

from djmig_tui.protocol import (
    APPLY_THESE,
    FORWARD,
    RESET_DROP,
    RESET_FORGET,
    RESET_KEEPING,
    RESET_MAKE,
    RESET_MIGRATE,
    RESET_PROJECT,
    RESET_RECORD,
    RESET_RECREATE,
    RESET_REMOVE,
    RESET_UNDO,
    ZERO,
    ChangeRecords,
    DeleteFiles,
    DropTables,
    FileHash,
    History,
    LoadHistory,
    MakeMigrations,
    PreviewPlan,
    PreviewReset,
    ReadFiles,
    RecreateDatabase,
    ResetPlan,
    ResetStep,
    ScanHistory,
    VerifySchema,
)

from . import asking, backups
from .engine.api import Engine, OnProgress
from .engine.errors import Failed, Refused
from .journal import DONE, FAILED, RESET, Deed, new_id, now
from .keeping import Keeping
from .reset_words import about, command
from .state_resets import Backed, ResetRecord
from .store import JournalEntry, ResetStore, StateError


class Host(Protocol):
    """Whoever takes the steps: a command, or a screen."""

    state: ResetStore

    @property
    def engine(self) -> Engine:
        """The engine of the moment."""

    async def renew(self) -> None:
        """Go on with a fresh engine: the old one ended, or knows the files as they were."""

    def keeping(self, alias: str) -> Keeping:
        """Whose backups those of an alias are."""

    def write(self, entry: JournalEntry) -> None:
        """Write into the journal."""


#: Why a reset is not finished or put back as it was shown.
OTHERWISE = "Another djmig-tui went on with this reset meanwhile, or ended it: nothing was done; look again."

OnStep = Callable[[int, ResetStep], None]


class Reset:
    """One reset, from wherever it stands."""

    def __init__(self, host: Host, record: ResetRecord, on_step: OnStep, on_progress: OnProgress) -> None:
        self.record = record
        self._host = host
        self._on_step = on_step
        self._on_progress = on_progress

    async def go_on(self) -> None:
        """Take the steps that are left. Raises `EngineError`; what stands is in the record."""
        plan = self.record.plan
        if self.record.going_back:
            raise Refused(
                "It was being put back when that was cut off, so it cannot be finished: put it back."
            )
        with alone(self._host.state):
            if self._host.state.reset_under_way() != self.record:
                raise Refused(OTHERWISE)
            await self._take_all(plan)

    async def _take_all(self, plan: ResetPlan) -> None:
        deed = Deed(
            self._host.write, RESET, plan.database, command(plan), steps=_keys(plan), id=self.record.id
        )
        deed.begin()
        try:
            await self._back_up()
            for number, step in enumerate(plan.steps):
                if number >= self.record.done:
                    self._on_step(number, step)
                    await self._take(step)
                    self._keep(replace(self.record, done=number + 1))
        except BaseException as error:
            deed.end(FAILED, str(error), steps=())
            if isinstance(error, StateError):
                raise Failed(str(error)) from error
            raise
        self._host.state.finish_reset()
        deed.end(DONE, plan.title, steps=_keys(plan))

    def _keep(self, record: ResetRecord) -> None:
        self.record = record
        self._host.state.save_reset(record)

    async def _back_up(self) -> None:
        """Make a backup of each database that a step changes, before the first one."""
        have = {each.database for each in self.record.backups}
        aliases = dict.fromkeys(step.database for step in self.record.plan.steps if step.database)
        for alias in aliases:
            if alias not in have and not self.record.done:
                title = f"before: {self.record.plan.title}"
                entry = await backups.make(self._host.keeping(alias), title, self._on_progress)
                self._keep(replace(self.record, backups=(*self.record.backups, Backed(alias, entry.id))))

    async def _take(self, step: ResetStep) -> None:
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
        await self._run(PreviewPlan(step.database, ZERO, self.record.plan.app))

    async def _run(self, request: PreviewPlan) -> None:
        plan = await self._host.engine.preview_plan(request)
        if plan.blockers:
            raise Refused(" ".join(plan.blockers))
        if not plan.steps:
            return
        # Not written down by itself: it is part of the reset, and taken back with it.
        finished = await self._host.engine.run_plan(asking.run(plan), self._on_progress)
        if finished.error or finished.stopped:
            await self._host.renew()
            raise Failed(finished.error or "Stopped. What stands can be finished, or put back.")

    async def _drop(self, step: ResetStep) -> None:
        plan = self.record.plan
        fresh = await self._host.engine.preview_reset(PreviewReset(plan.database, plan.kind, plan.app))
        if any(one.action == RESET_DROP and one.database == step.database for one in fresh.steps):
            await self._host.engine.drop_tables(DropTables(step.database, str(plan.app), fresh.fingerprint))

    async def _recreate(self, step: ResetStep) -> None:
        request = RecreateDatabase(step.database, end_others=True)
        finished = await self._host.engine.recreate_database(request, self._on_progress)
        if not finished.done:
            raise Failed(finished.error or "The database was not made anew.")
        await self._host.renew()

    async def _forget(self, step: ResetStep) -> None:
        labels = {key.partition(".")[0] for key in step.keys}
        before = await self._recorded(step.database, labels)
        gone = tuple(key for key in step.keys if key in before)
        if gone:
            await self._host.engine.change_records(ChangeRecords(step.database, before, gone))

    async def _recorded(self, alias: str, labels: set[str]) -> tuple[str, ...]:
        history = await self._host.engine.scan_history(ScanHistory(alias))
        return tuple(
            f"{app.label}.{one.name}"
            for app in history.apps
            if app.label in labels
            for one in app.migrations
            if one.applied
        )

    async def _remove(self, step: ResetStep) -> None:
        plan, state = self.record.plan, self._host.state
        there = _files(await self._host.engine.scan_history(ScanHistory(plan.database)))
        keys = tuple(key for key in step.keys if key in there)
        files = (await self._host.engine.read_files(ReadFiles(plan.database, keys))).files
        # All of them are in the trash, and the record knows them, before the first one goes.
        marks = tuple(state.keep_in_trash(file, plan.database).mark for file in files)
        self._keep(replace(self.record, trash=(*self.record.trash, *marks)))
        hashes = tuple(FileHash(file.app, file.name, file.sha256) for file in files)
        deleted = await self._host.engine.delete_files(DeleteFiles(plan.database, plan.kind, hashes))
        if deleted.error:
            raise Failed(deleted.error)

    async def _make(self, step: ResetStep) -> None:
        database = self.record.plan.database
        there = _files(await self._host.engine.scan_history(ScanHistory(database)))
        made = tuple(key for key in there if key.partition(".")[0] in step.apps)
        if not made:
            made = (await self._host.engine.make_migrations(MakeMigrations(database, step.apps))).keys
        await self._host.renew()
        files = (await self._host.engine.read_files(ReadFiles(database, made))).files
        hashes = tuple(FileHash(file.app, file.name, file.sha256) for file in files)
        self._keep(replace(self.record, made=hashes))

    async def _migrate(self, step: ResetStep) -> None:
        if self.record.plan.kind == RESET_PROJECT:
            await self._run(PreviewPlan(step.database, FORWARD))
            return
        history = await self._host.engine.load_history(LoadHistory(step.database))
        wanted = {*step.keys, *self._made}
        keys = tuple(key for key in _unapplied(history) if key in wanted)
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
        before = await self._recorded(step.database, {str(app)})
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


@contextlib.contextmanager
def alone(state: ResetStore) -> Iterator[None]:
    """Be the only one at a reset of this project. Raises `Refused` while another process is."""
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(state.hold_reset())
        except OSError as error:
            raise Refused(str(error)) from error
        yield


def begin(state: ResetStore, plan: ResetPlan) -> ResetRecord:
    """Keep the record of a reset that is about to begin, and return it.

    Raises `Refused` if another one is under way, `StateError` if it cannot be kept.
    """
    with alone(state):
        if (under_way := state.reset_under_way()) is not None:
            raise Refused(f"{about(under_way)} That one comes first.")
        record = ResetRecord(new_id(), now(), plan)
        state.save_reset(record)
    return record


def puts_itself_back(record: ResetRecord) -> bool:
    """Say whether a failure of this reset is answered by putting everything back unasked."""
    return record.plan.kind == RESET_KEEPING


def _files(history: History) -> tuple[str, ...]:
    return tuple(
        f"{app.label}.{one.name}" for app in history.apps for one in app.migrations if one.file is not None
    )


def _unapplied(history: History) -> tuple[str, ...]:
    return tuple(
        f"{app.label}.{one.name}" for app in history.apps for one in app.migrations if not one.applied
    )


def _keys(plan: ResetPlan) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(key for step in plan.steps if step.action == RESET_REMOVE for key in step.keys)
    )
