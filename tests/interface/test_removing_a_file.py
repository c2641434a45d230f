"""A file goes only after its content was shown, it was kept in the trash, and D was pressed."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import AsyncMock

from djmig_tui.protocol import UNAPPLIED, DeleteFile, PreviewRemoval, Remaining, RestoreFile
from tui.describe_removal import after
from tui.engine.errors import Failed, Refused
from tui.screens.ask import AskScreen
from tui.screens.plan import PlanScreen
from tui.screens.remove import RemoveScreen
from tui.widgets.buttons import CancelButton

from .bookshop import bookshop
from .fake_engine import CONTENT, FakeEngine
from .harness import Desk

LAST = "store.0004_add_discount_field"


def _nothing_applied(label: str) -> FakeEngine:
    history = bookshop()
    apps = tuple(
        replace(
            app,
            migrations=tuple(replace(one, applied=False, mark=UNAPPLIED) for one in app.migrations),
        )
        if app.label == label
        else app
        for app in history.apps
    )
    return FakeEngine(replace(history, apps=apps))


async def test_d_shows_path_warnings_and_content_and_shift_d_removes() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at(LAST)
        await desk.press("d")
        assert isinstance(desk.app.screen.focused, CancelButton)
        assert "/srv/bookshop/store/migrations/0004_add_discount_field.py" in desk.left
        assert "others may have applied it" in desk.left
        assert "class Migration" in desk.texts
        await desk.press("D")
        assert [type(one) for one in desk.engine.writes] == [DeleteFile]
        assert "0004_add_discount_field" not in desk.texts.split("╰")[0]
        assert "z puts it back" in desk.notices
        assert "makemigrations" in desk.notices


async def test_the_content_is_in_the_trash_before_the_file_is_deleted() -> None:
    desk = Desk()
    engine = desk.engine
    delete = engine.delete_file

    async def deleting(request: DeleteFile) -> object:
        desk.state.happened.append("delete")
        return await delete(request)

    engine.delete_file = deleting  # type: ignore[method-assign]
    async with desk.sit_down():
        await desk.point_at(LAST)
        await desk.press("d", "D")
    assert desk.state.happened == [f"trash {LAST}", "delete"]


async def test_every_other_key_leaves_the_file_alone() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at(LAST)
        for key in ("enter", "escape", "d", "y", "R", "z", "space", "u"):
            await desk.press("d")
            assert isinstance(desk.app.screen, RemoveScreen)
            await desk.press(key)
            if isinstance(desk.app.screen, RemoveScreen):
                await desk.press("escape")
        assert desk.engine.writes == []
        assert desk.state.trash == []


async def test_z_puts_back_what_was_removed_byte_for_byte() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at(LAST)
        await desk.press("d", "D")
        await desk.press("z")
        assert isinstance(desk.app.screen, AskScreen)
        assert f"{len(CONTENT)} bytes, mode 644" in desk.texts
        await desk.press("enter")
        await desk.press("z")
        await desk.press("y")
        restored = desk.engine.writes[-1]
        assert isinstance(restored, RestoreFile)
        assert restored.mode == 0o644
        assert desk.state.trash == []
        assert "[ ] 0004_add_discount_field" in desk.texts
        assert [one.action for one in desk.state.journal] == ["remove", "restore"]


async def test_putting_back_over_another_file_is_refused_and_the_trash_keeps_it() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at(LAST)
        await desk.press("d", "D")
        desk.engine.errors["restore_file"] = Refused("It is there already. Move it away first.")
        await desk.press("z", "y")
        assert "It is there already. Move it away first." in desk.notices
        assert len(desk.state.trash) == 1


async def test_where_nothing_was_done_z_says_so() -> None:
    async with Desk().sit_down() as desk:
        await desk.press("z")
        assert "Nothing was done here" in desk.notices


async def test_a_removal_that_fails_keeps_nothing_in_the_trash() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at(LAST)
        await desk.press("d")
        desk.engine.errors["delete_file"] = Failed("Permission denied: 0004_add_discount_field.py.")
        await desk.press("D")
        assert "Permission denied" in desk.notices
        assert "Nothing was removed." in desk.notices
        assert desk.state.trash == []


async def test_an_applied_migration_stays_and_rolling_back_first_is_offered() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at("reviews.0001_initial")
        await desk.press("d", "D")
        assert "reviews.0001_initial stays" in desk.texts
        assert "cannot be removed" in desk.notices
        assert desk.engine.writes == []


async def test_rolling_back_first_leads_back_to_the_removal() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at(LAST)
        await desk.press("m", "R", "escape")
        assert "[X] 0004_add_discount_field" in desk.texts
        await desk.press("d", "u")
        assert isinstance(desk.app.screen, PlanScreen)
        await desk.press("R", "y", "escape")
        assert isinstance(desk.app.screen, RemoveScreen)
        assert "Remove store.0004_add_discount_field?" in desk.texts
        await desk.press("D")
        assert isinstance(desk.engine.writes[-1], DeleteFile)


async def test_leaving_the_plan_does_not_lead_on_to_the_removal() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at("store.0003_change_price_field")
        await desk.press("d", "u", "escape")
        assert desk.app.screen is desk.app.main
        assert desk.engine.writes == []


async def test_what_others_need_is_removed_with_them_in_order_and_one_journal_line_each() -> None:
    async with Desk(_nothing_applied("catalog")).sit_down() as desk:
        await desk.point_at("catalog.0002_book_subtitle")
        await desk.press("d")
        lines = [line for line in desk.left.splitlines() if "migrations/000" in line]
        assert "0003_merge_isbn_subtitle" in lines[0]
        assert "0002_book_subtitle" in lines[1]
        await desk.press("D")
        assert [one.name for one in desk.engine.writes] == ["0003_merge_isbn_subtitle", "0002_book_subtitle"]
        assert [one.action for one in desk.state.journal] == ["remove", "remove"]
        assert len(desk.state.trash) == 2


async def test_the_first_migration_wants_its_name_typed() -> None:
    async with Desk(_nothing_applied("store")).sit_down() as desk:
        await desk.point_at("store.0001_initial")
        await desk.press("d", "D", "backspace", "enter")
        assert isinstance(desk.app.screen, RemoveScreen)
        assert desk.engine.writes == []
        await desk.press(*"0001_initial")
        assert isinstance(desk.app.screen.focused, CancelButton)
        await desk.press("D")
        assert len(desk.engine.writes) == 4
        assert desk.engine.writes[-1].first


async def test_a_ghost_and_other_peoples_files_are_refused_with_the_reason() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at("shipping.0002_carrier")
        await desk.press("d")
        assert "has no file to delete" in desk.notices
        await desk.point_at("sessions.0001_initial")
        await desk.press("d")
        assert "site-packages" in desk.texts
        await desk.press("u", "D", "escape")
        assert desk.engine.writes == []


async def test_before_d_it_is_said_what_is_left_and_what_comes_next() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at(LAST)
        await desk.press("d")
        assert (
            "store: 0003_change_price_field is the latest then; makemigrations goes on with 0004."
            in desk.left
        )
        assert "max_migration" not in desk.left
        await desk.press("escape")
        left = Remaining("store", ("0003_change_price_field",), "0004", "0003_change_price_field")
        engine = desk.engine
        shown = await engine.preview_removal(PreviewRemoval("default", (LAST,)))
        engine.preview_removal = AsyncMock(return_value=replace(shown, remaining=(left,)))  # type: ignore[method-assign]
        await desk.press("d")
        assert "store: max_migration.txt says 0003_change_price_field then." in desk.left


async def test_two_heads_that_are_left_are_named_with_the_key_that_merges_them() -> None:
    async with Desk(_nothing_applied("catalog")).sit_down() as desk:
        await desk.point_at("catalog.0003_merge_isbn_subtitle")
        await desk.press("d")
        assert "2 heads are left, 0002_book_isbn and 0002_book_subtitle: M merges them as 0003." in desk.left
        await desk.press("D")
        assert "Next: M merges the heads of catalog." in desk.notices


async def test_an_app_of_which_nothing_is_left_begins_again() -> None:
    async with Desk(_nothing_applied("reviews")).sit_down() as desk:
        await desk.point_at("reviews.0001_initial")
        await desk.press("d")
        assert "reviews: no migration is left; makemigrations begins again with 0001." in desk.left


def test_a_max_migration_txt_that_names_no_head_is_said_to_stay() -> None:
    said = after(
        [Remaining("store", (), "0001", "0001_initial"), Remaining("store", ("0002_a",), "0003", "<<<")]
    )
    assert "store: max_migration.txt is left as it is: it says 0001_initial, which is no head then." in said
    assert "store: max_migration.txt is left as it is: it says <<<, which is no head then." in said
