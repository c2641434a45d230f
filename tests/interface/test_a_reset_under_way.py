"""While steps are taken, when one fails, when it was cut off: it is finished, or put back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from djmig_tui import protocol as p
from tui.engine.errors import Failed
from tui.reset_ground import begin
from tui.screens.ask import AskScreen
from tui.screens.reset_back import ResetBackScreen
from tui.screens.resetting import ResettingScreen
from tui.state_resets import Backed, ResetRecord
from tui.widgets.folded import Folded

from .fake_engine import FakeEngine
from .harness import Desk
from .test_starting_over import kinds, looked_at, typed


@asynccontextmanager
async def failed(desk: Desk) -> AsyncIterator[None]:
    """Start over with store, where makemigrations fails."""
    async with desk.sit_down():
        desk.engine.errors["make_migrations"] = Failed("makemigrations failed: it asks.", "Traceback: here")
        await looked_at(desk)
        await typed(desk)
        await desk.until(lambda: "makemigrations failed: it asks." in desk.texts)
        await desk.settle()
        yield


async def held(desk: Desk, method: str, request: type) -> asyncio.Event:
    """Start over with store, and return what is set when this request's answer is to come."""
    gate = desk.engine.held[method] = asyncio.Event()
    await looked_at(desk)
    await typed(desk)
    await desk.until(lambda: desk.engine.count(request))
    return gate


async def cut_off(desk: Desk, steps: int, *, going_back: bool = False) -> ResetRecord:
    """Leave behind what a killed interface would: the files gone, the record on the disk."""
    engine = FakeEngine(desk.engine.history)
    plan = await engine.preview_reset(p.PreviewReset("default", p.RESET_APP, "store"))
    files = await engine.read_files(p.ReadFiles("default", plan.steps[1].keys))
    marks = tuple(desk.state.keep_in_trash(file, "default").mark for file in files.files)
    hashes = tuple(p.FileHash(file.app, file.name, file.sha256) for file in files.files)
    await engine.delete_files(p.DeleteFiles("default", p.RESET_APP, hashes))
    desk.engine.history = engine.history
    record = replace(
        begin(desk.state, plan, ()),
        done=steps,
        trash=marks,
        backups=(Backed("default", "gone"),),
        going_back=going_back,
    )
    desk.state.save_reset(record)
    return record


async def test_a_step_that_fails_says_so_and_is_tried_again_from_there() -> None:
    desk = Desk()
    async with failed(desk):
        assert "✔ 2. Move 4 files to the trash." in desk.left
        assert "r finishes it" in desk.left
        assert "p puts everything back" in desk.left
        assert "Traceback: here" not in desk.texts
        await desk.press("l")
        assert desk.app.screen.query_one(Folded).has_class("-open")
        del desk.engine.errors["make_migrations"]
        desk.engine.writes.clear()
        await desk.press("r")
        await desk.until(lambda: "✔ The reset is done." in desk.texts)
        assert kinds(desk) == ["MakeMigrations", "RunPlan"]
        assert len(desk.state.backups()) == 1, "one made anew would hold what the steps left"
        await desk.settle()
        await desk.press("r", "p")
        assert "This one has come to its end" in desk.notices


async def test_a_step_that_fails_can_be_put_back_and_what_goes_is_shown_first() -> None:
    desk = Desk()
    async with failed(desk):
        await desk.press("p")
        assert isinstance(desk.app.screen, ResetBackScreen)
        assert "default: all that was written since" in desk.left
        assert "4 files from the trash" in desk.left
        desk.engine.writes.clear()
        await desk.press("enter")  # Cancel has the focus
        assert isinstance(desk.app.screen, ResettingScreen)
        assert desk.engine.writes == []
        await desk.press("p", "R", *"db.sqlite3")
        await desk.pilot.press("y")
        await desk.until(lambda: "Everything is as it was before the reset." in desk.texts)
        assert {"RestoreFile", "RestoreBackup"} <= set(kinds(desk))
        assert desk.state.reset_under_way() is None
        assert desk.state.trash == []
        await desk.settle()
        await desk.press("escape")
        assert desk.app.screen is desk.app.main
        assert "was cut off" not in desk.texts


async def test_a_reset_that_was_cut_off_is_told_at_the_start_and_x_finishes_it_from_anywhere() -> None:
    desk = Desk()
    await cut_off(desk, 2)
    async with desk.sit_down():
        (problem,) = desk.app.main.history.problems
        assert "was cut off: 2 of 4 steps stand. Press x" in problem.message
        assert "was cut off" in desk.texts
        await desk.point_quietly("auth")
        await desk.press("x")
        assert isinstance(desk.app.screen, ResettingScreen)
        assert "2 of 4 steps stand" in desk.left
        assert desk.engine.writes == []
        await desk.press("r")
        await desk.until(lambda: "✔ The reset is done." in desk.texts)
        await desk.settle()
        await desk.press("escape")
        assert desk.app.main.history.problems == ()


async def test_of_one_that_was_being_put_back_that_is_the_only_way_on() -> None:
    desk = Desk()
    await cut_off(desk, 2, going_back=True)
    async with desk.sit_down():
        (problem,) = desk.app.main.history.problems
        assert "was being put back when that was cut off. Press x: it goes on with that." in problem.message
        await desk.press("x", "r")
        assert "it cannot be finished" in desk.notices
        assert "r finishes" not in desk.left
        assert desk.engine.writes == []
        await desk.press("p")
        assert "The backup gone is gone" in desk.left
        await desk.press("R")
        assert isinstance(desk.app.screen, ResetBackScreen)


@pytest.mark.parametrize("key", ["q", "ctrl+q"])
async def test_quitting_while_steps_are_taken_asks_and_the_keyboard_is_free(key: str) -> None:
    desk = Desk()
    async with desk.sit_down():
        go_on = await held(desk, "make_migrations", p.MakeMigrations)
        await desk.until(lambda: "▶ 3. python manage.py makemigrations store" in desk.left)
        assert "2 of 4 steps" in desk.texts
        await desk.pilot.press(key)
        await desk.until(lambda: isinstance(desk.app.screen, AskScreen))
        assert "Quit during the reset?" in desk.texts
        await desk.pilot.press("escape")
        await desk.until(lambda: isinstance(desk.app.screen, ResettingScreen))
        go_on.set()
        await desk.until(lambda: "✔ The reset is done." in desk.texts)


async def test_stopping_is_after_the_step_under_way_and_leaves_both_ways_on() -> None:
    desk = Desk()
    async with desk.sit_down():
        go_on = await held(desk, "make_migrations", p.MakeMigrations)
        await desk.pilot.press("escape")
        await desk.until(lambda: isinstance(desk.app.screen, AskScreen))
        assert "It stops after the step under way." in desk.texts
        await desk.pilot.press("y")
        await desk.until(lambda: isinstance(desk.app.screen, ResettingScreen))
        go_on.set()
        await desk.until(lambda: "Stopped, as you asked." in desk.texts)
        assert desk.state.reset_under_way().done == 3
        assert "r finishes it" in desk.left


async def test_stopping_before_the_first_step_leaves_nothing() -> None:
    desk = Desk()
    async with desk.sit_down():
        await held(desk, "make_backup", p.MakeBackup)
        await desk.pilot.press("s")
        await desk.until(lambda: isinstance(desk.app.screen, AskScreen))
        assert "Nothing has been done yet" in desk.texts
        await desk.press("y")
        await desk.until(lambda: desk.app.screen is desk.app.main)
        await desk.settle()
        assert desk.engine.writes == []
        assert desk.state.reset_under_way() is None
        assert desk.state.backups() == []
        assert not desk.app.session.running


async def test_why_no_engine_came_after_a_step_is_told() -> None:
    desk = Desk()
    async with desk.sit_down():
        go_on = await held(desk, "make_migrations", p.MakeMigrations)
        desk.start_error = Failed("The models cannot be imported.", "Traceback: models")
        go_on.set()
        await desk.settle()
        desk.start_error = None
        await desk.press("r")  # on the screen that says that there is no engine
        await desk.until(lambda: isinstance(desk.app.screen, ResettingScreen))
        await desk.settle()
        assert "The models cannot be imported." in desk.left
        await desk.press("r")
        await desk.until(lambda: "✔ The reset is done." in desk.texts)


async def test_an_engine_that_dies_in_a_step_is_replaced_and_the_step_tried_again() -> None:
    desk = Desk()
    async with desk.sit_down():
        desk.engine.run_gate.clear()
        await looked_at(desk)
        await typed(desk)
        await desk.until(lambda: desk.engine.count(p.RunPlan))
        dead = desk.engine
        dead.die()
        dead.run_gate.set()
        await desk.until(lambda: "The engine ended during the run." in desk.texts)
        await desk.settle()
        assert desk.engine is not dead
        assert "r finishes it" in desk.left
        await desk.press("r")
        await desk.until(lambda: "✔ The reset is done." in desk.texts)


async def test_z_puts_a_whole_reset_back_once() -> None:
    desk = Desk()
    async with desk.sit_down():
        await looked_at(desk)
        await typed(desk)
        await desk.until(lambda: "✔ The reset is done." in desk.texts)
        await desk.settle()
        await desk.press("escape", "z")
        assert isinstance(desk.app.screen, ResetBackScreen)
        assert "store.0001_initial: the file that the reset made" in desk.left
        assert "4 files from the trash" in desk.left
        await desk.press("R", *"db.sqlite3")
        await desk.pilot.press("y")
        await desk.until(lambda: "Everything is as it was before the reset." in desk.texts)
        await desk.settle()
        await desk.press("escape")
        assert "0004_add_disc" in desk.texts
        desk.engine.writes.clear()
        await desk.press("z")
        assert desk.app.screen is desk.app.main
        assert desk.engine.writes == []


async def test_what_fails_while_a_finished_reset_is_put_back_is_gone_on_with_and_never_finished() -> None:
    desk = Desk()
    async with desk.sit_down():
        await looked_at(desk)
        await typed(desk)
        await desk.until(lambda: "✔ The reset is done." in desk.texts)
        await desk.settle()
        await desk.press("escape", "z")
        desk.engine.errors["restore_files"] = Failed("store/migrations cannot be written.")
        await desk.press("R", *"db.sqlite3")
        await desk.press("y")
        assert "store/migrations cannot be written." in desk.left
        assert "r finishes it" not in desk.left
        await desk.press("r")
        assert "it cannot be finished" in desk.notices
        await desk.press("escape")
        assert desk.app.screen is desk.app.main
        assert "was being put back when" in desk.app.main.history.problems[0].message
        await desk.press("z")
        assert "before it is put back (x in the tree, then p)" in desk.notices
        del desk.engine.errors["restore_files"]
        await desk.press("x", "p", "R", *"db.sqlite3")
        await desk.press("y")
        assert "Everything is as it was before the reset." in desk.texts
        await desk.press("escape")
        assert desk.app.screen is desk.app.main
        assert desk.app.main.history.problems == ()
