"""What a project's pyproject.toml says about kept rows, below [tool.djmig-tui.kept-rows]."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from .engine.discover import tool_table
from .engine.errors import NotFound
from .options_kept import LIMIT, size_of

#: For so many days what a rollback dropped is kept.
DAYS = 30
#: Ten years: a date that far back is still one.
_LONGEST = 3650

_TABLE = "[tool.djmig-tui.kept-rows]"


@dataclass(frozen=True)
class KeptSettings:
    """How much of a rollback is kept unless the user says otherwise, and for how long."""

    limit: int = LIMIT  # bytes
    age: timedelta = timedelta(days=DAYS)


def kept_settings(root: Path) -> KeptSettings:
    """Return the settings of the nearest pyproject.toml. Raises `NotFound` if they cannot be meant."""
    path, tool = tool_table(root)
    table = tool.get("kept-rows", {})
    if not isinstance(table, dict):
        raise NotFound(f"`kept-rows` below [tool.djmig-tui] in {path} must be a table.")
    unknown = sorted(set(table) - {"limit", "days"})
    if unknown:
        raise NotFound(f"`{unknown[0]}` below {_TABLE} in {path} is not known. These are: limit, days.")
    days = table.get("days", DAYS)
    if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= _LONGEST:
        raise NotFound(f"`days` below {_TABLE} in {path} must be a number, from 1 to {_LONGEST}.")
    try:
        limit = size_of(str(table["limit"])) if "limit" in table else LIMIT
    except argparse.ArgumentTypeError as error:
        raise NotFound(f"`limit` below {_TABLE} in {path}: {error}.") from error
    return KeptSettings(limit, timedelta(days=days))


#: Of a project that says nothing.
DEFAULTS = KeptSettings()
