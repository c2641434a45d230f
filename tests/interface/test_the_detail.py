"""The right half follows the cursor, whatever the engine does meanwhile."""

from __future__ import annotations

import asyncio
from pathlib import Path

from djmig_tui.protocol import APPLIED, App, History, Migration, RenderSql, ShowMigration
from tui import editor
from tui.engine.errors import Cancelled, Failed
from tui.following import PATIENCE

from .fake_engine import FakeEngine
from .harness import NARROW, Desk

PRICE = "store.0003_change_price_field"


async def test_the_reverse_sql_is_there_when_the_cursor_is() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at("store.0002_add_price_to_product")
        assert 'ALTER TABLE "store_product" DROP COLUMN "price";' in desk.texts


async def test_each_tab_shows_what_its_name_says() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at("store.0002_add_price_to_product")
        for key, words in {
            "2": 'ADD COLUMN "price"',
            "3": "1. Add field price to product",
            "4": "class Migration(migrations.Migration):",
            "5": "column store_product.price",
            "6": "→ orders.0001_initial",
            "1": 'DROP COLUMN "price"',
        }.items():
            await desk.press(key)
            assert words in desk.texts, key


async def test_an_irreversible_migration_says_so_over_its_sql() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at("reviews.0002_anonymise")
        assert "▲ Raw Python operation is irreversible" in desk.texts


async def test_a_failure_is_a_sentence_with_its_traceback_below() -> None:
    async with Desk().sit_down() as desk:
        desk.engine.errors["show_migration"] = Failed("The file cannot be read.", "Traceback: line 7")
        await desk.point_at(PRICE)
        await desk.press("3")
        assert "✖ The file cannot be read." in desk.texts
        assert "Traceback: line 7" in desk.texts


async def test_the_sql_of_before_goes_as_soon_as_the_answer_takes_its_time() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at("store.0002_add_price_to_product")
        desk.engine.gate.clear()
        await desk.point_quietly("orders.0001_initial")
        await desk.until(lambda: 'DROP COLUMN "price"' not in desk.texts)
        desk.engine.gate.set()
        await desk.settle()
        assert "DROP TABLE" in desk.texts


async def test_a_slow_engine_never_blocks_a_key_and_only_the_last_question_stays() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at("catalog")
        desk.engine.gate.clear()
        desk.engine.asked.clear()
        for _ in range(3):
            await desk.pilot.press("j")
        assert desk.app.main.node.key == "catalog.0002_book_subtitle"
        await desk.until(lambda: "rendering…" in desk.texts)
        waiting = [one for one in desk.engine.asked if one not in desk.engine.cancelled]
        assert [one.name for one in waiting] == ["0002_book_subtitle"]
        desk.engine.gate.set()
        await desk.until(lambda: "RENAME COLUMN" in desk.texts)


async def test_waiting_is_announced_only_when_it_is_felt() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at("catalog")
        desk.engine.gate.clear()
        loop = asyncio.get_running_loop()
        pressed = loop.time()
        await desk.pilot.press("j")
        assert "rendering…" not in desk.texts or loop.time() - pressed >= PATIENCE
        await desk.until(lambda: "rendering…" in desk.texts)
        assert loop.time() - pressed >= PATIENCE
        desk.engine.gate.set()


async def test_neighbours_are_fetched_ahead_and_nothing_is_asked_twice() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at("catalog.0002_book_isbn")
        names = {one.name for one in desk.engine.asked if isinstance(one, RenderSql)}
        assert {"0001_initial", "0002_book_isbn", "0002_book_subtitle", "0003_merge_isbn_subtitle"} <= names
        before = desk.engine.count(RenderSql)
        await desk.press("j", "k", "j", "k")
        asked = [one for one in desk.engine.asked if isinstance(one, RenderSql)][before:]
        assert "0002_book_isbn" not in {one.name for one in asked}


async def test_a_fresh_engine_is_asked_afresh() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at(PRICE)
        await desk.press("r")
        assert any(isinstance(one, RenderSql) for one in desk.engines[-1].asked)
        assert len(desk.engines) == 2


async def test_a_question_that_was_given_up_for_another_is_asked_again() -> None:
    class Busy(FakeEngine):
        refused = 0

        async def show_migration(self, request: ShowMigration, *, prefetch: bool = False):  # type: ignore[no-untyped-def]
            if not prefetch and self.refused < 2:
                self.refused += 1
                raise Cancelled("Another request was more urgent.")
            return await super().show_migration(request, prefetch=prefetch)

    async with Desk(Busy()).sit_down() as desk:
        await desk.point_at(PRICE)
        await desk.press("3")
        assert "Alter field price on product" in desk.texts


async def test_a_long_text_scrolls_by_the_same_keys_as_the_tree() -> None:
    async with Desk().sit_down(NARROW) as desk:
        await desk.point_at(PRICE)
        await desk.press("enter", "G")
        assert "COMMIT;" in desk.texts
        await desk.press("g")
        assert "BEGIN;" in desk.texts
        await desk.press("ctrl+d", "ctrl+d", "ctrl+u", "j", "k", "escape", "k")
        assert desk.app.main.node.key == "store.0002_add_price_to_product"


async def test_y_copies_the_command_and_shift_y_the_sql() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at("store.0002_add_price_to_product")
        await desk.press("y")
        command = "python manage.py sqlmigrate store 0002_add_price_to_product --backwards"
        assert desk.app.clipboard == command
        await desk.press("Y")
        assert desk.app.clipboard.startswith("BEGIN;")


async def test_the_log_names_the_commands_of_what_was_looked_at() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at(PRICE)
        await desk.press("at")
        assert "$ python manage.py showmigrations" in desk.texts
        assert "$ python manage.py sqlmigrate store 0003_change_price_field --backwards" in desk.texts


async def test_another_database_is_chosen_from_a_list_and_named() -> None:
    async with Desk().sit_down() as desk:
        await desk.press("A", "j", "enter")
        assert "shop_archive@db.example.com:5432" in desk.texts
        assert "REMOTE" in desk.texts
        assert desk.engine.asked[-1].database == "archive"


async def test_the_detail_follows_where_a_filter_puts_the_cursor() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at("catalog.0001_initial")
        await desk.press("slash", *"isbn")
        assert desk.app.main.node.key == "catalog.0002_book_isbn"
        assert 'DROP COLUMN "isbn"' in desk.texts


async def test_what_a_key_does_is_about_the_line_under_the_cursor_even_before_the_detail_followed() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at("store.0002_add_price_to_product")
        tree = desk.app.main._tree
        tree.action_move("down")
        await desk.app.main.action_do("back_to")
        await desk.settle()
        assert "Back to store.0003_change_price_field" in desk.texts


async def test_e_says_so_where_the_terminal_cannot_be_lent_to_an_editor(tmp_path: Path) -> None:
    file = tmp_path / "0001_initial.py"
    file.write_text("")
    migration = Migration("0001_initial", APPLIED, True, file=str(file), head=True)
    history = History("default", (App("shop", "shop", False, (migration,)),), complete=True)
    async with Desk(FakeEngine(history)).sit_down() as desk:
        await desk.point_at("shop.0001_initial")
        await desk.press("e")
        assert "cannot be lent to an editor" in desk.notices


def test_the_editor_is_what_the_user_set_or_a_well_known_one() -> None:
    assert editor.command({"VISUAL": "code --wait", "EDITOR": "vi"}) == ["code", "--wait"]
    assert editor.command({"EDITOR": "vi"}) == ["vi"]
    assert editor.command({"VISUAL": 'open "quote', "EDITOR": "vi"}) == ["vi"]
