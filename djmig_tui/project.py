"""What project this is: settings, apps and databases; and the session that holds what was loaded."""

import importlib
import os
import platform
import sys
import time
import traceback
from typing import Any, Dict, Optional, Tuple

import django
from django.conf import settings
from django.core.management import get_commands
from django.db import DatabaseError, connections

from . import copies, databases
from .errors import FailedError, StaleError
from .loading import Disk, Loader, Snapshot, read_disk, scan_folders, take_snapshot
from .protocol import Database, OpenProject, Project
from .records import Records, read_records
from .whereabouts import is_local, places_of


class Session:
    """All that one engine process keeps between requests. Used by the main thread alone."""

    def __init__(self) -> None:
        self.settings = _read_settings()
        databases.watch_connections()
        self.finished = False  # set by a handler after which this process must not go on
        self.read_only = False
        self.local_hosts: Tuple[str, ...] = ()
        self.watched = "default"  # the alias whose records are watched
        self.focused = True
        self.rendered: Dict[Any, Any] = {}  # results of sql.py
        self._disk: Optional[Disk] = None
        self.used_at = time.monotonic()  # when a database was last asked
        self.polled_at = self.used_at  # when the records were last looked at unasked
        self.told: Any = None  # the files and HEAD that the interface last heard of
        self._loaders: Dict[Tuple[str, bool], Loader] = {}
        self._records: Dict[str, Records] = {}

    def is_local(self, alias: str) -> bool:
        """Return whether `alias` is a developer's own database, as the project's page says it."""
        return _database(alias, self.local_hosts).local

    def disk(self, progress: Any = None) -> Disk:
        """Return the migrations on disk, imported once for the life of this process."""
        if self._disk is None:
            self._disk = read_disk(progress)
        return self._disk

    def loaded_snapshot(self) -> Optional[Snapshot]:
        """Return the files as they were when they were imported, None if they were not yet."""
        return None if self._disk is None else self._disk.snapshot

    def loader(self, alias: str, replace: bool = True, progress: Any = None) -> Loader:
        """Return the graph with the records of `alias`; with squashed nodes put in if `replace`.

        Raises what `databases.looking` and Django's loader raise.
        """
        key = (alias, replace)
        if key not in self._loaders:
            disk = self.disk(progress)
            # A SQLite file that is not there has no records, and must not be created by looking.
            databases.check_alias(alias)
            connection = None if databases.missing(alias) else databases.looking(alias)
            self._loaders[key] = _loaded(alias, connection, disk, replace)
        return self._loaders[key]

    def known_records(self, alias: str) -> Optional[Records]:
        """Return the records as last read, None if they never were."""
        return self._records.get(alias)

    def refresh(self, alias: str) -> Records:
        """Read the records of `alias` anew and return them; drop what rests on others.

        Raises what `databases.looking` raises.
        """
        self.used_at = self.polled_at = time.monotonic()
        records = read_records(alias)
        if self._records.get(alias) != records:
            self._records[alias] = records
            self.forget_records()
        return records

    def refuse_changed_files(self) -> None:
        """Raise `StaleError` if a migration file is not any more what was imported."""
        disk = self.disk()
        if take_snapshot(scan_folders()) != disk.snapshot:
            raise StaleError("A migration file changed since it was read: look again.")

    def forget_file(self, module: str) -> None:
        """Read the folders anew after one file came or went by our own doing."""
        sys.modules.pop(module, None)
        importlib.invalidate_caches()
        self._disk = None
        self.forget_records()

    def forget_records(self) -> None:
        """Build every graph, and render every SQL, anew at the next request."""
        self._loaders.clear()
        self.rendered.clear()


def _loaded(alias: str, connection: Any, disk: Disk, replace: bool) -> Loader:
    try:
        return Loader(connection, disk, replace)
    except DatabaseError as error:  # connected, and yet there are no records to be had
        databases.discard(connection)
        raise FailedError(databases.unreachable(alias, error), kind=type(error).__name__) from error


def open_project(session: Session, request: OpenProject, call: Any) -> Project:
    """Answer with the project's settings and databases, without connecting to any."""
    session.read_only, session.local_hosts = request.read_only, request.local_hosts
    copies.sweep()
    module = session.settings
    return Project(
        name=module.split(".", maxsplit=1)[0] or os.path.basename(os.getcwd()),
        folder=os.getcwd(),
        settings=module,
        debug=bool(settings.DEBUG),
        django=django.get_version(),
        python=platform.python_version(),
        executable=sys.executable,
        databases=tuple(_database(alias, request.local_hosts) for alias in connections.settings),
        migrate_override=migrate_override(),
    )


def _read_settings() -> str:
    """Return the name of the settings module, once it could be imported."""
    try:
        return str(settings.SETTINGS_MODULE or "")  # None: configured by code, without a module
    except Exception as error:
        sentence = "The settings cannot be imported: %s: %s. Correct them, or name others with --settings."
        words = sentence % (type(error).__name__, str(error).rstrip("."))
        raise FailedError(words, traceback.format_exc(), type(error).__name__) from error


def migrate_override() -> Optional[str]:
    """Return the module that replaces Django's `migrate`, None if it is Django's own."""
    owner = get_commands().get("migrate", "django.core")
    name = owner if isinstance(owner, str) else type(owner).__module__
    return None if name == "django.core" else name


def _database(alias: str, local_hosts: Tuple[str, ...]) -> Database:
    connection = connections[alias]
    name = str(connection.settings_dict.get("NAME") or "")
    if connection.vendor == "sqlite":
        return Database(alias, "sqlite", name)
    places = places_of(connection)
    local = all(is_local(connection.vendor, each, local_hosts) for each in places)
    return Database(alias, connection.vendor, name or places[0].host, str(places[0]), local)
