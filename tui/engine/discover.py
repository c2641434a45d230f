"""Finds the project and how to run its manage.py. The status bar shows what was chosen and how."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from . import pythons
from .errors import NotFound

_OTHERWISE = (
    "name its command: djmig-tui -- COMMAND, for example "
    "djmig-tui -- docker compose exec -T web python manage.py."
)


@dataclass(frozen=True)
class Launch:
    """How the engine of a project is started."""

    command: tuple[str, ...]  # the manage.py command without a subcommand
    cwd: Path
    root: Path  # the project's folder
    how: str  # how the interpreter was found, in a few words for the status bar
    settings: str | None  # asked for by --settings
    python: str | None  # the interpreter, where we chose it
    explicit: bool  # the command was named by the user


def discover(
    cwd: Path,
    explicit_command: tuple[str, ...] = (),
    settings: str | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Launch:
    """Return how to start the engine for whoever stands in `cwd`.

    Raises `NotFound` with what to type instead.
    """
    if explicit_command:
        root = _upward(cwd) or cwd
        return Launch(explicit_command, cwd, root, "the command you named", settings, None, explicit=True)
    root = find_root(cwd)
    found, tried = None, []
    for candidate in pythons.candidates(root, environ):
        reason = pythons.why_not(candidate, root, environ)
        if reason is None:
            found = candidate
            break
        tried.append(f"{candidate.path} ({candidate.how}): {reason}")
    if found is None:
        raise NotFound(
            f"No Python with Django was found for {root}. Tried {'; '.join(tried)}. "
            f"Activate the project's virtual environment, or {_OTHERWISE}"
        )
    command = (found.path, "manage.py")
    return Launch(command, root, root, found.how, settings, found.path, explicit=False)


def find_root(cwd: Path) -> Path:
    """Return the nearest folder upward with a manage.py, else the one child folder that has one."""
    nearest = _upward(cwd)
    if nearest is not None:
        return nearest
    below = sorted(path.parent for path in cwd.glob("*/manage.py") if path.is_file())
    if len(below) == 1:
        return below[0]
    if below:
        names = ", ".join(folder.name for folder in below)
        raise NotFound(f"There are several projects below {cwd}: {names}. Change into one of them.")
    raise NotFound(
        f"There is no manage.py in {cwd}, above it or in a folder directly below it. Change into your Django "
        f"project, or {_OTHERWISE}"
    )


def configured_command(root: Path) -> tuple[str, ...] | None:
    """Return `[tool.djmig-tui] command` of the nearest pyproject.toml, as a list or a shell-like line.

    It is not ours to run unasked: a cloned repository must not run commands by being looked at.
    """
    path, table = tool_table(root)
    command = table.get("command")
    if command is None:
        return None
    found = words(shlex.split(command) if isinstance(command, str) else command)
    if not found:
        raise NotFound(f"`command` below [tool.djmig-tui] in {path} must be a list of strings.")
    return found


def local_hosts(root: Path) -> tuple[str, ...]:
    """Return `[tool.djmig-tui] local-hosts` of the nearest pyproject.toml: databases there count as local."""
    path, table = tool_table(root)
    hosts = words(table.get("local-hosts", []))
    if hosts is None:
        raise NotFound(f"`local-hosts` below [tool.djmig-tui] in {path} must be a list of strings.")
    return hosts


def settings_of(root: Path, environ: Mapping[str, str] = os.environ) -> str | None:
    """Return the settings that manage.py would use: from the environment, or from its own text."""
    if environ.get("DJANGO_SETTINGS_MODULE"):
        return environ["DJANGO_SETTINGS_MODULE"]
    try:
        text = (root / "manage.py").read_text("utf-8", "replace")
    except OSError:
        return None
    found = re.search(r"""DJANGO_SETTINGS_MODULE["']\]?\s*[,=]\s*["']([\w.]+)["']""", text)
    return found[1] if found else None


def _upward(cwd: Path) -> Path | None:
    return next((folder for folder in (cwd, *cwd.parents) if (folder / "manage.py").is_file()), None)


def tool_table(root: Path) -> tuple[Path, dict[str, object]]:
    """Return the nearest pyproject.toml and its [tool.djmig-tui]. Raises `NotFound` if it cannot be read."""
    folders = pythons.up_to_top(root)
    path = next((each for folder in folders if (each := folder / "pyproject.toml").is_file()), None)
    text = "" if path is None else path.read_text("utf-8", "replace")
    if path is None or "djmig-tui" not in text:  # most have nothing for us: the parser is not even imported
        return root, {}
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        table = tomllib.loads(text).get("tool", {}).get("djmig-tui", {})
    except tomllib.TOMLDecodeError as error:
        raise NotFound(f"{path} cannot be read: {error}. Correct it, or {_OTHERWISE}") from error
    return path, table if isinstance(table, dict) else {}


def words(value: object) -> tuple[str, ...] | None:
    """Return a list of strings as a tuple, None for anything else."""
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        return None
    return tuple(value)
