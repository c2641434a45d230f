"""Every key of the table, in every pane: nothing crashes, nothing changes unless it was confirmed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.binding import Binding

from tui.action import MOVES
from tui.actions import (
    ACTIONS,
    BACKUPS,
    MAIN,
    RESERVED,
    RESET,
    RESET_BACK,
    RESETTING,
    RESTORE,
    SCOPES,
    bindings,
    find,
    key_table,
)
from tui.context import Context
from tui.screens.help import HelpScreen
from tui.screens.main import MainScreen
from tui.widgets.code_view import CodeView
from tui.widgets.command_log import CommandLog
from tui.widgets.history_tree import HistoryTree
from tui.widgets.prose import Prose

from .harness import NARROW, WIDE, Desk
from .test_a_reset_under_way import cut_off

#: Every key that the main screen knows, but those that end the program.
KEYS = [key for action in ACTIONS[MAIN] for key in action.keys if action.id != "quit"]
PLACES = ("", "store", "store.0002_add_price_to_product", "store.0004_add_discount_field", "newsletter",
          "shipping.0002_carrier", "shipping.0003_tracking", "auth")  # fmt: skip


async def _focus(desk: Desk, pane: str) -> None:
    main = desk.app.main
    if pane == "tree":
        main.query_one(HistoryTree).focus()
    elif pane == "detail":
        main._detail.focus_body()
    else:
        main.query_one(CommandLog).add_class("-shown")
        main.query_one(CommandLog).focus()
    await desk.settle()


async def _back_to_main(desk: Desk) -> None:
    await desk.until(lambda: desk.app.screen.is_mounted)
    while desk.app.screen is not desk.app.main:
        depth = len(desk.app.screen_stack)
        await desk.press("escape")
        await desk.until(lambda depth=depth: len(desk.app.screen_stack) < depth, "Esc leaves every screen")  # type: ignore[misc]


@pytest.mark.parametrize(("pane", "size"), [("tree", NARROW), ("detail", WIDE), ("log", WIDE)])
async def test_every_key_in_every_pane_changes_nothing_by_itself(pane: str, size: tuple[int, int]) -> None:
    async with Desk().sit_down(size) as desk:
        for key in [*KEYS, *(key for key, _ in RESERVED), "R", "D", "enter", "escape", "ctrl+p"]:
            await desk.point_quietly("store.0002_add_price_to_product")
            await _focus(desk, pane)
            await desk.press(key)
            await _back_to_main(desk)
        assert desk.engine.writes == []
        assert desk.state.trash == []
        assert desk.state.journal == []


@pytest.mark.parametrize("place", PLACES)
async def test_every_key_on_every_kind_of_node_either_acts_or_says_why_not(place: str) -> None:
    async with Desk().sit_down(NARROW) as desk:
        for action in ACTIONS[MAIN]:
            if action.id == "quit":
                continue
            await desk.point_quietly(place)
            reason = action.why_not(desk.app.main.context())
            await _focus(desk, "tree")
            desk.app.clear_notifications()
            await desk.press(action.keys[0])
            if reason:
                assert reason.split(":")[0][:60] in desk.notices
            await _back_to_main(desk)
            if action.id in ("order", "others"):
                await desk.press(action.keys[0])
        assert desk.engine.writes == []


async def test_enter_and_escape_never_change_anything_on_any_screen() -> None:
    async with Desk().sit_down() as desk:
        for opener in ("b", "u", "d", "m", "z", "A", "B", "x", "question_mark", "slash", "at"):
            for key in ("enter", "escape"):
                await desk.point_quietly(
                    "store.0004_add_discount_field" if opener in "mdz" else "store.0002_add_price_to_product"
                )
                await desk.press(opener, key, key)
                await _back_to_main(desk)
        assert desk.engine.writes == []


async def test_every_key_on_the_screens_of_backups_acts_or_says_why_and_none_replaces_anything() -> None:
    async with Desk().sit_down(NARROW) as desk:
        await desk.press("B", "m")
        for scope, way in ((BACKUPS, ()), (RESTORE, ("enter",))):
            await desk.press(*way)
            await _press_all_of(desk, scope)
        assert desk.engine.writes == []


async def test_every_key_on_the_screens_of_a_reset_acts_or_says_why_and_none_starts_over() -> None:
    desk = Desk()
    await cut_off(desk, 1)
    async with desk.sit_down(NARROW):
        for scope, way in ((RESETTING, ("x",)), (RESET_BACK, ("p",))):
            await desk.press(*way)
            await _press_all_of(desk, scope)
        await _back_to_main(desk)
        desk.state.forget_reset()
        await desk.point_quietly("")
        await desk.press("r", "x")
        await _press_all_of(desk, RESET)
        assert desk.engine.writes == []


async def _press_all_of(desk: Desk, scope: str) -> None:
    screen = desk.app.screen
    assert scope == screen.SCOPE
    for action in ACTIONS[scope]:
        if action.id in (
            "quit",
            "leave",
            "move",
            "pane",
            "finish",
        ):  # r finishes one at once: it was agreed to
            continue
        reason = action.why_not(screen.context())
        desk.app.clear_notifications()
        await desk.press(action.keys[0])
        assert bool(reason) <= (str(reason)[:60] in desk.notices)
        while desk.app.screen is not screen:
            await desk.press("escape")


async def test_movement_keys_work_in_every_pane() -> None:
    for pane in (HistoryTree, CodeView, CommandLog):
        keys = {key for binding in pane.BINDINGS for key in binding.key.split(",")}
        assert {"j", "k", "up", "down", "g", "G", "ctrl+d", "ctrl+u"} <= keys


async def test_tab_goes_round_the_panes_and_escape_back_to_the_tree() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at("store.0002_add_price_to_product")
        tree = desk.app.main.query_one(HistoryTree)
        await desk.press("tab")
        assert not tree.has_focus
        await desk.press("tab")
        assert tree.has_focus
        await desk.press("shift+tab", "escape")
        assert tree.has_focus


async def test_help_says_what_cannot_be_done_here_and_why() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at("store.0004_add_discount_field")
        await desk.press("question_mark")
        assert isinstance(desk.app.screen, HelpScreen)
        text = str(desk.app.screen.query_one(Prose)._content)
        assert "0004_add_discount_field is not applied here" in text
        for scope in SCOPES:
            for action in ACTIONS[scope]:
                assert action.help in text
        await desk.press("question_mark")
        assert desk.app.screen is desk.app.main


async def test_the_palette_does_what_the_key_would_do() -> None:
    async with Desk().sit_down() as desk:
        await desk.pilot.press("ctrl+p")
        await desk.pilot.press(*"log of commands")
        await desk.pilot.pause(0.5)
        await desk.pilot.press("enter")
        await desk.until(lambda: desk.app.main.query_one(CommandLog).has_class("-shown"))


async def test_a_key_in_the_footer_can_be_clicked() -> None:
    async with Desk().sit_down() as desk:
        row = desk.texts.splitlines()[-1]
        await desk.pilot.click(offset=(row.index("? help") + 2, 35))
        await desk.settle()
        assert isinstance(desk.app.screen, HelpScreen)


def test_no_key_of_what_comes_later_is_bound() -> None:
    later = {key for key, _ in RESERVED}
    taken = {key for action in ACTIONS[MAIN] for key in action.keys}
    taken |= {key for keys in MOVES for key in keys.split(",")}
    assert not later & taken


def test_no_two_actions_of_a_screen_share_a_key() -> None:
    for scope, actions in ACTIONS.items():
        keys = [key for action in actions for key in action.keys]
        assert len(keys) == len(set(keys)), scope


def test_every_action_of_the_main_screen_has_its_method() -> None:
    for binding in bindings(MAIN):
        assert isinstance(binding, Binding)
    for action in ACTIONS[MAIN]:
        if action.id not in ("move", "fold", "pane"):
            assert hasattr(MainScreen, f"action_{action.id}"), action.id


def test_the_key_table_has_a_row_for_every_action() -> None:
    table = key_table()
    for scope in SCOPES:
        for action in ACTIONS[scope]:
            assert f"| `{action.key}` | {action.help} |" in table


def test_a_file_elsewhere_cannot_be_edited_here() -> None:
    from tui.nodes import Node

    from .bookshop import bookshop

    app = bookshop().apps[-4]
    moment = Context(connected=True, node=Node(app, app.migrations[0]), file_here=False)
    assert "edit it there" in (find(MAIN, "edit").why_not(moment) or "")
    assert find(MAIN, "edit").why_not(replace(moment, file_here=True)) is None
