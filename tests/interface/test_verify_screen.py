"""V compares the schema with the records; what an interrupted run left behind is found at the next start."""

from __future__ import annotations

import asyncio

import pytest

from djmig_tui.protocol import (
    Changed,
    Difference,
    HalfDone,
    OperationPlace,
    RunFinished,
    StepDone,
    Verification,
    VerifySchema,
)
from tui.engine.errors import Failed
from tui.screens.run import RunScreen
from tui.screens.verify import VerifyScreen
from tui.store import JournalEntry

from .harness import NARROW, Desk

HALF = HalfDone(
    "orders",
    "0004_backfill_totals",
    recorded=False,
    operations=(
        OperationPlace("Add field total to order", done=True),
        OperationPlace("Alter field status on order", done=False, note="partly: the index is missing"),
        OperationPlace("Raw Python operation", done=None),
    ),
    message="orders.0004_backfill_totals is not recorded as applied, but part of it is in the schema.",
    finish='CREATE INDEX "status" ON "orders_order";\n-- Then: python manage.py migrate orders 0004 --fake',
    undo='ALTER TABLE "orders_order" DROP COLUMN "total";',
)
DIFFERENCES = (
    Difference("store", "Product", "store_product", "type", "price", "numeric(6, 2)", "real",
               "store_product.price is real, not numeric(6, 2)."),
    Difference("catalog", "Book", "catalog_book", "missing column", "isbn", "varchar(13)", "",
               "catalog_book has no column isbn."),
)  # fmt: skip
WRONG = Verification("default", 12, DIFFERENCES, (HALF,), ("reviews.0002 has SQL about reviews_review.",))


def asked(desk: Desk) -> list[str | None]:
    return [one.app for engine in desk.engines for one in engine.asked if isinstance(one, VerifySchema)]


async def test_v_looks_at_the_app_under_the_cursor_and_on_the_project_at_everything() -> None:
    async with Desk().sit_down() as desk:
        for place in ("store", "store.0002_add_price_to_product", ""):
            await desk.point_at(place)
            await desk.press("V")
            assert isinstance(desk.app.screen, VerifyScreen)
            await desk.press("escape")
        assert asked(desk) == ["store", "store", None]
        assert desk.engine.writes == []


async def test_a_schema_that_agrees_is_one_sentence() -> None:
    async with Desk().sit_down(NARROW) as desk:
        await desk.press("V")
        assert "✔ 12 tables looked at, all agree." in desk.texts
        assert "Nothing was changed: the schema was only read." in desk.texts
        await desk.press("escape", "at")
        assert "djmig-tui verify" in desk.texts


async def test_differences_stand_under_their_table_with_what_was_expected_and_found() -> None:
    async with Desk().sit_down() as desk:
        desk.engine.answers["verify_schema"] = WRONG
        await desk.press("V")
        said = desk.left
        assert "✖ 12 tables looked at: 1 half-done migration and 2 differences." in said
        assert said.index("catalog: table catalog_book") < said.index("store: table store_product")
        assert "≠ store_product.price is real, not numeric(6, 2)." in said
        assert "expected numeric(6, 2), found real" in said
        assert "expected varchar(13), found nothing" in said
        assert "? reviews.0002 has SQL about reviews_review." in said


async def test_a_half_done_migration_shows_each_operation_and_both_ways_out() -> None:
    async with Desk().sit_down() as desk:
        desk.engine.answers["verify_schema"] = WRONG
        await desk.press("V")
        said = desk.left
        assert "Half done: orders.0004_backfill_totals" in said
        assert "[x] Add field total to order" in said
        assert "[ ] Alter field status on order  partly: the index is missing" in said
        assert "[?] Raw Python operation" in said
        assert said.index("To finish it:") < said.index("--fake") < said.index("To undo it:")
        await desk.press("c")
        assert "-- To finish orders.0004_backfill_totals:" in desk.app.clipboard
        assert 'DROP COLUMN "total";' in desk.app.clipboard


async def test_with_nothing_half_done_there_is_nothing_to_copy() -> None:
    async with Desk().sit_down() as desk:
        await desk.press("V", "c")
        assert "there is nothing to copy" in desk.notices


async def test_leaving_ends_the_look_in_the_engine() -> None:
    async with Desk().sit_down() as desk:
        desk.engine.held["verify_schema"] = asyncio.Event()
        await desk.pilot.press("V")
        await desk.until(lambda: "Reading the schema…" in desk.texts)
        await desk.pilot.press("escape")
        await desk.until(lambda: desk.app.screen is desk.app.main)
        await desk.until(lambda: desk.engine.cancelled, "the cancel")
        assert isinstance(desk.engine.cancelled[0], VerifySchema)


async def test_a_schema_that_cannot_be_read_is_a_sentence_with_the_traceback_folded() -> None:
    async with Desk().sit_down() as desk:
        desk.engine.errors["verify_schema"] = Failed(
            "The schema cannot be read: no rights.", "Traceback: deep"
        )
        await desk.press("V")
        assert "✖ The schema cannot be read: no rights." in desk.texts
        assert "Traceback: deep" not in desk.texts
        await desk.press("l")
        assert "Traceback: deep" in desk.texts
        desk.engine.errors.clear()
        await desk.press("r")
        assert "all agree" in desk.texts


async def test_a_change_behind_the_screen_is_said_and_r_looks_again() -> None:
    async with Desk().sit_down() as desk:
        await desk.press("V")
        desk.engine.on_changed(Changed("records"))
        await desk.until(lambda: "The project changed since this was read" in desk.texts)
        await desk.press("r")
        assert "The project changed" not in desk.texts
        assert asked(desk) == [None, None]


async def test_an_app_without_migrations_says_why_there_is_nothing_to_verify() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at("newsletter")
        await desk.press("V")
        assert desk.app.screen is desk.app.main
        assert "newsletter has no migrations folder." in desk.notices


async def test_after_a_run_that_stands_half_way_v_looks_where_it_failed() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at("store.0001_initial")
        desk.engine.answers["run_plan"] = RunFinished(
            (StepDone("orders", "0004_backfill_totals"),),
            error="lost connection",
            failed_step=StepDone("orders", "0003_order_total"),
        )
        await desk.press("b", "R", "y")
        assert isinstance(desk.app.screen, RunScreen)
        assert "V compares the schema with the records" in desk.left
        await desk.press("V")
        assert asked(desk) == ["orders"]
        await desk.press("escape")
        assert isinstance(desk.app.screen, RunScreen)


async def test_a_run_under_way_is_not_verified() -> None:
    async with Desk().sit_down() as desk:
        desk.engine.run_gate.clear()
        await desk.point_at("store.0002_add_price_to_product")
        await desk.press("b")
        await desk.pilot.press("R")
        await desk.until(lambda: "Alter field price" in desk.texts)
        await desk.pilot.press("V")
        await desk.until(lambda: "verified when it has ended" in desk.notices)
        desk.engine.run_gate.set()
        await desk.settle()


STEPS = "orders.0004_backfill_totals, store.0003_change_price_field"
BEGUN = JournalEntry(
    "2026-03-01T12:00:00+00:00", "rollback", "default", "migrate store 0002", "started", STEPS
)


async def test_an_interrupted_run_is_found_at_the_next_start_and_told_by_the_records() -> None:
    desk = Desk()
    desk.state.journal.append(BEGUN)
    desk.engine._mark({("orders", "0004_backfill_totals"): False})
    async with desk.sit_down():
        assert "The rollback of 2026-03-01 12:00" in desk.texts
        assert "was interrupted" in desk.texts
        await desk.press("g")
        said = str(desk.app.main.history.problems[0].message)
        assert "by the records 1 of 2 steps is undone. Press V on store" in said
        assert desk.state.last.problems == (), "what is kept for next time is only what was read"


@pytest.mark.parametrize(("place", "settled"), [("store", True), ("", True), ("catalog", False)])
async def test_verifying_where_it_stood_settles_an_interrupted_run(place: str, settled: bool) -> None:
    desk = Desk()
    desk.state.journal.append(BEGUN)
    async with desk.sit_down():
        assert "none of its 2 steps is undone" in str(desk.app.main.history.problems[0].message)
        await desk.point_at(place)
        await desk.press("V", "escape")
        assert ("was interrupted" not in desk.texts) is settled
        assert (desk.state.journal[-1].outcome == "interrupted") is settled


async def test_a_run_with_an_end_or_on_another_database_is_not_told_as_interrupted() -> None:
    desk = Desk()
    for entry in (BEGUN, JournalEntry(BEGUN.at, "rollback", "default", "", "failed"),
                  JournalEntry(BEGUN.at, "rollback", "archive", "", "started", STEPS)):  # fmt: skip
        desk.state.journal.append(entry)
    async with desk.sit_down():
        assert desk.app.main.history.problems == ()


async def test_an_engine_that_dies_in_a_run_leaves_a_run_without_an_end() -> None:
    async with Desk().sit_down() as desk:
        desk.engine.run_gate.clear()
        await desk.point_at("store.0002_add_price_to_product")
        await desk.press("b")
        await desk.pilot.press("R")
        await desk.until(lambda: "Alter field price" in desk.texts)
        dead = desk.engine
        dead.die()
        dead.run_gate.set()
        await desk.settle()
        assert desk.state.journal[-1].outcome == "started"
        assert "V compares the schema with the records" in desk.left
        await desk.press("escape")
        assert "was interrupted" in desk.texts
