"""Notices what changes behind our back: migration files, git HEAD, and the records while somebody looks."""

import os
import time
from typing import Any, List, Optional, Tuple

from . import databases
from .errors import EngineError
from .loading import Snapshot, scan_folders, take_snapshot
from .protocol import Changed, Watch, Watching
from .records import read_records

RECORDS_EVERY = 5.0  # seconds, while the terminal has focus
IDLE = 60.0  # seconds after which a database that nobody asks is let go


def watch(session: Any, request: Watch, call: Any) -> Watching:
    """Remember which alias to watch, and whether anybody looks."""
    databases.check_alias(request.database)
    session.watched, session.focused = request.database, request.focused
    return Watching()


def poll(session: Any) -> List[Changed]:
    """Return what changed since it was last told. Called when nothing else is to be done."""
    changes = _file_changes(session)
    now = time.monotonic()
    if session.focused and now - session.polled_at >= RECORDS_EVERY:
        session.polled_at = now
        if _records_changed(session):
            changes.append(Changed("records"))
    elif now - session.used_at >= IDLE:
        databases.discard_all()
    return changes


def _file_changes(session: Any) -> List[Changed]:
    files, head = take_snapshot(scan_folders()), _git_head(os.getcwd())
    told: Tuple[Snapshot, Optional[str]] = session.told or (session.loaded_snapshot() or files, head)
    session.told = (files, head)
    changes = []
    if files != told[0]:
        changes.append(Changed("files"))
    if head != told[1]:
        changes.append(Changed("git"))
    return changes


def _records_changed(session: Any) -> bool:
    known = session.known_records(session.watched)
    if known is None:
        return False  # nothing was shown yet that could be wrong
    try:
        return bool(read_records(session.watched) != known)
    except EngineError:
        return False  # down for a moment: the next look at it says so


def _git_head(folder: str) -> Optional[str]:
    """Return the text of HEAD of the repository around `folder`, None outside of one."""
    while True:
        git = os.path.join(folder, ".git")
        try:
            if os.path.isfile(git):  # a worktree or submodule
                with open(git, encoding="utf-8") as pointer:
                    git = os.path.join(folder, pointer.read().partition("gitdir:")[2].strip())
            if os.path.isdir(git):
                with open(os.path.join(git, "HEAD"), encoding="utf-8") as head:
                    return head.read()
        except (OSError, UnicodeDecodeError):
            return None
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent
