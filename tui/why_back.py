"""Why nothing can be taken back just now, as sentences: `z`, and what was applied."""

from __future__ import annotations

from .context import READ_ONLY, STARTING, Context

NOTHING_DONE = "Nothing was done here, or all of it was taken back; L and b lead further back."


def take_back(context: Context) -> str | None:
    """Needs something that was done from here."""
    if not context.connected:
        return STARTING
    if context.read_only:
        return READ_ONLY
    return None if context.deeds else NOTHING_DONE


def last_run(context: Context) -> str | None:
    """Needs records with their times."""
    if not context.connected:
        return STARTING
    return None if context.recorded else "Nothing is applied here, so there is no last run."


def undo_to_here(context: Context) -> str | None:
    """Needs records that are up to date."""
    if context.outdated:
        return "The records changed since this was made; press Esc, then L again."
    return last_run(context)


def back_to_moment(context: Context) -> str | None:
    """Needs something that was applied later."""
    if reason := undo_to_here(context):
        return reason
    return None if context.newer else "Nothing was applied after this one; u undoes it."
