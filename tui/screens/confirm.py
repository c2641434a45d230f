"""Asks whether a plan is really to be run: what it takes, and the database's name where that matters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from djmig_tui.protocol import FAILS, Database, Plan, RowsMatched

from .. import putting_back
from ..describe import bullets
from ..describe_plan import what_it_takes
from ..guards import name_to_type, needs_second_yes, why_type_the_name, why_with_care
from ..store import KeptEntry
from ..text import one_line
from ..widgets.bars import place_of
from .ask import AskScreen

if TYPE_CHECKING:
    from ..app import DjmigApp


def confirm_run(
    app: DjmigApp,
    plan: Plan,
    answered: Callable[[bool], None],
    *,
    reasons: Sequence[str] = (),
    yes: str = "Run it",
) -> None:
    """Call `answered` with True at once where nothing is at stake, else with the answer to a question.

    `reasons` are further lines that must be read before the answer.
    """
    database = app.session.database_of(plan.database)
    typed = why_type_the_name(plan, app.session.project, database)
    if not typed and not reasons and not needs_second_yes(plan):
        answered(True)
        return
    fails = plan.verdict == FAILS
    title = "It will fail. Try it all the same?" if fails else f"Really? {one_line(plan.title, 300)}"
    lines = [*what_it_takes(plan, [*typed, *reasons]), Content(), _where(plan.database, database)]
    screen = AskScreen(
        title,
        lines,
        "Try it anyway" if fails else yes,
        name_to_type=name_to_type(plan.database, database) if typed else "",
    )
    app.push_screen(screen, lambda answer: answered(bool(answer)))


def confirm_put_back(
    app: DjmigApp, entry: KeptEntry, found: RowsMatched, answered: Callable[[bool], None]
) -> None:
    """Call `answered` with the answer to whether what matches of kept rows is put back."""
    database = app.session.database_of(entry.database)
    careful = why_with_care(app.session.project, database)
    beware = list(careful)
    if database is not None and (database.name, database.host) != (entry.name, entry.host):
        was = f"{entry.name} on {entry.host}" if entry.host else entry.name
        beware.append(f"They were kept of another database: {was}.")
    lines = [
        *bullets(beware, "▲", "$warning"),
        *putting_back.told("What matches", found),
        Content("The rows in one transaction. What is there already stays as it is."),
        _where(entry.database, database),
    ]
    screen = AskScreen(
        f"Put back {putting_back.number(found)}?",
        lines,
        "Put back",
        name_to_type=name_to_type(entry.database, database) if careful else "",
    )
    app.push_screen(screen, lambda answer: answered(bool(answer)))


def _where(alias: str, database: Database | None) -> Content:
    if database is None:
        return Content(f"On {one_line(alias)}.")
    where = "on this machine" if database.local else "REMOTE"
    return Content.assemble("On ", (one_line(place_of(database)), "bold"), f", {where}.")
