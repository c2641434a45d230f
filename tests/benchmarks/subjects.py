"""What is measured: generated projects, engines of ours, and Django's own commands as processes."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from djmig_tui import protocol as p
from tests.projects import SIZES, SampleProject, generate
from tui.engine.client import Client, connect
from tui.engine.discover import Launch
from tui.engine.process import Spawned, spawn

#: Seconds after which something hangs.
DEADLINE = 120


def project_of(folder: Path, size: int) -> SampleProject:
    """Write a project of `size` migrations, all recorded as applied, whose byte code is warm."""
    apps, per_app = SIZES.get(size) or (size // 20, 20)
    folder.mkdir()
    project = generate(folder, apps, per_app)
    del project.env["PYTHONDONTWRITEBYTECODE"]
    project.record_all()
    project.manage("showmigrations")
    return project


@dataclass(frozen=True)
class Ended:
    """How long a process took, and the most memory that it ever had, in bytes."""

    seconds: float
    peak: float


def manage(project: SampleProject, *args: str) -> Ended:
    """Run `manage.py` with `args` to its end; what it prints goes nowhere."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        [project.python, "manage.py", *args],
        cwd=project.folder,
        env=project.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    took = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"manage.py {' '.join(args)} ended with {process.returncode}"
    return Ended(took, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))


class Ours:
    """An engine of a project, each answer timed where it arrives."""

    def __init__(self, project: SampleProject) -> None:
        self._loop = asyncio.new_event_loop()
        launch = Launch(
            command=(project.python, "manage.py"),
            cwd=project.folder,
            root=project.folder,
            how="the benchmark's own",
            settings=None,
            python=None,
            explicit=True,
        )
        self.begun = time.perf_counter()
        with mock.patch.dict("os.environ", project.env, clear=True):
            self._spawned: Spawned = spawn(launch)
            self._engine: Client = self._wait(connect(self._spawned))
        self.ask("open_project", p.OpenProject())

    def ask(self, method: str, request: object) -> Any:
        """Return the engine's answer."""
        return self._wait(getattr(self._engine, method)(request))

    def timed(self, method: str, request: object) -> tuple[float, Any]:
        """Return how long the engine took to answer, and the answer."""
        begun = time.perf_counter()
        answer = self.ask(method, request)
        return time.perf_counter() - begun, answer

    @property
    def alive_for(self) -> float:
        """Seconds since the engine was spawned."""
        return time.perf_counter() - self.begun

    def peak(self) -> float:
        """Return the most memory that the engine ever had, in bytes; 0 where the system does not tell."""
        try:
            status = Path(f"/proc/{self._spawned.attempt.process.pid}/status").read_text()
        except OSError:
            return 0.0
        return 1024.0 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))

    def close(self) -> None:
        """End the engine."""
        self._wait(self._engine.close())
        self._loop.close()

    def _wait(self, awaitable: Any) -> Any:
        return self._loop.run_until_complete(asyncio.wait_for(awaitable, DEADLINE))


@contextmanager
def engine(project: SampleProject) -> Iterator[Ours]:
    """Yield a fresh engine of `project`."""
    ours = Ours(project)
    try:
        yield ours
    finally:
        ours.close()


def keys_of(history: p.History) -> list[tuple[str, str]]:
    """Return app and name of every migration, as they stand in the tree."""
    return [(app.label, migration.name) for app in history.apps for migration in app.migrations]
