"""What git knows of a file. Asked by the git command; a project without git is no error."""

import os
import subprocess
from typing import List, Optional

TIMEOUT = 5  # seconds; a repository on a slow disk must not hold a confirmation up


def git_warnings(path: str) -> List[str]:
    """Return what a person should know before removing `path`: tracked, and pushed, so applied elsewhere."""
    folder, name = os.path.split(path)
    if _git(folder, "ls-files", "--error-unmatch", "--", name) is None:
        return []
    commit = _git(folder, "log", "--remotes", "-1", "--format=%h", "--", name)
    if commit:
        return [
            "git has it on a remote branch (commit %s): others may have applied it."
            " A new migration that undoes it is kinder to them." % commit
        ]
    return ["It is tracked by git: the removal will show as a change to commit."]


def _git(folder: str, *arguments: str) -> Optional[str]:
    """Return what git prints, None if it fails, is missing or takes too long."""
    environ = dict(os.environ, GIT_OPTIONAL_LOCKS="0", LC_ALL="C")
    try:
        done = subprocess.run(
            ["git", "-C", folder, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=TIMEOUT,
            env=environ,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else None
