"""What a rollback drops is kept unless the user says otherwise, and is offered after the migrate."""

from __future__ import annotations

from djmig_tui.protocol import PutRowsBack, RunPlan
from tui.options_kept import LIMIT
from tui.screens.run import RunScreen

from .fake_engine import KEPT_PART
from .harness import Desk

PRICE = "store.0002_add_price_to_product"


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
