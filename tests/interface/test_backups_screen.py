"""Backups as the user meets them: the list, the toggle before a run, and the way back."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from djmig_tui.protocol import (
    BackupMeans,
    DatabaseSession,
    DropKept,
    Kept,
    KeptDatabase,
    MakeBackup,
    RestoreBackup,
    RunPlan,
    Sessions,
    SwapKept,
)
from tui.engine.errors import Failed
from tui.screens.backups import BackupsScreen
from tui.screens.choose import Choices
from tui.screens.plan import PlanScreen
from tui.screens.restore import RestoreScreen
from tui.screens.restoring import RestoringScreen
from tui.screens.run import RunScreen

from .bookshop import PROJECT
from .fake_engine import FakeEngine
from .harness import NARROW, Desk

PRICE = "store.0002_add_price_to_product"
KEPT = Kept((KeptDatabase("shop_djmig_20260301T120000", "2026-03-01T12:00:00+00:00", 12_000_000),))


async def opened(desk: Desk) -> None:
    await desk.press("B")
    await desk.until(lambda: isinstance(desk.app.screen, BackupsScreen))
    await desk.settle()


async def with_a_backup(desk: Desk) -> None:
    await opened(desk)
    await desk.press("m")


async def test_without_backups_it_says_what_one_takes_and_m_makes_it() -> None:
    async with Desk().sit_down() as desk:
        await opened(desk)
        assert "There are no backups of this database yet. m makes one" in desk.texts
        await desk.press("m")
        (entry,) = desk.state.backups()
        assert entry.reason == "asked for"
        assert "asked for" in desk.texts
        assert "The same migrations are applied." in desk.texts
        assert "12  orders_order" in desk.texts
        assert [one.action for one in desk.state.journal] == ["backup", "backup"]


async def test_a_backup_under_way_is_stopped_by_escape_and_leaves_nothing() -> None:
    async with Desk().sit_down() as desk:
        await opened(desk)
        desk.engine.held["make_backup"] = asyncio.Event()
        assert desk.pilot is not None
        await desk.pilot.press("m")
        await desk.until(lambda: "Esc stops it" in desk.texts)
        await desk.press("escape")
        assert desk.engine.count(MakeBackup) == 1
        assert desk.state.backups() == []
        assert isinstance(desk.app.screen, BackupsScreen)


async def test_where_the_tool_is_missing_it_says_what_to_install_and_what_else_can_be_done() -> None:
    async with Desk().sit_down() as desk:
        desk.engine.answers["check_backup"] = BackupMeans(
            "pg_dump",
            "There is no pg_dump where the engine runs. Install postgresql-client-15.",
            missing=True,
        )
        await opened(desk)
        assert "Install postgresql-client-15." in desk.left
        assert "[tool.djmig-tui.backup]" in desk.left
        await desk.press("m")
        assert "Install postgresql-client-15." in desk.notices


async def test_a_backup_is_deleted_only_after_a_yes() -> None:
    async with Desk().sit_down() as desk:
        await with_a_backup(desk)
        await desk.press("D")
        await desk.press("escape")
        assert len(desk.state.backups()) == 1
        await desk.press("D", "y")
        assert desk.state.backups() == []


async def test_a_lossy_plan_backs_up_first_where_the_database_is_local_and_names_the_backup() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at(PRICE)
        await desk.press("u")
        assert "[x] back up first" in desk.texts
        await desk.press("R", "y")
        await desk.until(lambda: isinstance(desk.app.screen, RunScreen))
        await desk.settle()
        (entry,) = desk.state.backups()
        assert entry.reason.startswith("before: Undo store.0002_add_price_to_product")
        assert "The backup made before" in desk.texts
        run = next(one for one in desk.state.journal if one.action == "rollback" and one.outcome == "done")
        assert run.backup == entry.id
        made = next(at for at, one in enumerate(desk.engine.asked) if isinstance(one, MakeBackup))
        ran = next(at for at, one in enumerate(desk.engine.asked) if isinstance(one, RunPlan))
        assert made < ran


async def test_b_turns_the_backup_off_and_the_plan_says_that_none_is_made() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at(PRICE)
        await desk.press("u", "b")
        assert "[ ] no backup is made first" in desk.texts
        await desk.press("R")
        assert "No backup is made first: what is lost cannot be got back." in desk.texts
        await desk.press("y")
        await desk.until(lambda: isinstance(desk.app.screen, RunScreen))
        await desk.settle()
        assert desk.state.backups() == []


async def test_no_backup_is_made_of_a_database_far_away_unless_it_is_asked_for() -> None:
    far = replace(PROJECT.databases[0], local=False, host="db.example:5432", vendor="postgresql")
    project = replace(PROJECT, databases=(far, *PROJECT.databases[1:]))
    async with Desk(FakeEngine(project=project)).sit_down() as desk:
        await desk.point_at(PRICE)
        await desk.press("u")
        assert "[ ] no backup is made first" in desk.texts
        assert "not local" in desk.texts
        await desk.press("b")
        assert "[x] back up first" in desk.texts


async def test_nothing_is_run_if_the_backup_before_it_fails() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at(PRICE)
        await desk.press("u")
        desk.engine.errors["make_backup"] = Failed("pg_dump failed: out of memory.")
        await desk.press("R", "y")
        await desk.until(lambda: "So nothing was run." in desk.texts)
        assert desk.engine.count(RunPlan) == 0
        assert desk.state.backups() == []


async def test_a_plan_without_a_way_to_back_up_says_so() -> None:
    async with Desk().sit_down() as desk:
        desk.engine.answers["check_backup"] = BackupMeans("pg_dump", "There is no pg_dump here.")
        await desk.point_at(PRICE)
        await desk.press("u")
        assert "No backup is made first: There is no pg_dump here." in desk.texts
        await desk.press("b")
        assert "There is no pg_dump here." in desk.notices


async def test_a_restore_goes_through_a_plan_that_says_what_it_replaces() -> None:
    async with Desk().sit_down() as desk:
        await with_a_backup(desk)
        await desk.press("enter")
        assert isinstance(desk.app.screen, RestoreScreen)
        assert "table store_product  2 rows" in desk.texts
        assert "[x] back up first" in desk.texts
        await desk.press("enter")  # Cancel has the focus
        assert isinstance(desk.app.screen, BackupsScreen)
        assert desk.engine.count(RestoreBackup) == 0
        await desk.press("enter", "R")
        assert desk.engine.count(RestoreBackup) == 0
        await desk.press("y")
        await desk.until(lambda: isinstance(desk.app.screen, RestoringScreen))
        await desk.settle()
        assert "✔ The backup is in place." in desk.texts
        before = next(one for one in desk.state.backups() if one.reason.startswith("before: Put the backup"))
        done = next(
            one for one in desk.state.journal if one.action == "restore database" and one.outcome == "done"
        )
        assert done.backup == before.id


async def test_whoever_is_connected_is_named_before_a_restore_ends_them() -> None:
    async with Desk().sit_down() as desk:
        await with_a_backup(desk)
        desk.engine.answers["list_sessions"] = Sessions(
            (DatabaseSession("4711", "shop", "runserver", "idle"),)
        )
        await desk.press("enter", "R")
        assert "Its connection is ended: session 4711 (shop, runserver)." in desk.texts
        await desk.press("y")
        first = desk.engines[0]
        await desk.until(lambda: first.count(RestoreBackup))
        request = next(one for one in first.asked if isinstance(one, RestoreBackup))
        assert request.end_others


async def test_a_damaged_backup_is_not_restored() -> None:
    async with Desk().sit_down() as desk:
        await with_a_backup(desk)
        (entry,) = desk.state.backups()
        with open(entry.path, "r+b") as file:
            file.write(b"\x00")
        await desk.press("enter")
        assert "It cannot be restored" in desk.texts
        await desk.press("R")
        assert desk.engine.count(RestoreBackup) == 0


async def test_databases_that_restores_replaced_are_listed_swapped_back_and_dropped() -> None:
    async with Desk().sit_down(NARROW) as desk:
        desk.engine.answers["list_kept"] = KEPT
        await opened(desk)
        assert "shop_djmig_20260301T120000" in desk.texts
        await desk.press("D", "y")
        assert [type(one) for one in desk.engine.writes] == [DropKept]
        await desk.press("enter", "y")
        await desk.until(lambda: isinstance(desk.app.screen, RestoringScreen))
        await desk.settle()
        assert type(desk.engine.writes[-1]) is SwapKept


async def test_names_with_markup_are_shown_as_they_are() -> None:
    odd = replace(PROJECT.databases[0], name="[/b]shop[red]")
    project = replace(PROJECT, databases=(odd, *PROJECT.databases[1:]))
    async with Desk(FakeEngine(project=project)).sit_down() as desk:
        await with_a_backup(desk)
        assert "[/b]shop[red]" in desk.texts


async def test_a_safe_plan_says_nothing_of_backups() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at("orders.0002_order_status")
        await desk.press("u")
        screen = desk.app.screen
        assert isinstance(screen, PlanScreen)
        if screen.plan is not None and screen.plan.verdict == "safe":
            assert "back up first" not in desk.texts


async def test_whoever_is_quicker_than_the_question_of_means_still_gets_the_backup() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at(PRICE)
        gate = desk.engine.held["check_backup"] = asyncio.Event()
        await desk.pilot.press("u")
        await desk.until(lambda: "[x] back up first" in desk.texts)
        await desk.pilot.press("R", "y")
        await desk.until(lambda: isinstance(desk.app.screen, RunScreen))
        gate.set()
        await desk.settle()
        assert len(desk.state.backups()) == 1
        assert desk.engine.count(RunPlan) == 1


async def test_b_on_a_plan_that_loses_nothing_says_that_there_is_nothing_to_back_up_for() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at("store.0004_add_discount_field")
        await desk.press("m", "b")
        screen = desk.app.screen
        assert isinstance(screen, PlanScreen)
        assert screen.plan is not None
        assert screen.plan.verdict == "safe"
        assert "This plan loses nothing" in desk.notices


async def test_a_change_on_disk_does_not_end_a_backup_under_way() -> None:
    async with Desk().sit_down() as desk:
        await opened(desk)
        gate = desk.engine.held["make_backup"] = asyncio.Event()
        await desk.pilot.press("m")
        await desk.until(lambda: desk.engine.count(MakeBackup))
        desk.app.start_engine()
        await desk.pilot.pause()
        await desk.pilot.press("q")
        await desk.until(lambda: "Quit during the backup?" in desk.texts)
        await desk.pilot.press("escape")
        gate.set()
        await desk.settle()
        assert len(desk.state.backups()) == 1
        assert desk.engine is desk.engines[0]


async def test_backups_of_the_other_databases_are_listed_after_those_of_the_one_shown() -> None:
    async with Desk().sit_down() as desk:
        await with_a_backup(desk)
        await desk.press("escape", "A", "j", "enter", "B", "m")
        lines = [str(one.prompt) for one in desk.app.screen.query_one(Choices).options]
        other = PROJECT.databases[1].alias
        assert [line.split("  ")[1] for line in lines] == [other, PROJECT.databases[0].alias]
        await desk.press("j")
        assert "Of another database than the one shown" in desk.left
