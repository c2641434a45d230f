"""max_migration.txt of django-linear-migrations: it names an app's last migration (EDGES 54)."""

import os
import stat
from typing import List, Optional

NAME = "max_migration.txt"
#: Longer ones are not what we take them for.
_LIMIT = 10000


def content(folder: str) -> Optional[str]:
    """Return all of the file, None if there is none that we would touch."""
    path = os.path.join(folder, NAME)
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return None
        with open(path, encoding="utf-8", newline="") as source:
            text = source.read(_LIMIT + 1)
    except (OSError, ValueError):
        return None
    return text if len(text) <= _LIMIT else None


def without(text: Optional[str], name: str, heads: List[str]) -> Optional[str]:
    """Return what the file says once `name` is removed, None if it stays as it is.

    It stays if it names another migration, or if none is left that it could name. Of several heads it is
    the one that sorts last, as in the check of django-linear-migrations.
    """
    if text is None or text.strip() != name or not heads:
        return None
    return text.replace(name, max(heads))


def write(folder: str, text: str) -> str:
    """Replace the file, keeping its mode: after a crash it is the old one or the new one. Return its path."""
    path = os.path.join(folder, NAME)
    beside = os.path.join(folder, ".%s.%d" % (NAME, os.getpid()))
    mode = stat.S_IMODE(os.stat(path).st_mode)
    try:
        with open(beside, "w", encoding="utf-8", newline="") as target:
            target.write(text)
            os.fchmod(target.fileno(), mode)
            target.flush()
            os.fsync(target.fileno())
        os.replace(beside, path)
    except BaseException:
        if os.path.exists(beside):
            os.unlink(beside)
        raise
    return path
