"""What a user sees of the history, and how it moves."""

from __future__ import annotations

from dataclasses import replace

from djmig_tui.protocol import APPLIED, App, History, Migration, Problem

from .bookshop import bookshop, large
from .fake_engine import FakeEngine
from .harness import NARROW, Desk


async def test_every_mark_is_shown_as_showmigrations_writes_it() -> None:
    async with Desk().sit_down() as desk:
        assert "[X] 0003_change_price_field" in desk.texts
        assert "[ ] 0004_add_discount_field ◆" in desk.texts
        assert "[-] 0001_squashed_0003_order_total ≡ ▸" in desk.texts


async def test_every_sign_stands_beside_its_migration() -> None:
    async with Desk().sit_down() as desk:
        assert "0002_carrier †" in desk.texts
        assert "0003_tracking ✖ ◆" in desk.texts
        assert "0002_anonymise ⊘ λ ◆" in desk.texts
        assert "0004_backfill_totals λ" in desk.texts


async def test_replaced_migrations_are_folded_under_their_squash() -> None:
    async with Desk().sit_down() as desk:
        assert "0002_order_status" not in desk.texts
        await desk.point_at("orders.0001_squashed_0003_order_total")
        await desk.press("l")
        assert "[X] 0002_order_status" in desk.texts
        await desk.press("h")
        assert "0002_order_status" not in desk.texts


async def test_the_tree_of_last_time_is_there_before_the_engine_is() -> None:
    desk = Desk(last=bookshop())
    desk.connect_gate.clear()
    async with desk.sit_down(wait=False):
        await desk.until(lambda: "0003_change_price_field" in desk.texts)
        assert "as of last time" in desk.texts
        assert "starting the project's engine" in desk.texts
        desk.connect_gate.set()
        await desk.ready()
        assert "as of last time" not in desk.texts


async def test_the_tree_of_last_time_is_not_drawn_where_the_engine_has_begun_to_answer() -> None:
    desk = Desk(last=bookshop(), has_answered=lambda: True)
    async with desk.sit_down():
        assert not desk.app.main.stale
        desk.app.session.show_last_tree()  # its moment comes when the live one is there
        await desk.settle()
        assert not desk.app.main.stale


async def test_the_tree_of_last_time_is_drawn_all_the_same_when_the_rest_of_the_answer_takes_long() -> None:
    desk = Desk(last=bookshop(), has_answered=lambda: True)
    desk.engine.gate.clear()
    async with desk.sit_down(wait=False):
        await desk.until(lambda: desk.app.main.stale, "the tree of last time")
        desk.engine.gate.set()
        await desk.ready()
        assert not desk.app.main.stale


async def test_a_first_tree_comes_from_the_scan_and_the_whole_is_kept_for_next_time() -> None:
    async with Desk().sit_down() as desk:
        asked = [type(one).__name__ for one in desk.engine.asked]
        assert asked.index("ScanHistory") < asked.index("LoadHistory")
        assert desk.state.last == desk.engine.history


async def test_cursor_folds_and_filter_outlive_a_refresh() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at("catalog")
        await desk.press("h")
        await desk.press("slash", *"store", "enter")
        await desk.point_at("store.0002_add_price_to_product")
        await desk.press("r")
        assert desk.app.main.node.key == "store.0002_add_price_to_product"
        assert "/store" in desk.texts
        await desk.press("escape")
        assert desk.app.main.node.key == "store.0002_add_price_to_product"
        assert "▸ catalog" in desk.texts


async def test_when_its_migration_is_gone_the_cursor_goes_to_the_line_above() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at("store.0004_add_discount_field")
        history = desk.engine.history
        apps = tuple(
            replace(app, migrations=app.migrations[:3]) if app.label == "store" else app
            for app in history.apps
        )
        desk.engine.history = replace(history, apps=apps)
        await desk.press("r")
        assert desk.app.main.node.key == "store.0003_change_price_field"


async def test_letters_after_a_slash_narrow_the_tree_and_n_goes_round_the_matches() -> None:
    async with Desk().sit_down() as desk:
        await desk.press("slash", *"initial", "enter")
        assert "0002_add_price_to_product" not in desk.texts
        first = desk.app.main.node.key
        await desk.press("n")
        second = desk.app.main.node.key
        assert first != second
        assert second.endswith("initial")
        await desk.press("N")
        assert desk.app.main.node.key == first


async def test_n_without_a_filter_says_what_to_do() -> None:
    async with Desk().sit_down() as desk:
        await desk.press("n")
        assert "press / and type part of a name" in desk.notices


async def test_p_shows_the_order_of_applying_with_full_names() -> None:
    async with Desk().sit_down() as desk:
        await desk.press("p")
        names = [line for line in desk.texts.splitlines() if "[" in line]
        assert "contenttypes.0001_initial" in names[0]
        assert "order of applying" in desk.texts
        await desk.press("p")
        assert "▾ store" in desk.texts


async def test_o_hides_other_peoples_apps() -> None:
    async with Desk().sit_down() as desk:
        assert "contenttypes" in desk.texts
        await desk.press("o")
        assert "contenttypes" not in desk.texts
        assert "other people's apps hidden" in desk.texts


async def test_an_app_without_migrations_says_why() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at("newsletter")
        assert "newsletter has no migrations folder." in desk.texts


async def test_what_is_wrong_with_the_history_stands_over_the_tree() -> None:
    problems = (Problem("heads", "catalog has two ends: makemigrations --merge joins them."),) * 2
    engine = FakeEngine(replace(bookshop(), problems=problems))
    async with Desk(engine).sit_down(NARROW) as desk:
        assert "▲ catalog has two ends" in desk.texts
        assert "1 more" in desk.texts


async def test_names_that_look_like_markup_or_move_the_cursor_are_shown_literally() -> None:
    name = "0001_[/b][red]x[/]\x1b[31m\x1b]0;owned\x07\u202e"
    migration = Migration(name, APPLIED, True, "2026-02-01T08:00:00+00:00", "/x.py", head=True)
    engine = FakeEngine(History("default", (App("[b]app", "", False, (migration,)),), complete=True))
    async with Desk(engine).sit_down() as desk:
        await desk.point_at(f"[b]app.{name}")
        assert r"0001_[/b][red]x[/]\x1b[31m\x1b]0;owned\x07\u202e" in desk.texts
        assert "[b]app" in desk.texts
        await desk.press("b", "escape", "slash", "[", "enter", "question_mark", "escape", "d", "escape")
        assert desk.app.screen is desk.app.main


async def test_five_thousand_migrations_are_built_and_walked() -> None:
    """How long it takes is for the benchmarks to say."""
    async with Desk(FakeEngine(large(5_000))).sit_down() as desk:
        await desk.press("p")
        assert "app000.0001_change_0" in desk.texts
        await desk.press("G")
        assert desk.app.main.node.key == "app099.0050_change_4999"


async def test_a_refresh_of_five_thousand_changes_labels_in_place() -> None:
    async with Desk(FakeEngine(large(5_000))).sit_down() as desk:
        tree = desk.app.main._tree
        node = tree._by_key["app050.0001_change_2500"]
        await desk.press("r")
        assert tree._by_key["app050.0001_change_2500"] is node
