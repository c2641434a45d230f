"""A project whose environment has Django only, with djmig-tui installed elsewhere: all of the main job."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.end_to_end.program import Program, contents, names
from tests.projects import SampleProject


@pytest.fixture
def project(ready_site: SampleProject, django_python: Path) -> SampleProject:
    """The bookshop with a .venv of its own, at store 0003."""
    for alias in ready_site.databases:
        ready_site.manage("migrate", "store", "0003", "--database", alias)
    (ready_site.folder / ".venv").write_text(str(django_python))
    return ready_site


def test_the_environment_has_django_and_nothing_of_ours(django_python: Path, tmp_path: Path) -> None:
    python = str(django_python / "bin" / "python")
    for module, wanted in (("django", 0), ("textual", 1), ("djmig_tui", 1)):
        done = subprocess.run(
            [python, "-c", f"import {module}"], cwd=tmp_path, env={}, capture_output=True, check=False
        )
        assert done.returncode == wanted, module


def test_the_main_job_works_and_leaves_nothing_behind(program: Program, project: SampleProject) -> None:
    folder, env = project.folder, dict(project.env)
    env.pop("PYTHONDONTWRITEBYTECODE")  # the user's shell does not set it
    before = names(folder)

    listed = program.run(folder, env, "list", "--json")
    assert listed.code == 0, listed
    django = next(app for app in listed.data["apps"] if app["label"] == "auth")
    path = (folder / ".venv").read_text()
    assert os.path.realpath(django["path"]).startswith(os.path.realpath(path)), "its own Django was used"

    sql = program.run(folder, env, "sql", "store", "0003")
    assert sql.out == project.manage("sqlmigrate", "store", "0003", "--backwards").stdout

    ran = program.run(folder, env, "rollback", "store", "0003", "--undo", "--yes", "--accept-loss")
    assert ran.code == 0, ran
    assert project.applied("store") == ["0001_initial", "0002_add_price_to_product"]

    source = folder / "store" / "migrations" / "0004_add_discount_field.py"
    removed = program.run(folder, env, "remove", "store", "0004", "--yes")
    assert removed.code == 0, removed
    assert names(folder) == before - {str(source.relative_to(folder))}
    assert program.run(folder, env, "restore", "store", "0004", "--yes").code == 0
    assert names(folder) == before


def test_the_interpreter_can_be_named_by_virtual_env(
    program: Program, ready_site: SampleProject, django_python: Path
) -> None:
    env = {**ready_site.env, "VIRTUAL_ENV": str(django_python)}
    before = contents(ready_site.folder)
    data = program.run(ready_site.folder, env, "list", "--json").data
    django = next(app for app in data["apps"] if app["label"] == "auth")
    assert os.path.realpath(django["path"]).startswith(os.path.realpath(django_python))
    assert contents(ready_site.folder) == before
