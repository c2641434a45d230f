"""Why a plan cannot be rehearsed just now, as sentences."""

from __future__ import annotations

from .context import READ_ONLY, STARTING, Context


def rehearse(context: Context) -> str | None:
    """Needs a plan that is up to date, and may be run for a moment."""
    plan = context.plan
    if plan is None:
        return "The plan is not here yet; wait for it, or press Esc to leave."
    if context.outdated:
        return "The project changed since this plan was made; press r to look again."
    if plan.blockers:
        return "This plan is blocked, so there is nothing to rehearse; the ways out are above."
    if not plan.steps:
        return "There is nothing to rehearse: the plan has no steps."
    if context.read_only:
        return READ_ONLY
    return None if context.connected else STARTING


def on_copy(context: Context) -> str | None:
    """Needs a rehearsal that could not be done, and could be on a copy."""
    if context.running:
        return "The rehearsal is still under way; Esc stops it."
    if not context.copy_instead:
        return "A copy of the database would not tell more than was found."
    return None if context.connected else "A fresh engine is starting; press o again in a moment."
