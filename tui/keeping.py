"""Whose backups: what making and restoring one needs to know."""

from __future__ import annotations

from dataclasses import dataclass

from djmig_tui.protocol import Database

from .backup_settings import DEFAULTS, BackupSettings
from .engine.api import Engine
from .store import StateStore


@dataclass(frozen=True)
class Keeping:
    """A database, the engine that can reach it, and where its backups are kept."""

    engine: Engine
    state: StateStore
    database: Database
    settings: BackupSettings = DEFAULTS
    read_only: bool = False  # nothing but backups may be made

    def command(self, command: str) -> str:
        """Return what is to be typed to do something with it on the command line."""
        alias = self.database.alias
        return f"djmig-tui {command}" + ("" if alias == "default" else f" --database {alias}")
