"""Files that only their owner can read, written so that a crash leaves the old ones or the new ones."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

FOLDER_MODE = 0o700
FILE_MODE = 0o600
#: How much is read at a time from the end of a file.
BLOCK = 64 * 1024


def make_folder(folder: Path) -> None:
    """Create `folder` and the missing ones above it, each of them private and known to the disk."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        with contextlib.suppress(FileExistsError):  # another of our processes was faster
            each.mkdir(FOLDER_MODE)
        sync_folder(each.parent)


def hold_new(folder: Path) -> int:
    """Create `folder` and hold its lock, until the descriptor is closed: it says that somebody is at it."""
    while True:
        make_folder(folder)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if folder.exists() and os.path.samestat(os.fstat(descriptor), folder.stat()):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # deleted as a leftover, between its creation and its lock


@contextlib.contextmanager
def not_held(folder: Path) -> Iterator[bool]:
    """Hold the lock of `folder` if nobody else does, or it cannot be had; yield whether it is held."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        yield False
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            free = False
        else:
            free = True
        yield free
    finally:
        os.close(descriptor)


def write_whole(path: Path, data: bytes) -> None:
    """Replace `path` by `data`: when this returns, both the content and the name are on the disk."""
    beside = path.with_name(f".{path.name[:100]}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, FILE_MODE)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            beside.unlink()
        raise
    sync_folder(path.parent)


def append_line(path: Path, line: bytes) -> None:
    """Append `line` with one write, on a line of its own even if the last one was cut off."""
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, FILE_MODE)
    try:
        size = os.fstat(descriptor).st_size
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        os.write(descriptor, (b"\n" if torn else b"") + line + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_end(path: Path, lines: int = 0) -> list[bytes]:
    """Return the last `lines` lines of `path`, all of them for 0, none if it cannot be read.

    From the end: a file that grew for years opens as fast as a new one.
    """
    try:
        with path.open("rb") as file:
            if not lines:
                return file.read().splitlines()
            position = file.seek(0, os.SEEK_END)
            end = b""
            while position and end.count(b"\n") <= lines:
                size = min(position, BLOCK)
                position = file.seek(position - size)
                end = file.read(size) + end
    except OSError:
        return []
    return end.splitlines()[-lines:]


def sync_folder(folder: Path) -> None:
    """Put the names in `folder` on the disk, where the file system lets us ask for that."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network and overlay file systems refuse
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
