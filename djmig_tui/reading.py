"""A migration's file and every reason why it may not be removed."""

import base64
import hashlib
import os
import stat
from typing import Any, Dict, List, Optional, Set, Tuple, Union

from django.db import connections

from . import max_migration
from .dependencies import named_in_run_before, needs, removal_order
from .errors import EngineError, FailedError, Refusal
from .git import git_warnings
from .loading import Folder, Key, is_third_party, scan_folders
from .protocol import MigrationFile, ReadFile


def read_file(session: Any, request: ReadFile, call: Any) -> MigrationFile:
    """Answer with the file as it is, and every reason why it may not be removed.

    Raises `Refusal` for what is no migration file at all.
    """
    return read(Look(session), (request.app, request.name))


class Look:
    """What is asked once for any number of files, and which of them are taken to be removed already."""

    def __init__(self, session: Any) -> None:
        self.disk = session.disk()
        self.below = needs(self.disk)
        self.records = [(alias, _recorded(session, alias)) for alias in connections.settings]
        self.gone: Set[Key] = set()
        self._says: Dict[str, Optional[str]] = {}  # label → max_migration.txt

    def remove(self, key: Key, file: MigrationFile) -> None:
        """Look at the others as they are once this file is gone."""
        self.gone.add(key)
        if file.max_migration_after is not None:
            self._says[key[0]] = file.max_migration_after

    def max_migration(self, app: str) -> Optional[str]:
        """Return what max_migration.txt says, None if the app has none."""
        if app not in self._says:
            path = folder_of(app).path
            self._says[app] = None if path is None else max_migration.content(path)
        return self._says[app]

    def heads(self, app: str) -> List[str]:
        """Return the names that nothing of the app needs, sorted; a squash stands for what it replaces."""
        own = {key for key in (*self.disk.migrations, *self.disk.broken) if key[0] == app} - self.gone
        instead: Dict[Key, Key] = {}
        for key in own & set(self.disk.migrations):
            instead.update({tuple(each): key for each in self.disk.migrations[key].replaces})
        needed = {
            instead.get(parent, parent)
            for parent, needing in self.below.items()
            for child in needing
            if child in own and instead.get(child, child) != instead.get(parent, parent)
        }
        return sorted(name for app, name in own - needed - set(instead))


def _recorded(session: Any, alias: str) -> Union[Any, EngineError]:
    """Return the records of a database, or why it cannot be asked."""
    try:
        return session.refresh(alias)
    except EngineError as error:
        return error


def read(look: Look, key: Key) -> MigrationFile:
    """Return a file as it is, with the reasons that stand against removing it next."""
    folder = folder_of(key[0])
    path = path_in(folder, key[1])
    try:
        mode = os.lstat(path).st_mode
        with open(path, "rb") as source:
            content = source.read()
    except OSError as error:
        raise FailedError("%s cannot be read: %s." % (path, error.strerror or error)) from error
    applied_on, refusals = _applied_on(look, key)
    says = look.max_migration(key[0])
    after = max_migration.without(says, key[1], _heads_without(look, key))
    return MigrationFile(
        app=key[0],
        name=key[1],
        path=path,
        content=base64.b64encode(content).decode("ascii"),
        mode=stat.S_IMODE(mode),
        sha256=hashlib.sha256(content).hexdigest(),
        refusals=tuple(place_refusals(path, mode) + refusals + _needed(look, key)),
        applied_on=tuple(applied_on),
        needed_by=tuple("%s.%s" % each for each in removal_order(look.below, key)),
        first=_is_first(look.disk, folder, key),
        warnings=tuple(_warnings(look, key) + git_warnings(path)),
        max_migration=None if after is None else says,
        max_migration_after=after,
    )


def _heads_without(look: Look, key: Key) -> List[str]:
    look.gone.add(key)
    try:
        return look.heads(key[0])
    finally:
        look.gone.discard(key)


def _needed(look: Look, key: Key) -> List[str]:
    """Return why those that stay do not let it go."""
    refusals = []
    needed_by = ["%s.%s" % each for each in removal_order(look.below, key) if each not in look.gone]
    if needed_by:
        refusals.append(
            "%s.%s is needed by %s: remove these first, in this order." % (*key, ", ".join(needed_by))
        )
    refusals.extend(
        "%s.%s names it in run_before: take it out there first, or Django can build no graph." % other
        for other in named_in_run_before(look.disk, key)
        if other not in look.gone
    )
    return refusals


def folder_of(app: str) -> Folder:
    """Return where an app's migrations are. Raises `Refusal` for an app that is not installed."""
    for folder in scan_folders():
        if folder.label == app:
            return folder
    raise Refusal("There is no app %r in INSTALLED_APPS." % app)


def path_in(folder: Folder, name: str) -> str:
    """Return the path of a migration's file. Raises `Refusal` for what is none."""
    if name == "__init__":
        raise Refusal("__init__.py is never removed: without it Django does not see the app's migrations.")
    if folder.path is None or name not in folder.names:
        raise Refusal("There is no migration file %s.%s." % (folder.label, name))
    return os.path.join(folder.path, name + ".py")


def place_refusals(path: str, mode: int) -> List[str]:
    """Return why a file is not removed because of where and what it is."""
    refusals = []
    if is_third_party(path):
        refusals.append(
            "%s belongs to an installed package and is never removed: the next install would bring it back."
            " Roll its app back instead." % path
        )
    link = _link(path)
    if link is not None:
        refusals.append("%s is reached through a symlink (%s): remove the real file there." % (path, link))
    elif not stat.S_ISREG(mode):
        refusals.append("%s is not a regular file." % path)
    return refusals


def _link(path: str) -> Optional[str]:
    """Return the symlink by which `path` leads elsewhere, None if it does not.

    Links above, by which the project itself is reached, lead nowhere else.
    """
    top = os.getcwd()
    while path != os.path.dirname(path):
        real = os.path.realpath(path)
        if top == real or top.startswith(real.rstrip(os.sep) + os.sep):
            return None
        if os.path.islink(path):
            return path
        path = os.path.dirname(path)
    return None


def refusals_of_applied(session: Any, key: Key) -> Tuple[List[str], List[str]]:
    """Return the aliases that have `key` applied, and the refusals; an alias that cannot be asked counts."""
    return _applied_on(Look(session), key)


def _applied_on(look: Look, key: Key) -> Tuple[List[str], List[str]]:
    applied, refusals = [], []
    migration = look.disk.migrations.get(key)
    replaces = [tuple(pair) for pair in migration.replaces] if migration is not None else []
    for alias, records in look.records:
        if isinstance(records, EngineError):
            applied.append(alias)
            refusals.append("It counts as applied on %r, which cannot be asked. %s" % (alias, records))
            continue
        if key in records or (replaces and all(each in records for each in replaces)):
            applied.append(alias)
            refusals.append(
                "%s.%s is applied on %r: roll it back there first, then remove it." % (*key, alias)
            )
    return applied, refusals


def _is_first(disk: Any, folder: Folder, key: Key) -> bool:
    migration = disk.migrations.get(key)
    if migration is None:  # cannot be imported: the name is all there is
        return bool(folder.names) and folder.names[0] == key[1]
    return not any(app == key[0] for app, _ in migration.dependencies)


def _warnings(look: Look, key: Key) -> List[str]:
    disk = look.disk
    warnings = [
        "%s.%s cannot be read and may depend on it: %s" % (*other, broken.message)
        for other, broken in disk.broken.items()
        if other != key and other not in look.gone
    ]
    warnings.extend(
        "%s.%s replaces it: the squashed migration stays." % other
        for other, migration in disk.migrations.items()
        if key in {tuple(pair) for pair in migration.replaces} and other not in look.gone
    )
    return warnings
