"""Read, delete and put back migration files. Every refusal is asked again at the moment of deleting."""

import base64
import hashlib
import importlib.util
import os
import stat
import sys
from typing import Any, List, Optional, Tuple

from django.db import connections

from .dependencies import named_in_run_before, removal_order
from .errors import EngineError, FailedError, Refusal, StaleError
from .git import git_warnings
from .loading import Folder, Key, is_third_party, scan_folders
from .protocol import (
    DeleteFile,
    FileDeleted,
    FileRestored,
    MigrationFile,
    ReadFile,
    RestoreFile,
)


def read_file(session: Any, request: ReadFile, call: Any) -> MigrationFile:
    """Answer with the file as it is, and every reason why it may not be removed.

    Raises `Refusal` for what is no migration file at all.
    """
    key = (request.app, request.name)
    folder = folder_of(request.app)
    path = path_in(folder, request.name)
    try:
        mode = os.lstat(path).st_mode
        with open(path, "rb") as source:
            content = source.read()
    except OSError as error:
        raise FailedError("%s cannot be read: %s." % (path, error.strerror or error)) from error
    needed_by = removal_order(session.disk(), key)
    applied_on, refusals = refusals_of_applied(session, key)
    refusals = place_refusals(path, mode) + refusals
    if needed_by:
        refusals.append(
            "%s.%s is needed by %s: remove these first, in this order." % (*key, ", ".join(needed_by))
        )
    refusals.extend(
        "%s.%s names it in run_before: take it out there first, or Django can build no graph." % other
        for other in named_in_run_before(session.disk(), key)
    )
    return MigrationFile(
        app=key[0],
        name=key[1],
        path=path,
        content=base64.b64encode(content).decode("ascii"),
        mode=stat.S_IMODE(mode),
        sha256=hashlib.sha256(content).hexdigest(),
        refusals=tuple(refusals),
        applied_on=tuple(applied_on),
        needed_by=tuple(needed_by),
        first=_is_first(session.disk(), folder, key),
        warnings=tuple(_warnings(session.disk(), key) + git_warnings(path)),
    )


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
            " Roll its app back instead (b on the app)." % path
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
    applied, refusals = [], []
    migration = session.disk().migrations.get(key)
    replaces = [tuple(pair) for pair in migration.replaces] if migration is not None else []
    for alias in connections.settings:
        try:
            records = session.refresh(alias)
        except EngineError as error:
            applied.append(alias)
            refusals.append("It counts as applied on %r, which cannot be asked. %s" % (alias, error))
            continue
        if key in records or (replaces and all(each in records for each in replaces)):
            applied.append(alias)
            refusals.append(
                "%s.%s is applied on %r: roll it back there first (u), then remove it." % (*key, alias)
            )
    return applied, refusals


def _is_first(disk: Any, folder: Folder, key: Key) -> bool:
    migration = disk.migrations.get(key)
    if migration is None:  # cannot be imported: the name is all there is
        return bool(folder.names) and folder.names[0] == key[1]
    return not any(app == key[0] for app, _ in migration.dependencies)


def _warnings(disk: Any, key: Key) -> List[str]:
    warnings = [
        "%s.%s cannot be read and may depend on it: %s" % (*other, broken.message)
        for other, broken in disk.broken.items()
        if other != key
    ]
    warnings.extend(
        "%s.%s replaces it: the squashed migration stays." % other
        for other, migration in disk.migrations.items()
        if key in {tuple(pair) for pair in migration.replaces}
    )
    return warnings


def delete_file(session: Any, request: DeleteFile, call: Any) -> FileDeleted:
    """Delete the file that was read, and stale byte code of it.

    Raises `StaleError` if it has another hash by now, `Refusal` for every reason of `read_file`
    and for a first migration that was not meant.
    """
    refuse_read_only(session)
    session.refuse_changed_files()
    file = read_file(session, ReadFile(request.database, request.app, request.name), call)
    if file.sha256 != request.sha256:
        raise StaleError("%s changed since it was shown: nothing was removed; look again." % file.path)
    if file.refusals:
        raise Refusal(" ".join(file.refusals))
    if file.first and not request.first:
        raise Refusal("%s.%s is the app's first migration: its name must be typed." % (file.app, file.name))
    module = module_of(request.app, request.name)
    also = unlink(file.path)
    session.forget_file(module)
    return FileDeleted(file.path, tuple(also))


def unlink(path: str) -> List[str]:
    """Remove a migration's file and return what byte code went with it. Raises `FailedError`."""
    # Whatever can fail comes before: after a failure the interface takes the file to be still there.
    stale = _stale_byte_code(path)
    try:
        os.unlink(path)
    except OSError as error:
        raise FailedError("%s cannot be removed: %s." % (path, error.strerror)) from error
    also = [each for each in stale if _is_removed(each)]
    _sync_folder(os.path.dirname(path))
    return also


def _is_removed(path: str) -> bool:
    """Remove byte code and return whether it went: the file is gone already, and it does no harm."""
    try:
        os.unlink(path)
    except OSError as error:
        sys.stderr.write("djmig-tui: %s stays: %s\n" % (path, error.strerror))
        return False
    return True


def refuse_read_only(session: Any) -> None:
    """Raise `Refusal` if this engine was told never to write."""
    if session.read_only:
        raise Refusal(
            "djmig-tui was started with --read-only: no file is touched. Start it without to go on."
        )


def _stale_byte_code(path: str) -> List[str]:
    stem = os.path.basename(path)[: -len(".py")]
    found = [path + "c"] if os.path.isfile(path + "c") else []
    cache = os.path.dirname(importlib.util.cache_from_source(path))
    try:
        entries = sorted(os.listdir(cache))
    except OSError:
        return found
    return found + [
        os.path.join(cache, entry)
        for entry in entries
        if entry.startswith(stem + ".") and entry.endswith(".pyc")
    ]


def module_of(app: str, name: str) -> str:
    """Return the dotted name of a migration's module."""
    return "%s.%s" % (folder_of(app).module, name)


def restore_file(session: Any, request: RestoreFile, call: Any) -> FileRestored:
    """Write the file byte for byte with its mode. Raises `Refusal` if anything is there already."""
    refuse_read_only(session)
    session.refuse_changed_files()
    path = write_back(request)
    session.forget_file(module_of(request.app, request.name))
    return FileRestored(path)


def write_back(request: RestoreFile) -> str:
    """Write the file of `request` where it was and return its path. Raises `Refusal`, `FailedError`."""
    path = _restored_path(request)
    content = base64.b64decode(request.content, validate=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    try:
        descriptor = os.open(path, flags, 0o600)
    except FileExistsError:
        raise Refusal("%s is there already and is not written over. Move it away first." % path) from None
    except OSError as error:
        raise FailedError("%s cannot be written: %s." % (path, error.strerror)) from error
    try:
        with os.fdopen(descriptor, "wb") as target:
            target.write(content)
            os.fchmod(target.fileno(), stat.S_IMODE(request.mode))
            target.flush()
            os.fsync(target.fileno())
    except OSError as error:
        os.unlink(path)  # ours, and half written
        raise FailedError("%s cannot be written: %s." % (path, error.strerror)) from error
    _sync_folder(os.path.dirname(path))
    return path


def _restored_path(request: RestoreFile) -> str:
    folder = folder_of(request.app)
    if not request.name or request.name[0] in "_~" or set(request.name) & {os.sep, "\0", "."}:
        raise Refusal("%r is not the name of a migration." % request.name)
    if folder.path is None or folder.why_empty not in {None, ""} or not os.path.isdir(folder.path):
        raise Refusal(
            "The migrations folder of %s is gone: make it again, with __init__.py, first." % request.app
        )
    path = os.path.join(folder.path, request.name + ".py")
    if request.path != path:
        raise Refusal(
            "The file was in %s, but the migrations of %s are in %s now."
            % (request.path, request.app, folder.path)
        )
    return path


def _sync_folder(folder: str) -> None:
    """Have the folder's change on the disk, where that can be asked for: not every file system takes it."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        sys.stderr.write("djmig-tui: %s: %s\n" % (folder, error.strerror))
