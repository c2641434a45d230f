"""Starting over in the terminal: killed in the middle, the next start leads on, and `z` puts all back."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.program import Program
from tests.end_to_end.starting_over import files, names, shop_and_orders, steps_done
from tests.end_to_end.terminal import Terminal
from tests.projects import SampleProject
from tests.servers import SERVERS

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(params=["sqlite", *(pytest.param(one, marks=pytest.mark.long) for one in SERVERS)])
def project(request: pytest.FixtureRequest, tmp_path: Path, django_python: Path) -> Iterator[SampleProject]:
    """Two apps, one depending on the other, applied, with rows; a Python that has Django and a driver."""
    with shop_and_orders(tmp_path, request.param) as project:
        if request.param == "sqlite":
            (project.folder / ".venv").write_text(str(django_python))
        yield project


def begin(terminal: Terminal, name: str) -> None:
    """Start over with the shop, up to the yes."""
    terminal.wait_for("[X] 0002_note")
    terminal.move_to("shop")
    terminal.press("x")
    terminal.wait_for("Reset shop how?")
    terminal.press("\r")
    terminal.wait_for("Reset shop: its tables and rows go", "table shop_item  1 row", "Cancel")
    agree(terminal, name)


def agree(terminal: Terminal, name: str) -> None:
    """Press R, type the database's name, say yes."""
    terminal.press("R")
    terminal.wait_for(f"Type {name}")
    terminal.press(name)
    terminal.wait_for("The name is right")
    terminal.press("y")


def test_an_interface_that_is_killed_in_the_middle_leads_on_at_the_next_start_and_z_puts_all_back(
    program: Program, project: SampleProject
) -> None:
    name = Path(project.databases["default"]).name
    before = files(project), project.rows(), project.records()
    with Terminal(program, project.folder, project.env, columns=120, lines=36) as terminal:
        begin(terminal, name)
        terminal.wait_until(lambda: steps_done(program) >= 1, "the first step")
        os.kill(terminal.pid, signal.SIGKILL)
        assert terminal.ended() == -signal.SIGKILL
    assert steps_done(program) >= 1

    with Terminal(program, project.folder, project.env, columns=120, lines=36) as terminal:
        terminal.wait_for("was cut off", "steps stand")
        terminal.press("x")
        terminal.wait_for("r finishes it", "p puts everything back")
        terminal.press("r")
        terminal.wait_for("The reset is done", "z takes all of it back")
        assert names(project) == ["orders/0001_initial.py", "shop/0001_initial.py"]
        assert project.query("SELECT count(*) FROM shop_item") == [(0,)]
        terminal.press("\x1b")
        terminal.wait_for("[X] 0001_initial", without="0002_note")
        terminal.wait_for("[X] 0001_initial", without="was cut off")

        terminal.press("z")
        terminal.wait_for("Put back, as if it had never been", "the file that the reset made", "Cancel")
        agree(terminal, name)
        terminal.wait_for("Everything is as it was before the reset")
        assert (files(project), project.rows(), project.records()) == before
        terminal.press("\x1b")
        terminal.wait_for("[X] 0002_note")
        terminal.press("q")
        assert terminal.ended() == 0
        assert terminal.is_restored()


def test_the_project_starts_over_with_a_new_database(program: Program, project: SampleProject) -> None:
    name = Path(project.databases["default"]).name
    with Terminal(program, project.folder, project.env, columns=80, lines=24) as terminal:
        terminal.wait_for("[X] 0002_note")
        terminal.press("gx")
        terminal.wait_for(
            "Reset the project: a new database", "everything in default", "table shop_item  1 row"
        )
        assert len(names(project)) == 3
        agree(terminal, name)
        terminal.wait_for("The reset is done", "createsuperuser")
        assert names(project) == ["orders/0001_initial.py", "shop/0001_initial.py"]
        assert project.query("SELECT count(*) FROM shop_item") == [(0,)]
        terminal.press("\x1b")
        terminal.wait_for("[X] 0001_initial", without="0002_note")
        terminal.press("q")
        assert terminal.ended() == 0


def test_the_data_is_kept(program: Program, project: SampleProject) -> None:
    name = Path(project.databases["default"]).name
    with Terminal(program, project.folder, project.env, columns=80, lines=24) as terminal:
        terminal.wait_for("[X] 0002_note")
        terminal.move_to("shop")
        terminal.press("x")
        terminal.wait_for("Reset shop how?")
        terminal.press("j\r")
        terminal.wait_for("Make the migrations of shop anew and keep its tables", "Cancel")
        agree(terminal, name)
        terminal.wait_for("The reset is done")
        assert names(project) == ["orders/0001_initial.py", "shop/0001_initial.py"]
        assert project.query("SELECT count(*) FROM shop_item") == [(1,)]
        assert project.records() == [("orders", "0001_initial"), ("shop", "0001_initial")]
