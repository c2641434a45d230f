"""A run shows how far it is, can be stopped, and ends with what stands and what comes next."""

from __future__ import annotations

from djmig_tui.protocol import RunFinished, StepDone
from tui.screens.ask import AskScreen
from tui.screens.plan import PlanScreen
from tui.screens.run import RunScreen

from .harness import Desk

BACK = "store.0002_add_price_to_product"


async def _run(desk: Desk) -> None:
    await desk.point_at(BACK)
    await desk.press("b")
    await desk.pilot.press("R")
    await desk.until(lambda: isinstance(desk.app.screen, RunScreen))


async def test_after_a_run_the_tree_is_as_the_database_is() -> None:
    async with Desk().sit_down() as desk:
        await _run(desk)
        await desk.settle()
        assert "✔ Done: 1 step" in desk.texts
        assert "undone store.0003_change_price_field" in desk.texts
        assert "Edit the models, then run makemigrations." in desk.texts
        await desk.press("escape")
        assert desk.app.screen is desk.app.main
        assert "[ ] 0003_change_price_field" in desk.texts


async def test_a_run_is_written_down_with_its_command() -> None:
    async with Desk().sit_down() as desk:
        await _run(desk)
        await desk.settle()
        entry = desk.state.journal[-1]
        assert (entry.action, entry.outcome) == ("rollback", "done")
        assert entry.command == "python manage.py migrate store 0002_add_price_to_product"
        await desk.press("escape", "at")
        assert "$ python manage.py migrate store 0002_add_price_to_product" in desk.texts


async def test_a_run_under_way_shows_its_operation_and_the_time() -> None:
    async with Desk().sit_down() as desk:
        desk.engine.run_gate.clear()
        await _run(desk)
        await desk.until(lambda: "Alter field price" in desk.texts)
        assert "0 of 1 step" in desk.texts
        desk.engine.run_gate.set()
        await desk.settle()


async def test_stop_is_asked_first_and_then_says_that_all_was_taken_back() -> None:
    async with Desk().sit_down() as desk:
        desk.engine.run_gate.clear()
        await _run(desk)
        for key in ("s", "escape"):
            await desk.pilot.press(key)
            await desk.until(lambda: isinstance(desk.app.screen, AskScreen))
            assert "taken back" in desk.texts
            await desk.pilot.press("escape")
            await desk.until(lambda: isinstance(desk.app.screen, RunScreen))
            assert not desk.engine.stop_asked
        await desk.pilot.press("s")
        await desk.until(lambda: isinstance(desk.app.screen, AskScreen))
        await desk.pilot.press("y")
        await desk.until(lambda: desk.engine.stop_asked)
        desk.engine.run_gate.set()
        await desk.settle()
        assert "■ Stopped after 1.5 s: everything was taken back." in desk.texts
        assert desk.state.journal[-1].outcome == "stopped"


async def test_a_question_about_stopping_goes_away_when_the_run_ends() -> None:
    async with Desk().sit_down() as desk:
        desk.engine.run_gate.clear()
        await _run(desk)
        await desk.pilot.press("s")
        await desk.until(lambda: isinstance(desk.app.screen, AskScreen))
        desk.engine.run_gate.set()
        await desk.settle()
        assert isinstance(desk.app.screen, RunScreen)
        assert "✔ Done" in desk.texts


async def test_quitting_during_a_run_asks_whichever_key_says_it() -> None:
    async with Desk().sit_down() as desk:
        desk.engine.run_gate.clear()
        await _run(desk)
        for key in ("q", "ctrl+q"):
            await desk.pilot.press(key)
            await desk.until(lambda: isinstance(desk.app.screen, AskScreen))
            assert "Quit during the run?" in desk.texts
            await desk.pilot.press("escape")
            await desk.until(lambda: isinstance(desk.app.screen, RunScreen))
        await desk.pilot.press("q")
        await desk.until(lambda: isinstance(desk.app.screen, AskScreen))
        await desk.pilot.press("y")
        await desk.until(lambda: desk.app._exit)
        desk.engine.run_gate.set()
    assert desk.engine.closed


async def test_a_failed_run_says_what_stands_with_the_traceback_folded() -> None:
    async with Desk().sit_down() as desk:
        desk.engine.answers["run_plan"] = RunFinished(
            (StepDone("orders", "0004_backfill_totals"),),
            error="NOT NULL constraint failed: store_product.price",
            detail="Traceback (most recent call last):\n  deep inside",
            failed_step=StepDone("store", "0003_change_price_field"),
            seconds=2.0,
            next_steps=("Migrate forward again to where it was.",),
        )
        await _run(desk)
        await desk.settle()
        assert "✖ Failed after 2.0 s" in desk.texts
        assert "store.0003_change_price_field: NOT NULL constraint failed" in desk.texts
        assert "deep inside" not in desk.texts
        await desk.press("l")
        assert "deep inside" in desk.texts
        assert len(desk.engines) == 2
        await desk.press("escape")
        assert desk.app.screen is desk.app.main


async def test_an_engine_that_dies_in_a_run_is_said_there_and_a_fresh_one_looks() -> None:
    async with Desk().sit_down() as desk:
        desk.engine.run_gate.clear()
        await _run(desk)
        dead = desk.engine
        dead.die()
        dead.run_gate.set()
        await desk.settle()
        assert "The engine ended during the run." in desk.texts
        assert "The database is the truth" in desk.texts
        assert len(desk.engines) == 2
        await desk.press("escape")
        assert not isinstance(desk.app.screen, PlanScreen)


async def test_a_failing_post_migrate_handler_is_told_apart_from_a_failed_run() -> None:
    async with Desk().sit_down() as desk:
        done = (StepDone("store", "0003_change_price_field"),)
        desk.engine.answers["run_plan"] = RunFinished(
            done, post_migrate_error="KeyError: 'site'", seconds=0.1
        )
        await _run(desk)
        await desk.settle()
        assert "✔ Done: 1 step" in desk.texts
        assert "a post_migrate handler failed afterwards" in desk.texts
