"""A Django project in a folder of its own, with databases of its own: run it, look into it, drop it."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests import dumps
from tests.servers import copy_database, create_database, drop_database, query
from tests.sources import RECORD_ALL

SECONDS = 110

#: The interpreter of the projects; the matrix puts other Pythons with other Djangos here.
PYTHON = os.environ.get("DJMIG_TEST_PYTHON", sys.executable)

#: Variables of ours that would lead a project's processes elsewhere.
MISLEADING = {"DJANGO_SETTINGS_MODULE", "PYTHONPATH", "VIRTUAL_ENV"}


@dataclass
class SampleProject:
    """A Django project in a folder of its own."""

    folder: Path
    vendor: str
    #: Alias → what its DATABASES entry names: a file's path, or a database of the server.
    databases: dict[str, str]
    #: The whole environment that its processes get.
    env: dict[str, str] = field(default_factory=dict)
    python: str = PYTHON

    def manage(
        self, *args: str, check: bool = True, env: Mapping[str, str] | None = None, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run `manage.py` with `args`. With `check`, a failure fails the test with all that was printed."""
        return self._run([self.python, "manage.py", *args], check, env, stdin)

    def run_python(
        self, code: str, *, check: bool = True, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run `code` where models can be imported, as `manage.py shell -c` does."""
        return self.manage("shell", "-v", "0", "-c", code, check=check, env=env)

    def migrate_all(self) -> None:
        """Apply every migration on every database, in one process."""
        calls = (f"call_command('migrate', database={alias!r}, verbosity=0)" for alias in self.databases)
        self.run_python("from django.core.management import call_command; " + "; ".join(calls))

    def fill_rows(self) -> None:
        """Create the bookshop's rows. Every migration must be applied."""
        self.run_python("from bookshop.rows import fill; fill()")

    def record_all(self, alias: str = "default") -> None:
        """Record every migration as applied without running it, which would take long for thousands."""
        self.run_python(RECORD_ALL.format(alias=alias))

    def schema(self, alias: str = "default") -> str:
        """Return the schema as comparable text."""
        return dumps.schema_dump(self.vendor, self.databases[alias])

    def records(self, alias: str = "default") -> list[tuple[str, str]]:
        """Return (app, name) of every record, sorted."""
        return dumps.records_dump(self.vendor, self.databases[alias])

    def rows(self, alias: str = "default") -> dict[str, list[str]]:
        """Return table → rows as sorted text."""
        return dumps.rows_dump(self.vendor, self.databases[alias])

    def snapshot(self, alias: str = "default") -> dumps.Snapshot:
        """Return schema, records and rows."""
        return dumps.snapshot(self.vendor, self.databases[alias])

    def query(self, sql: str, alias: str = "default") -> list[tuple[Any, ...]]:
        """Run one statement with the vendor's driver; return its rows. SQLite is opened read-only."""
        return query(self.vendor, self.databases[alias], sql)

    def applied(self, app: str, alias: str = "default") -> list[str]:
        """Return the names recorded for one app, sorted."""
        return [name for label, name in self.records(alias) if label == app]

    def reset_to(self, other: SampleProject) -> None:
        """Make the databases copies of those of `other`, which nobody may be writing to."""
        for alias, name in self.databases.items():
            drop_database(self.vendor, name)
            copy_database(self.vendor, other.databases[alias], name)

    def drop(self) -> None:
        """Drop the databases; the folder is the test's temporary one and goes with it."""
        for name in self.databases.values():
            drop_database(self.vendor, name)
        if self in _made:
            _made.remove(self)

    def __eq__(self, other: object) -> bool:
        """Compare by identity: two projects are never the same one."""
        return self is other

    __hash__ = object.__hash__

    def _run(
        self, command: Sequence[str], check: bool, env: Mapping[str, str] | None, stdin: str
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**self.env, **(env or {})},
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            timeout=SECONDS,
            check=False,
        )
        assert not check or done.returncode == 0, (
            f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        )
        return done


_made: list[SampleProject] = []


def drop_leftovers() -> None:
    """Drop the databases of every project that was not dropped by its test."""
    while _made:
        _made[-1].drop()


def register(folder: Path, vendor: str, files: Mapping[str, str]) -> SampleProject:
    """Return a project whose databases exist on a server, or are files that do not exist yet."""
    databases = {alias: str(folder / file) for alias, file in files.items()}
    if vendor != "sqlite":
        unique = f"djmig_test_{uuid.uuid4().hex[:12]}"
        databases = {alias: f"{unique}_{alias}" for alias in files}
    project = SampleProject(folder, vendor, databases, _environment())
    if vendor != "sqlite":
        _made.append(project)
        for name in databases.values():
            create_database(vendor, name)
    return project


def _environment() -> dict[str, str]:
    """Return our environment without what leads Django elsewhere, and with what makes runs alike.

    Byte code is not written: a migration that a test rewrites within a second would be read stale.
    """
    ours = {
        key: value
        for key, value in os.environ.items()
        if key not in {"DJANGO_SETTINGS_MODULE", "PYTHONPATH", "VIRTUAL_ENV"}
        and not key.startswith("BOOKSHOP_")
    }
    return {**ours, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"}
