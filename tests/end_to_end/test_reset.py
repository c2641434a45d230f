"""`reset`: start over with an app or a project, finish what was cut off, or have everything back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.program import Program
from tests.end_to_end.starting_over import files, names, reset, shop_and_orders, steps_done
from tests.engine.small import execute
from tests.projects import SampleProject
from tests.protocol.waiting import wait_for
from tests.servers import SERVERS

pytestmark = pytest.mark.timeout(180)

MINE = "from django.db import migrations\n\n\nclass Migration(migrations.Migration):\n    initial = True\n"


@pytest.fixture(params=["sqlite", *(pytest.param(one, marks=pytest.mark.long) for one in SERVERS)])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SampleProject]:
    """Two apps, one depending on the other, applied, with rows."""
    with shop_and_orders(tmp_path, request.param) as project:
        yield project


def test_an_app_is_made_anew_and_its_tables_stay_only_if_they_are_what_it_makes(
    program: Program, project: SampleProject
) -> None:
    rows = project.rows()
    assert "--yes" in reset(program, project, "shop", "--keep-data", code=1)
    reset(program, project, "shop", "--keep-data", "--yes")
    assert names(project) == ["orders/0001_initial.py", "shop/0001_initial.py"]
    assert project.records() == [("orders", "0001_initial"), ("shop", "0001_initial")]
    assert {table: rows[table] for table in ("shop_item", "orders_order")} == {
        table: project.rows()[table] for table in ("shop_item", "orders_order")
    }
    assert "No changes detected" in project.manage("makemigrations", "shop", "--check").stdout

    execute(project, "ALTER TABLE shop_item ADD COLUMN stray integer")
    before = files(project), project.records()
    error = reset(program, project, "shop", "--keep-data", "--yes", code=1)
    assert "stray" in error
    assert "Everything was put back." in error
    assert (files(project), project.records()) == before


def test_an_app_starts_over_and_what_depends_on_it_comes_back_empty(
    program: Program, project: SampleProject
) -> None:
    assert "--accept-loss" in reset(program, project, "shop", "--yes", code=1)
    before = files(project), project.rows(), project.records()
    reset(program, project, "shop", "--yes", "--accept-loss")
    assert names(project) == ["orders/0001_initial.py", "shop/0001_initial.py"]
    assert project.query("SELECT count(*) FROM shop_item") == [(0,)]
    assert project.query("SELECT count(*) FROM orders_order") == [(0,)]
    assert program.run(project.folder, project.env, "take-back").code == 1
    ran = program.run(project.folder, project.env, "take-back", "--yes", "--accept-loss")
    assert ran.code == 0, ran
    assert (files(project), project.rows(), project.records()) == before
    again = program.run(project.folder, project.env, "take-back", "--yes", "--accept-loss")
    assert "Nothing was done that can be taken back." in again.err, "it would drop what was written since"


def test_the_project_starts_over_with_a_new_database_whose_name_was_typed(
    program: Program, project: SampleProject
) -> None:
    name = project.databases["default"]
    assert f"--confirm {name}" in reset(program, project, "--project", "--yes", "--accept-loss", code=1)
    reset(program, project, "--project", "--yes", "--accept-loss", "--confirm", name)
    assert names(project) == ["orders/0001_initial.py", "shop/0001_initial.py"]
    assert project.query("SELECT count(*) FROM shop_item") == [(0,)]


def test_what_fails_half_way_is_put_back_with_its_rows(program: Program, project: SampleProject) -> None:
    before = files(project), project.rows(), project.records()
    models = project.folder / "shop" / "models.py"
    good = models.read_text()
    models.write_text(good.replace("max_length=20", "max_length='twenty'"))
    error = reset(program, project, "shop", "--yes", "--accept-loss", code=1)
    assert "3 of 4 steps stand" in error
    assert "was cut off" in reset(program, project, "orders", "--yes", "--accept-loss", code=1)
    models.write_text(good)
    mine = project.folder / "shop" / "migrations" / "0001_mine.py"
    mine.write_text(MINE)
    # As if it had been killed before it wrote down which files it made.
    (record,) = program.state.glob("*/reset.json")
    record.write_text(json.dumps({**json.loads(record.read_text()), "made": []}))
    kept = record.read_text()
    record.write_text(json.dumps({**json.loads(kept), "going_back": True}))
    assert "so it cannot be finished" in reset(program, project, "--finish", "--yes", code=1)
    record.write_text(kept)
    assert "add --yes" in reset(program, project, "--put-back", code=1)
    assert "--accept-loss" in reset(program, project, "--put-back", "--yes", code=1)
    reset(program, project, "--put-back", "--yes", "--accept-loss")
    assert (files(project), project.rows(), project.records()) == before
    # It stood in the way of the old files, but it may be somebody's work: it is in the trash.
    assert MINE in [path.read_text() for path in program.state.glob("*/trash/*.content")]
    assert "nothing to put back" in reset(program, project, "--put-back", "--yes", code=1)


@pytest.mark.parametrize("then", ["--finish", "--put-back"])
@pytest.mark.parametrize(
    "steps", [1, pytest.param(2, marks=pytest.mark.long), pytest.param(3, marks=pytest.mark.long)]
)
def test_what_was_killed_is_finished_or_put_back(
    program: Program, project: SampleProject, steps: int, then: str
) -> None:
    before = files(project), project.rows(), project.records()
    running = program.start(
        project.folder,
        project.env,
        *("reset", "shop", "--yes", "--accept-loss"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )

    def reached() -> bool:
        done = steps_done(program) >= steps
        assert done or running.poll() is None
        return done

    wait_for(reached, 60)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    reset(program, project, then, "--yes", "--accept-loss")
    if then == "--finish":
        assert names(project) == ["orders/0001_initial.py", "shop/0001_initial.py"]
        assert project.query("SELECT count(*) FROM shop_item") == [(0,)]
    else:
        assert (files(project), project.rows(), project.records()) == before


def test_nothing_starts_over_where_debug_is_off(program: Program, project: SampleProject) -> None:
    with (project.folder / "config" / "settings.py").open("a") as settings:
        settings.write("DEBUG = False\n")
    before = files(project), project.records()
    assert "DEBUG is off" in reset(program, project, "shop", "--yes", "--accept-loss", code=1)
    assert (files(project), project.records()) == before
