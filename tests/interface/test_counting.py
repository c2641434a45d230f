"""The plan is there at once; its numbers come in, and whatever is pressed waits for none of them."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from djmig_tui.protocol import (
    FAILS,
    LOSES,
    SAFE,
    Failure,
    Loss,
    MeasurePlan,
    Plan,
    PreviewPlan,
    RunPlan,
    SqlPart,
    Step,
)
from tui.engine.errors import Failed, Stale
from tui.screens.ask import AskScreen
from tui.screens.plan import PlanScreen
from tui.screens.run import RunScreen

from .fake_engine import FakeEngine
from .harness import NARROW, Desk

RENAMES = "store.0002_add_price_to_product"  # back to it: renames and alters only
DROPS = "store.0001_initial"


def made(engine: FakeEngine, name: str = "0001_initial", **changes: object) -> Plan:
    """Return the plan of going back to a migration of the store, changed."""
    return replace(engine._plan(PreviewPlan("default", "back", "store", name)), **changes)


def hold_the_count(desk: Desk) -> asyncio.Event:
    desk.engine.held["measure_plan"] = asyncio.Event()
    return desk.engine.held["measure_plan"]


async def open_while_counting(desk: Desk, place: str = DROPS) -> None:
    await desk.point_at(place)
    await desk.pilot.press("b")
    await desk.until(lambda: "Counting rows…" in desk.texts, "the word on the counting")


async def test_the_plan_is_there_before_its_rows_are_counted() -> None:
    async with Desk().sit_down() as desk:
        gate = hold_the_count(desk)
        await open_while_counting(desk)
        await desk.until(lambda: "Counting rows… 1 of 4" in desk.texts)
        assert "column orders_order.total  5 rows (exact)" in desk.left
        assert "table orders_order  counting…" in desk.left
        assert "-- 1 of 6: undo orders.0004_backfill_totals" in desk.texts, "the SQL does not wait"
        gate.set()
        await desk.settle()
        assert "Counting" not in desk.texts
        assert "table orders_order  5 rows (exact)" in desk.left


@pytest.mark.parametrize("key", ["escape", "enter"])
async def test_leaving_the_screen_ends_the_count_in_the_engine(key: str) -> None:
    async with Desk().sit_down() as desk:
        hold_the_count(desk)
        await open_while_counting(desk)
        await desk.pilot.press(key)
        await desk.until(lambda: desk.app.screen is desk.app.main)
        await desk.until(lambda: desk.engine.cancelled, "the cancel")
        assert [type(one) for one in desk.engine.cancelled] == [MeasurePlan]


async def test_r_does_not_wait_for_the_count_and_says_that_nothing_was_counted() -> None:
    async with Desk().sit_down() as desk:
        hold_the_count(desk)
        await open_while_counting(desk, RENAMES)
        await desk.pilot.press("R")
        await desk.until(lambda: isinstance(desk.app.screen, RunScreen))
        await desk.until(lambda: desk.engine.writes)
        (request,) = desk.engine.writes
        assert isinstance(request, RunPlan)
        assert not request.counted
        assert [type(one) for one in desk.engine.cancelled] == [MeasurePlan]


async def test_a_run_carries_what_was_counted_and_accepted() -> None:
    async with Desk().sit_down() as desk:
        plan = made(desk.engine)
        await desk.point_at(DROPS)
        await desk.press("b", "R", "y")
        (request,) = desk.engine.writes
        assert request.counted
        assert request.accepted == tuple(replace(one, rows=5, exact=True) for one in plan.loss)


async def test_a_question_answered_with_no_goes_on_counting() -> None:
    async with Desk().sit_down() as desk:
        gate = hold_the_count(desk)
        await open_while_counting(desk)
        await desk.pilot.press("R")
        await desk.until(lambda: isinstance(desk.app.screen, AskScreen))
        assert "rows not counted" in desk.texts
        gate.set()
        await desk.press("escape")
        assert "table orders_order  5 rows (exact)" in desk.left


async def test_numbers_say_how_sure_they_are() -> None:
    async with Desk().sit_down() as desk:
        desk.engine.answers["measure_plan"] = made(
            desk.engine,
            counted=True,
            loss=(
                Loss("store", "store_a", None, 1_234, exact=True),
                Loss("store", "store_b", "price", 7),
                Loss("store", "store_c", None),
                Loss("store", "store_d", "note", 2, True, "alter column"),
            ),
        )
        await desk.point_at(DROPS)
        await desk.press("b")
        assert "table store_a  1,234 rows (exact)" in desk.left
        assert "column store_b.price  7 rows (as of now)" in desk.left
        assert "table store_c  not counted in time" in desk.left
        assert "values of store_d.note change  2 rows (exact)" in desk.left


async def test_empty_tables_turn_the_verdict_and_r_runs_without_a_question() -> None:
    async with Desk().sit_down() as desk:
        safe = "Every operation is understood, and no row is lost or in the way."
        desk.engine.answers["measure_plan"] = made(
            desk.engine, counted=True, verdict=SAFE, loss=(), why=(safe,)
        )
        await desk.point_at(DROPS)
        await desk.press("b")
        assert f"✔ SAFE   {safe}" in desk.texts
        await desk.press("R")
        assert len(desk.engine.writes) == 1


def _failing(engine: FakeEngine, *, one_transaction: bool) -> Plan:
    failure = Failure("store_product", "sku", 5, "store_product.sku comes back NOT NULL without a default")
    why = "It will fail: store_product.sku comes back NOT NULL without a default (5 rows)."
    return made(
        engine,
        counted=True,
        verdict=FAILS,
        failures=(failure,),
        loss=(Loss("orders", "orders_order", None, 5, exact=True),),
        why=(why,),
        one_transaction=one_transaction,
    )


async def test_what_will_fail_stands_before_what_is_lost() -> None:
    async with Desk().sit_down(NARROW) as desk:
        desk.engine.answers["measure_plan"] = _failing(desk.engine, one_transaction=True)
        await desk.point_at(DROPS)
        await desk.press("b")
        assert "✖ WILL FAIL" in desk.texts
        said = desk.left
        assert "NOT NULL without a default (5 rows)" in said
        assert said.index("What will fail") < said.index("What is lost") < said.index("in this order")


async def test_a_plan_that_fails_is_tried_only_after_a_yes_to_just_that() -> None:
    async with Desk().sit_down() as desk:
        desk.engine.answers["measure_plan"] = _failing(desk.engine, one_transaction=True)
        await desk.point_at(DROPS)
        await desk.press("b", "R")
        assert "It will fail. Try it all the same?" in desk.texts
        assert "the database takes all of it back" in desk.left
        await desk.press("enter")
        assert desk.engine.writes == []
        await desk.press("R", "y")
        assert len(desk.engine.writes) == 1


async def test_a_plan_that_fails_half_way_for_good_is_refused() -> None:
    async with Desk().sit_down() as desk:
        desk.engine.answers["measure_plan"] = _failing(desk.engine, one_transaction=False)
        await desk.point_at(DROPS)
        await desk.press("b", "R")
        assert isinstance(desk.app.screen, PlanScreen)
        assert "would stay undone: it is not run" in desk.notices
        assert desk.engine.writes == []


async def test_what_goes_along_what_is_locked_and_what_only_its_source_tells_is_named() -> None:
    async with Desk().sit_down() as desk:
        step = Step("store", "0003_change_price_field", True, ("Undo Alter field price",), True, None)
        step = replace(step, lock="ACCESS EXCLUSIVE: readers wait too", rewrites=("store_product",))
        code = SqlPart("Raw Python operation", "python", "def back(): ...", "/srv/store/0003.py", 14)
        desk.engine.answers["measure_plan"] = made(
            desk.engine,
            counted=True,
            steps=(step,),
            objects=("The view store_prices reads store_product, and goes with it.",),
            code=(code,),
        )
        await desk.point_at(DROPS)
        await desk.press("b")
        assert "The view store_prices reads store_product" in desk.left
        assert "locks: ACCESS EXCLUSIVE: readers wait too" in desk.left
        assert "writes anew: store_product" in desk.left
        assert "λ Raw Python operation  /srv/store/0003.py:14" in desk.left


async def test_rows_that_cannot_be_counted_leave_a_plan_that_says_so() -> None:
    engine = FakeEngine()
    engine.errors["measure_plan"] = Failed("permission denied for table store_product")
    async with Desk(engine).sit_down() as desk:
        await desk.point_at(DROPS)
        await desk.press("b")
        assert "▲ The rows were not counted: permission denied for table store_product" in desk.texts
        assert "table orders_order  rows not counted" in desk.left
        assert desk.app.screen.why_not("run") is None


async def test_a_plan_that_turns_out_old_while_it_is_counted_wants_another_look() -> None:
    engine = FakeEngine()
    engine.errors["measure_plan"] = Stale("The history changed since the plan was shown: look again.")
    async with Desk(engine).sit_down() as desk:
        await desk.point_at(DROPS)
        await desk.press("b")
        assert "The project changed since this plan was made" in desk.texts
        await desk.press("R")
        assert engine.writes == []


async def test_a_loss_that_grew_stops_the_run_and_the_new_plan_says_so() -> None:
    async with Desk().sit_down() as desk:
        sentence = "More would be lost than was shown (store_product: 9 rows instead of 5)."
        desk.engine.errors["run_plan"] = Stale(sentence)
        await desk.point_at(DROPS)
        await desk.press("b", "R", "y")
        assert isinstance(desk.app.screen, PlanScreen)
        assert sentence in desk.texts
        assert "This is the plan as it is now." in desk.texts
        assert desk.engine.count(PreviewPlan) == 2
        assert desk.engine.count(MeasurePlan) == 2
        assert desk.state.journal[-1].outcome == "refused"
        del desk.engine.errors["run_plan"]
        await desk.press("R", "y")
        assert len(desk.engine.writes) == 1


async def test_the_impact_tab_counts_what_the_cursor_is_on_and_what_needs_it() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at("store.0002_add_price_to_product")
        await desk.press("5")
        assert "If this one is undone" in desk.texts
        assert "▼ LOSES DATA" in desk.texts
        assert "column store_product.price  5 rows (exact)" in desk.texts
        assert "• orders.0001_initial" in desk.texts
        asked = [one for one in desk.engine.asked if isinstance(one, MeasurePlan)][-1]
        assert (asked.intent, asked.name) == ("undo", "0002_add_price_to_product")


async def test_the_impact_of_what_is_not_applied_is_not_counted() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at("store.0004_add_discount_field")
        await desk.press("5")
        assert "If this one is undone" in desk.texts
        assert desk.engine.count(MeasurePlan) == 0


async def test_moving_on_ends_the_count_of_the_impact_tab() -> None:
    async with Desk().sit_down() as desk:
        hold_the_count(desk)
        await desk.point_at("store.0002_add_price_to_product")
        await desk.pilot.press("5")
        await desk.until(lambda: "Counting rows…" in desk.texts)
        await desk.pilot.press("6")
        await desk.until(lambda: desk.engine.cancelled, "the cancel")
        assert isinstance(desk.engine.cancelled[0], MeasurePlan)
        await desk.settle()
        assert "Depends on" in desk.texts


async def test_a_plan_made_anew_is_counted_anew() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at(DROPS)
        await desk.press("b", "r")
        assert desk.engine.count(MeasurePlan) == 2
        assert desk.app.screen.plan.verdict == LOSES
