"""On what ground a reset stands: one at a time, in development, on the databases that it began on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from djmig_tui.protocol import Database, Project, ResetPlan

from .engine.errors import Refused
from .journal import new_id, now
from .reset_words import about
from .state_resets import ResetRecord
from .store import ResetStore, StateError

#: Why a reset is not finished or put back as it was shown.
OTHERWISE = "Another djmig-tui went on with this reset meanwhile, or ended it: nothing was done; look again."


def alone(state: ResetStore) -> contextlib.ExitStack:
    """Be the only one at a reset of this project, until it is left. Raises `Refused` while another is."""
    held = contextlib.ExitStack()
    try:
        held.enter_context(state.hold_reset())
    except OSError as error:
        raise Refused(str(error)) from error
    return held


def forget_unless_taken(state: ResetStore, record: ResetRecord) -> bool:
    """Forget a reset that only made backups; say whether that was done: not if another took it over."""
    try:
        with alone(state):
            if state.reset_under_way() != record:
                return False
            state.forget_reset()
    except (Refused, StateError):  # it is told as cut off, and can be put back
        return False
    return True


def begin(state: ResetStore, plan: ResetPlan, databases: Iterable[Database]) -> ResetRecord:
    """Keep the record of a reset that is about to begin, and return it. `databases` are the project's.

    Raises `Refused` if another one is under way, `StateError` if it cannot be kept.
    """
    with alone(state):
        if (under_way := state.reset_under_way()) is not None:
            raise Refused(f"{about(under_way)} That one comes first.")
        aliases = {plan.database, *(step.database for step in plan.steps)}
        begun_on = tuple(one for one in databases if one.alias in aliases)
        record = ResetRecord(new_id(), now(), plan, databases=begun_on)
        state.save_reset(record)
    return record


def expect_same(project: Project | None, record: ResetRecord) -> None:
    """Raise `Refused` unless the databases are those that a reset began on, and this is development."""
    if project is None or not project.debug:
        raise Refused("DEBUG is off in these settings: a reset is for development only.")
    now = {one.alias: one for one in project.databases}
    for began in record.databases:
        here = now.get(began.alias)
        if here is None or (here.vendor, here.name, here.host) != (began.vendor, began.name, began.host):
            named = f"{_place(here)} now" if here is not None else "not there any more"
            raise Refused(
                f"The reset began on {_place(began)}; the alias {began.alias} is {named}. "
                "Nothing was done: point it back at that database first."
            )
        if not here.local:
            raise Refused(f"{_place(here)} is not on this machine: a reset is for development only.")


def _place(database: Database) -> str:
    return f"{database.name} on {database.host}" if database.host else database.name
