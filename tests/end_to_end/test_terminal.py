"""A person at a terminal: sees the tree, reads SQL, rolls back, removes a file, puts it back."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.program import Program, contents, names
from tests.end_to_end.terminal import Terminal
from tests.projects import SampleProject

SIZES = [(80, 24), (120, 36)]
#: What a plan says that the project has overtaken.
OLD = "Press r to look again"


@pytest.fixture
def project(ready_site: SampleProject, django_python: Path) -> SampleProject:
    """The bookshop at store 0003, with an environment of its own that has Django only."""
    for alias in ready_site.databases:
        ready_site.manage("migrate", "store", "0003", "--database", alias)
    (ready_site.folder / ".venv").write_text(str(django_python))
    ready_site.env.pop("PYTHONDONTWRITEBYTECODE")
    return ready_site


def run_it(terminal: Terminal, done: Callable[[], bool]) -> None:
    """Run the plan on screen; look again where the files that came back have made it an old one."""
    for _ in range(4):
        terminal.press("R")
        terminal.wait_until(lambda: "Really?" in terminal.text or OLD in terminal.text, "the second question")
        terminal.finish_frame()
        if "Type db.sqlite3" in terminal.text:  # where the rows could not be counted in time
            terminal.press("db.sqlite3")
            terminal.wait_for("The name is right")
        if "Really?" in terminal.text:
            terminal.press("y")
            terminal.wait_until(lambda: done() or OLD in terminal.text, "the rollback")
        if done():
            return
        terminal.press("r")
        terminal.wait_for("goes: 13 rows", without=OLD)
    raise AssertionError(f"the plan was always an old one; the screen:\n{terminal.text}")


@pytest.mark.parametrize(("columns", "lines"), SIZES)
def test_the_main_job(program: Program, project: SampleProject, columns: int, lines: int) -> None:
    before = contents(project.folder)
    file = project.folder / "store" / "migrations" / "0004_add_discount_field.py"
    with Terminal(program, project.folder, project.env, columns=columns, lines=lines) as terminal:
        terminal.wait_for("store", "[X] 0003_change", "[ ] 0004_add_disc")

        # Read the reverse SQL under the cursor.
        terminal.move_to("store.0002_add_price_to_product")
        terminal.wait_for("-- Add field price to product", "ALTER TABLE")

        # Remove the unapplied file, and put it back.
        terminal.move_to("store.0004_add_discount_field")
        terminal.press("d")
        terminal.wait_for("0004_add_disc", "class Migration", "Cancel")  # the file and what is in it
        assert file.exists()
        terminal.press("D")
        terminal.wait_until(lambda: not file.exists(), "the file's removal")
        terminal.wait_for("[X] 0003_change", without="[ ] 0004_add_disc")
        terminal.press("z")
        terminal.wait_for("Put back", "(y)")
        terminal.press("y")
        terminal.wait_until(lambda: contents(project.folder) == before, "the file's return")
        terminal.wait_for("[ ] 0004_add_disc")

        # Roll back: a plan first, and only R and a yes run it.
        terminal.move_to("store.0002_add_price_to_product", key="k")
        terminal.press("b")
        terminal.wait_for("Back to 0002_add_price_to_product", "Cancel", "goes: 13 rows")  # counted
        assert "0003_change_price_field" in project.applied("store")
        run_it(terminal, lambda: "0003_change_price_field" not in project.applied("store"))
        terminal.wait_for("How it ended", "edit the models")  # the next step is named
        terminal.press("\x1b")
        terminal.wait_for("[ ] 0003_change", "[X] 0002_add_price")

        terminal.press("q")
        assert terminal.ended() == 0
        assert terminal.is_restored()
    assert names(project.folder) == set(before)
    assert project.applied("store") == ["0001_initial", "0002_add_price_to_product"]


def test_the_demo_opens_by_itself(program: Program, tmp_path: Path) -> None:
    env = {**os.environ, "TMPDIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "somebody.elses"}
    with Terminal(program, tmp_path, env, "--demo", columns=120, lines=36) as terminal:
        terminal.wait_for("[X] 0003_change", "[ ] 0004_add_disc", "demo")
        terminal.press("q")
        assert terminal.ended() == 0
    assert not program.state.exists(), "a demo leaves no state behind"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_killed_program_restores_the_terminal(
    program: Program, project: SampleProject, number: signal.Signals
) -> None:
    with Terminal(program, project.folder, project.env, columns=80, lines=24) as terminal:
        terminal.wait_for("[X] 0003_change")
        os.kill(terminal.pid, number)
        assert terminal.ended() == 128 + number
        assert terminal.is_restored()


def test_a_terminal_of_40_by_10_gets_a_sentence_and_changes_nothing(
    program: Program, project: SampleProject
) -> None:
    before, records = contents(project.folder), project.records()
    with Terminal(program, project.folder, project.env, columns=40, lines=10) as terminal:
        terminal.wait_until(
            lambda: bool(re.search(r"\d+\s?x\s?\d+", terminal.text)), "the size that is needed"
        )
        terminal.press("bRyduRy")
        terminal.press("q")
        assert terminal.ended() == 0
    assert (contents(project.folder), project.records()) == (before, records)


def test_settings_that_raise_are_a_screen_with_the_sentence(program: Program, project: SampleProject) -> None:
    (project.folder / "bookshop" / "settings.py").write_text("raise RuntimeError('no key in the vault')\n")
    with Terminal(program, project.folder, project.env, columns=80, lines=24) as terminal:
        terminal.wait_for("no key in the vault")
        terminal.press("q")
        assert terminal.ended() in {0, 1}
        assert terminal.is_restored()


def test_no_project_is_a_sentence_and_no_screen(program: Program, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with Terminal(program, empty, os.environ, columns=80, lines=24) as terminal:
        assert terminal.ended() == 2
        assert "no manage.py" in terminal.text
        assert b"\x1b[?1049h" not in terminal.written


def test_a_command_in_pyproject_is_shown_and_asked_for_once(
    program: Program, project: SampleProject, django_python: Path
) -> None:
    python = django_python / "bin" / "python"
    (project.folder / "pyproject.toml").write_text(f'[tool.djmig-tui]\ncommand = ["{python}", "manage.py"]\n')
    with Terminal(program, project.folder, project.env, columns=120, lines=36) as terminal:
        terminal.wait_for("manage.py", "[y/N]")
        terminal.press("\r")
        assert terminal.ended() == 2
    with Terminal(program, project.folder, project.env, columns=120, lines=36) as terminal:
        terminal.wait_for("[y/N]")
        terminal.press("y\r")
        terminal.wait_for("[X] 0003_change")
        terminal.press("q")
        assert terminal.ended() == 0
    with Terminal(program, project.folder, project.env, columns=120, lines=36) as terminal:
        terminal.wait_for("[X] 0003_change")
        terminal.press("q")
        assert terminal.ended() == 0
    assert program.run(project.folder, project.env, "list").code == 0, "scripts may run it then, too"
