"""`space` marks a tail of migrations, d and D remove it in one step, and one z brings all of it back."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from unittest.mock import AsyncMock

from djmig_tui.protocol import DeleteFile, FileDeleted, FilesRestored
from tui.engine.errors import Failed, Refused
from tui.screens.ask import AskScreen
from tui.screens.plan import PlanScreen
from tui.screens.remove import RemoveScreen
from tui.widgets.tree_pane import TreePane

from .fake_engine import FakeEngine
from .harness import NARROW, Desk

SECOND = "store.0002_add_price_to_product"
THIRD = "store.0003_change_price_field"
LAST = "store.0004_add_discount_field"


def only_the_first_applied() -> FakeEngine:
    """Return an engine on a shop of which store.0001_initial is applied, and nothing of catalog."""
    engine = FakeEngine()
    engine._mark({("store", one): False for one in ("0002_add_price_to_product", "0003_change_price_field")})
    catalog = next(app for app in engine.history.apps if app.label == "catalog")
    engine._mark({("catalog", one.name): False for one in catalog.migrations})
    return engine


def marked(desk: Desk) -> set[str]:
    return set(desk.app.main.query_one(TreePane).marks)


async def test_space_marks_a_migration_and_all_that_needs_it_with_a_sign_and_a_number() -> None:
    async with Desk(only_the_first_applied()).sit_down() as desk:
        await desk.point_at(THIRD)
        await desk.press("space")
        assert marked(desk) == {THIRD, LAST}
        assert "[ ] ● 0003_change_price_field" in desk.texts
        assert "[ ] ● 0004_add_discount_field ◆" in desk.texts
        assert "[ ] 0002_add_price_to_product" in desk.texts
        assert "● 2 marked" in desk.texts
        await desk.point_at(SECOND)
        await desk.press("space")
        assert "● 3 marked" in desk.texts
        assert desk.engine.writes == []


async def test_space_again_unmarks_it_and_what_it_needs_so_that_a_tail_stays() -> None:
    async with Desk(only_the_first_applied()).sit_down() as desk:
        await desk.point_at(SECOND)
        await desk.press("space")
        await desk.point_at(THIRD)
        await desk.press("space")
        assert marked(desk) == {LAST}
        await desk.press("space")
        assert marked(desk) == {THIRD, LAST}
        await desk.point_at(LAST)
        await desk.press("space")
        assert marked(desk) == set(), "the last one stays, so the one that it needs does"


async def test_two_that_are_marked_in_a_hurry_are_both_marked() -> None:
    async with Desk(only_the_first_applied()).sit_down() as desk:
        desk.engine.gate.clear()
        await desk.point_quietly(LAST)
        assert desk.pilot is not None
        await desk.pilot.press("space")
        await desk.point_quietly("catalog.0003_merge_isbn_subtitle")
        await desk.pilot.press("space")
        desk.engine.gate.set()
        await desk.settle()
        assert marked(desk) == {LAST, "catalog.0003_merge_isbn_subtitle"}


async def test_the_marks_stay_a_tail_over_branches() -> None:
    async with Desk(only_the_first_applied()).sit_down() as desk:
        await desk.point_at("catalog.0002_book_subtitle")
        await desk.press("space")
        assert marked(desk) == {"catalog.0002_book_subtitle", "catalog.0003_merge_isbn_subtitle"}
        await desk.point_at("catalog.0002_book_isbn")
        await desk.press("space")
        assert len(marked(desk)) == 3
        await desk.point_at("catalog.0002_book_subtitle")
        await desk.press("space")
        assert "catalog.0003_merge_isbn_subtitle" in marked(desk)
        assert "catalog.0002_book_subtitle" not in marked(desk)


async def test_escape_drops_the_filter_first_and_then_the_marks() -> None:
    async with Desk(only_the_first_applied()).sit_down(NARROW) as desk:
        await desk.point_at(LAST)
        await desk.press("space", "slash", *"store", "enter")
        assert "/store · ● 1 marked" in desk.texts
        await desk.press("escape")
        assert "/store" not in desk.texts
        assert marked(desk) == {LAST}
        await desk.press("escape")
        assert marked(desk) == set()
        assert "marked" not in desk.texts


async def test_what_cannot_be_removed_is_not_marked_and_the_sentence_says_why() -> None:
    engine = only_the_first_applied()
    orders = next(app for app in engine.history.apps if app.label == "orders")
    engine._mark({("orders", one.name): False for one in orders.migrations})
    async with Desk(engine).sit_down() as desk:
        for key, said in (
            ("", "Move to a migration first"),
            ("store", "Move to a migration first"),
            ("store.0001_initial", "0001_initial is applied here, so its file stays; u undoes it first."),
            ("sessions.0001_initial", "sessions comes with a package"),
            ("shipping.0002_carrier", "has no file to remove"),
            ("orders.0002_order_status", "is replaced by orders.0001_squashed_0003_order_total"),
        ):
            await desk.point_at(key)
            desk.app.clear_notifications()
            await desk.press("space")
            assert said in desk.notices, key
            assert marked(desk) == set()


async def test_one_that_something_applied_needs_is_not_marked_either() -> None:
    engine = only_the_first_applied()
    engine._mark({("store", "0004_add_discount_field"): True})
    async with Desk(engine).sit_down() as desk:
        await desk.point_at(THIRD)
        await desk.press("space")
        assert f"{THIRD} is not marked: what needs it stays. {LAST} is applied on default." in desk.notices
        desk.engine.errors["preview_removal"] = Failed("The folder cannot be read.")
        desk.app.clear_notifications()
        await desk.press("space")
        assert "The folder cannot be read." in desk.notices
        assert marked(desk) == set()


async def test_d_lists_all_that_is_marked_and_shift_d_removes_it_leaf_first_as_one_action() -> None:
    async with Desk(only_the_first_applied()).sit_down() as desk:
        await desk.point_at(SECOND)
        await desk.press("space")
        await desk.point_at("catalog.0003_merge_isbn_subtitle")
        await desk.press("space")
        await desk.point_at("newsletter")
        await desk.press("d")
        assert isinstance(desk.app.screen, RemoveScreen)
        assert "Remove 4 files?" in desk.texts
        assert "store: 0001_initial is the latest then; makemigrations goes on with 0002." in desk.left
        assert "catalog: 2 heads are left" in desk.left
        await desk.press("D")
        gone = [f"{one.app}.{one.name}" for one in desk.engine.writes]
        assert gone.index(LAST) < gone.index(THIRD) < gone.index(SECOND)
        assert len(gone) == 4
        assert len({entry.id for entry in desk.state.journal}) == 1
        assert "z puts all of them back. Next: M merges the heads of catalog." in desk.notices
        assert marked(desk) == set()
        await desk.press("z")
        assert isinstance(desk.app.screen, AskScreen)
        assert "Put back 4 files?" in desk.texts
        await desk.press("y")
        assert desk.state.trash == []
        assert "[ ] 0003_change_price_field" in desk.texts


async def test_one_that_was_applied_meanwhile_stays_and_rolling_it_back_leads_back_to_all_of_them() -> None:
    async with Desk(only_the_first_applied()).sit_down() as desk:
        await desk.point_at(SECOND)
        await desk.press("space")
        desk.engine._mark({("store", "0002_add_price_to_product"): True})
        await desk.press("d")
        assert f"{SECOND} stays" in desk.texts
        await desk.press("D")
        assert desk.engine.writes == []
        await desk.press("u")
        assert isinstance(desk.app.screen, PlanScreen)
        await desk.press("R")
        await desk.press("y")
        await desk.press("escape")
        await desk.until(lambda: isinstance(desk.app.screen, RemoveScreen), "the removal")
        assert "Remove 3 files?" in desk.texts


async def test_the_first_migration_of_an_app_goes_with_the_marks_only_when_its_name_is_typed() -> None:
    async with Desk(only_the_first_applied()).sit_down() as desk:
        await desk.point_at("catalog.0001_initial")
        await desk.press("space")
        await desk.press("d", "D", "backspace")
        assert desk.engine.writes == []
        assert "First of its app. Type 0001_initial" in desk.texts
        await desk.press(*"0001_initial")
        await desk.press("D")
        assert len(desk.engine.writes) == 4


async def test_marks_of_what_is_gone_or_applied_by_now_go_too() -> None:
    async with Desk(only_the_first_applied()).sit_down() as desk:
        await desk.point_at(SECOND)
        await desk.press("space")
        await desk.point_at("catalog.0003_merge_isbn_subtitle")
        await desk.press("space")
        desk.engine._mark({("store", "0002_add_price_to_product"): True})
        apps = tuple(
            replace(app, migrations=app.migrations[:-1]) if app.label == "catalog" else app
            for app in desk.engine.history.apps
        )
        desk.engine.history = replace(desk.engine.history, apps=apps)
        await desk.press("r")
        await desk.ready()
        assert marked(desk) == {THIRD, LAST}
        assert "● 2 marked" in desk.texts


async def test_marks_outlive_another_order_and_a_refresh() -> None:
    async with Desk(only_the_first_applied()).sit_down() as desk:
        await desk.point_at(LAST)
        await desk.press("space", "p")
        assert "[ ] ● store.0004_add_discount_field" in desk.texts
        await desk.press("p", "r")
        await desk.ready()
        assert marked(desk) == {LAST}


async def test_read_only_marks_nothing() -> None:
    async with Desk(read_only=True).sit_down() as desk:
        await desk.point_at(LAST)
        await desk.press("space")
        assert "--read-only" in desk.notices
        assert marked(desk) == set()


async def test_where_one_file_cannot_come_back_none_does_and_the_trash_keeps_all() -> None:
    async with Desk(only_the_first_applied()).sit_down() as desk:
        await desk.point_at(THIRD)
        await desk.press("space")
        await desk.press("d")
        await desk.press("D")
        removed = len(desk.engine.writes)
        sentence = "/srv/0003.py is there already. None of the 2 files was put back."
        desk.engine.errors["restore_files"] = Refused(sentence)
        await desk.press("z")
        await desk.press("y")
        assert sentence in desk.notices
        assert len(desk.state.trash) == 2
        assert len(desk.engine.writes) == removed
        desk.engine.errors.clear()
        await desk.press("z")
        await desk.press("y")
        assert desk.state.trash == []


async def test_what_became_of_max_migration_txt_is_said_when_files_come_back() -> None:
    async with Desk(only_the_first_applied()).sit_down() as desk:
        await desk.point_at(LAST)
        await desk.press("d")
        await desk.press("D")
        restored = FilesRestored(("/srv/0004.py",), (), ("max_migration.txt is gone, so it was left alone.",))
        desk.engine.restore_files = AsyncMock(return_value=restored)  # type: ignore[method-assign]
        await desk.press("z")
        await desk.press("y")
        assert "Put back /srv/0004.py. max_migration.txt is gone, so it was left alone." in desk.notices


async def test_escape_while_files_go_leaves_none_of_them_out_of_the_journal() -> None:
    async with Desk(only_the_first_applied()).sit_down() as desk:
        gate = desk.engine.held["delete_file"] = asyncio.Event()
        await desk.point_at(THIRD)
        await desk.press("space", "d")
        await desk.until(lambda: isinstance(desk.app.screen, RemoveScreen))
        assert desk.pilot is not None
        await desk.pilot.press("D")
        await desk.until(lambda: desk.engine.count(DeleteFile))
        await desk.pilot.press("escape")
        assert isinstance(desk.app.screen, RemoveScreen)
        assert "The files are being removed; z puts them back afterwards." in desk.notices
        gate.set()
        await desk.until(lambda: not isinstance(desk.app.screen, RemoveScreen))
        assert desk.engine.cancelled == []
        removed = [one for one in desk.state.journal if one.action == "remove"]
        assert [one.outcome for one in removed] == ["done", "done"]
        assert len({one.id for one in removed}) == 1


async def test_where_the_second_one_cannot_go_what_went_is_said_and_z_has_it_back() -> None:
    async with Desk(only_the_first_applied()).sit_down() as desk:
        await desk.point_at(THIRD)
        await desk.press("space")
        await desk.press("d")
        delete = desk.engine.delete_file

        async def second_fails(request: DeleteFile) -> FileDeleted:
            if f"{request.app}.{request.name}" == THIRD:
                raise Failed("Permission denied.")
            return await delete(request)

        desk.engine.delete_file = second_fails  # type: ignore[method-assign]
        await desk.press("D")
        assert f"Permission denied. Removed before that: {LAST}." in desk.notices
        assert [entry.name for entry in desk.state.trash] == ["0004_add_discount_field"]
        await desk.ready()
        assert marked(desk) == {THIRD}, "what is left of them is still a tail"
        await desk.press("z")
        await desk.press("y")
        assert desk.state.trash == []
