"""Says what a reset is and how far one is that was cut off, for the screens and for the commands."""

from __future__ import annotations

from dataclasses import replace

from djmig_tui.protocol import RESET_KEEPING, History, Problem, ResetPlan

from .state_resets import ResetRecord
from .text import one_line, when

#: What the problem of a history is called that a reset was cut off.
KIND = "reset"


def about(record: ResetRecord) -> str:
    """Return that a reset was cut off, and what stands of it, as a sentence."""
    steps = record.plan.steps
    named = f"A reset of {when(record.at)} ({one_line(record.plan.title, 100)})"
    if record.going_back:
        return f"{named} was being put back when that was cut off."
    stands = f"{record.done} of {len(steps)} steps stand" if record.done else "no step stands"
    return f"{named} was cut off: {stands}."


def command(plan: ResetPlan) -> str:
    """Return the command that does the same."""
    what = f"{plan.app} --keep-data" if plan.kind == RESET_KEEPING else plan.app or "--project"
    option = "" if plan.database == "default" else f" --database {plan.database}"
    return f"djmig-tui reset {what}{option} --yes"


def with_cut_off(record: ResetRecord | None, history: History) -> History:
    """Return a history with the reset that was cut off, if there is one, before its other problems."""
    if record is None:
        return history
    ways = "goes on with that" if record.going_back else "finishes it, or puts everything back"
    problem = Problem(KIND, f"{about(record)} Press x: it {ways}.")
    return replace(history, problems=(problem, *history.problems))


def is_cut_off(history: History | None) -> bool:
    """Say whether a history tells of a reset that was cut off."""
    return history is not None and any(one.kind == KIND for one in history.problems)
