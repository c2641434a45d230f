"""Killed after any statement of a rollback, records and schema agree; one transaction is all or nothing."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from djmig_tui import protocol as p
from tests.conftest import need_server
from tests.driver import driving
from tests.end_to_end.program import Program
from tests.engine.killing import LOOSE, STEPS, Range, make, roll_back
from tests.engine.small import begin, wait_until
from tests.projects import SampleProject

pytestmark = pytest.mark.timeout(600)

#: The databases that take a schema change back.
VENDORS = ("sqlite", "postgresql")


@pytest.fixture(scope="module", params=VENDORS)
def shooting(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Range]:
    """The five steps in one transaction."""
    need_server(request.param)
    folder = tmp_path_factory.mktemp(request.param)
    found = Range(make(folder, request.param), folder)
    yield found
    found.drop()


@pytest.fixture
def every(request: pytest.FixtureRequest) -> bool:
    """Whether there is time to kill after every statement, those that only look too."""
    return bool(request.config.getoption("--long"))


def shoot_all(shooting: Range, run: Callable[[], object], places: list[int], whom: str = "self") -> list[int]:
    """Return the state after each kill: the number of steps undone, or -1 where it is none of them."""
    found = []
    for k in places:
        state = shooting.shoot(run, k, whom)
        found.append(shooting.states.index(state) if state in shooting.states else -1)
    return found


def report(shooting: Range, what: str, found: list[int]) -> None:
    all_, none = found.count(len(STEPS)), found.count(0)
    print(  # shown by pytest -rP
        f"\n{shooting.copy.vendor}, {what}: {len(shooting.events)} statements, {len(found)} kills:"
        f" {none} nothing undone, {all_} all, {len(found) - all_ - none - found.count(-1)} in between,"
        f" {found.count(-1)} torn"
    )


def test_the_engine_killed_after_each_statement(shooting: Range, every: bool) -> None:
    def run() -> None:
        roll_back(shooting.copy)

    assert shooting.shoot(run, 0) == shooting.states[-1]
    found = shoot_all(shooting, run, shooting.places(every))
    report(shooting, "engine killed", found)
    assert set(found) == {0, len(STEPS)}, "all or nothing"
    assert found == sorted(found), "nothing until the commit, all from there on"


def test_the_interface_killed_after_each_statement(shooting: Range, every: bool, tmp_path: Path) -> None:
    program = Program(tmp_path / "elsewhere")
    typed = ("rollback", "shop", "0001", "--yes", "--accept-loss")

    def run() -> None:
        command, env = program.command(*typed), program.environment(shooting.copy.env)
        subprocess.run(
            command,
            cwd=shooting.copy.folder,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=False,
        )

    assert shooting.shoot(run, 0) == shooting.states[-1]
    places = shooting.places(every)
    found = shoot_all(shooting, run, places if every else places[::6] + places[-1:], "parent")
    report(shooting, "interface killed", found)
    assert set(found) == {0, len(STEPS)}, "all or nothing"


def test_plain_migrate_killed_after_each_statement_is_torn(shooting: Range, every: bool) -> None:
    """The same harness on Django's own command: it must find what it looks for."""

    def run() -> None:
        shooting.copy.manage("migrate", "shop", "0001_initial", "--skip-checks", "-v", "0", check=False)

    assert shooting.shoot(run, 0) == shooting.states[-1]
    places = shooting.places(every)
    if not every:
        places = [k for k in places if shooting.events[k - 1] == "COMMIT"]
    found = shoot_all(shooting, run, places)
    report(shooting, "manage.py migrate killed", found)
    assert -1 in found, "a schema that is undone and still recorded as applied (EDGES 29)"
    assert set(range(1, len(STEPS))) & set(found), "half of the plan (EDGES 2)"


def test_killed_at_random_moments(shooting: Range) -> None:
    """Ten on each database: not between two statements but anywhere."""
    (shooting.copy.folder / "armed").unlink(missing_ok=True)
    seed = random.randrange(1_000_000)
    rng, found = random.Random(seed), []
    print(f"seed {seed}")
    took = _time_of_a_run(shooting)
    for _ in range(10):
        found.append(_kill_after(shooting.copy, rng.uniform(0, took)))
        state = shooting.look()
        assert state in (shooting.states[0], shooting.states[-1]), f"seed {seed}, kills {found}"
    print(f"\n{shooting.copy.vendor}: killed while {found}")


def _time_of_a_run(shooting: Range) -> float:
    with driving(shooting.copy) as engine:
        task = begin(engine, engine.plan(p.BACK_TO, "shop", "0001_initial"))
        wait_until(engine, lambda: engine.progress)
        begun = time.monotonic()
        assert engine.wait(task).error is None
        took = time.monotonic() - begun
    shooting.look()
    return took


def _kill_after(project: SampleProject, seconds: float) -> str:
    """Kill an engine so long after its first step began; return what it said last."""
    with driving(project) as engine:
        task = begin(engine, engine.plan(p.BACK_TO, "shop", "0001_initial"))
        wait_until(engine, lambda: engine.progress)
        engine.wait(asyncio.wait({task}, timeout=seconds))
        pid: int = engine.engine._lifetime._spawned.attempt.process.pid  # type: ignore[attr-defined]
        os.kill(pid, signal.SIGKILL)
        engine.wait(asyncio.wait({task}))
        return "done" if task.exception() is None else engine.progress[-1].message


@pytest.mark.long
@pytest.mark.parametrize("vendor", VENDORS)
def test_step_by_step_only_the_step_that_is_no_transaction_can_be_torn(vendor: str, tmp_path: Path) -> None:
    need_server(vendor)
    shooting = Range(make(tmp_path, vendor, loose=True), tmp_path)

    def run() -> None:
        roll_back(shooting.copy)

    assert shooting.shoot(run, 0) == shooting.states[-1]
    loose = len(STEPS) + 1 - LOOSE  # steps that are undone before it
    found = []
    for k in shooting.places(True):
        state = shooting.shoot(run, k)
        if state in shooting.states:
            found.append(shooting.states.index(state))
            continue
        found.append(-1)
        assert state.records == shooting.states[loose].records, "recorded as applied"
        assert state.schema == shooting.states[loose + 1].schema, "and undone"
    report(shooting, "step by step, engine killed", found)
    assert set(found) - {-1} == set(range(len(STEPS) + 1))
    shooting.drop()
