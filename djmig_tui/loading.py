"""Migrations on disk: found without importing them, and imported once for Django's graph."""

import contextlib
import functools
import gc
import importlib.util
import os
import sys
import traceback
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Dict, Iterable, Iterator, List, Optional, Set, Tuple, Union

from django.apps import apps
from django.db.migrations.exceptions import InconsistentMigrationHistory
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

Key = Tuple[str, str]
#: Path → (mtime in ns, size) of every Python file in the migrations folders.
Snapshot = Dict[str, Tuple[int, int]]


@dataclass(frozen=True)
class Folder:
    """Where an app's migrations are, or why there are none."""

    label: str
    app: str  # dotted name of the app
    module: Optional[str]  # dotted name of the migrations package
    path: Optional[str]
    names: Tuple[str, ...]  # sorted
    why_empty: Optional[str]
    third_party: bool


@dataclass(frozen=True)
class BrokenFile:
    """A migration that cannot be imported."""

    message: str  # one sentence with file and line
    detail: str  # the traceback


@dataclass
class Disk:
    """All migrations that could be imported, and the files that could not."""

    migrations: Dict[Key, Any] = field(default_factory=dict)
    broken: Dict[Key, BrokenFile] = field(default_factory=dict)
    migrated_apps: Set[str] = field(default_factory=set)
    unmigrated_apps: Set[str] = field(default_factory=set)
    folders: Tuple[Folder, ...] = ()
    snapshot: Snapshot = field(default_factory=dict)


class Loader(MigrationLoader):  # type: ignore[misc, unused-ignore]
    """Django's loader over files that were imported once, so that several graphs can be built.

    It belongs to the files and records as they were then, so its findings are kept: a session drops it
    with them.
    """

    def __init__(self, connection: Any, disk: Disk, replace: bool) -> None:
        self.disk = disk
        self._conflicts: Optional[Dict[str, List[str]]] = None
        self._consistent: Union[bool, InconsistentMigrationHistory, None] = None
        super().__init__(connection, ignore_no_migrations=True, replace_migrations=replace)

    def load_disk(self) -> None:
        """Take the files from `Disk`; Django's own method would import them again."""
        self.disk_migrations = dict(self.disk.migrations)
        self.unmigrated_apps = set(self.disk.unmigrated_apps)
        self.migrated_apps = set(self.disk.migrated_apps)

    def detect_conflicts(self) -> Dict[str, List[str]]:
        """Return the apps with several heads; found once."""
        if self._conflicts is None:
            self._conflicts = super().detect_conflicts()
        return dict(self._conflicts)

    def check_consistent_history(self, connection: Any) -> None:
        """Raise `InconsistentMigrationHistory` as Django does; read from the database once."""
        if self._consistent is None:
            try:
                super().check_consistent_history(connection)
                self._consistent = True
            except InconsistentMigrationHistory as error:
                self._consistent = error
        if isinstance(self._consistent, InconsistentMigrationHistory):
            raise self._consistent.with_traceback(None)

    def project_state(self, nodes: Any = None, at_end: bool = True) -> Any:
        """Return the state at the end of `nodes`, one key or several, or before them, as Django makes it.

        `MigrationGraph.make_state` looks for each migration in a list of those before it, once for each
        of `nodes`: of thousands that is felt.
        """
        if not nodes:
            return super().project_state(nodes, at_end)
        keys = dict.fromkeys(nodes if isinstance(nodes[0], tuple) else [nodes])
        state = ProjectState(real_apps=self.unmigrated_apps)
        for key in ancestry(self.graph, keys):
            if at_end or key not in keys:
                state = self.graph.nodes[key].mutate_state(state, preserve=False)
        return state


def ancestry(graph: Any, keys: Iterable[Key]) -> List[Key]:
    """Return `keys` and all that they need in the order of Django's plans, in one walk.

    Django walks the ancestry of each key anew and drops what it has seen; sharing what was seen gives
    the same list, since it always holds whole ancestries.
    """
    ordered: List[Key] = []
    seen: Set[Key] = set()
    for start in keys:
        stack = [(graph.node_map[start], False)]
        while stack:
            node, processed = stack.pop()
            if node.key in seen:
                continue
            if processed:
                seen.add(node.key)
                ordered.append(node.key)
                continue
            stack.append((node, True))
            stack.extend((parent, False) for parent in sorted(node.parents))
    return ordered


def is_third_party(path: str) -> bool:
    """Return whether `path` belongs to an installed package rather than to the project."""
    parts = os.path.normpath(path).split(os.sep)
    if "site-packages" in parts or "dist-packages" in parts:
        return True
    return _in_environment(os.path.dirname(path))


@functools.lru_cache(maxsize=None)
def _in_environment(folder: str) -> bool:
    """Return whether `folder` is in the virtual environment: pip keeps sources that it cloned in its src/.

    An environment that the project itself lies in, as in many images, tells nothing.
    """
    if sys.prefix == sys.base_prefix:
        return False
    project = (os.getcwd(), os.path.dirname(os.path.abspath(sys.argv[0])))
    return _is_below(folder, sys.prefix) and not any(_is_below(each, sys.prefix) for each in project)


def _is_below(path: str, top: str) -> bool:
    real, top = os.path.realpath(path), os.path.realpath(top)
    return real == top or real.startswith(top.rstrip(os.sep) + os.sep)


def file_of(migration: Any) -> Optional[str]:
    """Return the file that a loaded migration came from, None if it came from none."""
    return getattr(sys.modules.get(type(migration).__module__), "__file__", None)


def scan_folders() -> Tuple[Folder, ...]:
    """Return every installed app's migrations folder by the rules of Django's loader, importing none."""
    return tuple(_scan(app_config) for app_config in apps.get_app_configs())


def _scan(app_config: Any) -> Folder:
    module, explicit = MigrationLoader.migrations_module(app_config.label)
    third_party = is_third_party(app_config.path)

    def folder(path: Optional[str], names: List[str], why: Optional[str]) -> Folder:
        return Folder(app_config.label, app_config.name, module, path, tuple(sorted(names)), why, third_party)

    if module is None:
        return folder(None, [], "MIGRATION_MODULES turns migrations off for this app.")
    try:
        spec = importlib.util.find_spec(module)
    except Exception as error:  # noqa: BLE001 -- a package that it lies in is imported, and may raise anything
        return folder(None, [], "The package %s cannot be imported: %s" % (module, error))
    if spec is None:
        why = "MIGRATION_MODULES names %s, which does not exist." if explicit else "There is no package %s."
        return folder(None, [], why % module)
    if spec.submodule_search_locations is None:
        return folder(None, [], "%s is a file, not a package." % spec.origin)
    path = next(iter(spec.submodule_search_locations), None)
    if spec.origin is None or path is None:
        return folder(path, [], "%s has no __init__.py, so Django does not see it." % path)
    return folder(path, migration_names(path), None)


def migration_names(path: str) -> List[str]:
    """Return the names of the modules in `path` that Django takes for migrations, unsorted."""
    try:
        entries = os.listdir(path)
    except OSError:
        return []
    # Python cannot import what has a dot in its name: such a file is somebody's copy (pkgutil.iter_modules).
    names = [entry[:-3] for entry in entries if entry.endswith(".py") and entry[0] not in "_~"]
    return [name for name in names if name and "." not in name]


def take_snapshot(folders: Tuple[Folder, ...]) -> Snapshot:
    """Return the state of all files by which a change on disk is noticed."""
    snapshot: Snapshot = {}
    for folder in folders:
        if folder.path is None:
            continue
        try:
            with os.scandir(folder.path) as entries:
                for entry in entries:
                    if entry.name.endswith(".py"):
                        stat = entry.stat()
                        snapshot[entry.path] = (stat.st_mtime_ns, stat.st_size)
        except OSError:
            continue  # gone between two looks: the missing files are the change
    return snapshot


@contextlib.contextmanager
def without_collector() -> Iterator[None]:
    """Load what stays for the life of the process without searching it for garbage.

    Python's collector would walk thousands of modules again and again while they come in, and in the
    middle of every later request: a third of the time at 5,000 migrations.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if hasattr(gc, "freeze"):  # CPython's
            gc.freeze()
        if was_enabled:
            gc.enable()


def read_disk(progress: Any = None) -> Disk:
    """Import every migration. What cannot be imported is kept as `BrokenFile`, the rest goes on."""
    with without_collector():
        return _read_disk(progress)


def _read_disk(progress: Any) -> Disk:
    folders = scan_folders()
    disk = Disk(folders=folders, snapshot=take_snapshot(folders))
    total, done = sum(len(folder.names) for folder in folders), 0
    for folder in folders:
        if folder.why_empty is not None or folder.module is None:
            disk.unmigrated_apps.add(folder.label)
            continue
        disk.migrated_apps.add(folder.label)
        for name in folder.names:
            _read(disk, folder, name)
        done += len(folder.names)
        if progress is not None:
            progress(done, total, "Reading migrations of %s" % folder.label)
    return disk


def _read(disk: Disk, folder: Folder, name: str) -> None:
    key = (folder.label, name)
    try:
        module = import_module("%s.%s" % (folder.module, name))
        disk.migrations[key] = module.Migration(name, folder.label)
    except KeyboardInterrupt:  # a cancel, not a fault of the file
        raise
    except BaseException as error:  # noqa: BLE001 -- a migration file may raise anything, SystemExit too
        sys.modules.pop("%s.%s" % (folder.module, name), None)
        disk.broken[key] = BrokenFile(_sentence(folder, name, error), traceback.format_exc())


def _sentence(folder: Folder, name: str, error: BaseException) -> str:
    path = os.path.join(folder.path or "", name + ".py")
    line: Optional[int] = None
    if isinstance(error, SyntaxError):
        path, line = error.filename or path, error.lineno
        words = error.msg
    else:
        for frame in traceback.extract_tb(error.__traceback__):
            if frame.filename == path:
                line = frame.lineno
        words = str(error)
        if isinstance(error, AttributeError) and "'Migration'" in words:
            return "%s has no Migration class." % path
    where = path if line is None else "%s, line %d" % (path, line)
    return "%s: %s: %s" % (where, type(error).__name__, words)
