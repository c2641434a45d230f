"""From what was typed to an app and a migration, as Django resolves prefixes: exact names win."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from djmig_tui.protocol import App, History, Migration

from .answer import USAGE, CommandError


def find_app(history: History, label: str) -> App:
    """Return the app with this label. Raises `CommandError` with near misses."""
    for app in history.apps:
        if app.label == label:
            return app
    by_name = [app.label for app in history.apps if app.name == label]
    near = by_name or difflib.get_close_matches(label, [app.label for app in history.apps])
    raise CommandError(
        f"There is no app '{label}'. {_suggest(near, 'To see them all: djmig-tui list.')}",
        USAGE,
    )


def find_migration(app: App, typed: str) -> Migration:
    """Return the migration whose name is, or alone starts with, what was typed."""
    by_name = {migration.name: migration for migration in app.migrations}
    name = find_name(app.label, list(by_name), typed, why_empty=app.why_empty)
    return by_name[name]


def find_name(label: str, names: Sequence[str], typed: str, why_empty: str | None = None) -> str:
    """Return the one of `names` that is meant. Raises `CommandError`, naming candidates or near misses."""
    if typed in names:
        return typed
    candidates = [name for name in names if typed and name.startswith(typed)]
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        raise CommandError(
            f"More than one migration of {label} starts with '{typed}': {', '.join(candidates)}. "
            "Type more of the name.",
            USAGE,
        )
    if not names:
        raise CommandError(why_empty or f"The app {label} has no migrations.", USAGE)
    near = difflib.get_close_matches(typed, names, cutoff=0.5)
    raise CommandError(
        f"The app {label} has no migration '{typed}'. {_suggest(near, f'Its last one is {names[-1]}.')}",
        USAGE,
    )


def _suggest(near: Sequence[str], otherwise: str) -> str:
    return f"Did you mean {' or '.join(near)}?" if near else otherwise
