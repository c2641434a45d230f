"""The copy of a rehearsal goes: when it is stopped at once, when it is killed by the next one."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from djmig_tui import protocol as p
from tests.driver import driving
from tests.engine.rehearsing import WAITS, ask, copies, engine_pid, half_way, prepared, someone, stop, whole
from tests.engine.small import add, python, shop
from tests.projects import SampleProject
from tests.servers import query
from tui.engine.errors import Cancelled, EngineEnded

pytestmark = pytest.mark.usefixtures("postgresql")


def test_a_rehearsal_on_a_copy_can_be_stopped(tmp_path: Path) -> None:
    with prepared(tmp_path, shop(add("first"), python(), before=WAITS), "postgresql") as project:
        before = whole(project)
        with half_way(project, p.ON_COPY) as (engine, task):
            assert len(copies(project)) == 1
            stop(engine, task)
        assert whole(project) == before
        assert copies(project) == []


def test_it_can_be_stopped_while_the_copy_is_made(tmp_path: Path) -> None:
    slow = tmp_path / "bin" / "pg_dump"
    slow.parent.mkdir()
    version = f'[ "$1" = --version ] && exec {shutil.which("pg_dump")} --version'
    slow.write_text(f"#!/bin/sh\n{version}\n: > half_way\nexec sleep 600\n")
    slow.chmod(0o755)
    with prepared(tmp_path, shop(add("first")), "postgresql") as project, someone(project):
        project.env["PATH"] = f"{slow.parent}:{os.environ['PATH']}"
        with half_way(project) as (engine, task):
            assert len(copies(project)) == 1
            stop(engine, task)
        assert copies(project) == []


def test_nothing_stays_for_long_when_the_interface_goes(tmp_path: Path) -> None:
    with prepared(tmp_path, shop(add("first"), python(), before=WAITS), "postgresql") as project:
        before = whole(project)
        with half_way(project, p.ON_COPY) as (engine, task):
            engine.wait(engine.engine.close())
            with pytest.raises((EngineEnded, Cancelled)):
                engine.wait(task)
        assert whole(project) == before
        for left in copies(project):  # the server may take longer than an engine whose interface has gone
            _until_nobody_is_on(left)
        _sweep_by_the_next(project)


def test_killed_in_the_middle_the_copy_is_dropped_by_the_next_rehearsal(tmp_path: Path) -> None:
    with prepared(tmp_path, shop(add("first"), python(), before=WAITS), "postgresql") as project:
        before = whole(project)
        with half_way(project, p.ON_COPY) as (engine, task):
            os.kill(engine_pid(engine), signal.SIGKILL)
            with pytest.raises(EngineEnded):
                engine.wait(task)
        assert whole(project) == before
        (left,) = copies(project)
        _until_nobody_is_on(left)
        _sweep_by_the_next(project)


def test_a_copy_in_use_is_left_alone_and_one_that_does_not_say_so_is_named(tmp_path: Path) -> None:
    with prepared(tmp_path, shop(add("first"), python(), before=WAITS), "postgresql") as project:
        unmarked = f"{project.databases['default']}_djmig_copy_00000001"
        query("postgresql", None, f"CREATE DATABASE {unmarked}")
        try:
            with half_way(project, p.ON_COPY) as (engine, task):
                in_use = copies(project)
                with driving(project) as other:
                    assert ask(other, other.plan(p.FORWARD, "shop")).works
                assert copies(project) == in_use
                stop(engine, task)
            assert copies(project) == [unmarked]
            for file in (project.folder / "shop" / "migrations").glob("0003*.py"):
                file.write_text(file.read_text().replace("time.sleep(60)", ""))
            project.manage("migrate", "shop", "0002")
            with driving(project) as engine:
                notes = ask(engine, engine.plan(p.BACK_TO, "shop", "0001_initial")).notes
            assert any(unmarked in note and "drop it yourself" in note for note in notes)
        finally:
            query("postgresql", None, f"DROP DATABASE {unmarked}")


def _sweep_by_the_next(project: SampleProject) -> None:
    """Have the next rehearsal asked for; it drops what is left."""
    with driving(project) as engine:
        assert ask(engine, engine.plan(p.BACK_TO, "shop", "0001_initial")).sources, "it asks first"
    assert copies(project) == []


def _until_nobody_is_on(database: str) -> None:
    deadline = time.monotonic() + 20
    asking = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}'"
    while query("postgresql", None, asking) != [(0,)]:
        assert time.monotonic() < deadline
