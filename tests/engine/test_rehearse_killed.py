"""A rehearsal that is stopped, killed or left alone leaves nothing behind."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from djmig_tui import protocol as p
from tests.driver import driving
from tests.engine.rehearsing import (
    WAITS,
    ask,
    engine_pid,
    half_way,
    others_can_write,
    prepared,
    stop,
    whole,
)
from tests.engine.small import add, execute, migrate, project_of, python, shop
from tests.projects import migration_source
from tui.engine.errors import Cancelled, EngineEnded, Refused


def test_a_rehearsal_can_be_stopped(trial: str, tmp_path: Path) -> None:
    with prepared(tmp_path, shop(add("first"), python(), before=WAITS), trial) as project:
        before = whole(project)
        with half_way(project) as (engine, task):
            begun = time.monotonic()
            stop(engine, task)
            assert time.monotonic() - begun < 2
            others_can_write(project)
        assert whole(project) == before


@pytest.mark.parametrize("wal", [False, True], ids=["journal", "wal"])
def test_killed_in_the_middle_it_leaves_nothing(wal: bool, trial: str, tmp_path: Path) -> None:
    if wal and trial != "sqlite":
        pytest.skip("SQLite's journal")
    with prepared(tmp_path, shop(add("first"), python(), before=WAITS), trial) as project:
        if wal:
            execute(project, "PRAGMA journal_mode = WAL")
        before = whole(project)
        with half_way(project) as (engine, task):
            os.kill(engine_pid(engine), signal.SIGKILL)
            with pytest.raises(EngineEnded):
                engine.wait(task)
            others_can_write(project)
        assert whole(project) == before
        copies = list((tmp_path / "temporary").rglob("copy.sqlite3"))
        assert len(copies) == (trial == "sqlite")
        with driving(project) as engine:  # the next start cleans up
            engine.ask(p.OpenProject())
        assert not list((tmp_path / "temporary").iterdir())


def test_the_copy_goes_when_the_interface_goes(tmp_path: Path) -> None:
    with prepared(tmp_path, shop(add("first"), python(), before=WAITS), "sqlite") as project:
        with half_way(project) as (engine, task):
            assert list((tmp_path / "temporary").rglob("copy.sqlite3"))
            engine.wait(engine.engine.close())
            with pytest.raises((EngineEnded, Cancelled)):
                engine.wait(task)
        assert not list((tmp_path / "temporary").iterdir())


def test_two_at_once_are_told_apart_by_their_locks(tmp_path: Path) -> None:
    """The next start removes the copies of the dead, not those of the living."""
    files = shop(add("first"), python(), before=WAITS)
    with prepared(tmp_path, files, "sqlite") as project, half_way(project) as (engine, task):
        with driving(project) as other:
            assert ask(other, other.plan(p.FORWARD, "shop")).works
            other.ask(p.OpenProject())
        assert list((tmp_path / "temporary").rglob("copy.sqlite3"))
        stop(engine, task)


def test_a_run_and_a_rehearsal_do_not_get_in_each_others_way(postgresql: str, tmp_path: Path) -> None:
    files = shop(add("first"), python(), before=WAITS)
    with prepared(tmp_path, files, postgresql) as project, half_way(project) as (engine, task):
        with driving(project) as other:
            plan = other.plan(p.BACK_TO, "shop", "0001_initial")
            with pytest.raises(Refused, match="Another djmig-tui is at work on this database: session"):
                other.run(plan)
        stop(engine, task)


def test_contenttypes_does_not_leave_its_operations_in_the_plan(trial: str, tmp_path: Path) -> None:
    """Its handler of pre_migrate puts operations of its own behind each rename."""
    renamed = 'migrations.RenameModel("Item", "Thing")'
    settings = "\nINSTALLED_APPS += ['django.contrib.contenttypes']\n"
    files = {**shop(), "0002_step": migration_source(renamed, needs=[("shop", "0001_initial")])}
    with project_of(tmp_path, files, trial) as project:
        with (project.folder / "config" / "settings.py").open("a") as file:
            file.write(settings)
        with driving(project) as engine:
            migrate(engine)
            plan = engine.plan(p.BACK_TO, "shop", "0001_initial")
            assert plan.steps[0].operations == ("Undo Rename model Item to Thing",)
            assert engine.run(plan).error is None
            migrate(engine)
            again = engine.plan(p.BACK_TO, "shop", "0001_initial")
            assert again.steps[0].operations == plan.steps[0].operations
            assert ask(engine, again).works
