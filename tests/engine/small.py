"""Small projects for the engine's tests, and a run that is watched while it is under way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from djmig_tui import protocol as p
from tests.driver import Driver
from tests.projects import SampleProject, make_project, migration_source
from tests.protocol.waiting import until
from tests.servers import connect

ITEM = (
    'migrations.CreateModel("Item", [("id", models.AutoField(primary_key=True)),'
    ' ("name", models.CharField(default="", max_length=20))])'
)
RECORD = "INSERT INTO django_migrations (app, name, applied) VALUES ('{}', '{}', '2024-01-02 03:04:05')"
ROW = "INSERT INTO shop_item (name) VALUES ('one')"
SHOP = "shop"


def add(column: str) -> str:
    """Return an AddField of a number to shop's Item."""
    return f'migrations.AddField("item", "{column}", models.IntegerField(default=0))'


def python(reverse: str = "back", forwards: str = "migrations.RunPython.noop") -> str:
    """Return a RunPython whose way back is a function of `before`."""
    return f"migrations.RunPython({forwards}, {reverse})"


def shop(*steps: str | Sequence[str], before: str = "", loose: Sequence[int] = ()) -> dict[str, str]:
    """Return an app's migrations: 0001_initial makes Item, each of `steps` holds its operations.

    `before` is written above each, for functions; the numbers in `loose` are not atomic.
    """
    files = {"0001_initial": migration_source(ITEM)}
    previous = "0001_initial"
    for number, step in enumerate(steps, 2):
        name = f"{number:04}_step"
        operations = [step] if isinstance(step, str) else step
        files[name] = migration_source(
            *operations, needs=[(SHOP, previous)], before=before, atomic=number not in loose
        )
        previous = name
    return files


@contextmanager
def project_of(
    tmp_path: Path, files: dict[str, str], vendor: str = "sqlite", **kwargs: Any
) -> Iterator[SampleProject]:
    """Yield a project with one app, shop; its databases are dropped afterwards."""
    project = make_project(tmp_path, {SHOP: files}, vendor, **kwargs)
    try:
        yield project
    finally:
        project.drop()


def migrate(
    engine: Driver, app: str | None = None, name: str | None = None, database: str = "default"
) -> None:
    """Migrate forwards with our own engine; that it leaves what Django leaves is tested elsewhere."""
    finished = engine.run(engine.plan(p.FORWARD, app, name, database))
    assert finished.error is None, finished.detail


def execute(project: SampleProject, *statements: str, alias: str = "default") -> None:
    """Change the database from outside, as another program would."""
    if project.vendor == "sqlite":
        import sqlite3

        connection: Any = sqlite3.connect(project.databases[alias], timeout=1)
    else:
        connection = connect(project.vendor, project.databases[alias])
    try:
        for statement in statements:
            connection.cursor().execute(statement)
        connection.commit()
    finally:
        connection.close()


def begin(engine: Driver, plan: p.Plan) -> asyncio.Task[p.RunFinished]:
    """Start a run and return at once."""
    request = p.RunPlan(plan.database, plan.intent, plan.app, plan.name, plan.fingerprint)

    async def start() -> asyncio.Task[p.RunFinished]:
        return asyncio.ensure_future(engine.engine.run_plan(request, on_progress=engine.progress.append))

    task: asyncio.Task[p.RunFinished] = engine.wait(start())
    return task


def wait_until(engine: Driver, condition: Callable[[], object]) -> None:
    """Let the engine work until `condition` holds."""
    engine.wait(until(condition))


def keys(steps: Sequence[p.Step | p.StepDone | p.MarkChange]) -> list[str]:
    """Return steps as app.name."""
    return [f"{step.app}.{step.name}" for step in steps]


def app_of(history: p.History, label: str) -> p.App:
    """Return one app of a history."""
    return next(app for app in history.apps if app.label == label)


def migration_of(history: p.History, label: str, name: str) -> p.Migration:
    """Return one migration of a history."""
    return next(each for each in app_of(history, label).migrations if each.name == name)
