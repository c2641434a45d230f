"""A tail of migrations goes in one step and comes back in one; then two heads are left, and merged."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.end_to_end.program import Program
from tests.end_to_end.terminal import Terminal
from tests.end_to_end.test_typo import press_until
from tests.engine.small import ITEM, add
from tests.projects import SampleProject, make_project, migration_source

FIRST = [("shop", "0001_initial")]
LEFT, RIGHT = "0002_left", "0002_right"
MERGE, LAST = "0003_merge_0002_left_0002_right", "0004_last"
MODELS = """\
from django.db import models


class Item(models.Model):
    id = models.AutoField(primary_key=True)
    name = models.CharField(default="", max_length=20)
    a = models.IntegerField(default=0)
    b = models.IntegerField(default=0)
"""


@pytest.fixture
def project(tmp_path: Path) -> SampleProject:
    """Two branches, their merge and one more; the first is applied, and max_migration.txt names the last."""
    files = {
        "0001_initial": migration_source(ITEM),
        LEFT: migration_source(add("a"), needs=FIRST),
        RIGHT: migration_source(add("b"), needs=FIRST),
        MERGE: migration_source(needs=[("shop", LEFT), ("shop", RIGHT)]),
        LAST: migration_source(add("c"), needs=[("shop", MERGE)]),
    }
    project = make_project(tmp_path, {"shop": files})
    (project.folder / "shop" / "models.py").write_text(MODELS)
    (project.folder / "shop" / "migrations" / "max_migration.txt").write_text(f"{LAST}\n")
    project.manage("migrate", "shop", "0001")
    return project


def content(project: SampleProject) -> dict[str, bytes]:
    folder = project.folder / "shop" / "migrations"
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.timeout(240)
def test_space_d_and_shift_d_remove_a_tail_z_brings_it_back_and_two_heads_are_merged(
    program: Program, project: SampleProject
) -> None:
    before = content(project)
    with Terminal(program, project.folder, project.env, columns=120, lines=36) as terminal:
        terminal.wait_for("[X] 0001_initial", f"[ ] {LAST} ◆")
        terminal.move_to(f"shop.{LEFT}")
        terminal.press(" ")
        terminal.wait_for("● 3 marked")
        terminal.wait_for(f"[ ] ● {LEFT}", f"[ ] ● {MERGE}", f"[ ] ● {LAST}", f"[ ] {RIGHT}")
        terminal.press("\x1b")
        terminal.wait_for(f"[ ] {LEFT}", without="marked")

        # The merge and what comes after it.
        terminal.move_to(f"shop.{MERGE}")
        terminal.press(" ")
        terminal.wait_for("● 2 marked")
        terminal.press("d")
        terminal.wait_for(
            "Remove 2 files?", "2 heads are left", "merges them as 0003", "max_migration.txt says 0002_right"
        )
        assert content(project) == before
        terminal.press("D")
        terminal.wait_until(lambda: f"{MERGE}.py" not in content(project), "the removal")
        terminal.wait_for(f"[ ] {RIGHT} ◆", without=f"[ ] {MERGE}")
        assert content(project)["max_migration.txt"] == b"0002_right\n"

        # One z has all of it back.
        press_until(terminal, "z", "Put back 2 files?")
        terminal.press("y")
        terminal.wait_until(lambda: content(project) == before, "the files' return, byte for byte")
        terminal.wait_for(f"[ ] {LAST} ◆")

        # Removed for good this time, the two heads are merged by the real command.
        terminal.press("g")
        terminal.move_to(f"shop.{MERGE}")
        terminal.press(" ")
        terminal.wait_for("● 2 marked")
        terminal.press("d")
        terminal.wait_for("Remove 2 files?")
        terminal.press("D")
        terminal.wait_for(f"[ ] {RIGHT} ◆", without=f"[ ] {MERGE}")
        press_until(terminal, "M", "Merge the heads of")
        terminal.wait_for(LEFT, RIGHT)


def test_remove_with_dependents_and_take_back_on_a_real_project(
    program: Program, project: SampleProject
) -> None:
    before = content(project)
    folder, env = project.folder, project.env
    shown = program.run(folder, env, "remove", "shop", LEFT, "--with-dependents")
    assert shown.code == 1
    assert f"After it: shop: {RIGHT} is the latest then; makemigrations goes on with 0003." in shown.out
    assert content(project) == before
    ran = program.run(folder, env, "remove", "shop", LEFT, "--with-dependents", "--yes", "--json")
    assert ran.code == 0, ran
    assert [one["name"] for one in ran.data["files"]] == [LAST, MERGE, LEFT]
    assert content(project)["max_migration.txt"] == b"0002_right\n"
    assert project.manage("migrate", "--plan").returncode == 0, "what is left is not broken"

    taken = folder / "shop" / "migrations" / f"{LAST}.py"
    taken.write_text("# somebody's\n")
    refusal = program.refused(folder, env, "take-back", "--yes", code=1)
    assert f"{LAST}.py is there already" in refusal
    assert "None of the 3 files was put back." in refusal
    assert f"{LEFT}.py" not in content(project)
    taken.unlink()
    ran = program.run(folder, env, "take-back", "--yes", "--json")
    assert (ran.code, len(ran.data["done"])) == (0, 3), ran
    assert content(project) == before
