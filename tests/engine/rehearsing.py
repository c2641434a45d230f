"""A rehearsal of a small project, with all that must be true before and after it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from djmig_tui import protocol as p
from tests.driver import Driver, driving
from tests.engine.small import ROW, execute, migrate, project_of
from tests.projects import SampleProject
from tests.protocol.waiting import alive, until
from tests.servers import connect, query, server
from tui.engine.errors import Cancelled


@contextmanager
def prepared(
    tmp_path: Path,
    files: dict[str, str],
    vendor: str,
    settings: str = "",
    aliases: Sequence[str] = ("default",),
) -> Iterator[SampleProject]:
    """Yield a project with everything applied, and a row; its copies go to a folder of the test's own."""
    with project_of(tmp_path, files, vendor, aliases=aliases) as project:
        with driving(project) as engine:
            migrate(engine, "shop", "0001_initial")
            execute(project, ROW)
            for alias in aliases:
                migrate(engine, database=alias)
        with (project.folder / "config" / "settings.py").open("a") as file:
            file.write(settings)
        temporary = tmp_path / "temporary"
        temporary.mkdir(exist_ok=True)
        project.env["TMPDIR"] = str(temporary)
        yield project
        assert not list(temporary.iterdir()), "a copy was left behind"


def rehearse(
    project: SampleProject,
    name: str | None = "0001_initial",
    *,
    consent: bool = False,
    intent: str = p.BACK_TO,
    on: str | None = None,
) -> p.Rehearsal:
    """Return what a rehearsal finds, having made sure that it changed nothing and let others write."""
    before = whole(project)
    with driving(project) as engine:
        rehearsal = ask(engine, engine.plan(intent, "shop", name), consent=consent, on=on)
        others_can_write(project)
    assert whole(project) == before
    return rehearsal


def ask(engine: Driver, plan: p.Plan, *, consent: bool = False, on: str | None = None) -> p.Rehearsal:
    request = p.RehearsePlan(
        plan.database, plan.intent, plan.app, plan.name, plan.fingerprint, consent, on=on
    )
    rehearsal: p.Rehearsal = engine.ask(request)
    return rehearsal


def whole(project: SampleProject) -> list[object]:
    """Return all that is in the databases: schema, records, rows, sequences."""
    found: list[object] = [project.snapshot(alias) for alias in project.databases]
    for name in project.databases.values():
        if project.vendor == "sqlite":
            dump = subprocess.run(
                [sys.executable, "-c", DUMP, name], check=True, capture_output=True, encoding="utf-8"
            )
        else:
            at = server("postgresql")
            command = ["pg_dump", "-h", at.host, "-p", str(at.port), "-U", at.user, "-d", name, "--inserts"]
            dump = subprocess.run(command, check=True, capture_output=True, encoding="utf-8")
        found.append([line for line in dump.stdout.splitlines() if "restrict " not in line])
    return found


#: Opens the file for writing, as any other program does: after a kill it has a journal to play back.
DUMP = "import sqlite3, sys; print('\\n'.join(sqlite3.connect(sys.argv[1]).iterdump()))"


def others_can_write(project: SampleProject) -> None:
    begun = time.monotonic()
    execute(project, "UPDATE shop_item SET name = name", "DELETE FROM django_migrations WHERE app = 'nobody'")
    assert time.monotonic() - begun < 1


WAITS = """
import time


def back(apps, schema_editor):
    apps.get_model("shop", "Item").objects.update(name="changed")
    open("half_way", "w").close()
    time.sleep(60)
"""


@contextmanager
def half_way(
    project: SampleProject, on: str | None = None
) -> Iterator[tuple[Driver, asyncio.Task[p.Rehearsal]]]:
    """Yield an engine in the middle of a rehearsal, and the task that waits for it."""
    with driving(project) as engine:
        plan = engine.plan(p.BACK_TO, "shop", "0001_initial")
        request = p.RehearsePlan(
            plan.database, plan.intent, plan.app, plan.name, plan.fingerprint, consent=True, on=on
        )

        async def start() -> asyncio.Task[p.Rehearsal]:
            return asyncio.ensure_future(engine.engine.rehearse_plan(request))

        task = engine.wait(start())
        engine.wait(until((project.folder / "half_way").exists))
        yield engine, task


def engine_pid(engine: Driver) -> int:
    pid: int = engine.engine._lifetime._spawned.attempt.process.pid  # type: ignore[attr-defined]
    return pid


def stop(engine: Driver, task: asyncio.Task[p.Rehearsal]) -> None:
    engine.engine._connection.cancel("rehearse_plan")  # type: ignore[attr-defined]
    with pytest.raises(Cancelled):
        engine.wait(task)
    engine.wait(until(lambda: not alive(engine_pid(engine))))


def copies(project: SampleProject) -> list[str]:
    """Return the copies there are of the project's database."""
    name = project.databases["default"]
    rows = query(
        "postgresql", None, "SELECT datname FROM pg_database WHERE datname LIKE '%\\_djmig\\_copy\\_%'"
    )
    return sorted(row[0] for row in rows if row[0].startswith(name))


@contextmanager
def someone(project: SampleProject, *statements: str) -> Iterator[None]:
    """Have another session connected, in the middle of a transaction if there are `statements`."""
    with closing(connect("postgresql", project.databases["default"])) as other:
        for statement in statements:
            other.execute(statement)
        yield
