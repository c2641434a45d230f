"""A folder for the copy of a database, gone afterwards: at once, or at the next start if we were killed.

It is in the system's place for temporary files, never in the project, and readable by its owner only.
"""

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
import time
from typing import Iterator

from .errors import Refusal

#: The file whose lock says that the process that made the folder is alive.
LOCK = "lock"
#: A folder without that file may be one that is just being made; seconds.
YOUNG = 60


@contextlib.contextmanager
def folder() -> Iterator[str]:
    """Yield an empty folder that is removed with all that is in it."""
    sweep()
    parent = _parent()
    path = _make(parent)
    try:
        lock = os.open(os.path.join(path, LOCK), os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield path
        finally:
            os.close(lock)
    finally:
        shutil.rmtree(path, ignore_errors=True)
        with contextlib.suppress(OSError):  # another one is at work in it
            os.rmdir(parent)


def _make(parent: str) -> str:
    while True:
        os.makedirs(parent, mode=0o700, exist_ok=True)
        if not _is_ours(parent):
            raise Refusal("%s is not a folder of this user alone: remove it, or set TMPDIR." % parent)
        with contextlib.suppress(FileNotFoundError):  # another one has just removed the empty parent
            return tempfile.mkdtemp(prefix="copy-", dir=parent)


def sweep() -> None:
    """Remove what processes left behind that were killed."""
    parent = _parent()
    if not _is_ours(parent):
        return
    with os.scandir(parent) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False) and _is_dead(entry):
                shutil.rmtree(entry.path, ignore_errors=True)
    with contextlib.suppress(OSError):
        os.rmdir(parent)


def _parent() -> str:
    return os.path.join(tempfile.gettempdir(), "djmig-tui-%d" % os.getuid())


def _is_ours(path: str) -> bool:
    """Return whether `path` is a folder that nobody else can put anything into."""
    try:
        found = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022


def _is_dead(entry: "os.DirEntry[str]") -> bool:
    """Return whether nobody holds the lock in a folder: by lock, as process ids differ in containers."""
    try:
        lock = os.open(os.path.join(entry.path, LOCK), os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return time.time() - entry.stat(follow_symlinks=False).st_mtime > YOUNG
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    else:
        return True
    finally:
        os.close(lock)
