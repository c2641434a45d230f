"""Why rows cannot be kept or put back just now, as sentences."""

from __future__ import annotations

from .context import STARTING, Context
from .kept_rows import concerns


def keep(context: Context) -> str | None:
    """Needs a rollback that may lose something."""
    if context.plan is None:
        return "The plan is not here yet; wait for it, or press Esc to leave."
    return None if concerns(context.plan) else "This plan drops no rows, so there is nothing to keep."


def put_back(context: Context) -> str | None:
    """Needs kept rows of what was applied, and an engine."""
    if context.running:
        return "The run is not over yet."
    if not context.kept:
        return "No rows are kept of these migrations that could be put back."
    return None if context.connected else STARTING
