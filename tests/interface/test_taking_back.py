"""`z` takes back what was done last, says what does not come back, and refuses what is not as it was left."""

from __future__ import annotations

from dataclasses import replace

from djmig_tui import protocol as p
from tui import backups
from tui.journal import DONE, RESTORE, Deed, digest, recorded
from tui.screens.ask import AskScreen
from tui.screens.choose import ChooseScreen
from tui.screens.plan import PlanScreen
from tui.screens.remove import RemoveScreen
from tui.screens.restore import RestoreScreen
from tui.widgets.command_log import CommandLog

from .harness import Desk

PRICE = "store.0002_add_price_to_product"
LAST = "store.0004_add_discount_field"


async def roll_back(desk: Desk) -> None:
    """Go back to where the price was added, on the plan screen, and return to the tree."""
    await desk.point_at(PRICE)
    await desk.press("b", "R")
    if isinstance(desk.app.screen, AskScreen):
        await desk.press("y")
    await desk.press("escape")
    assert desk.app.screen is desk.app.main


async def asked_last(desk: Desk) -> p.PreviewPlan:
    await desk.until(lambda: isinstance(desk.app.screen, PlanScreen), "the plan")
    await desk.settle()
    return [one for one in desk.engine.asked if isinstance(one, p.PreviewPlan)][-1]


async def test_z_migrates_forward_again_exactly_what_a_rollback_undid_and_z_does_it_again() -> None:
    async with Desk().sit_down() as desk:
        await roll_back(desk)
        rolled_back = desk.state.journal[-1]
        assert rolled_back.steps == ("store.0003_change_price_field",)
        await desk.press("z")
        request = await asked_last(desk)
        assert (request.intent, request.keys) == (p.APPLY_THESE, rolled_back.steps)
        assert "It takes back the rollback of" in desk.left
        assert "Rows that the rollback dropped do not come back by this" in desk.left
        assert "No backup was made" in desk.left
        await desk.press("R", "escape")
        assert "[X] 0003_change_price_field" in desk.texts
        assert desk.state.journal[-1].takes_back == rolled_back.id
        await desk.press("z")
        request = await asked_last(desk)
        assert (request.intent, request.keys) == (p.UNDO_THESE, rolled_back.steps)
        assert "It does again what was taken back by the migrate of" in desk.left
        await desk.press("escape")
        assert len(desk.engine.writes) == 2


async def test_z_after_somebody_else_migrated_is_refused_with_the_reason() -> None:
    async with Desk().sit_down() as desk:
        await roll_back(desk)
        desk.engine._mark({("store", "0004_add_discount_field"): True})
        store = next(app for app in desk.engine.history.apps if app.label == "store")
        later = replace(store.migrations[3], applied_at="2999-01-01T00:00:00+00:00")
        changed = replace(store, migrations=(*store.migrations[:3], later))
        apps = tuple(changed if app is store else app for app in desk.engine.history.apps)
        desk.engine.history = replace(desk.engine.history, apps=apps)
        await desk.press("z")
        assert desk.app.screen is desk.app.main
        assert "are not what the rollback of" in desk.notices
        assert f"since then {LAST} was applied" in desk.notices
        assert "It is not taken back blindly" in desk.notices


async def test_after_a_file_is_put_back_z_asks_whether_to_go_on_or_to_do_it_again() -> None:
    async with Desk().sit_down() as desk:
        await roll_back(desk)
        await desk.point_at(LAST)
        for keys in (("d", "D"), ("z",), ("y",)):
            await desk.press(*keys)
        assert desk.state.trash == []
        await desk.press("z")
        assert isinstance(desk.app.screen, ChooseScreen)
        assert "migrates forward again: store.0003_change_price_field" in desk.texts
        assert f"removes the file of {LAST} again" in desk.texts
        await desk.press("enter")
        assert (await asked_last(desk)).intent == p.APPLY_THESE
        await desk.press("escape")
        await desk.press("z")
        await desk.press("j", "enter")
        await desk.until(lambda: isinstance(desk.app.screen, RemoveScreen))
        await desk.press("D")
        assert desk.state.journal[-1].action == "remove"
        assert desk.state.journal[-1].takes_back, "it takes back the putting back"
        assert [entry.name for entry in desk.state.trash] == ["0004_add_discount_field"]


async def test_one_z_puts_back_all_files_of_one_removal_in_the_right_order() -> None:
    desk = Desk()
    catalog = next(app for app in desk.engine.history.apps if app.label == "catalog")
    desk.engine._mark({("catalog", one.name): False for one in catalog.migrations})
    async with desk.sit_down():
        await desk.point_at("catalog.0002_book_isbn")
        await desk.press("d", "D")
        removed = [entry.name for entry in desk.state.trash]
        assert len(removed) > 1
        assert len({entry.id for entry in desk.state.journal if entry.action == "remove"}) == 1
        await desk.press("z")
        assert f"Put back {len(removed)} files?" in desk.texts
        await desk.press("y")
        put_back = [one.name for one in desk.engine.writes if isinstance(one, p.RestoreFile)]
        assert put_back == removed[::-1]
        assert desk.state.trash == []


async def test_a_migrate_of_an_earlier_session_is_shown_with_its_date_and_taken_back() -> None:
    first = Desk()
    async with first.sit_down():
        await first.point_at(LAST)
        await first.press("m", "R", "escape")
    second = Desk()
    second.engine.history = first.engine.history
    second.state.journal = list(first.state.journal)
    async with second.sit_down():
        await second.press("at")
        shown = str(second.app.main.query_one(CommandLog)._content)
        before, _, after = shown.partition("── this session ──")
        assert f"default $ python manage.py migrate store {LAST.partition('.')[2]}  # done" in before
        assert "showmigrations" in after
        await second.press("z")
        request = await asked_last(second)
        assert (request.intent, request.keys) == (p.UNDO_THESE, (LAST,))


async def test_a_plan_says_beforehand_whether_it_can_be_taken_back() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at("store.0001_initial")
        await desk.press("b")
        assert "z takes it back: it migrates forward again. That does not bring the data back" in desk.left
        await desk.press("escape")
        await desk.point_at(LAST)
        await desk.press("m")
        assert "z takes it back: it undoes exactly this step." in desk.left
        await desk.press("escape")
        desk.engine._mark({("reviews", "0002_anonymise"): False})
        await desk.press("r")
        await desk.point_at("reviews.0002_anonymise")
        await desk.press("m")
        assert "z cannot take it back: reviews.0002_anonymise cannot be undone." in desk.left


async def done(desk: Desk, action: str, **members: str) -> str:
    """Write into the journal that a database was replaced just now, and look again."""
    deed = Deed(desk.state.log, action, "default", "djmig-tui restore")
    deed.end(DONE, records=digest(recorded(desk.engine.history)), **members)
    await desk.press("r")
    return deed.id


async def test_a_restore_is_taken_back_by_putting_back_what_it_replaced() -> None:
    async with Desk().sit_down() as desk:
        restored = await done(desk, RESTORE, subject="shop_djmig_20260301T120000")
        await desk.press("z")
        assert isinstance(desk.app.screen, AskScreen)
        assert "Put shop_djmig_20260301T120000 back?" in desk.texts
        assert desk.engine.writes == []
        await desk.press("y")
        await desk.until(lambda: desk.state.journal[-1].outcome == DONE, "the end of the swap")
        assert isinstance(desk.engine.writes[-1], p.SwapKept)
        assert desk.state.journal[-1].takes_back == restored


async def test_a_restore_that_wrote_over_the_file_is_taken_back_by_the_backup_made_before() -> None:
    async with Desk().sit_down() as desk:
        keeping = desk.app.session.keeping("default")
        before = await backups.make(keeping, "before: a restore")
        await done(desk, RESTORE, backup=before.id)
        await desk.press("z")
        assert isinstance(desk.app.screen, RestoreScreen)
        assert desk.app.screen._entry == before
        await desk.press("escape")
        desk.state.delete_backup(before)
        await desk.press("z")
        assert "No backup of what it replaced is there any more" in desk.notices
        assert desk.engine.writes == []


async def test_a_file_that_left_the_trash_otherwise_is_not_put_back_twice() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at(LAST)
        await desk.press("d", "D")
        desk.state.trash.clear()
        await desk.press("z")
        assert "The trash does not hold" in desk.notices
        assert not [one for one in desk.engine.writes if isinstance(one, p.RestoreFile)]
