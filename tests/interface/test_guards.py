"""What stands before a run: the name that is typed, who else is there, and a way that goes forward."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from djmig_tui.protocol import (
    DatabaseSession,
    ListSessions,
    Loss,
    PreviewPlan,
    RehearsePlan,
    RunFinished,
    Sessions,
    StepDone,
)
from tui import forward_fix
from tui.engine.errors import Failed
from tui.messages import Where
from tui.screens.ask import AskScreen
from tui.screens.plan import PlanScreen
from tui.screens.run import RunScreen
from tui.widgets.buttons import CancelButton

from . import bookshop
from .fake_engine import FakeEngine
from .harness import NARROW, Desk

RENAMES = "store.0002_add_price_to_product"
DROPS = "store.0001_initial"
HOLDER = DatabaseSession(
    "4711", "shop", "runserver", "idle in transaction", "SELECT 1", "2026-03-01T11:58:00+00:00"
)


def loses(desk: Desk, *rows: int | None) -> None:
    """Let the plan lose so many rows of one table each."""
    plan = desk.engine._plan(PreviewPlan("default", "back", "store", "0001_initial"))
    loss = tuple(Loss("store", f"store_{place}", None, one, exact=True) for place, one in enumerate(rows))
    desk.engine.answers["measure_plan"] = replace(plan, loss=loss, counted=True)


# ------------------------------------------------------------------ the name
@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ((600, 401), "1,001 rows are lost, which is more than 1,000."),
        ((3, None), "What is lost was not counted, so it may be more than 1,000 rows."),
    ],
)
async def test_many_rows_or_nobody_knows_how_many_want_the_name_typed(
    rows: tuple[int | None, ...], sentence: str
) -> None:
    async with Desk().sit_down(NARROW) as desk:
        loses(desk, *rows)
        await desk.point_at(DROPS)
        await desk.press("b", "R")
        assert isinstance(desk.app.screen, AskScreen)
        assert sentence in desk.left
        assert "Type db.sqlite3 to go on" in desk.texts
        await desk.press("y", "enter")
        assert desk.engine.writes == []
        await desk.press("ctrl+u", *"db.sqlite3", "y")
        assert len(desk.engine.writes) == 1


async def test_a_thousand_rows_want_a_yes_but_no_name() -> None:
    async with Desk().sit_down() as desk:
        loses(desk, 600, 400)
        await desk.point_at(DROPS)
        await desk.press("b", "R", "y")
        assert len(desk.engine.writes) == 1


async def test_the_question_says_why_the_name_is_wanted() -> None:
    async with Desk(FakeEngine(project=bookshop.REMOTE)).sit_down(NARROW) as desk:
        await desk.point_at(DROPS)
        await desk.press("b", "R")
        assert "The database is not on this machine" in desk.left
        assert "DEBUG is off" in desk.left
        assert "Type shop to go on" in desk.texts, "the line to type in is in view"
        assert "Cancel" in desk.texts


# ---------------------------------------------------------------- the others
async def test_other_sessions_are_named_before_a_run() -> None:
    async with Desk().sit_down() as desk:
        idle = DatabaseSession("4712", "shop", "celery", "idle")
        desk.engine.answers["list_sessions"] = Sessions((HOLDER, idle))
        await desk.point_at(RENAMES)
        await desk.press("b")
        assert "2 other sessions on this database" in desk.left
        said = "runserver (pid 4711, user shop), idle in transaction since 2026-03-01 11:58: SELECT 1"
        assert said in desk.left
        assert "celery (pid 4712, user shop), idle" in desk.left
        assert [one.database for one in desk.engine.asked if isinstance(one, ListSessions)] == ["default"]


async def test_when_the_others_cannot_be_told_the_plan_says_why() -> None:
    async with Desk().sit_down() as desk:
        desk.engine.answers["list_sessions"] = Sessions(why_not="SQLite does not know who has the file open.")
        await desk.point_at(RENAMES)
        await desk.press("b")
        assert "SQLite does not know who has the file open." in desk.left
        await desk.press("escape")
        desk.engine.errors["list_sessions"] = Failed("no rights")
        await desk.press("b")
        assert "Who else is connected cannot be told: no rights." in desk.left
        await desk.press("R")
        assert len(desk.engine.writes) == 1, "nobody waits for that"


# ------------------------------------------------------------ a lock is held
def _locked_out() -> RunFinished:
    return RunFinished(
        (), error="canceling statement due to lock timeout", taken_back=True, seconds=5.0,
        failed_step=StepDone("store", "0003_change_price_field"), blocked_by=(HOLDER,),
    )  # fmt: skip


async def test_who_blocks_a_run_is_named_and_r_runs_the_same_plan_again() -> None:
    async with Desk().sit_down() as desk:
        desk.engine.answers["run_plan"] = _locked_out()
        await desk.point_at(RENAMES)
        await desk.press("b", "R")
        assert "Who holds the lock" in desk.left
        assert "runserver (pid 4711, user shop), idle in transaction since 2026-03-01 11:58" in desk.left
        assert "r tries again" in desk.left
        assert len(desk.engines) == 2, "an engine that failed is not asked again"
        del desk.engine.answers["run_plan"]
        await desk.press("r")
        assert "✔ Done: 1 step" in desk.texts
        first, second = desk.engine.writes
        assert first == second
        assert [one.outcome for one in desk.state.journal] == ["started", "failed", "started", "done"]


async def test_only_a_lock_is_tried_again() -> None:
    async with Desk().sit_down() as desk:
        desk.engine.answers["run_plan"] = replace(_locked_out(), blocked_by=())
        await desk.point_at(RENAMES)
        await desk.press("b", "R", "r")
        assert "Only a run that waited in vain for a lock is tried again" in desk.notices
        assert len(desk.engine.writes) == 1
        assert isinstance(desk.app.screen, RunScreen)


async def test_a_run_is_written_down_at_its_start_and_at_its_end() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at(RENAMES)
        await desk.press("b", "R")
        begun, ended = desk.state.journal
        assert (begun.outcome, begun.detail) == ("started", "store.0003_change_price_field")
        assert (ended.outcome, ended.command) == ("done", begun.command)


# --------------------------------------------------------------- looking only
async def test_read_only_refuses_every_key_that_changes_something() -> None:
    async with Desk(read_only=True).sit_down() as desk:
        await desk.point_at(RENAMES)
        for keys in (["b", "R"], ["b", "t"], ["b", "f"]):
            desk.app.clear_notifications()
            await desk.press(*keys)
            assert isinstance(desk.app.screen, PlanScreen)
            assert "--read-only" in desk.notices, keys
            await desk.press("escape")
        for place, key in ((RENAMES, "d"), (RENAMES, "z"), (RENAMES, "f")):
            desk.app.clear_notifications()
            await desk.point_at(place)
            await desk.press(key)
            assert desk.app.screen is desk.app.main
            assert "--read-only" in desk.notices, key
        assert desk.engine.writes == []
        assert desk.engine.count(RehearsePlan) == 0


# ------------------------------------------------------------- going forward
async def test_a_forward_fix_is_offered_beside_a_plan_for_a_database_far_away() -> None:
    async with Desk(FakeEngine(project=bookshop.REMOTE)).sit_down() as desk:
        await desk.point_at(RENAMES)
        await desk.press("b")
        assert "f writes a forward fix: a new migration on top" in desk.left
    async with Desk().sit_down() as desk:
        await desk.point_at(RENAMES)
        await desk.press("b")
        assert "forward fix:" not in desk.left
        await desk.press("f")
        assert isinstance(desk.app.screen, AskScreen)


async def test_the_forward_fix_says_how_and_only_y_makes_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[list[str]] = []
    monkeypatch.setattr(forward_fix, "_make_and_edit", lambda app, words: made.append(words))
    async with Desk().sit_down() as desk:
        await desk.point_at(RENAMES)
        for keys in (("b", "f"), ("escape", "f")):
            await desk.press(*keys)
            assert "Write a forward fix for store instead of rolling back?" in desk.texts
            assert "edit the models, then run makemigrations" in desk.left
            assert "makemigrations store --empty -n fix_add_price_to_product" in desk.left
            assert isinstance(desk.app.screen.focused, CancelButton)
            await desk.press("enter")
        assert made == []
        await desk.press("f", "y")
        assert made == [
            [".venv/bin/python", "manage.py", "makemigrations", "store", "--empty",
             "-n", "fix_add_price_to_product", "--scriptable"]
        ]  # fmt: skip


async def test_a_terminal_that_cannot_be_lent_leaves_the_command() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at(RENAMES)
        await desk.press("f", "y")
        assert "run it yourself: .venv/bin/python manage.py makemigrations store --empty" in desk.notices


async def test_the_project_and_other_peoples_apps_get_no_forward_fix() -> None:
    async with Desk().sit_down() as desk:
        for place in ("", "auth"):
            desk.app.clear_notifications()
            await desk.point_at(place)
            await desk.press("f")
            assert desk.app.screen is desk.app.main
            assert desk.notices


MANAGE = """
import pathlib, sys
print("settings say hello")
if "broken" in sys.argv:
    sys.exit("CommandError: Conflicting migrations detected; multiple leaf nodes.")
target = pathlib.Path("store/migrations/0005_fix.py")
target.parent.mkdir(parents=True)
target.write_text("operations = []")
print("Migrations for 'store':", file=sys.stderr)
print(target)
"""


def test_makemigrations_is_run_in_the_projects_folder_and_its_file_found(tmp_path: Path) -> None:
    (tmp_path / "manage.py").write_text(MANAGE)
    where = Where(str(tmp_path), (sys.executable, "manage.py"), "", settings="shop.dev")
    words = forward_fix.command(where, "store", "fix")
    assert words[-2:] == ["--settings", "shop.dev"]
    made = forward_fix.make(words, tmp_path)
    assert made.path == tmp_path / "store/migrations/0005_fix.py"
    assert made.path.read_text() == "operations = []"


def test_what_makemigrations_refuses_is_its_own_last_sentence(tmp_path: Path) -> None:
    (tmp_path / "manage.py").write_text(MANAGE)
    made = forward_fix.make([sys.executable, "manage.py", "broken"], tmp_path)
    assert made.path is None
    assert "exit code 1" in made.why_not
    assert "Conflicting migrations detected" in made.why_not
    assert "cannot be started" in forward_fix.make([str(tmp_path / "nothing")], tmp_path).why_not


def test_the_name_of_a_fix_is_one_that_django_takes() -> None:
    assert forward_fix.name_of_fix("0003_change_price_field") == "fix_change_price_field"
    assert forward_fix.name_of_fix("") == "forward_fix"
    assert forward_fix.name_of_fix("0001_[/b] x") == "fix_b_x"
    assert len(forward_fix.name_of_fix("0001_" + "x" * 200)) == 60
