"""Finds out what a reset, or putting one back, meets in the databases: rows, others, how to back up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from djmig_tui.protocol import (
    RESET_DROP,
    RESET_RECREATE,
    RESET_UNDO,
    BackupMeans,
    CountTables,
    ListSessions,
    ResetPlan,
    Sessions,
    TableRows,
)

from . import backups
from .engine.api import Engine
from .engine.errors import EngineError

if TYPE_CHECKING:
    from .session import Session

#: Steps that take rows away.
_TAKE_ROWS = frozenset({RESET_UNDO, RESET_DROP, RESET_RECREATE})


@dataclass(frozen=True)
class Stakes:
    """What was found, by alias."""

    rows: Mapping[str, tuple[TableRows, ...] | None] = field(default_factory=dict)  # None: not counted
    means: Mapping[str, BackupMeans] = field(default_factory=dict)
    others: Sessions = field(default_factory=Sessions)

    @property
    def no_backup(self) -> str:
        """Why a backup that has to come first cannot be made; "" if all of them can."""
        return next((f"{alias}: {one.why_not}" for alias, one in self.means.items() if one.why_not), "")


def databases(plan: ResetPlan) -> list[str]:
    """Return the aliases that a reset changes: of each one a backup is made first."""
    return list(dict.fromkeys(step.database for step in plan.steps if step.database))


def losing(plan: ResetPlan) -> list[str]:
    """Return the aliases on which rows go."""
    return list(dict.fromkeys(step.database for step in plan.steps if step.action in _TAKE_ROWS))


async def look(session: Session, plan: ResetPlan) -> Stakes:
    """Ask about the databases that a reset changes. Raises `EngineError`."""
    aliases = databases(plan)
    rows = {alias: await _count(session, alias) for alias in losing(plan)}
    means = {alias: await backups.means(session.keeping(alias)) for alias in aliases}
    return Stakes(rows, means, await others(session.engine, aliases))


async def _count(session: Session, alias: str) -> tuple[TableRows, ...] | None:
    try:
        return (await session.engine.count_tables(CountTables(alias))).tables
    except EngineError:  # what goes is named all the same
        return None


async def others(engine: Engine, aliases: Iterable[str]) -> Sessions:
    """Return who else is connected to any of the databases."""
    found: list[Sessions] = []
    for alias in aliases:
        try:
            found.append(await engine.list_sessions(ListSessions(alias)))
        except EngineError as error:
            found.append(Sessions(why_not=f"Who else is connected to {alias} cannot be told: {error}"))
    why = " ".join(dict.fromkeys(one.why_not for one in found if one.why_not))
    return Sessions(tuple(each for one in found for each in one.sessions), why_not=why)
