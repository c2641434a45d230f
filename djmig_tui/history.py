"""Files, graph and records joined into one `History`. What one of them cannot give, the others show."""

import os
from typing import Any, Dict, Iterable, List, Optional, Set, Tuple

from django.db.migrations.exceptions import NodeNotFoundError

from . import databases
from .errors import EngineError
from .loading import Folder, Key, ancestry, scan_folders
from .operations import irreversible, runs_python
from .protocol import (
    APPLIED,
    SQUASHED,
    UNAPPLIED,
    App,
    History,
    LoadHistory,
    Migration,
    Problem,
    ScanHistory,
)
from .records import Records
from .sql import graph_sentence

#: App → name → applied time in ISO 8601: the records, sorted into their apps once.
Recorded = Dict[str, Dict[str, Optional[str]]]


def scan_history(session: Any, request: ScanHistory, call: Any) -> History:
    """Answer from file names and records alone: right about every mark, not about order."""
    databases.check_alias(request.database)
    records, problems = _records(session, request.database)
    recorded = _by_app(records)
    apps = [_scanned_app(folder, recorded.get(folder.label, {})) for folder in scan_folders()]
    apps.extend(_orphans(recorded, {app.label for app in apps}))
    return History(request.database, tuple(apps), tuple(problems))


def load_history(session: Any, request: LoadHistory, call: Any) -> History:
    """Answer with Django's graph: order, squashes, heads, what can be reversed."""
    alias = request.database
    databases.check_alias(alias)
    records, problems = _records(session, alias)
    disk = session.disk(call.progress)
    problems.extend(Problem("import", broken.message) for broken in disk.broken.values())
    try:
        shown = session.loader(alias, replace=True)
    except EngineError:
        shown = None  # the database: already among the problems
    except Exception as error:  # noqa: BLE001 -- a hole, a cycle, a dependency on nowhere: Django raises many
        problems.append(Problem(_graph_problem(error), graph_sentence(error)))
        shown = None
    facts = _Facts(disk, records, shown)
    apps = [_loaded_app(folder, facts) for folder in disk.folders]
    apps.extend(_orphans(facts.recorded, {app.label for app in apps}))
    if shown is not None:
        problems.extend(_history_problems(shown, alias))
    return History(alias, tuple(apps), tuple(problems), complete=shown is not None)


def _records(session: Any, alias: str) -> Tuple[Records, List[Problem]]:
    """Return the records of `alias`; none, and the reason as a problem, where it cannot be asked."""
    try:
        records = session.refresh(alias)
    except EngineError as error:
        return {}, [Problem("database", str(error))]
    if databases.missing(alias):
        name = databases.settings_of(alias)["NAME"]
        sentence = "The SQLite file %s does not exist yet: nothing is applied. Migrating creates it." % name
        return records, [Problem("fresh", sentence)]
    return records, []


def _by_app(records: Records) -> Recorded:
    recorded: Recorded = {}
    for (label, name), applied_at in records.items():
        recorded.setdefault(label, {})[name] = applied_at
    return recorded


def _scanned_app(folder: Folder, recorded: Dict[str, Optional[str]]) -> App:
    on_disk = set(folder.names)
    migrations = tuple(
        Migration(
            name=name,
            mark=APPLIED if name in recorded else UNAPPLIED,
            applied=name in recorded,
            applied_at=recorded.get(name),
            file=_file(folder, name) if name in on_disk else None,
            ghost=name not in on_disk,
            order=order,
        )
        for order, name in enumerate(sorted(on_disk.union(recorded)))
    )
    return _app(folder, migrations)


def _app(folder: Folder, migrations: Tuple[Migration, ...]) -> App:
    return App(
        label=folder.label,
        name=folder.app,
        third_party=folder.third_party,
        migrations=migrations,
        path=folder.path,
        why_empty=folder.why_empty or (None if migrations else "There are no migrations yet."),
    )


def _file(folder: Folder, name: str) -> str:
    return os.path.join(folder.path or "", name + ".py")


def _orphans(recorded: Recorded, known: Set[str]) -> List[App]:
    return [
        App(
            label=label,
            name="",
            third_party=False,
            orphan=True,
            why_empty=None,
            migrations=tuple(
                Migration(name, APPLIED, True, recorded[label][name], ghost=True, order=order)
                for order, name in enumerate(sorted(recorded[label]))
            ),
        )
        for label in sorted(recorded.keys() - known)
    ]


class _Facts:
    """All that the graph and the records say, ready to be asked per node."""

    def __init__(self, disk: Any, records: Records, loader: Any) -> None:
        self.disk = disk
        self.records = records
        self.recorded = _by_app(records)
        self.loader = loader
        self.names = {folder.label: folder.names for folder in disk.folders}
        self.order: Dict[Key, int] = {}
        self.leaves: Set[Key] = set()
        self.replaced_by: Dict[Key, Key] = {}
        for key, migration in disk.migrations.items():
            for replaced in migration.replaces:
                self.replaced_by[tuple(replaced)] = key
        if loader is not None:
            self.leaves = set(loader.graph.leaf_nodes())
            self.order = {key: place for place, key in enumerate(full_order(loader.graph))}

    def mark(self, key: Key) -> str:
        """Return the mark that showmigrations gives (django/core/management/commands/showmigrations.py).

        Django's loader takes a squash for applied if all that it replaces is, whatever its own record
        says: going back to one that it replaces leaves its row behind (EDGES 24).
        """
        recorded = key in self.records
        replaces = getattr(self.disk.migrations.get(key), "replaces", ())
        if replaces:
            if not all(tuple(replaced) in self.records for replaced in replaces):
                return UNAPPLIED
            return APPLIED if recorded else SQUASHED
        return APPLIED if recorded else UNAPPLIED

    def in_order(self, label: str, names: Iterable[str]) -> List[Key]:
        """Return an app's migrations as showmigrations lists them; replaced ones just before their squash."""
        order = self._own_order(label)

        def place(key: Key) -> Tuple[int, str]:
            if key in order:
                return (order[key], "~")
            squash = self.replaced_by.get(key)
            return (order.get(squash, 1 << 30) if squash else 1 << 30, key[1])

        return sorted(((label, name) for name in names), key=place)

    def _own_order(self, label: str) -> Dict[Key, int]:
        """Return the places of an app's nodes. The project's order serves where it is the only one.

        Branches stand in another order there if another app needs one of them first.
        """
        leaves = sorted(leaf for leaf in self.leaves if leaf[0] == label) if self.loader is not None else []
        if not leaves or (len(leaves) == 1 and not self._has_merges(label)):
            return self.order
        keys = [key for key in ancestry(self.loader.graph, leaves) if key[0] == label]
        return {key: place for place, key in enumerate(keys)}

    def _has_merges(self, label: str) -> bool:
        nodes = (self.loader.graph.node_map.get((label, name)) for name in self.names.get(label, ()))
        return any(
            sum(parent.key[0] == label for parent in node.parents) > 1 for node in nodes if node is not None
        )


def full_order(graph: Any) -> List[Key]:
    """Return all nodes in the order of Django's plan for everything."""
    return ancestry(graph, graph.leaf_nodes())


def _loaded_app(folder: Folder, facts: _Facts) -> App:
    names = set(folder.names).union(facts.recorded.get(folder.label, ()))
    keys = facts.in_order(folder.label, names)
    return _app(folder, tuple(_loaded(folder, key, order, facts) for order, key in enumerate(keys)))


def _loaded(folder: Folder, key: Key, order: int, facts: _Facts) -> Migration:
    migration = facts.disk.migrations.get(key)
    broken = facts.disk.broken.get(key)
    mark = facts.mark(key)
    here = key[1] in folder.names
    squash = facts.replaced_by.get(key)
    return Migration(
        name=key[1],
        mark=mark,
        applied=mark != UNAPPLIED,
        applied_at=facts.records.get(key),
        file=_file(folder, key[1]) if here else None,
        ghost=not here and squash is None,
        error=broken.message if broken else None,
        order=facts.order.get(key, order),
        reversible=None if migration is None else irreversible(migration) is None,
        runs_python=migration is not None and runs_python(migration.operations),
        initial=migration is not None and not any(app == key[0] for app, _ in migration.dependencies),
        head=key in facts.leaves,
        replaces=() if migration is None else tuple("%s.%s" % tuple(pair) for pair in migration.replaces),
        replaced_by=None if squash is None else "%s.%s" % squash,
    )


def _history_problems(loader: Any, alias: str) -> List[Problem]:
    problems = [
        Problem(
            "heads",
            "%s has %d heads: %s. `manage.py makemigrations --merge` joins them; until then"
            " Django migrates nothing." % (label, len(names), ", ".join(names)),
        )
        for label, names in sorted(loader.detect_conflicts().items())
    ]
    if loader.connection is not None:
        try:
            loader.check_consistent_history(loader.connection)
        except Exception as error:  # noqa: BLE001 -- InconsistentMigrationHistory, or the database going away
            problems.append(Problem("inconsistent", str(error)))
    return problems


def _graph_problem(error: BaseException) -> str:
    return "missing" if isinstance(error, NodeNotFoundError) else "graph"
