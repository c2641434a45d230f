"""Takes a reset step by step; what stands is written down, so that it can be finished or put back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from djmig_tui.protocol import (
    RESET_DROP,
    RESET_KEEPING,
    RESET_RECREATE,
    RESET_REMOVE,
    RESET_UNDO,
    ZERO,
    PreviewPlan,
    ResetPlan,
    ResetStep,
)

from . import asking, backups
from .engine.api import OnProgress
from .engine.errors import Failed, Refused, Stale
from .journal import DONE, FAILED, RESET, Deed
from .reset_ground import OTHERWISE, alone, expect_same
from .reset_steps import Host, Steps, Untouched, holds_tables
from .reset_words import command
from .state_resets import Backed, ResetRecord
from .store import BackupEntry, StateError

#: Steps that take rows with them.
_TAKING = frozenset({RESET_UNDO, RESET_DROP, RESET_RECREATE})

OnStep = Callable[[int, ResetStep], None]


class Reset(Steps):
    """One reset, from wherever it stands."""

    def __init__(self, host: Host, record: ResetRecord, on_step: OnStep, on_progress: OnProgress) -> None:
        super().__init__(host, record, on_progress)
        self._on_step = on_step

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
            expect_same(self._host.project, self.record)
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
                    await self._begin(step)
                    self.keep(replace(self.record, done=number + 1))
        except BaseException as error:
            deed.end(FAILED, str(error), steps=())
            if isinstance(error, StateError):
                raise Failed(str(error)) from error
            raise
        self._host.state.finish_reset()
        deed.end(DONE, plan.title, steps=_keys(plan))

    async def _begin(self, step: ResetStep) -> None:
        """Take a step, and write down if it was refused: nothing has to be put back of it then."""
        if self.record.untouched:
            self.keep(replace(self.record, untouched=False))
        try:
            await self.take(step)
        except (Refused, Stale, Untouched):
            self.keep(replace(self.record, untouched=True))
            raise

    async def _back_up(self) -> None:
        """Make a backup of each database that a step changes, before the first one.

        What is written after it, until rows go, makes that step stop. Whoever goes on later has written
        more: another one is made, and the first one is still what leads back.
        """
        have = {each.database: each.backup for each in self.record.backups}
        left = self.record.plan.steps[self.record.done :]
        taking = dict.fromkeys(step.database for step in left if step.action in _TAKING)
        for alias in dict.fromkeys(step.database for step in self.record.plan.steps if step.database):
            if any(step.database == alias and step.action == RESET_UNDO for step in left):
                await self._count(alias)
            keeping = self._host.keeping(alias)
            if alias not in have and not self.record.done:
                title = f"before: {self.record.plan.title}"
                entry = await backups.make(keeping, title, self._on_progress)
                self._backed[alias] = _rows(entry)
                self.keep(replace(self.record, backups=(*self.record.backups, Backed(alias, entry.id))))
            elif alias in taking and await holds_tables(self._host, alias, self._on_progress):
                title = f"before going on: {self.record.plan.title}"
                entry = await backups.make(keeping, title, self._on_progress, spare=have.get(alias, ""))
                self._backed[alias] = _rows(entry)

    async def _count(self, alias: str) -> None:
        plan = await self._host.engine.preview_plan(PreviewPlan(alias, ZERO, self.record.plan.app))
        if plan.steps and not plan.blockers:
            self._ways[alias] = await self._host.engine.measure_plan(asking.measure(plan), self._on_progress)


def _rows(entry: BackupEntry) -> dict[str, int]:
    return {one.table: one.rows for one in entry.tables}


def puts_itself_back(record: ResetRecord) -> bool:
    """Say whether a failure of this reset is answered by putting everything back unasked."""
    return record.plan.kind == RESET_KEEPING


def _keys(plan: ResetPlan) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(key for step in plan.steps if step.action == RESET_REMOVE for key in step.keys)
    )
