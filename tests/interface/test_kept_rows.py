"""What a rollback drops is kept unless the user says otherwise, and is offered after the migrate."""

from __future__ import annotations

from dataclasses import replace

from djmig_tui.protocol import PutRowsBack, RunPlan
from tui.context import READ_ONLY
from tui.describe_kept import describe_rows
from tui.kept_settings import DEFAULTS, KeptSettings
from tui.options_kept import LIMIT
from tui.screens.backups import BackupsScreen
from tui.screens.run import RunScreen
from tui.store import KeptEntry

from .bookshop import PROJECT
from .fake_engine import KEPT_PART, KEPT_PLAN, KEPT_ROWS
from .harness import NARROW, Desk

PRICE = "store.0002_add_price_to_product"


def keep_some(desk: Desk, alias: str = "default") -> KeptEntry:
    """Have rows kept as a rollback would, of a migration that is applied again since."""
    database = next(one for one in PROJECT.databases if one.alias == alias)
    writer = desk.state.begin_kept(database, KEPT_PLAN)
    for rows in KEPT_ROWS:
        writer.take(rows)
    entry = writer.finish([KEPT_PART.step])
    assert entry is not None
    return entry


async def _plan(desk: Desk) -> None:
    await desk.point_at(PRICE)
    await desk.press("u")
    await desk.settle()


async def _run(desk: Desk) -> None:
    await desk.pilot.press("R")
    await desk.settle()
    if not isinstance(desk.app.screen, RunScreen):
        await desk.press("y")
    await desk.until(lambda: isinstance(desk.app.screen, RunScreen))
    await desk.settle()


def _kept(desk: Desk) -> int:
    (request,) = [each for each in desk.engine.writes if isinstance(each, RunPlan)]
    return request.keep


async def test_a_plan_says_how_much_is_kept_and_the_key_changes_it() -> None:
    async with Desk().sit_down() as desk:
        await _plan(desk)
        assert "[x] keep what it drops  up to 64 MB; of more, nothing is run" in desk.texts
        await desk.press("K")
        assert "up to 1.0 GB" in desk.texts
        await desk.press("K", "K")
        assert "[ ] what it drops is not kept" in desk.texts
        await _run(desk)
        assert _kept(desk) == 0
        assert desk.state.kept() == []


async def test_the_key_starts_from_what_the_project_says_is_usual() -> None:
    async with Desk().sit_down() as desk:
        desk.state.kept_settings = KeptSettings(limit=2_000_000_000)
        await _plan(desk)
        assert "up to 2.0 GB" in desk.texts
        await desk.press("K")
        assert "up to 10 GB" in desk.texts
        await desk.press("K")
        assert "[ ] what it drops is not kept" in desk.texts
        await desk.press("K")
        assert "up to 2.0 GB" in desk.texts


async def test_what_was_kept_is_offered_after_the_migrate_and_put_back() -> None:
    async with Desk().sit_down() as desk:
        await _plan(desk)
        await _run(desk)
        assert _kept(desk) == LIMIT
        (entry,) = desk.state.kept()
        assert entry.parts == (KEPT_PART,)
        assert "What was dropped is kept" in desk.texts
        await desk.press("p")  # there is nothing to put back yet
        await desk.press("escape")
        await desk.point_at(PRICE)
        await desk.press("m")
        await desk.settle()
        await _run(desk)
        await desk.until(lambda: "1 kept row or value can be put back: press p" in desk.texts)
        await desk.press("p")
        await desk.until(lambda: "What was kept is back" in desk.texts)
        assert isinstance(desk.engine.writes[-1], PutRowsBack)
        assert desk.state.journal[-1].action == "put rows back"


async def _listed(desk: Desk) -> None:
    await _plan(desk)
    await _run(desk)
    await desk.press("escape", "B")
    await desk.until(lambda: isinstance(desk.app.screen, BackupsScreen))
    await desk.until(lambda: "kept rows" in desk.texts)
    await desk.settle()


async def test_the_backups_screen_lists_kept_rows_beside_the_backup_and_says_how_they_come_back() -> None:
    async with Desk().sit_down() as desk:
        await _listed(desk)
        (entry,), (backup,) = desk.state.kept(), desk.state.backups()
        assert backup.at <= entry.at  # so the rows are the newer, and under the cursor
        said = describe_rows(entry, DEFAULTS.age).plain
        assert "store.0002_add_price_to_product: store_product.price (1 value)" in said
        assert "1 row or value, 14 bytes" in desk.texts
        assert "deleted after 30 days" in desk.texts
        assert "Not certain" not in desk.texts


async def test_how_kept_rows_come_back_is_in_sight_on_a_small_terminal() -> None:
    async with Desk().sit_down(NARROW) as desk:
        await _listed(desk)
        assert "Enter counts how much of it can be put back, and asks" in desk.texts
        assert "Enter put back" in desk.texts.splitlines()[-1]
        await desk.press("j")
        assert "Enter restore" in desk.texts.splitlines()[-1]


async def test_kept_rows_are_deleted_from_the_backups_screen_only_after_a_yes() -> None:
    async with Desk().sit_down() as desk:
        await _listed(desk)
        await desk.press("D", "escape")
        assert len(desk.state.kept()) == 1
        await desk.press("D", "y")
        assert desk.state.kept() == []
        assert len(desk.state.backups()) == 1
        assert "kept rows" not in desk.texts


async def test_rows_of_a_run_that_was_cut_off_are_called_not_certain() -> None:
    async with Desk().sit_down() as desk:
        await _listed(desk)
        (entry,) = desk.state.kept()
        said = describe_rows(replace(entry, certain=False), DEFAULTS.age).plain
        assert "Not certain: its run was cut off or failed half-way, and the records" in said


async def test_read_only_deletes_no_kept_rows_and_gives_the_reason() -> None:
    async with Desk(read_only=True).sit_down() as desk:
        keep_some(desk)
        await desk.press("B")
        await desk.until(lambda: "kept rows" in desk.texts)
        await desk.press("D")
        assert isinstance(desk.app.screen, BackupsScreen)
        assert READ_ONLY in desk.notices
        assert len(desk.state.kept()) == 1
