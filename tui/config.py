"""Reads [tool.djmig-tui] of the nearest pyproject.toml. Nothing in it is run before the user agreed."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .engine.errors import NotFound

TABLE = "djmig-tui"


@dataclass(frozen=True)
class Config:
    """What a project says about itself."""

    command: tuple[str, ...] = ()  # how its manage.py is started
    local_hosts: tuple[str, ...] = ()  # database hosts that count as local
    path: Path | None = None  # the file that says so


def read(folder: Path) -> Config:
    """Return what the pyproject.toml nearest to `folder` says. Raises `NotFound` if it is broken."""
    path = _nearest(folder)
    content = path.read_bytes() if path else b""
    if path is None or TABLE.encode() not in content:  # spares most projects the parser's import
        return Config()
    table = _table(path, content)
    return Config(_words(path, table, "command"), _words(path, table, "local-hosts"), path)


def _nearest(folder: Path) -> Path | None:
    for each in (folder, *folder.parents):
        if (each / "pyproject.toml").is_file():
            return each / "pyproject.toml"
        if (each / ".git").exists():
            break
    return None


def _table(path: Path, content: bytes) -> Mapping[str, object]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        table = tomllib.loads(content.decode()).get("tool", {}).get(TABLE, {})
    except (ValueError, AttributeError) as error:
        raise NotFound(f"{path} is not valid: {error}. Correct it, or type the command after --.") from error
    if not isinstance(table, dict):
        raise NotFound(f"[tool.{TABLE}] in {path} must be a table. Correct it, or type the command after --.")
    return table


def _words(path: Path, table: Mapping[str, object], key: str) -> tuple[str, ...]:
    words = table.get(key, [])
    if not isinstance(words, list) or not all(isinstance(word, str) and word for word in words):
        raise NotFound(
            f"{key} of [tool.{TABLE}] in {path} must be a list of words, "
            'such as ["docker", "compose", "exec", "-T", "web", "python", "manage.py"].'
        )
    return tuple(words)
