"""What a project's pyproject.toml says about backups, below [tool.djmig-tui.backup]."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .engine.discover import tool_table, words
from .engine.errors import NotFound

#: How many of the backups that are made before a run are kept, for each alias.
KEEP = 10

_TABLE = "[tool.djmig-tui.backup]"
_COMMANDS = ("dump", "check", "restore")


@dataclass(frozen=True)
class BackupSettings:
    """How backups are kept, and the project's own commands where a tool is missing."""

    root: Path = Path()  # where the commands run
    keep: int = KEEP
    dump: tuple[str, ...] = ()  # writes a backup to its stdout
    check: tuple[str, ...] = ()  # reads one from its stdin; fails if it is not whole
    restore: tuple[str, ...] = ()  # puts one from its stdin in the place of {database}


def backup_settings(root: Path) -> BackupSettings:
    """Return the settings of the nearest pyproject.toml. Raises `NotFound` if they cannot be meant."""
    path, tool = tool_table(root)
    table = tool.get("backup", {})
    if not isinstance(table, dict):
        raise NotFound(f"`backup` below [tool.djmig-tui] in {path} must be a table.")
    unknown = sorted(set(table) - {"keep", *_COMMANDS})
    if unknown:
        known = ", ".join(("keep", *_COMMANDS))
        raise NotFound(f"`{unknown[0]}` below {_TABLE} in {path} is not known. These are: {known}.")
    keep = table.get("keep", KEEP)
    if not isinstance(keep, int) or isinstance(keep, bool) or keep < 1:
        raise NotFound(f"`keep` below {_TABLE} in {path} must be a number, 1 or more.")
    found = {name: words(table.get(name, [])) for name in _COMMANDS}
    for name, command in found.items():
        if command is None or (name in table and not command):
            raise NotFound(f"`{name}` below {_TABLE} in {path} must be a list of strings.")
    if (found["check"] or found["restore"]) and not found["dump"]:
        raise NotFound(
            f"`check` and `restore` below {_TABLE} in {path} need a `dump`: what makes the backup."
        )
    dump, check, restore = (found[name] or () for name in _COMMANDS)
    return BackupSettings(root, keep, dump, check, restore)


#: Of a project that says nothing.
DEFAULTS = BackupSettings()
