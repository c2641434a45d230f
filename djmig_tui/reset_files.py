"""The files of a reset, many at a time: after each one alone the graph would be read anew."""

import base64
import hashlib
import os
import stat
from typing import Any, List

from . import max_migration
from .errors import FailedError, Refusal, StaleError
from .files import module_of, refuse_read_only, unlink
from .protocol import (
    RESET_KEEPING,
    RESETS,
    DeleteFiles,
    FilesDeleted,
    MigrationFile,
    MigrationFiles,
    ReadFiles,
)
from .reading import folder_of, path_in, place_refusals, refusals_of_applied
from .reset_blockers import why_not_here


def read_files(session: Any, request: ReadFiles, call: Any) -> MigrationFiles:
    """Return the files of `keys`. Raises `Refusal` for what is no migration file, else `FailedError`."""
    return MigrationFiles(tuple(_read(*key.split(".", 1)) for key in request.keys))


def _read(app: str, name: str) -> MigrationFile:
    path = path_in(folder_of(app), name)
    try:
        mode = os.lstat(path).st_mode
        with open(path, "rb") as source:
            content = source.read()
    except OSError as error:
        raise FailedError("%s cannot be read: %s." % (path, error.strerror or error)) from error
    return MigrationFile(
        app=app,
        name=name,
        path=path,
        content=base64.b64encode(content).decode("ascii"),
        mode=stat.S_IMODE(mode),
        sha256=hashlib.sha256(content).hexdigest(),
        max_migration=max_migration.content(os.path.dirname(path)),
    )


def delete_files(session: Any, request: DeleteFiles, call: Any) -> FilesDeleted:
    """Delete every file, or none: all are looked at before the first one goes.

    Raises `Refusal` for what a reset must not remove, `StaleError` if one has another hash by now.
    An error of the file system in the middle is an answer, with what went before it.
    """
    refuse_read_only(session)
    if request.kind not in RESETS:
        raise Refusal("%r is no reset." % request.kind)
    paths = [_looked_at(session, request, each) for each in request.files]
    deleted: List[str] = []
    error = None
    try:
        for path in paths:
            unlink(path)
            deleted.append(path)
    except FailedError as failed:
        error = str(failed)
    _forget(session, request.files)
    return FilesDeleted(tuple(deleted), error)


def _looked_at(session: Any, request: DeleteFiles, each: Any) -> str:
    file = _read(each.app, each.name)
    if file.sha256 != each.sha256:
        raise StaleError("%s changed since it was shown: nothing was removed; look again." % file.path)
    refusals = place_refusals(file.path, os.lstat(file.path).st_mode)
    refusals.extend(sentence for sentence, _ in why_not_here(session, [request.database]))
    if request.kind != RESET_KEEPING:
        refusals.extend(refusals_of_applied(session, (each.app, each.name))[1])
    if refusals:
        raise Refusal(" ".join(refusals))
    return file.path


def _forget(session: Any, files: Any) -> None:
    for each in files:
        session.forget_file(module_of(each.app, each.name))
