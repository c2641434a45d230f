"""What changes behind our back is told: files, git, records; and connections are let go in time."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from djmig_tui import protocol as p
from tests.driver import Driver, driving
from tests.engine.small import add, execute, migrate, project_of, shop, wait_until
from tests.projects import SampleProject, migration_source

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[SampleProject]:
    with project_of(tmp_path, shop(add("a"))) as project:
        yield project


def listen(engine: Driver) -> list[str]:
    """Return the list to which each change that is told is added."""
    told: list[str] = []
    engine.engine.on_changed = lambda changed: told.append(changed.what)
    return told


def test_files_that_come_change_and_go_are_told_once_each(project: SampleProject) -> None:
    folder = project.folder / "shop" / "migrations"
    with driving(project) as engine:
        engine.history()
        told = listen(engine)
        new = folder / "0003_new.py"
        new.write_text(migration_source(needs=[("shop", "0002_step")]))
        wait_until(engine, lambda: told == ["files"])
        new.write_text(new.read_text() + "# longer\n")
        wait_until(engine, lambda: told == ["files"] * 2)
        new.unlink()
        wait_until(engine, lambda: told == ["files"] * 3)
        (project.folder / "shop" / "models.py").write_text("# models are Django's business\n")
        (folder / "notes.txt").write_text("no migration\n")
        (folder / "0002_step.py").touch()
        wait_until(engine, lambda: told == ["files"] * 4)


def test_a_change_before_the_first_look_around_is_told(project: SampleProject) -> None:
    """What counts is what was imported, not what was there when the watch began."""
    with driving(project) as engine:
        engine.history()
        (project.folder / "shop" / "migrations" / "0002_step.py").touch()
        told = listen(engine)
        wait_until(engine, lambda: told == ["files"])


def git(folder: Path, *args: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *args], cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize("worktree", [False, True])
def test_another_branch_is_told(project: SampleProject, tmp_path: Path, worktree: bool) -> None:
    git(project.folder, "init", "-q", "-b", "main")
    git(project.folder, "add", "manage.py", "config", "shop")
    git(project.folder, "commit", "-qm", "one")
    if worktree:
        git(project.folder, "worktree", "add", "-q", "-b", "second", str(tmp_path / "second"))
        project.folder = tmp_path / "second"
    with driving(project) as engine:
        engine.history()
        told = listen(engine)
        # The first look around is what changes are told against.
        (project.folder / "shop" / "migrations" / "0002_step.py").touch()
        wait_until(engine, lambda: told == ["files"])
        git(project.folder, "checkout", "-q", "-b", "other")
        wait_until(engine, lambda: told == ["files", "git"])


def test_records_that_another_program_changed_are_told(project: SampleProject) -> None:
    with driving(project) as engine:
        migrate(engine)
        engine.history()
        engine.ask(p.Watch("default", True))
        told = listen(engine)
        execute(
            project, "INSERT INTO django_migrations (app, name, applied) VALUES ('x', '0001_y', '2024-01-01')"
        )
        wait_until(engine, lambda: told == ["records"])
        assert any(app.label == "x" for app in engine.history().apps)


#: Plays time in one process of the project: what is polled when, and when connections are let go.
PLAY = """
import time
from django.db import connection
from djmig_tui import databases, watch
from djmig_tui.project import Session
from djmig_tui.protocol import ScanHistory, Watch
from djmig_tui.history import scan_history

clock = [1000.0]
time.monotonic = lambda: clock[0]
session = Session()
scan_history(session, ScanHistory("default"), None)
looked = []
real = watch.read_records
watch.read_records = lambda alias: looked.append(alias) or real(alias)

def after(seconds):
    clock[0] += seconds
    watch.poll(session)
    print(len(looked), connection.connection is not None)

watch.watch(session, Watch("default", True), None)
after(1)    # focused: too early
after(4.5)  # focused: asked
after(1)    # focused: just asked
watch.watch(session, Watch("default", False), None)
after(10)   # nobody looks
after(60)   # nobody asked for a minute: let go
watch.watch(session, Watch("default", True), None)
after(1)    # looked at again, and opened again
"""


def test_records_are_asked_while_somebody_looks_and_connections_let_go_after_a_minute(
    project: SampleProject,
) -> None:
    project.manage("migrate")
    played = project.run_python(PLAY, env={"PYTHONPATH": str(REPOSITORY)})
    assert played.stdout.splitlines() == [
        "0 True",
        "1 True",
        "1 True",
        "1 True",
        "1 False",
        "2 True",
    ]


def test_an_alias_that_is_not_there_cannot_be_watched(project: SampleProject) -> None:
    from tui.engine.errors import Refused

    with driving(project) as engine, pytest.raises(Refused, match="no database alias 'nope'"):
        engine.ask(p.Watch("nope", True))


def test_a_folder_of_migrations_that_vanishes_does_not_end_the_engine(project: SampleProject) -> None:
    with driving(project) as engine:
        engine.history()
        told = listen(engine)
        folder = project.folder / "shop" / "migrations"
        folder.rename(folder.with_name("elsewhere"))
        wait_until(engine, lambda: told == ["files"])
        assert engine.ask(p.ScanHistory()).apps
