"""Runs a confirmed plan with its journal: for the screens and for the commands for scripts."""

from __future__ import annotations

from collections.abc import Callable

from djmig_tui.protocol import Plan, RunFinished, ScanHistory

from . import asking
from .engine.api import Engine, OnProgress
from .engine.errors import EngineEnded, EngineError, Refused, Stale
from .journal import DONE, FAILED, REFUSED, STOPPED, Deed, digest, recorded
from .kept_rows import RowsKept
from .store import JournalEntry


def command_of(plan: Plan) -> str:
    """Return what the journal calls a plan: the commands that do the same, or its title."""
    return " && ".join(plan.commands) or plan.title


async def run_recorded(
    engine: Engine,
    write: Callable[[JournalEntry], None],
    plan: Plan,
    on_progress: OnProgress | None = None,
    *,
    takes_back: str = "",
    backup: str = "",
    kept: RowsKept | None = None,
) -> RunFinished:
    """Run a plan. `backup` was made before it; `takes_back` is the action whose taking back it is.

    `kept` keeps the rows that it drops.
    """
    steps = [f"{step.app}.{step.name}" for step in plan.steps]
    deed = Deed(
        write, asking.action_of(plan), plan.database, command_of(plan), steps=steps, takes_back=takes_back
    )
    deed.begin()
    try:
        request = asking.run(plan)
        if kept is not None:
            finished = await kept.run(engine, request, on_progress)
        else:
            finished = await engine.run_plan(request, on_progress)
    except EngineEnded:
        raise  # the run has no end in the journal: the next start says what became of it
    except EngineError as error:
        deed.end(outcome_of(error), str(error), backup=backup)
        raise
    stands = [f"{one.app}.{one.name}" for one in finished.done]
    good = not finished.error and not finished.stopped
    deed.end(
        DONE if good else FAILED if finished.error else STOPPED,
        finished.error or ", ".join(stands),
        steps=stands,
        records=await _records(engine, plan.database) if good else "",
        backup=backup,
    )
    return finished


async def _records(engine: Engine, database: str) -> str:
    """Return the digest of the records as they are, "" where they cannot be read."""
    try:
        return digest(recorded(await engine.scan_history(ScanHistory(database))))
    except EngineError:
        return ""


def outcome_of(error: EngineError) -> str:
    """Return how an action ended that raised `error`."""
    return REFUSED if isinstance(error, Refused | Stale) else FAILED
