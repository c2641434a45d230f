"""From an intent (back to, undo, zero, forward) to a `Plan`: steps, why, blockers, marks after."""

import hashlib
import os
from typing import Any, List, Optional, Sequence, Tuple, Union

from django.conf import settings
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from . import databases
from .errors import Refusal
from .impact import Impact, measure
from .loading import Key, is_third_party
from .operations import is_reversible, part, runs_python, words
from .protocol import (
    APPLIED,
    BACK_TO,
    BLOCKED,
    FORWARD,
    INTENTS,
    UNAPPLIED,
    UNDO,
    ZERO,
    MarkChange,
    MeasurePlan,
    Plan,
    PreviewPlan,
    RehearsePlan,
    RunPlan,
    Step,
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


def preview_plan(session: Any, request: PreviewPlan, call: Any) -> Plan:
    """Answer with what the intent would do. Changes nothing.

    Raises `Refusal` for an intent that cannot mean anything: unknown app or migration, back to one
    that is not applied, a graph that cannot be built.
    """
    return build(session, request)


def build(session: Any, request: Intent) -> Plan:
    """Return the plan of `request` with its fingerprint, from the records as they are."""
    return weigh(session, request)[0]


def weigh(session: Any, request: Intent) -> Tuple[Plan, Impact]:
    """Return the plan as `build` does, and what its steps do to tables and columns."""
    session.refuse_changed_files()
    session.refresh(request.database)
    route = route_of(session, request)
    connection = databases.looking(request.database)
    impact = measure(route.pairs, route.executor.loader, connection)
    steps = tuple(_step(route, pair, index, request) for index, pair in enumerate(route.pairs))
    blockers, ways_out = _blockers(route, impact)
    verdict = BLOCKED if blockers else impact.verdict()
    one, why_one = _transaction(route, connection)
    plan = Plan(
        database=request.database,
        intent=request.intent,
        app=request.app,
        name=request.name,
        target=_target(request),
        title=_title(request, steps),
        verdict=verdict,
        why=blockers + (impact.why(bool(blockers)) if steps else ("There is nothing to do.",)),
        steps=steps,
        blockers=blockers,
        loss=tuple(impact.loss),
        failures=tuple(impact.failures),
        commands=_commands(session, route, request),
        fingerprint=fingerprint(session, request, route),
        marks=tuple(_mark_changes(route)),
        one_transaction=one,
        transaction_why=why_one,
        notes=tuple(impact.notes) + tuple(_notes(session, route, request)),
        ways_out=ways_out,
    )
    return plan, impact


def route_of(session: Any, request: Intent) -> Route:
    """Return the steps that `request` means. Raises `Refusal` where it means none."""
    alias, app, name = request.database, request.app, request.name
    if request.intent not in INTENTS:
        raise Refusal("%r is not something that can be planned." % request.intent)
    loader = executor_loader(session, alias)
    if loader.connection is None:  # a SQLite file that does not exist yet
        loader.connection = databases.looking(alias)
    executor = PlanExecutor(loader.connection, loader)
    if app is not None and app not in loader.migrated_apps:
        raise Refusal("App %r has no migrations, or is not in INSTALLED_APPS." % app)
    if request.intent == FORWARD:
        return Route(executor, _forward(session, executor, alias, app, name))
    if app is None or (name is None) != (request.intent == ZERO):
        raise Refusal("Say which app, and for anything but zero which migration.")
    if request.intent == ZERO:
        return Route(executor, _all_backwards(executor, [(app, None)]))
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
        pairs = _all_backwards(executor, [_in_graph(executor.loader, key)])
    return Route(executor, pairs, _squash_blockers(session, alias, key, pairs))


def _why_not_on_disk(session: Any, alias: str, key: Key) -> str:
    broken = session.disk().broken.get(key)
    if broken is not None:
        return "%s Mend the file, then press r." % (broken.message.rstrip(".") + ".")
    return missing_sentence(session, alias, key)


def _refuse_unapplied(loader: Any, key: Key, alias: str, intent: str) -> None:
    if key in loader.applied_migrations:
        return
    todo = "there is nothing to undo" if intent == UNDO else "migrate to it instead (m)"
    raise Refusal("%s.%s is not applied on %r: %s." % (key[0], key[1], alias, todo))


def _in_graph(loader: Any, key: Key) -> Key:
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
        key = (str(app), name)
        if key not in loader.disk_migrations:
            raise Refusal(_why_not_on_disk(session, alias, key))
        if key in loader.applied_migrations:
            raise Refusal("%s.%s is applied on %r already; b goes back to it." % (key[0], key[1], alias))
        targets = [_in_graph(loader, key)]
    pairs: Pairs = executor.migration_plan(targets)
    return pairs


def _all_backwards(executor: PlanExecutor, targets: List[Any]) -> Pairs:
    pairs: Pairs = executor.migration_plan(targets)
    return pairs


def _undo(executor: PlanExecutor, key: Key) -> Pairs:
    """Return `key` and its applied dependents, the last one first."""
    loader = executor.loader
    return [
        (loader.graph.nodes[each], True)
        for each in loader.graph.backwards_plan(_in_graph(loader, key))
        if each in loader.applied_migrations
    ]


def _squash_blockers(session: Any, alias: str, target: Key, pairs: Pairs) -> List[str]:
    """Name what depends on an applied squash whose replaced migrations the plan would undo alone.

    Django plans on the replaced ones and does not see those that depend on the squash (EDGES 24).
    """
    going = {(migration.app_label, migration.name) for migration, _ in pairs}
    loader = session.loader(alias, replace=True)
    blockers = []
    for squash, migration in loader.replacements.items():
        replaced = {tuple(pair) for pair in migration.replaces}
        if squash in going or squash not in loader.graph.nodes or not replaced & going:
            continue
        for child in sorted(loader.graph.node_map[squash].children):
            if child.key in loader.applied_migrations and child.key not in going:
                blockers.append(
                    "%s.%s depends on %s.%s, which replaces what would be undone, and would stay applied."
                    % (child.key + squash)
                )
    return blockers


def _step(route: Route, pair: Tuple[Any, bool], index: int, request: Intent) -> Step:
    migration, backwards = pair
    key = (migration.app_label, migration.name)
    file = _file_of(migration)
    return Step(
        app=key[0],
        name=key[1],
        backwards=backwards,
        # In the order of `migrate --plan`, which is that of the file, backwards too.
        operations=tuple(words(operation, backwards) for operation in migration.operations),
        reversible=all(is_reversible(operation) for operation in migration.operations),
        because=_because(route, key, index, backwards, request.app),
        atomic=bool(migration.atomic),
        third_party=bool(file) and is_third_party(str(file)),
        runs_python=runs_python(migration.operations),
        file=file,
    )


def _file_of(migration: Any) -> Optional[str]:
    import sys

    return getattr(sys.modules.get(type(migration).__module__), "__file__", None)


def _because(route: Route, key: Key, index: int, backwards: bool, app: Optional[str]) -> Optional[str]:
    """Return the dependency that pulls a step of another app into the plan."""
    if app is None or key[0] == app:
        return None
    node = route.graph.node_map[key]
    if backwards:
        later = set(route.keys[index + 1 :])
        links = [(key, parent.key) for parent in sorted(node.parents) if parent.key in later]
    else:
        later = set(route.keys[index + 1 :])
        links = [(child.key, key) for child in sorted(node.children) if child.key in later]
    return "%s.%s depends on %s.%s" % (links[0][0] + links[0][1]) if links else None


def _blockers(route: Route, impact: Impact) -> Tuple[Tuple[str, ...], Tuple[str, ...]]:
    blockers, ways_out = list(route.blockers), []
    for migration, backwards in route.pairs:
        if not backwards:
            continue
        for operation in reversed(migration.operations):
            if not is_reversible(operation):
                blockers.append(_irreversible_sentence(migration, operation))
    if impact.irreversible:
        ways_out.append(_nearest(route))
    if route.blockers:
        ways_out.append("Undo the squashed migration itself, with what depends on it (u on it).")
    return tuple(blockers), tuple(ways_out)


def _irreversible_sentence(migration: Any, operation: Any) -> str:
    shown = part(migration, operation, True)
    where = (
        ""
        if shown.file is None
        else " (%s%s)"
        % (
            os.path.basename(shown.file),
            "" if shown.line is None else ", line %d" % shown.line,
        )
    )
    return "%s cannot be undone: %s%s" % (migration, shown.text, where)


def _nearest(route: Route) -> str:
    """Return the way out of an irreversible step: how far back the plan can go."""
    for index, (migration, _) in enumerate(route.pairs):
        if not all(is_reversible(operation) for operation in migration.operations):
            before = ", ".join("%s.%s" % key for key in route.keys[:index]) or "nothing"
            return (
                "Back to %s is as far as it goes (b on it: it stays applied; undoes %s). To go further,"
                " give the operation a reverse in %s." % (migration, before, migration)
            )
    return ""


def _mark_changes(route: Route) -> List[MarkChange]:
    changes = []
    for migration, backwards in route.pairs:
        before, after = (APPLIED, UNAPPLIED) if backwards else (UNAPPLIED, APPLIED)
        changes.append(MarkChange(migration.app_label, migration.name, before, after))
    return changes


def _transaction(route: Route, connection: Any) -> Tuple[bool, str]:
    why_not = databases.vendor(connection).one_transaction_why_not(connection)
    loose = [str(migration) for migration, _ in route.pairs if not migration.atomic]
    if why_not is None and not loose:
        return True, "One transaction: if any step fails, nothing has happened."
    reason = why_not or "%s says atomic = False" % ", ".join(loose)
    return False, "Step by step, for %s: what was done before a failure stays done." % reason


def _target(request: Intent) -> str:
    if request.app is None:
        return "all"
    if request.name is None:
        return "%s %s" % (request.app, "zero" if request.intent == ZERO else "latest")
    return "%s.%s" % (request.app, request.name)


def _title(request: Intent, steps: Sequence[Step]) -> str:
    listed = [step.name if step.app == request.app else "%s.%s" % (step.app, step.name) for step in steps]
    names = ", ".join(listed[:6]) + (" and %d more" % (len(listed) - 6) if len(listed) > 6 else "")
    names = names or "nothing"
    if request.intent == BACK_TO:
        return "Back to %s: it stays applied; undoes %s" % (request.name, names)
    if request.intent == UNDO:
        if len(steps) == 1:
            return "Undo %s: nothing else needs it" % names
        return "Undo %s and what needs it: undoes %s" % (request.name, names)
    if request.intent == ZERO:
        return "Take %s back to zero: undoes %s" % (request.app, names)
    where = request.name or ("the latest of %s" % request.app if request.app else "the latest of everything")
    return "Migrate to %s: applies %s" % (where, names)


def _commands(session: Any, route: Route, request: Intent) -> Tuple[str, ...]:
    """Return the manage.py command that does the same, if one does."""
    if not route.pairs:
        return ()
    words_ = ["python", "manage.py", "migrate"]
    if request.intent == UNDO:
        target = _undo_target(session, route, request)
        if target is None:
            return ()
        words_.extend(target)
    elif request.app is not None:
        words_.append(request.app)
        words_.extend(["zero"] if request.intent == ZERO else [request.name] if request.name else [])
    if request.database != "default":
        words_.extend(["--database", request.database])
    return (" ".join(words_),)


def _undo_target(session: Any, route: Route, request: Intent) -> Optional[List[str]]:
    """Return the arguments of `migrate` that plan the same steps, or None if there are none."""
    app = str(request.app)
    node = route.graph.node_map[_in_graph(route.executor.loader, (app, str(request.name)))]
    parents = [parent.key for parent in node.parents if parent.key[0] == app]
    for target in parents or [(app, None)]:
        if target[1] is not None and target not in route.executor.loader.applied_migrations:
            continue
        pairs = _all_backwards(PlanExecutor(route.executor.connection, route.executor.loader), [target])
        if {migration for migration, _ in pairs} == {migration for migration, _ in route.pairs}:
            return [app, target[1] or "zero"]
    return None


def _notes(session: Any, route: Route, request: Intent) -> List[str]:
    notes = []
    others = sorted({migration.app_label for migration, _ in route.pairs} - {request.app})
    if others and request.app is not None:
        notes.append("Other apps fall with it: %s." % ", ".join(others))
    foreign = sorted(
        {
            migration.app_label
            for migration, _ in route.pairs
            if is_third_party(str(_file_of(migration) or ""))
        }
    )
    if foreign:
        notes.append("Not your own apps: %s." % ", ".join(foreign))
    if request.intent == UNDO and route.pairs and not _commands(session, route, request):
        notes.append("No manage.py command does this.")
    if not settings.DEBUG:
        notes.append("DEBUG is off: this may not be a development database.")
    return notes


def fingerprint(session: Any, request: Intent, route: Route) -> str:
    """Return a hash of all that the plan rests on: records, the steps' bytes, target, database."""
    records = session.refresh(request.database)
    given = databases.settings_of(request.database)
    digest = hashlib.sha256()
    parts: List[str] = [request.database, str(given.get("NAME")), str(given.get("HOST"))]
    parts.extend([request.intent, str(request.app), str(request.name)])
    parts.extend("%s.%s" % key for key in sorted(records))
    for text in parts:
        digest.update(text.encode("utf-8", "surrogateescape") + b"\0")
    for migration, backwards in route.pairs:
        digest.update(("%s %s" % (migration, backwards)).encode() + b"\0")
        digest.update(_content(_file_of(migration)))
    return digest.hexdigest()[:32]


def _content(file: Optional[str]) -> bytes:
    if file is None:
        return b""
    with open(file, "rb") as source:
        return hashlib.sha256(source.read()).digest()
