"""Why nothing starts over just now, and why a reset is neither finished nor put back, as sentences."""

from __future__ import annotations

from djmig_tui.protocol import Project

from .context import READ_ONLY, STARTING, TOO_SMALL, Context

_STARTING = "A fresh engine is starting; press the key again in a moment."


def not_here(project: Project | None, alias: str) -> str:
    """Return why nothing starts over on a database, which nothing overrides; "" if it may."""
    if project is None:
        return ""
    if not project.debug:
        return "DEBUG is off: a reset is for development only. Roll back instead, migration by migration."
    if not any(one.alias == alias and one.local for one in project.databases):
        return (
            "The database is not on this machine: a reset is for development only, where it is yours alone."
        )
    return ""


def reset(context: Context) -> str | None:
    """Needs an app of the project's own, or the project, in development; or a reset that was cut off."""
    app = context.node.app
    if not context.connected:
        return STARTING
    if context.read_only:
        return READ_ONLY
    if context.cut_off:
        return None
    if context.node.migration is not None:
        return "Move to an app or to the project first: x starts over with all migrations of one."
    if app is not None and app.third_party:
        return (
            f"{app.label} belongs to an installed package, so it is not reset: its files are never touched."
        )
    if app is not None and app.orphan:
        return f"{app.label} is not in INSTALLED_APPS, so nothing would make its migrations anew."
    if app is not None and not app.migrations:
        return app.why_empty or f"{app.label} has no migrations; M makes them."
    return context.no_reset or None


def run(context: Context) -> str | None:
    """Needs steps that are up to date and not blocked, and the backups that lead back."""
    if context.outdated:
        return "The project changed since this was read; press r to look again."
    if not context.read:
        return "What it would do is not here yet; wait for it, or press Esc to leave."
    if context.no_reset:
        return context.no_reset
    if context.read_only:
        return READ_ONLY
    if not context.connected:
        return STARTING
    return None if context.roomy else TOO_SMALL


def stop(context: Context) -> str | None:
    """Needs steps under way."""
    if not context.running:
        return "Nothing is under way any more; press Esc to go back to the tree."
    return "It is being put back: half of that is no place to stop at." if context.going_back else None


def finish(context: Context) -> str | None:
    """Needs a reset that was cut off and was not being put back."""
    if context.going_back:
        return "It was being put back, so it cannot be finished; p goes on with that."
    return put_back(context)


def put_back(context: Context) -> str | None:
    """Needs a reset of which something may stand."""
    if context.running:
        return "It is still under way."
    if not context.cut_off:
        return "This one has come to its end; Esc leads back to the tree, and z there takes back a reset."
    if context.read_only:
        return READ_ONLY
    if not context.connected:
        return _STARTING
    return None if context.roomy else TOO_SMALL
