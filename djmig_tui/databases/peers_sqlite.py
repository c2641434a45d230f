"""Other processes on a SQLite file: SQLite knows nothing of them, the system may."""

import os
from typing import Any, Dict, List, Optional, Set, Tuple

from ..protocol import DatabaseSession

#: There is no server to ask over a second connection.
BESIDE = False
#: What SQLite appends to the name of the database: locks are taken on some of these.
SUFFIXES = ("", "-wal", "-shm", "-journal")


def sessions(connection: Any) -> Tuple[List[DatabaseSession], Optional[str]]:
    """Return the other processes that have the file open, and why they cannot all be told."""
    files = _files(connection)
    if not files:
        return [], None  # in memory, or not there yet: nobody else's
    if not os.path.isdir("/proc/self/fd"):
        return [], "This system does not tell which processes have a file open, and SQLite does not know."
    lockers, hidden = _lockers(files), False
    found = []
    for pid in _processes():
        try:
            opened = _has_open(pid, files)
        except PermissionError:
            hidden = True
            opened = pid in lockers
        if opened:
            state = "holds a lock on the file" if pid in lockers else "idle"
            found.append(_process(pid, state))
    return found, "Processes of other users cannot be looked into." if hidden else None


def blocking(connection: Any, waiting: int = 0) -> List[DatabaseSession]:
    """Return who holds a lock on the file, as far as the system tells."""
    return [each for each in sessions(connection)[0] if each.state != "idle"]


def waited_for_lock(error: BaseException) -> bool:
    """Return whether `error` is that of a lock that did not come in time."""
    return "database is locked" in str(error) or "database table is locked" in str(error)


def _files(connection: Any) -> Set[Tuple[int, int]]:
    """Return (device, inode) of the database and of the files beside it."""
    name = str(connection.settings_dict["NAME"])
    if name.startswith("file:"):
        from urllib.parse import unquote, urlsplit

        name = unquote(urlsplit(name).path)
    files = set()
    for suffix in SUFFIXES:
        try:
            stat = os.stat(name + suffix)
        except (OSError, ValueError):
            continue
        files.add((stat.st_dev, stat.st_ino))
    return files


def _processes() -> List[int]:
    ours = os.getpid()
    return sorted(int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != ours)


def _has_open(pid: int, files: Set[Tuple[int, int]]) -> bool:
    folder = "/proc/%d/fd" % pid
    try:
        descriptors = os.listdir(folder)
    except (FileNotFoundError, ProcessLookupError):
        return False
    for descriptor in descriptors:
        try:
            stat = os.stat(os.path.join(folder, descriptor))
        except OSError:
            continue
        if (stat.st_dev, stat.st_ino) in files:
            return True
    return False


def _lockers(files: Set[Tuple[int, int]]) -> Set[int]:
    """Return the processes with a lock on one of `files`: by inode, as file systems differ in devices."""
    inodes = {inode for _, inode in files}
    found = set()
    try:
        with open("/proc/locks") as locks:
            for line in locks:
                words = line.split()
                if words[1] == "->":  # waits for the lock, does not hold it
                    continue
                pid, where = words[4], words[5]
                if int(where.rpartition(":")[2]) in inodes and int(pid) > 0:
                    found.add(int(pid))
    except (OSError, ValueError, IndexError):
        return set()
    return found


def _process(pid: int, state: str) -> DatabaseSession:
    return DatabaseSession(str(pid), _user(pid), _command(pid), state)


def _command(pid: int) -> str:
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as file:
            words = file.read(4096).split(b"\0")
    except OSError:
        return ""
    return " ".join(word.decode("utf-8", "replace") for word in words if word)


_users: Dict[int, str] = {}


def _user(pid: int) -> str:
    try:
        uid = os.stat("/proc/%d" % pid).st_uid
    except OSError:
        return ""
    if uid not in _users:
        import pwd

        try:
            _users[uid] = pwd.getpwuid(uid).pw_name
        except KeyError:
            _users[uid] = str(uid)
    return _users[uid]
