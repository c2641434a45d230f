"""`--last-run`: what was applied together last, by our journal or by the pauses between the records."""

from __future__ import annotations

from djmig_tui.protocol import PreviewPlan

from ..applied_runs import applied, errand, how_known, request, runs
from ..logbook import RECENT
from ..taking_back import Errand
from .answer import CommandError
from .session import Session, database_problem


async def last_run(session: Session) -> tuple[PreviewPlan, Errand]:
    """Return the intent to undo the last run, and what to say of it. Raises `CommandError` without one."""
    history = await session.history()
    problem = database_problem(history)
    if problem:
        raise CommandError(problem)
    database = session.options.database
    found = runs(applied(history), session.state.entries(RECENT), database)
    if not found:
        raise CommandError(f"Nothing is applied on {database}, so there is no last run.")
    asked = request(found[0].records, database)
    if not asked.keys:
        raise CommandError(
            "The files of all that was applied last are gone: put them back first (git, or z)."
        )
    return asked, errand(found[0].records, None, how_known(found[0]))
