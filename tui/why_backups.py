"""Why something cannot be done with a backup just now, as sentences."""

from __future__ import annotations

from .context import READ_ONLY, STARTING, TOO_SMALL, Context
from .guards import needs_second_yes

NO_BACKUPS = "There is no backup under the cursor; m makes one."


def backups(context: Context) -> str | None:
    """Needs an engine."""
    return None if context.connected else STARTING


def make(context: Context) -> str | None:
    """Needs an engine, and nothing else under way."""
    if context.busy:
        return context.busy
    return None if context.connected else STARTING


def restore(context: Context) -> str | None:
    """Needs something under the cursor that can be put back."""
    if context.busy:
        return context.busy
    if not context.chosen:
        return NO_BACKUPS
    return None if context.connected else STARTING


def delete(context: Context) -> str | None:
    """Needs something under the cursor; the database that a restore replaced is on the server."""
    if context.busy:
        return context.busy
    if not context.chosen:
        return NO_BACKUPS
    return READ_ONLY if context.read_only else None


def copy(context: Context) -> str | None:
    """Needs something under the cursor."""
    return None if context.chosen else NO_BACKUPS


def toggle(context: Context) -> str | None:
    """Needs a plan that may lose something, and a way to make a backup."""
    if context.plan is None:
        return "The plan is not here yet; wait for it, or press Esc to leave."
    if context.plan.blockers:
        return "This is blocked, so there is nothing to back up for; the reasons are above."
    if not needs_second_yes(context.plan):
        return "This plan loses nothing, so no backup is made first; B makes one at any time."
    if context.no_backup:
        return context.no_backup
    return None


def run_restore(context: Context) -> str | None:
    """Needs a plan that is up to date and not blocked."""
    if context.plan is None:
        return "The plan is not here yet; wait for it, or press Esc to leave."
    if context.outdated:
        return "The database changed since this was read; press r to look again."
    if context.plan.blockers:
        return "This restore is blocked; the reasons are above."
    if context.read_only:
        return READ_ONLY
    if not context.connected:
        return STARTING
    return None if context.roomy else TOO_SMALL
