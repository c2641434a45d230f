"""`x` starts over: every step, what is lost and who is connected are seen before anything is done."""

from __future__ import annotations

from dataclasses import replace

import pytest

from djmig_tui import protocol as p
from tui.engine.errors import Failed
from tui.screens.ask import AskScreen
from tui.screens.choose import ChooseScreen
from tui.screens.reset import ResetScreen
from tui.screens.resetting import ResettingScreen

from .bookshop import REMOTE
from .fake_engine import FakeEngine
from .harness import Desk


async def looked_at(desk: Desk, app: str = "store", *, keep: bool = False) -> None:
    """Choose how an app ("": the project) starts over, and wait for what that would do."""
    await desk.point_quietly(app)
    await desk.press("x", *(["j"] if keep else []), *(["enter"] if app else []))
    await desk.until(lambda: isinstance(desk.app.screen, ResetScreen))
    await desk.settle()


async def typed(desk: Desk, name: str = "db.sqlite3") -> None:
    """Press R, type the name and say yes, without waiting for what follows."""
    assert desk.pilot is not None
    await desk.press("R")
    assert isinstance(desk.app.screen, AskScreen)
    await desk.press(*name)
    await desk.pilot.press("y")
    await desk.until(lambda: isinstance(desk.app.screen, ResettingScreen))


def kinds(desk: Desk) -> list[str]:
    return [type(one).__name__ for one in desk.engine.writes]


async def test_an_app_starts_over_after_its_steps_were_seen_and_the_name_was_typed() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_quietly("store")
        await desk.press("x")
        assert isinstance(desk.app.screen, ChooseScreen)
        assert "Start over, with empty tables" in desk.texts
        assert "recorded only if verify agrees" in desk.texts
        await desk.press("enter")
        assert "Reset store: its tables and rows go, its migrations are made anew" in desk.texts
        assert "LOSES DATA" in desk.texts
        assert "table store_product  5 rows (exact)" in desk.left
        assert "1. Take store back to zero on default." in desk.left
        assert "4. Migrate store on default." in desk.left
        assert "backups" in desk.left
        assert "z takes all of it back" in desk.left
        await desk.press("enter")  # Cancel has the focus
        assert desk.app.screen is desk.app.main
        assert desk.engine.writes == []

        await looked_at(desk)
        await desk.press("R")
        assert "Type db.sqlite3 to go on" in desk.texts
        await desk.press("y", "escape")
        assert desk.engine.writes == []
        await typed(desk)
        await desk.until(lambda: "✔ The reset is done." in desk.texts)
        assert kinds(desk) == ["RunPlan", "DeleteFiles", "MakeMigrations", "RunPlan"]
        assert "z takes all of it back" in desk.left
        assert desk.state.reset_under_way() is None
        assert len(desk.state.backups()) == 1
        await desk.settle()
        await desk.press("escape")
        assert desk.app.screen is desk.app.main
        assert "[X] 0001_initial" in desk.texts
        assert "0002_add_price" not in desk.texts


async def test_the_data_is_kept_and_a_schema_that_disagrees_puts_everything_back() -> None:
    async with Desk().sit_down() as desk:
        await looked_at(desk, keep=True)
        assert "the tables stay with all their rows" in desk.left
        await typed(desk)
        await desk.until(lambda: "✔ The reset is done." in desk.texts)
        assert kinds(desk) == ["DeleteFiles", "MakeMigrations", "ChangeRecords"]
        await desk.press("escape")

        difference = p.Difference(
            "store",
            "Product",
            "store_product",
            "extra column",
            "stray",
            message="store_product has a column stray.",
        )
        desk.engine.answers["verify_schema"] = p.Verification("default", 3, (difference,))
        desk.engine.writes.clear()
        await looked_at(desk, keep=True)
        await typed(desk)
        await desk.until(lambda: "Everything is as it was before the reset." in desk.texts)
        assert "store_product has a column stray." in desk.left
        assert "ChangeRecords" not in kinds(desk)
        assert desk.state.reset_under_way() is None


async def test_the_project_starts_over_with_a_new_database() -> None:
    desk = Desk()
    session = p.DatabaseSession("4242", user="ann", program="runserver", state="idle")
    desk.engine.answers["list_sessions"] = p.Sessions((session,))
    async with desk.sit_down():
        await looked_at(desk, "")
        assert "Reset the project: a new database" in desk.texts
        assert "everything in default  2 tables, 17 rows" in desk.left
        assert "orders_order  12 rows" in desk.left
        assert "runserver" in desk.left
        await desk.press("R")
        assert "Its connection may be ended: session 4242 (ann, runserver)." in desk.texts
        await desk.press("escape")
        await typed(desk)
        await desk.until(lambda: "✔ The reset is done." in desk.texts)
        assert kinds(desk)[0] == "RecreateDatabase"
        assert "createsuperuser" in desk.left


async def test_dropping_tables_is_a_second_gate_of_its_own() -> None:
    desk = Desk()
    async with desk.sit_down():
        await looked_at(desk)
        plan = desk.app.screen._plan
        gate = "store is not undone on default but its tables are dropped: store.0003 cannot be undone."
        desk.engine.answers["preview_reset"] = replace(plan, gate=gate)
        await desk.press("r")
        assert gate in desk.left
        await desk.press("R")
        assert "Drop the tables of store?" in desk.texts
        assert "Type" not in desk.texts
        await desk.press("y")
        assert "Type db.sqlite3 to go on" in desk.texts
        await desk.press("escape")
        assert desk.engine.writes == []


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("auth", "belongs to an installed package, so it is not reset: its files are never touched."),
        ("store.0001_initial", "Move to an app or to the project first"),
        ("newsletter", "newsletter has no migrations folder."),
    ],
)
async def test_what_cannot_start_over_says_why(place: str, said: str) -> None:
    async with Desk().sit_down() as desk:
        await desk.point_quietly(place)
        await desk.press("x")
        assert desk.app.screen is desk.app.main
        assert said in desk.notices


@pytest.mark.parametrize(
    ("project", "said"),
    [
        (REMOTE, "DEBUG is off: a reset is for development only."),
        (replace(REMOTE, debug=True), "The database is not on this machine: a reset is for development only"),
    ],
)
async def test_nothing_starts_over_where_others_may_work(project: p.Project, said: str) -> None:
    async with Desk(FakeEngine(project=project)).sit_down() as desk:
        for place in ("store", ""):
            await desk.point_quietly(place)
            await desk.press("x")
            assert desk.app.screen is desk.app.main
            assert said in desk.notices


async def test_a_blocked_reset_names_the_ways_out_and_r_does_nothing() -> None:
    desk = Desk()
    async with desk.sit_down():
        await looked_at(desk)
        plan = replace(
            desk.app.screen._plan,
            blockers=("orders.0001_initial depends on store.0002, which would not be there again.",),
            ways_out=("Have it depend on store.0001_initial instead.",),
        )
        desk.engine.answers["preview_reset"] = plan
        await desk.press("r")
        assert "BLOCKED" in desk.texts
        assert plan.blockers[0] in desk.left
        assert plan.ways_out[0] in desk.left
        await desk.press("R")
        assert "is never done" in desk.notices
        assert isinstance(desk.app.screen, ResetScreen)


async def test_without_a_backup_nothing_starts_over() -> None:
    desk = Desk()
    desk.engine.answers["check_backup"] = p.BackupMeans("", why_not="Install pg_dump first.", missing=True)
    async with desk.sit_down():
        await looked_at(desk)
        assert "Install pg_dump first." in desk.left
        await desk.press("R")
        assert "Install pg_dump first." in desk.notices
        assert isinstance(desk.app.screen, ResetScreen)


async def test_a_backup_that_fails_leaves_nothing_to_finish() -> None:
    async with Desk().sit_down() as desk:
        desk.engine.errors["make_backup"] = Failed("The disk is full.")
        await looked_at(desk)
        await typed(desk)
        await desk.until(lambda: "The disk is full. So nothing was done." in desk.texts)
        assert desk.engine.writes == []
        assert desk.state.reset_under_way() is None


async def test_what_changed_before_the_yes_is_shown_anew_and_nothing_is_done() -> None:
    async with Desk().sit_down() as desk:
        await looked_at(desk)
        await desk.press("R", *"db.sqlite3")
        desk.engine._mark({("store", "0004_add_discount_field"): True})
        await desk.press("y")
        assert isinstance(desk.app.screen, ResetScreen)
        assert "Things changed meanwhile, so nothing was done." in desk.texts
        assert desk.engine.writes == []
