"""From an intent to the migrations it means, in the order in which they run: Django's own planning."""

from typing import Any, List, Optional, Sequence, Set, Tuple, Union

from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from . import chosen, databases
from .errors import Refusal
from .loading import Key
from .protocol import (
    APPLY_THESE,
    FORWARD,
    INTENTS,
    UNDO,
    UNDO_THESE,
    ZERO,
    MeasurePlan,
    PreviewPlan,
    RehearsePlan,
    RunPlan,
)
from .sql import executor_loader, missing_sentence

Intent = Union[PreviewPlan, MeasurePlan, RunPlan, RehearsePlan]
Pairs = List[Tuple[Any, bool]]  # (migration, backwards), as Django's plans are


class PlanExecutor(MigrationExecutor):  # type: ignore[misc, unused-ignore]
    """Django's executor on a loader that is there already, and on a plan that was decided elsewhere."""

    def __init__(self, connection: Any, loader: Any, progress_callback: Any = None) -> None:
        self.connection = connection
        self.loader = loader
        self.recorder = MigrationRecorder(connection)
        self.progress_callback = progress_callback


class Route:
    """The migrations of an intent, and the graph they were found in."""

    def __init__(self, executor: PlanExecutor, pairs: Pairs, blockers: Sequence[str] = ()) -> None:
        self.executor = executor
        self.pairs = pairs
        self.blockers = tuple(blockers)

    @property
    def keys(self) -> List[Key]:
        """Return the keys of the steps in the order in which they run."""
        return [(migration.app_label, migration.name) for migration, _ in self.pairs]

    @property
    def graph(self) -> Any:
        """Return the graph that the steps belong to."""
        return self.executor.loader.graph


def route_of(session: Any, request: Intent) -> Route:
    """Return the steps that `request` means. Raises `Refusal` where it means none."""
    alias, app, name = request.database, request.app, request.name
    if request.intent not in INTENTS:
        raise Refusal("%r is not something that can be planned." % request.intent)
    loader = executor_loader(session, alias)
    if loader.connection is None:  # a SQLite file that does not exist yet
        loader.connection = databases.looking(alias)
    executor = PlanExecutor(loader.connection, loader)
    if request.intent in (UNDO_THESE, APPLY_THESE):
        return _route_of_these(session, executor, request)
    if app is not None and app not in loader.migrated_apps:
        raise Refusal("App %r has no migrations, or is not in INSTALLED_APPS." % app)
    if request.intent == FORWARD:
        return Route(executor, _forward(session, executor, alias, app, name))
    if app is None or (name is None) != (request.intent == ZERO):
        raise Refusal("Say which app, and for anything but zero which migration.")
    if request.intent == ZERO:
        return Route(executor, planned(executor, [(app, None)]))
    key = (app, str(name))
    if key not in loader.disk_migrations:
        raise Refusal(_why_not_on_disk(session, alias, key))
    if key not in loader.graph.nodes and key not in loader.replacements:
        # A replaced migration of an applied squash has a node only where nothing is replaced.
        executor = PlanExecutor(loader.connection, session.loader(alias, replace=False))
    _refuse_unapplied(executor.loader, key, alias, request.intent)
    if request.intent == UNDO:
        pairs = _undo(executor, key)
    else:
        pairs = planned(executor, [in_graph(executor.loader, key)])
    return Route(executor, pairs, _squash_blockers(session, alias, pairs))


def _why_not_on_disk(session: Any, alias: str, key: Key) -> str:
    broken = session.disk().broken.get(key)
    if broken is not None:
        return "%s Mend the file, then look again." % (broken.message.rstrip(".") + ".")
    return missing_sentence(session, alias, key)


def _refuse_unapplied(loader: Any, key: Key, alias: str, intent: str) -> None:
    if key in loader.applied_migrations:
        return
    todo = "there is nothing to undo" if intent == UNDO else "migrate to it instead"
    raise Refusal("%s.%s is not applied on %r: %s." % (key[0], key[1], alias, todo))


def in_graph(loader: Any, key: Key) -> Key:
    """Return the node that stands for `key`: a squash that is partly applied has none (migrate.py)."""
    if key not in loader.graph.nodes and key in loader.replacements:
        return tuple(loader.replacements[key].replaces[-1])
    return key


def _forward(
    session: Any, executor: PlanExecutor, alias: str, app: Optional[str], name: Optional[str]
) -> Pairs:
    loader = executor.loader
    if name is None:
        targets = [key for key in loader.graph.leaf_nodes() if app is None or key[0] == app]
    else:
        targets = [_forward_target(session, loader, alias, (str(app), name))]
    return planned(executor, targets)


def _forward_target(session: Any, loader: Any, alias: str, key: Key) -> Key:
    """Return the node of a migration that is to be applied. Raises `Refusal` if it has none, or is."""
    if key not in loader.disk_migrations:
        raise Refusal(_why_not_on_disk(session, alias, key))
    if key in loader.applied_migrations:
        raise Refusal("%s.%s is applied on %r already; go back to it, or undo it." % (key[0], key[1], alias))
    target = in_graph(loader, key)
    if target not in loader.graph.nodes:
        squash = next(each for each, other in loader.replacements.items() if key in _replaced(other))
        raise Refusal(
            "%s.%s is replaced by %s.%s: migrate to that one, or remove its file first." % (*key, *squash)
        )
    return target


def _route_of_these(session: Any, executor: PlanExecutor, request: Intent) -> Route:
    """Return the steps of UNDO_THESE or APPLY_THESE."""
    loader, alias = executor.loader, request.database
    keys = chosen.parsed(request.keys)
    if not keys:
        raise Refusal("Say which migrations: none was named.")
    if request.intent == APPLY_THESE:
        targets = [
            _forward_target(session, loader, alias, key) for key in chosen.without_replaced(loader, keys)
        ]
        steps = chosen.needs(loader.graph, targets, loader.applied_migrations)
        return Route(executor, chosen.as_pairs(loader.graph, steps, backwards=False))
    for key in keys:
        if key not in loader.disk_migrations:
            raise Refusal(_why_not_on_disk(session, alias, key))
    keys = chosen.without_replaced(loader, keys)
    torn = [key for key in keys if key not in loader.graph.nodes and key not in loader.replacements]
    if torn:
        # A replaced migration of an applied squash has a node only where nothing is replaced.
        squash = next((key for key in keys if key in loader.replacements), None)
        if squash is not None:
            raise Refusal(
                "%s.%s is replaced by a squash that would stay, and %s.%s is a squash itself: undo them"
                " one after the other." % (*torn[0], *squash)
            )
        loader = session.loader(alias, replace=False)
        executor = PlanExecutor(executor.connection, loader)
    for key in keys:
        _refuse_unapplied(loader, key, alias, UNDO)
    steps = chosen.needed_by(loader.graph, [in_graph(loader, key) for key in keys], loader.applied_migrations)
    pairs = chosen.as_pairs(loader.graph, steps, backwards=True)
    return Route(executor, pairs, _squash_blockers(session, alias, pairs))


def planned(executor: PlanExecutor, targets: List[Any]) -> Pairs:
    """Return the steps that `migrate` takes to `targets`."""
    pairs: Pairs = executor.migration_plan(targets)
    return pairs


def _undo(executor: PlanExecutor, key: Key) -> Pairs:
    """Return `key` and its applied dependents, the last one first."""
    loader = executor.loader
    return [
        (loader.graph.nodes[each], True)
        for each in loader.graph.backwards_plan(in_graph(loader, key))
        if each in loader.applied_migrations
    ]


def _replaced(migration: Any) -> Set[Key]:
    return {tuple(pair) for pair in migration.replaces}


def _squash_blockers(session: Any, alias: str, pairs: Pairs) -> List[str]:
    """Name what depends on an applied squash whose replaced migrations the plan would undo alone.

    Django plans on the replaced ones and does not see those that depend on the squash (EDGES 24).
    """
    going = {(migration.app_label, migration.name) for migration, _ in pairs}
    loader = session.loader(alias, replace=True)
    blockers = []
    for squash, migration in loader.replacements.items():
        if squash in going or squash not in loader.graph.nodes or not _replaced(migration) & going:
            continue
        for child in sorted(loader.graph.node_map[squash].children):
            if child.key in loader.applied_migrations and child.key not in going:
                blockers.append(
                    "%s.%s depends on %s.%s, which replaces what would be undone, and would stay applied."
                    % (child.key + squash)
                )
    return blockers
