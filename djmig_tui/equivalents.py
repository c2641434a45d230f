"""The manage.py command that does the same as a plan, or why none does."""

import shlex
from typing import Any, List, Optional, Tuple

from django.db.migrations.exceptions import InconsistentMigrationHistory

from . import chosen
from .loading import Key
from .protocol import APPLY_THESE, UNDO, UNDO_THESE, ZERO
from .routes import Intent, PlanExecutor, Route, in_graph, planned
from .sql import executor_loader


def commands(session: Any, route: Route, request: Intent) -> Tuple[Tuple[str, ...], Optional[str]]:
    """Return the commands that do the same in this order, if any do, and if not why, as a sentence."""
    if not route.pairs:
        return (), None
    refuses = why_django_refuses(session, request.database)
    if refuses is not None:
        return (), "No manage.py command does this: %s" % refuses[0]
    targets = _targets(session, route, request)
    if targets is None:
        return (), "No manage.py command does this."
    for target in targets:
        longer = _longer_names(route, target)
        if longer:
            # get_migration_by_prefix does not look for the very name first (EDGES 43).
            return (), "No manage.py command does this: %s is also how %s begins." % (target[1], longer[0])
    return tuple(_command(target, request.database) for target in targets), None


def _command(target: List[str], alias: str) -> str:
    words = ["python", "manage.py", "migrate", *(shlex.quote(each) for each in target)]
    if alias != "default":
        words.extend(["--database", shlex.quote(alias)])
    return " ".join(words)


def why_django_refuses(session: Any, alias: str) -> Optional[Tuple[str, str]]:
    """Return why every `migrate` on `alias` refuses to begin, and the way out of it; None if it does not."""
    loader = executor_loader(session, alias)
    for label, names in sorted(loader.detect_conflicts().items()):
        return (
            "%s has %d heads (%s), and Django migrates nothing until they are joined."
            % (label, len(names), ", ".join(names)),
            "Join them: python manage.py makemigrations --merge.",
        )
    if loader.connection is not None:
        try:
            loader.check_consistent_history(loader.connection)
        except InconsistentMigrationHistory as error:
            return str(error), "Undo the one that is applied too early, then migrate again."
    return None


def _targets(session: Any, route: Route, request: Intent) -> Optional[List[List[str]]]:
    """Return the arguments of each `migrate` that together take the same steps, None if none do."""
    if request.intent == APPLY_THESE:
        return chosen.applying_targets(route.executor.loader, route.keys)
    if request.intent == UNDO_THESE:
        if route.executor.loader is not executor_loader(session, request.database):
            # Part of an applied squash: after a first command Django's graph would be another one.
            keys = chosen.parsed(request.keys)
            alone = _undo_target(route, keys[0]) if len(keys) == 1 else None
            return None if alone is None else [alone]
        return chosen.undoing_targets(route.executor.loader, route.keys)
    target = _target(route, request)
    return None if target is None else [target]


def _target(route: Route, request: Intent) -> Optional[List[str]]:
    """Return the arguments of the one `migrate` that plans the same steps, None if there is none."""
    if request.intent == UNDO:
        return _undo_target(route, (str(request.app), str(request.name)))
    if request.app is None:
        return []
    if request.intent == ZERO:
        return [request.app, "zero"]
    return [request.app, request.name] if request.name else [request.app]


def _longer_names(route: Route, target: List[str]) -> List[str]:
    if len(target) < 2 or target[1] == "zero":
        return []
    app, name = target
    return sorted(
        other
        for label, other in route.executor.loader.disk_migrations
        if label == app and other != name and other.startswith(name)
    )


def _undo_target(route: Route, key: Key) -> Optional[List[str]]:
    loader = route.executor.loader
    node = route.graph.node_map[in_graph(loader, key)]
    parents = [parent.key for parent in node.parents if parent.key[0] == key[0]]
    for target in parents or [(key[0], None)]:
        if target[1] is not None and target not in loader.applied_migrations:
            continue
        pairs = planned(PlanExecutor(route.executor.connection, loader), [target])
        if {migration for migration, _ in pairs} == {migration for migration, _ in route.pairs}:
            return [key[0], target[1] or "zero"]
    return None
