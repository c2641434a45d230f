"""Why what marks and makes migrations cannot act now, as sentences."""

from __future__ import annotations

from .context import READ_ONLY, STARTING, TOO_SMALL, Context


def mark(context: Context) -> str | None:
    """Needs an unapplied migration of the project's own under the cursor, or one that is marked."""
    app, migration = context.node.app, context.node.migration
    if context.node.key in context.marked:
        return None
    if not context.connected:
        return STARTING
    if context.read_only:
        return READ_ONLY
    if app is None or migration is None:
        return "Move to a migration first: space marks it and all that needs it, and d removes these files."
    if migration.file is None:
        return f"{migration.name} has no file to remove; only its record in the database is left."
    if app.third_party:
        return f"{app.label} comes with a package, so its files are not removed."
    if migration.applied:
        return f"{migration.name} is applied here, so its file stays; u undoes it first."
    if migration.replaced_by:
        return (
            f"{migration.name} is replaced by {migration.replaced_by}, which Django uses in its place: "
            "mark that one, or press d to remove this file alone."
        )
    return None


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
