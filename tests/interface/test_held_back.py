"""While a reset is unfinished nothing else changes files or databases, on any screen; looking goes on."""

from __future__ import annotations

from tui.actions import ACTIONS, MAIN, find
from tui.held_back import HELD_BACK
from tui.screens.backups import BackupsScreen
from tui.screens.plan import PlanScreen
from tui.screens.verify import VerifyScreen

from .harness import Desk
from .test_a_reset_under_way import cut_off

FIRST = (
    "was cut off: 1 of 4 steps stand. Nothing else is changed before it is finished (x in the tree, then r)"
)


def test_what_is_held_back_are_actions_that_there_are() -> None:
    for scope, ids in HELD_BACK.items():
        assert ids <= {action.id for action in ACTIONS[scope]}, scope


async def test_keys_that_change_anything_name_x_and_those_that_look_go_on() -> None:
    desk = Desk()
    async with desk.sit_down():
        await desk.point_quietly("store.0004_add_discount_field")
        await desk.press("m")
        assert isinstance(desk.app.screen, PlanScreen)
        await cut_off(desk, 1)  # by another instance, behind a plan that is open
        await desk.press("R")
        assert FIRST in desk.notices
        await desk.press("escape")
        assert desk.app.screen is desk.app.main
        for id in sorted(HELD_BACK[MAIN]):
            desk.app.clear_notifications()
            await desk.press(find(MAIN, id).keys[0])
            assert FIRST in desk.notices, id
            assert desk.app.screen is desk.app.main, id
        await desk.press("V")
        assert isinstance(desk.app.screen, VerifyScreen)
        await desk.press("escape", "B")
        assert isinstance(desk.app.screen, BackupsScreen)
        await desk.press("m")
        assert len(desk.state.backups()) == 1
        desk.app.clear_notifications()
        await desk.press("enter")
        assert FIRST in desk.notices
        assert isinstance(desk.app.screen, BackupsScreen)
        assert desk.engine.writes == []
        desk.state.forget_reset()
        await desk.press("enter")
        assert not isinstance(desk.app.screen, BackupsScreen)
