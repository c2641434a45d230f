"""What is worth knowing of a plan beside its verdict: other apps, routers, what stays behind."""

from typing import Any, List, Optional

from django.apps import apps
from django.conf import settings
from django.db import router

from .changes import DROP_TABLE
from .impact import Impact
from .loading import file_of, is_third_party
from .project import migrate_override
from .protocol import FORWARDS
from .routes import Route

CLEAN_UP = "python manage.py remove_stale_contenttypes"


def notes(route: Route, request: Any, impact: Impact, no_command: Optional[str]) -> List[str]:
    """Return the notes of the plan that `route` is, as sentences."""
    if not route.pairs:
        return []
    found = _apps(route, request)
    if no_command is not None:
        found.append(no_command)
    replaced = migrate_override()
    if replaced is not None:
        found.append(
            "%s replaces `migrate` in this project: here runs Django's own sequence, not that command."
            % replaced
        )
    found.extend(_routed(route, request.database))
    if leaves_content_types(impact):
        found.append("Content types and permissions of what goes stay behind: `%s` removes them." % CLEAN_UP)
    if len(route.pairs) > 1 and route.executor.connection.vendor != "sqlite":
        found.append(
            "The SQL is for this database as it is now: names of constraints may be others"
            " by the time a later step runs."
        )
    if not settings.DEBUG:
        found.append("DEBUG is off: this may not be a development database.")
    return found


def _apps(route: Route, request: Any) -> List[str]:
    found = []
    others = sorted({migration.app_label for migration, _ in route.pairs} - {request.app})
    if others and request.app is not None:
        verb = "are migrated" if request.intent in FORWARDS else "fall"
        found.append("Other apps %s with it: %s." % (verb, ", ".join(others)))
    foreign = sorted(
        {migration.app_label for migration, _ in route.pairs if is_third_party(str(file_of(migration) or ""))}
    )
    if foreign:
        found.append("Not your own apps: %s." % ", ".join(foreign))
    return found


def _routed(route: Route, alias: str) -> List[str]:
    """Say which apps the routers keep off this database: only their records change (EDGES 48)."""
    labels = sorted({migration.app_label for migration, _ in route.pairs})
    elsewhere = [label for label in labels if not router.allow_migrate(alias, label)]
    if not elsewhere:
        return []
    return [
        "Nothing to do on %r for %s, which lives elsewhere: records only." % (alias, ", ".join(elsewhere))
    ]


def leaves_content_types(impact: Impact) -> bool:
    """Return whether tables of models go while Django keeps content types of them (EDGES 27)."""
    return apps.is_installed("django.contrib.contenttypes") and any(
        effect.kind == DROP_TABLE and effect.model is not None for effect in impact.effects
    )
