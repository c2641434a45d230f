"""A rehearsal runs the plan and takes it back; code of the project is shown and asked about first."""

from __future__ import annotations

import asyncio

from djmig_tui.protocol import ON_COPY, DatabaseSession, Rehearsal, RehearsePlan, StepDone
from tui.engine.errors import Refused, Stale
from tui.screens.consent import ConsentScreen
from tui.screens.plan import PlanScreen
from tui.screens.rehearse import RehearseScreen
from tui.screens.run import RunScreen
from tui.widgets.buttons import CancelButton

from .harness import NARROW, Desk

PLAIN = "store.0002_add_price_to_product"
CODE = "orders.0003_order_total"
BLOCKED = "reviews.0001_initial"


def consents(desk: Desk) -> list[bool]:
    return [one.consent for engine in desk.engines for one in engine.asked if isinstance(one, RehearsePlan)]


async def test_what_works_says_so_with_the_time_the_schema_and_that_nothing_changed() -> None:
    async with Desk().sit_down(NARROW) as desk:
        await desk.point_at(PLAIN)
        await desk.press("b", "t")
        assert "✔ It works: 1 step in 0.2 s." in desk.texts
        assert "Nothing was changed: it ran on a copy." in desk.texts
        assert "-    price decimal NOT NULL" in desk.texts
        assert desk.engine.writes == []
        assert desk.state.journal == []


async def test_a_fresh_engine_follows_a_rehearsal_and_the_plan_still_holds() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at(PLAIN)
        await desk.press("b", "t")
        assert len(desk.engines) == 2
        assert desk.engines[0].closed
        await desk.press("escape")
        assert isinstance(desk.app.screen, PlanScreen)
        assert "The project changed" not in desk.texts
        await desk.press("R")
        assert isinstance(desk.app.screen, RunScreen)
        assert len(desk.engine.writes) == 1


async def test_a_plan_that_a_fresh_engine_makes_otherwise_wants_another_look() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at(PLAIN)
        desk.engine.held["rehearse_plan"] = asyncio.Event()
        await desk.press("b")
        await desk.pilot.press("t")
        await desk.until(lambda: "Rehearsing store.0003" in desk.texts)
        desk.engine._mark({("store", "0004_add_discount_field"): True})
        desk.engine.held["rehearse_plan"].set()
        await desk.settle()
        await desk.press("escape")
        assert "The project changed since this plan was made" in desk.texts


async def test_what_fails_names_step_and_operation_with_the_words_of_the_database() -> None:
    async with Desk().sit_down() as desk:
        desk.engine.answers["rehearse_plan"] = Rehearsal(
            False,
            failed_step=StepDone("store", "0003_change_price_field"),
            failed_operation="Alter field price on product",
            error="NOT NULL constraint failed: new__store_product.price",
            detail="Traceback (most recent call last):\n  deep inside",
            seconds=0.3,
            where="on a copy",
        )
        await desk.point_at(PLAIN)
        await desk.press("b", "t")
        assert "✖ It fails at step 1 of 1, store.0003_change_price_field" in desk.left
        assert "in the operation: Alter field price on product" in desk.left
        assert "NOT NULL constraint failed: new__store_product.price" in desk.left
        assert "Nothing was changed" in desk.left
        assert "deep inside" not in desk.texts
        await desk.press("l")
        assert "deep inside" in desk.texts


async def test_what_waited_for_a_lock_names_who_holds_it() -> None:
    async with Desk().sit_down() as desk:
        holder = DatabaseSession(
            "4711", "shop", "runserver", "idle in transaction", "SELECT 1", "2026-03-01T11:58:00+00:00"
        )
        desk.engine.answers["rehearse_plan"] = Rehearsal(
            False, error="canceling statement due to lock timeout", where="in one transaction",
            blocked_by=(holder,),
        )  # fmt: skip
        await desk.point_at(PLAIN)
        await desk.press("b", "t")
        said = "runserver (pid 4711, user shop), idle in transaction since 2026-03-01 11:58: SELECT 1"
        assert said in desk.left


async def test_a_database_that_cannot_take_anything_back_is_a_sentence() -> None:
    async with Desk().sit_down(NARROW) as desk:
        sentence = (
            "It cannot be rehearsed: MariaDB commits at each ALTER TABLE, so nothing could be taken back."
        )
        desk.engine.answers["rehearse_plan"] = Rehearsal(False, cannot=sentence)
        await desk.point_at(PLAIN)
        await desk.press("b", "t")
        assert f"■ {sentence}" in desk.left
        assert "Nothing was run, and nothing was changed." in desk.left
        assert len(desk.engines) == 1, "an engine that ran nothing goes on"
        await desk.press("escape", "R")
        assert isinstance(desk.app.screen, RunScreen)


async def test_code_is_shown_first_and_neither_enter_nor_escape_runs_it() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at(CODE)
        for key in ("enter", "escape"):
            await desk.press("b", "t")
            assert isinstance(desk.app.screen, ConsentScreen)
            assert isinstance(desk.app.screen.focused, CancelButton)
            assert "def back(apps, editor)" in desk.texts
            assert "(files, mail, requests, queues, sequences) is not" in desk.left
            await desk.press("R", "t", "D", key)
            assert isinstance(desk.app.screen, PlanScreen)
            await desk.press("escape")
        assert consents(desk) == [False, False]
        assert len(desk.engines) == 1


async def test_only_y_rehearses_code() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at(CODE)
        await desk.press("b", "t", "y")
        assert isinstance(desk.app.screen, RehearseScreen)
        assert "✔ It works" in desk.texts
        assert consents(desk) == [False, True]


async def test_escape_stops_a_rehearsal_and_a_fresh_engine_takes_over() -> None:
    async with Desk().sit_down() as desk:
        first = desk.engine
        first.held["rehearse_plan"] = asyncio.Event()
        await desk.point_at(PLAIN)
        await desk.press("b")
        await desk.pilot.press("t")
        await desk.until(lambda: "Rehearsing store.0003" in desk.texts)
        await desk.pilot.press("escape")
        await desk.until(lambda: isinstance(desk.app.screen, PlanScreen))
        await desk.settle()
        assert [type(one) for one in first.cancelled] == [RehearsePlan]
        assert first.closed
        assert len(desk.engines) == 2
        await desk.press("R")
        assert len(desk.engine.writes) == 1


async def test_a_rehearsal_of_an_old_plan_shows_the_new_one_and_says_why() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at(PLAIN)
        await desk.press("b")
        desk.engine.errors["rehearse_plan"] = Stale("Another program changed the history in this moment.")
        await desk.press("t")
        assert isinstance(desk.app.screen, PlanScreen)
        assert "Another program changed the history in this moment." in desk.texts
        assert "This is the plan as it is now." in desk.texts
        assert len(desk.engines) == 2
        await desk.press("R")
        assert len(desk.engine.writes) == 1


async def test_a_refusal_is_its_own_sentence_and_nothing_is_lost() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at(PLAIN)
        await desk.press("b")
        desk.engine.errors["rehearse_plan"] = Refused("Another run is under way on this database.")
        await desk.press("t")
        assert "Another run is under way on this database." in desk.texts
        assert "nothing was changed" in desk.texts
        await desk.press("escape")
        assert isinstance(desk.app.screen, PlanScreen)


async def test_an_engine_that_dies_in_a_rehearsal_is_replaced() -> None:
    async with Desk().sit_down() as desk:
        gate = desk.engine.held["rehearse_plan"] = asyncio.Event()
        await desk.point_at(PLAIN)
        await desk.press("b")
        await desk.pilot.press("t")
        await desk.until(lambda: "Rehearsing store.0003" in desk.texts)
        desk.engine.die()
        gate.set()
        await desk.settle()
        assert len(desk.engines) == 2
        assert isinstance(desk.app.screen, RehearseScreen)
        assert "The engine ended during the rehearsal." in desk.left
        assert "nothing was changed" in desk.left


async def test_what_is_blocked_or_opened_to_look_only_is_not_rehearsed() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at(BLOCKED)
        await desk.press("b", "t")
        assert isinstance(desk.app.screen, PlanScreen)
        assert "there is nothing to rehearse" in desk.notices
    async with Desk(read_only=True).sit_down() as desk:
        await desk.point_at(PLAIN)
        await desk.press("b", "t")
        assert "--read-only" in desk.notices
        assert consents(desk) == []


async def test_a_rehearsal_stops_the_count_that_was_under_way_and_it_goes_on_afterwards() -> None:
    async with Desk().sit_down() as desk:
        first = desk.engine
        gate = first.held["measure_plan"] = asyncio.Event()
        await desk.point_at("store.0001_initial")
        await desk.pilot.press("b")
        await desk.until(lambda: "Counting rows…" in desk.texts)
        first.answers["rehearse_plan"] = Rehearsal(True, seconds=0.2, where="on a copy")
        await desk.pilot.press("t")
        await desk.until(lambda: isinstance(desk.app.screen, ConsentScreen))
        assert first.cancelled
        gate.set()
        await desk.press("y", "escape")
        assert "table orders_order  5 rows (exact)" in desk.left


async def test_where_it_runs_and_why_is_said_meanwhile_and_afterwards() -> None:
    async with Desk().sit_down() as desk:
        gate = desk.engine.held["rehearse_plan"] = asyncio.Event()
        desk.engine.answers["rehearse_plan"] = Rehearsal(
            True,
            where="on a copy",
            why_there="2 other sessions are connected, and would wait for its locks.",
            notes=("Whether a run waits for locks is not shown.",),
        )
        await desk.point_at(PLAIN)
        await desk.press("b")
        await desk.pilot.press("t")
        await desk.until(lambda: "It runs on a copy. 2 other sessions are connected." in desk.texts)
        gate.set()
        await desk.settle()
        assert "2 other sessions are connected, and would wait for its locks." in desk.left
        assert "▲ Whether a run waits for locks is not shown." in desk.left


async def test_o_rehearses_on_a_copy_what_took_too_long_and_only_that() -> None:
    async with Desk().sit_down() as desk:
        desk.engine.answers["rehearse_plan"] = Rehearsal(
            False,
            cannot="It cannot be rehearsed: step 1, because it takes more than 10 s. All was taken back.",
            where="in one transaction that was rolled back",
            copy_instead=True,
        )
        await desk.point_at(CODE)
        await desk.press("b", "t", "y")
        assert "o rehearses it on a copy of the database" in desk.left
        desk.engine.answers.pop("rehearse_plan")
        await desk.press("o")
        assert isinstance(desk.app.screen, RehearseScreen)
        assert "✔ It works" in desk.texts
        asked = [one for engine in desk.engines for one in engine.asked if isinstance(one, RehearsePlan)]
        assert [(one.consent, one.on) for one in asked] == [(False, None), (True, None), (True, ON_COPY)]
        await desk.press("o")
        assert "A copy of the database would not tell more" in desk.notices
