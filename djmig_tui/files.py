"""Delete migration files and put them back. Every refusal is asked again at the moment of deleting."""

import base64
import importlib.util
import os
import stat
import sys
from typing import Any, List, Optional, Tuple

from . import max_migration
from .errors import EngineError, FailedError, Refusal, StaleError
from .protocol import (
    DeleteFile,
    FileDeleted,
    FileRestored,
    FilesRestored,
    ReadFile,
    RestoreFile,
    RestoreFiles,
)
from .reading import folder_of, read_file


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
    said = _rewrite(file.path, file.max_migration_after)
    try:
        also = unlink(file.path)
    except FailedError:
        _rewrite(file.path, file.max_migration)
        raise
    session.forget_file(module)
    return FileDeleted(file.path, tuple(also), said)


def _rewrite(beside: str, text: Optional[str]) -> Optional[str]:
    """Write max_migration.txt beside a file, if there is something to write; return its path."""
    if text is None:
        return None
    folder = os.path.dirname(beside)
    try:
        return max_migration.write(folder, text)
    except OSError as error:
        raise FailedError(
            "%s in %s cannot be written: %s." % (max_migration.NAME, folder, error.strerror or error)
        ) from error


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
    return _with_max_migration(path, request)


def _with_max_migration(path: str, request: RestoreFile) -> FileRestored:
    """Put max_migration.txt back too, if it still says what the removal made of it."""
    if request.max_migration is None:
        return FileRestored(path)
    says = max_migration.content(os.path.dirname(path))
    if says != request.max_migration_after:
        found = "is gone" if says is None else "says %s by now" % (says.strip() or "nothing")
        note = "%s %s, so it was left alone: see that it names the last one." % (max_migration.NAME, found)
        return FileRestored(path, note=note)
    try:
        return FileRestored(path, _rewrite(path, request.max_migration))
    except FailedError as error:
        return FileRestored(path, note=str(error))


def restore_files(session: Any, request: RestoreFiles, call: Any) -> FilesRestored:
    """Write every file back, or none of them. Raises `Refusal` and `FailedError` as `write_back` does."""
    refuse_read_only(session)
    try:
        for each in request.files:  # before the first one is written
            path = _restored_path(each)
            if os.path.lexists(path):
                raise _is_there(path)
        paths = _write_all(request.files)
    except EngineError as error:
        none = " None of the %d files was put back." % len(request.files)
        raise type(error)("%s%s" % (error, none if request.files[1:] else "")) from error
    for each in request.files:
        session.forget_file(module_of(each.app, each.name))
    said = [_with_max_migration(path, each) for path, each in zip(paths, request.files)]
    named = dict.fromkeys(each.max_migration for each in said if each.max_migration)
    notes = dict.fromkeys(each.note for each in said if each.note)
    return FilesRestored(tuple(paths), tuple(named), tuple(notes))


def _write_all(files: Tuple[RestoreFile, ...]) -> List[str]:
    """Write the files back and return their paths; if one cannot be written, those before it go again."""
    paths: List[str] = []
    try:
        for each in files:
            paths.append(write_back(each))
    except EngineError:
        for path in paths:
            os.unlink(path)  # ours, of this moment
        raise
    return paths


def _is_there(path: str) -> Refusal:
    return Refusal("%s is there already and is not written over. Move it away first." % path)


def write_back(request: RestoreFile) -> str:
    """Write the file of `request` where it was and return its path. Raises `Refusal`, `FailedError`."""
    path = _restored_path(request)
    content = base64.b64decode(request.content, validate=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    try:
        descriptor = os.open(path, flags, 0o600)
    except FileExistsError:
        raise _is_there(path) from None
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
