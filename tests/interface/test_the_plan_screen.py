"""Nothing that changes a database happens without the plan screen, and there only by R."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from djmig_tui.protocol import Changed, PreviewPlan
from tui.engine.errors import Refused
from tui.screens.ask import AskScreen
from tui.screens.plan import PlanScreen
from tui.screens.run import RunScreen
from tui.widgets.buttons import CancelButton

from . import bookshop
from .fake_engine import FakeEngine
from .harness import NARROW, Desk

SAFE = "store.0002_add_price_to_product"  # back to it: renames and alters only
LOSES = "store.0001_initial"
UNKNOWN = "orders.0003_order_total"
BLOCKED = "reviews.0001_initial"


async def test_b_opens_a_plan_whose_title_cannot_be_misread() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at(SAFE)
        await desk.press("b")
        assert isinstance(desk.app.screen, PlanScreen)
        assert "Back to store.0002_add_price_to_product: it stays applied" in desk.texts
        assert "✔ SAFE" in desk.texts
        assert "$ python manage.py migrate store 0002_add_price_to_product" in desk.left
        assert "[X] → [ ]" in desk.texts
        assert "One transaction" in desk.texts
        assert "-- 1 of 1: undo store.0003_change_price_field" in desk.texts


async def test_each_key_asks_for_its_own_intent() -> None:
    async with Desk().sit_down() as desk:
        for key, place, intent, name in (
            ("b", SAFE, "back", "0002_add_price_to_product"),
            ("b", "store", "zero", None),
            ("u", SAFE, "undo", "0002_add_price_to_product"),
            ("m", "store.0004_add_discount_field", "forward", "0004_add_discount_field"),
            ("m", "store", "forward", None),
        ):
            await desk.point_at(place)
            await desk.press(key)
            asked = [one for one in desk.engine.asked if isinstance(one, PreviewPlan)][-1]
            assert asked == PreviewPlan("default", intent, "store", name)
            await desk.press("escape")
        await desk.press("g", "m")
        asked = [one for one in desk.engine.asked if isinstance(one, PreviewPlan)][-1]
        assert asked == PreviewPlan("default", "forward", None, None)


@pytest.mark.parametrize(
    ("place", "words"),
    [(SAFE, "✔ SAFE"), (LOSES, "▼ LOSES DATA"), (UNKNOWN, "? NOT KNOWN"), (BLOCKED, "■ BLOCKED")],
)
async def test_the_verdict_is_a_sign_and_a_word(place: str, words: str) -> None:
    async with Desk().sit_down(NARROW) as desk:
        await desk.point_at(place)
        await desk.press("b")
        assert words in desk.texts


async def test_other_apps_that_fall_are_named_with_the_reason() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at(LOSES)
        await desk.press("b")
        assert "because orders.0004_backfill_totals depends on" in desk.texts
        assert "table orders_order  5 rows (exact)" in desk.texts


async def test_cancel_has_the_focus_and_neither_enter_nor_escape_changes_anything() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at(SAFE)
        for key in ("enter", "escape"):
            await desk.press("b")
            assert isinstance(desk.app.screen.focused, CancelButton)
            await desk.press(key)
            assert desk.app.screen is desk.app.main
        assert desk.engine.writes == []


async def test_nothing_but_shift_r_runs_a_plan_whatever_has_the_focus() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at(SAFE)
        await desk.press("b")
        for _ in range(4):
            await desk.press("tab", "y", "D", "space", "b", "u", "m", "d", "z", "r")
            if not isinstance(desk.app.screen.focused, CancelButton):
                await desk.press("enter")
        assert isinstance(desk.app.screen, PlanScreen)
        assert desk.engine.writes == []
        await desk.press("R")
        assert isinstance(desk.app.screen, RunScreen)
        assert len(desk.engine.writes) == 1


async def test_what_loses_data_needs_a_second_yes_with_its_own_key() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at(LOSES)
        await desk.press("b", "R")
        assert isinstance(desk.app.screen, AskScreen)
        assert isinstance(desk.app.screen.focused, CancelButton)
        assert "table orders_order" in desk.texts
        await desk.press("R", "D", "enter")
        assert isinstance(desk.app.screen, PlanScreen)
        assert desk.engine.writes == []
        await desk.press("R", "y")
        assert len(desk.engine.writes) == 1


async def test_what_is_not_known_needs_a_second_yes_too() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at(UNKNOWN)
        await desk.press("b", "R")
        assert isinstance(desk.app.screen, AskScreen)
        assert "what it does cannot be told beforehand" in desk.texts


async def test_a_blocked_plan_says_why_and_is_never_run() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at(BLOCKED)
        await desk.press("b")
        assert "Ways out" in desk.texts
        await desk.press("R")
        assert isinstance(desk.app.screen, PlanScreen)
        assert "blocked and is never run" in desk.notices
        assert desk.engine.writes == []


async def test_a_database_far_away_wants_its_name_typed() -> None:
    async with Desk(FakeEngine(project=bookshop.REMOTE)).sit_down() as desk:
        assert "REMOTE" in desk.texts
        await desk.point_at(SAFE)
        await desk.press("b", "R")
        await desk.press("y", "backspace", "enter")
        assert isinstance(desk.app.screen, AskScreen)
        await desk.press(*"shop")
        assert isinstance(desk.app.screen.focused, CancelButton)
        assert desk.engine.writes == []
        await desk.press("y")
        assert len(desk.engine.writes) == 1


async def test_with_debug_off_the_name_is_typed_on_this_machine_too() -> None:
    project = replace(bookshop.PROJECT, debug=False)
    async with Desk(FakeEngine(project=project)).sit_down() as desk:
        await desk.point_at(SAFE)
        await desk.press("b", "R")
        assert "Type db.sqlite3 to go on" in desk.texts
        await desk.press("escape")
        assert desk.engine.writes == []


async def test_read_only_shows_the_plan_and_refuses_to_run_it() -> None:
    async with Desk(read_only=True).sit_down() as desk:
        await desk.point_at(SAFE)
        await desk.press("b", "R")
        assert "--read-only" in desk.notices
        assert desk.engine.writes == []


async def test_a_plan_that_cannot_be_made_is_a_sentence() -> None:
    engine = FakeEngine()
    engine.errors["preview_plan"] = Refused("store.0003 is not there any more; press r.")
    async with Desk(engine).sit_down() as desk:
        await desk.point_at(SAFE)
        await desk.press("b")
        assert "store.0003 is not there any more; press r." in desk.texts
        await desk.press("R")
        assert desk.engine.writes == []


async def test_a_change_on_disk_makes_an_open_plan_something_to_look_at_again() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at(SAFE)
        await desk.press("b")
        desk.engine.on_changed(Changed("files"))
        await desk.until(lambda: "The project changed since this plan was made" in desk.texts)
        await desk.until(lambda: len(desk.engines) == 2)
        await desk.press("R")
        assert desk.engine.writes == []
        await desk.press("r")
        assert "The project changed since" not in desk.texts
        await desk.press("R")
        assert len(desk.engine.writes) == 1


async def test_a_fresh_engine_that_makes_the_same_plan_leaves_it_to_be_run() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at(SAFE)
        await desk.press("b")
        desk.app.start_engine()
        await desk.until(lambda: len(desk.engines) == 2 and desk.engines[0].closed)
        await desk.settle()
        assert "The project changed since" not in desk.texts
        await desk.press("R")
        assert isinstance(desk.app.screen, RunScreen)
        assert len(desk.engine.writes) == 1


async def test_what_arrives_when_the_screen_has_gone_is_dropped() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at(SAFE)
        await desk.press("b")
        screen = desk.app.screen
        assert isinstance(screen, PlanScreen)
        await desk.press("escape")
        screen._counted(screen.plan, "Counting rows…")
        screen.engine_replaced()
        await desk.settle()
        assert not isinstance(desk.app.screen, PlanScreen)


async def test_a_fresh_engine_that_makes_another_plan_wants_another_look() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at(SAFE)
        await desk.press("b")
        desk.engine._mark({("store", "0004_add_discount_field"): True})
        desk.app.start_engine()
        await desk.until(lambda: len(desk.engines) == 2 and desk.engines[0].closed)
        await desk.until(lambda: "The project changed since this plan was made" in desk.texts)
        await desk.press("R")
        assert desk.engine.writes == []


async def test_a_plan_that_is_stale_by_the_time_it_runs_is_refused_with_the_sentence() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at(SAFE)
        await desk.press("b")
        desk.engine._mark({("store", "0004_add_discount_field"): True})
        await desk.press("R")
        assert "The history changed since this plan was shown; nothing was done." in desk.texts
        assert desk.engine.writes == []
        assert desk.state.journal[-1].outcome == "refused"


async def test_c_copies_the_command_and_shift_c_all_the_sql() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at(LOSES)
        await desk.press("b", "c")
        assert desk.app.clipboard == "python manage.py migrate store 0001_initial"
        await desk.press("C")
        assert "-- 6 of 6: undo store.0002_add_price_to_product" in desk.app.clipboard


async def test_s_saves_a_script_and_never_writes_over_a_file(tmp_path: Path) -> None:
    there = tmp_path / "there.sql"
    there.write_text("mine")
    async with Desk().sit_down() as desk:
        await desk.point_at(SAFE)
        await desk.press("b", "s", "ctrl+u", *str(there), "enter")
        assert "is there already and is not written over" in desk.texts.replace("\n", " ")
        assert there.read_text() == "mine"
        await desk.press("ctrl+u", *str(tmp_path / "new.sql"), "enter")
    script = (tmp_path / "new.sql").read_text()
    assert script.startswith("-- Back to store.0002_add_price_to_product")
    assert "-- by hand: python manage.py migrate store 0002_add_price_to_product" in script
    assert 'DROP TABLE "store_product";' in script
