"""A real engine of a test project, asked one request at a time: for tests of what the engine answers."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from unittest import mock

from djmig_tui import protocol as p
from tests.sample_project import SampleProject
from tui.engine.api import Engine
from tui.engine.client import connect
from tui.engine.discover import Launch
from tui.engine.process import spawn

T = TypeVar("T")

#: Seconds after which a request of a test has failed.
DEADLINE = 90


class Driver:
    """One engine process of a project."""

    def __init__(self, project: SampleProject) -> None:
        self.project = project
        #: Whoever waits longer, in seconds, waits in vain.
        self.deadline: float = DEADLINE
        self.progress: list[p.Progress] = []
        self._loop = asyncio.new_event_loop()
        self.engine: Engine = self.wait(self._start())

    async def _start(self) -> Engine:
        launch = Launch(
            command=(self.project.python, "manage.py"),
            cwd=self.project.folder,
            root=self.project.folder,
            how="the tests' own",
            settings=None,
            python=None,
            explicit=True,
        )
        with mock.patch.dict("os.environ", self.project.env):
            return await connect(spawn(launch))

    def wait(self, awaitable: Any) -> Any:
        """Return the result of `awaitable`, within the deadline."""
        return self._loop.run_until_complete(asyncio.wait_for(awaitable, self.deadline))

    def ask(self, request: Any) -> Any:
        """Return the engine's answer. Raises what the client raises."""
        stem = re.sub(r"(?<!^)(?=[A-Z])", "_", type(request).__name__).lower()
        method = getattr(self.engine, stem)
        if stem in {"run_plan", "load_history", "measure_plan", "rehearse_plan", "verify_schema"}:
            return self.wait(method(request, on_progress=self.progress.append))
        return self.wait(method(request))

    def history(self, database: str = "default") -> p.History:
        """Return the whole history."""
        history: p.History = self.ask(p.LoadHistory(database))
        return history

    def plan(
        self, intent: str, app: str | None = None, name: str | None = None, database: str = "default"
    ) -> p.Plan:
        """Return what an intent would do."""
        plan: p.Plan = self.ask(p.PreviewPlan(database, intent, app, name))
        return plan

    def run(self, plan: p.Plan) -> p.RunFinished:
        """Run a plan that was shown."""
        request = p.RunPlan(plan.database, plan.intent, plan.app, plan.name, plan.fingerprint, keys=plan.keys)
        finished: p.RunFinished = self.ask(request)
        return finished

    def sql(self, app: str, name: str, *, backwards: bool = True, database: str = "default") -> p.Sql:
        """Return the SQL of one migration."""
        sql: p.Sql = self.ask(p.RenderSql(database, app, name, backwards))
        return sql

    def close(self) -> None:
        """End the engine."""
        self.wait(self.engine.close())
        self._loop.close()


@contextmanager
def driving(project: SampleProject) -> Iterator[Driver]:
    """Yield an engine of `project` that is ended afterwards."""
    driver = Driver(project)
    try:
        yield driver
    finally:
        driver.close()
