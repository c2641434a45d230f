"""A reset that was cut off meets a project that went on: nothing that came later is lost."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.program import ROOT, Program
from tests.end_to_end.starting_over import (
    AFTER,
    BEFORE,
    files,
    is_unfinished,
    killed_at,
    launched,
    names,
    reset,
    shop_and_orders,
    state_of,
)
from tests.engine.small import execute
from tests.projects import SampleProject

pytestmark = pytest.mark.timeout(180)

AGREED = ("--yes", "--accept-loss")
LATER = "INSERT INTO shop_item (name, note) VALUES ('later', 'x')"
ITEMS = "SELECT name FROM shop_item ORDER BY id"
MINE = """\
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("shop", "0002_note")]
"""

#: As `Program`'s own launcher; another program writes right after the given write of the reset's record.
WRITTEN = """\
import sqlite3
import sys

sys.path[0] = {root!r}
from tui.cli import main
from tui.state import State

writes = [0]
save = State.save_reset


def written(self, record):
    save(self, record)
    writes[0] += 1
    if writes[0] == {number}:
        with sqlite3.connect({database!r}) as other:
            other.execute({statement!r})


State.save_reset = written
sys.exit(main())
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[SampleProject]:
    """Two apps, one depending on the other, applied, with rows."""
    with shop_and_orders(tmp_path, "sqlite") as project:
        yield project


def written_to(
    program: Program, project: SampleProject, *typed: str, number: int
) -> subprocess.CompletedProcess[str]:
    """Run `reset` while another program writes into the database after a write of its record."""
    source = WRITTEN.format(
        root=str(ROOT), number=number, database=project.databases["default"], statement=LATER
    )
    return launched(program, project, source, typed)


def settings(project: SampleProject) -> Path:
    return project.folder / "config" / "settings.py"


def reasons(program: Program, project: SampleProject) -> list[str]:
    listed = program.run(project.folder, project.env, "backups", "--json").data["backups"]
    return [each["reason"] for each in listed]


@pytest.mark.parametrize("way", ["--finish", "--put-back"])
def test_it_goes_on_only_on_the_database_that_it_began_on(
    program: Program, project: SampleProject, tmp_path: Path, way: str
) -> None:
    assert killed_at(program, project, ("shop", *AGREED), 3, BEFORE)  # back at zero, and not written down
    before = state_of(project)
    other = tmp_path / "other.sqlite3"
    shutil.copy(project.databases["default"], other)
    execute(project, "CREATE TABLE marker (id integer)")
    real, text = project.databases["default"], settings(project).read_text()
    settings(project).write_text(text.replace(repr(real), repr(str(other))))
    content = other.read_bytes()
    error = reset(program, project, way, *AGREED, code=1)
    assert f"The reset began on {real}; the alias default is {other} now." in error
    assert other.read_bytes() == content
    settings(project).write_text(text + "\nDEBUG = False\n")
    assert "DEBUG is off" in reset(program, project, way, *AGREED, code=1)
    execute(project, "DROP TABLE marker")
    assert state_of(project) == before
    assert is_unfinished(program)
    settings(project).write_text(text)
    reset(program, project, way, *AGREED)
    assert not is_unfinished(program)


def test_what_was_written_since_is_backed_up_before_it_goes_on(
    program: Program, project: SampleProject
) -> None:
    assert killed_at(program, project, ("shop", *AGREED), 2, AFTER)  # the backup is made, no step begun
    execute(project, LATER)
    reset(program, project, "--finish", *AGREED)
    assert project.query("SELECT count(*) FROM shop_item") == [(0,)]
    newest, _first = reasons(program, project)
    assert newest.startswith("before going on: Reset shop")
    (copy,) = (
        path
        for path in program.state.glob("*/backups/*")
        if path.suffix != ".json" and _items(path) == ["one", "later"]
    )
    assert copy.exists()
    reset_back = program.run(project.folder, project.env, "take-back", *AGREED)
    assert reset_back.code == 0
    assert project.query(ITEMS) == [("one",)], "as it was when the reset began"


def _items(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    try:
        return [name for (name,) in connection.execute(ITEMS)]
    except sqlite3.DatabaseError:
        return []
    finally:
        connection.close()


def test_rows_that_come_between_the_backup_and_the_step_stop_it(
    program: Program, project: SampleProject
) -> None:
    before = files(project)
    done = written_to(program, project, "shop", *AGREED, number=2)
    assert done.returncode == 1
    assert "Since the backup was made: More would be lost than was shown" in done.stderr
    assert project.query(ITEMS) == [("one",), ("later",)]
    assert files(project) == before
    reset(program, project, "--put-back", *AGREED)
    assert project.query(ITEMS) == [("one",), ("later",)], "no step had changed anything"
    assert not is_unfinished(program)


def test_rows_that_come_before_the_whole_database_goes_stop_it_too(
    program: Program, project: SampleProject
) -> None:
    agreed = (*AGREED, "--confirm", project.databases["default"])
    done = written_to(program, project, "--project", *agreed, number=2)
    assert done.returncode == 1
    assert "rows were written (shop_item: 2 instead of 1): nothing was done" in done.stderr
    assert project.query(ITEMS) == [("one",), ("later",)]
    reset(program, project, "--finish", *AGREED)
    assert names(project) == ["orders/0001_initial.py", "shop/0001_initial.py"]
    assert reasons(program, project)[0].startswith("before going on: ")


def test_rows_that_come_while_the_data_is_kept_stay(program: Program, project: SampleProject) -> None:
    execute(project, "ALTER TABLE shop_item ADD COLUMN stray integer")
    before = files(project), project.records()
    done = written_to(program, project, "shop", "--keep-data", "--yes", number=3)
    assert done.returncode == 1
    assert "Everything was put back." in done.stderr
    assert (files(project), project.records()) == before
    assert project.query(ITEMS) == [("one",), ("later",)]

    execute(project, "ALTER TABLE shop_item DROP COLUMN stray")
    reset(program, project, "shop", "--keep-data", "--yes")
    execute(project, LATER)
    assert program.run(project.folder, project.env, "take-back", *AGREED).code == 0
    assert (files(project), project.records()) == before
    assert project.query(ITEMS) == [("one",), ("later",), ("later",)]


def test_a_file_that_came_later_is_nobody_elses_to_remove(program: Program, project: SampleProject) -> None:
    before = state_of(project)
    assert killed_at(program, project, ("shop", *AGREED), 3, AFTER)  # back at zero
    mine = project.folder / "shop" / "migrations" / "0003_mine.py"
    mine.write_text(MINE)
    error = reset(program, project, "--finish", *AGREED, code=1)
    assert "shop.0003_mine was not there when this reset began" in error
    assert mine.read_text() == MINE
    reset(program, project, "--put-back", *AGREED)
    assert mine.read_text() == MINE, "no file had gone: none makes room"
    mine.unlink()
    assert state_of(project) == before


def test_a_file_that_stands_in_the_way_of_the_old_ones_is_in_the_trash_afterwards(
    program: Program, project: SampleProject
) -> None:
    before = state_of(project)
    assert killed_at(program, project, ("shop", *AGREED), 5, AFTER)  # the files are gone
    mine = project.folder / "shop" / "migrations" / "0001_mine.py"
    mine.write_text(MINE.replace('[("shop", "0002_note")]', "[]"))
    assert "was not there when" in reset(program, project, "--finish", *AGREED, code=1)
    reset(program, project, "--put-back", *AGREED)
    assert state_of(project) == before
    assert any("[]" in path.read_text() for path in program.state.glob("*/trash/*.content"))


def test_what_makemigrations_wrote_before_it_was_killed_is_made_again_whole(
    program: Program, project: SampleProject
) -> None:
    assert killed_at(program, project, ("shop", *AGREED), 6, AFTER)  # it is about to make them
    (record,) = program.state.glob("*/reset.json")
    assert json.loads(record.read_text())["making"]
    half = project.folder / "shop" / "migrations" / "0001_initial.py"
    half.write_text(MINE.replace('[("shop", "0002_note")]', "[]"))
    reset(program, project, "--finish", *AGREED)
    assert names(project) == ["orders/0001_initial.py", "shop/0001_initial.py"]
    assert project.query("SELECT count(*) FROM shop_item") == [(0,)]
    assert "CreateModel" in half.read_text()


def test_without_its_old_files_nothing_is_put_back(program: Program, project: SampleProject) -> None:
    reset(program, project, "shop", *AGREED)
    now = state_of(project)
    damaged = next(program.state.glob("*/trash/*.content"))
    damaged.write_text("something else")
    taken = program.run(project.folder, project.env, "take-back", *AGREED)
    assert taken.code == 1
    assert "1 of 2 files that the reset removed are not in the trash any more" in taken.err
    assert state_of(project) == now
    assert not is_unfinished(program)


def test_a_file_in_the_way_of_taking_it_back_holds_nothing_back(
    program: Program, project: SampleProject
) -> None:
    reset(program, project, "shop", *AGREED)
    mine = project.folder / "shop" / "migrations" / "0002_mine.py"
    mine.write_text(MINE.replace("0002_note", "0001_initial"))
    taken = program.run(project.folder, project.env, "take-back", *AGREED)
    assert taken.code == 1
    assert "is not as the reset made it, or came later" in taken.err
    assert not is_unfinished(program)
    assert program.run(project.folder, project.env, "migrate", "--yes").code == 0


def test_edge_54_max_migration_txt_names_the_old_one_again(program: Program, project: SampleProject) -> None:
    last = project.folder / "shop" / "migrations" / "max_migration.txt"
    last.write_text("0002_note\n")
    reset(program, project, "shop", *AGREED)
    last.write_text("0001_initial\n")  # as the makemigrations of django-linear-migrations does
    assert program.run(project.folder, project.env, "take-back", *AGREED).code == 0
    assert last.read_text() == "0002_note\n"
