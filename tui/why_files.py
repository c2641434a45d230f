"""Why what makes migrations cannot act now, as sentences."""

from __future__ import annotations

from .context import READ_ONLY, TOO_SMALL, Context


def make_here(context: Context) -> str | None:
    """Needs the project, or an app of its own, under the cursor."""
    app = context.node.app
    if context.read_only:
        return READ_ONLY
    if app is not None and (app.third_party or app.orphan):
        return f"{app.label} is not the project's own, so no migrations are made for it."
    return None


def make_after(context: Context) -> str | None:
    """Needs the end of the run."""
    if context.read_only:
        return READ_ONLY
    return "The run is still under way; wait for its end." if context.running else None


def make(context: Context) -> str | None:
    """Needs the end of the dry run."""
    if context.read_only:
        return READ_ONLY
    if context.running:
        return "The dry run is still under way; wait for it, or press Esc to end it."
    return None if context.roomy else TOO_SMALL
