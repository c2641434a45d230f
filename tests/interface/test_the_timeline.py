"""`L`: the last run across apps, a bound that moves, and back to a moment; the plan screen follows."""

from __future__ import annotations

import time
from dataclasses import replace

from djmig_tui import protocol as p
from tui.screens.plan import PlanScreen
from tui.screens.timeline import TimelineScreen
from tui.widgets.timeline import Timeline

from .bookshop import large
from .fake_engine import FakeEngine
from .harness import NARROW, Desk


def applied_at(engine: FakeEngine, moments: dict[str, str]) -> None:
    """Give records the time of day at which they were applied, long after all others."""

    def one(app: p.App) -> p.App:
        return replace(app, migrations=tuple(
            replace(each, applied_at=f"2026-05-01T{moments[f'{app.label}.{each.name}']}+00:00")
            if f"{app.label}.{each.name}" in moments else each
            for each in app.migrations
        ))  # fmt: skip

    engine.history = replace(engine.history, apps=tuple(map(one, engine.history.apps)))


LAST_RUN = {
    "store.0003_change_price_field": "10:00:00",
    "catalog.0003_merge_isbn_subtitle": "10:00:30",
    "orders.0004_backfill_totals": "10:00:31",
}


async def asked_last(desk: Desk) -> p.PreviewPlan:
    await desk.until(lambda: isinstance(desk.app.screen, PlanScreen), "the plan")
    await desk.settle()
    return [one for one in desk.engine.asked if isinstance(one, p.PreviewPlan)][-1]


async def test_the_last_run_is_undone_as_one_plan_across_apps() -> None:
    desk = Desk()
    applied_at(desk.engine, LAST_RUN)
    async with desk.sit_down():
        await desk.press("L")
        assert isinstance(desk.app.screen, TimelineScreen)
        assert "3 migrations of 3 apps applied between 2026-05-01" in desk.texts
        assert "No pause between them is longer than 60 s" in desk.texts
        await desk.press("enter")
        assert isinstance(desk.app.screen, TimelineScreen), "Enter changes nothing"
        await desk.press("u")
        request = await asked_last(desk)
        assert (request.intent, set(request.keys)) == (p.UNDO_THESE, set(LAST_RUN))
        assert "It undoes 3 migrations of 3 apps applied between" in desk.left
        await desk.press("R", "y", "escape")
        assert desk.app.screen is desk.app.main
        assert desk.engine.writes[-1].keys == request.keys


async def test_the_bound_moves_and_back_to_this_moment_keeps_the_one_under_the_cursor() -> None:
    desk = Desk()
    applied_at(desk.engine, LAST_RUN)
    async with desk.sit_down(NARROW):
        await desk.press("L", "k")
        assert "undoes 2 migrations of 2 apps" in desk.texts
        assert "catalog.0003_merge_isbn_subtitle stays, 1 migration applied" in " ".join(desk.texts.split())
        await desk.press("b")
        request = await asked_last(desk)
        assert request.keys == ("orders.0004_backfill_totals",)
        assert "catalog.0003_merge_isbn_subtitle stays" in desk.left
        await desk.press("escape")
        assert isinstance(desk.app.screen, TimelineScreen)
        await desk.press("g", "b")
        assert "Nothing was applied after this one" in desk.notices
        assert desk.engine.writes == []


async def test_a_run_of_ours_is_known_by_the_journal_and_a_change_makes_the_list_old() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at("store.0004_add_discount_field")
        await desk.press("m")
        await desk.press("R")
        await desk.press("escape")
        key = "store.0004_add_discount_field"
        ours = desk.state.journal[-1]
        applied_at(desk.engine, {key: "10:00:00"})
        store = next(app for app in desk.engine.history.apps if app.label == "store")
        now = replace(store.migrations[3], applied_at=ours.at)
        fresh = replace(store, migrations=(*store.migrations[:3], now))
        apps = tuple(fresh if app is store else app for app in desk.engine.history.apps)
        desk.engine.history = replace(desk.engine.history, apps=apps)
        await desk.press("r")
        await desk.press("L")
        assert "The journal has this run" in desk.texts
        assert "by djmig-tui" in desk.texts
        assert desk.engine.on_changed is not None
        desk.engine.on_changed(p.Changed("records"))
        await desk.settle()
        await desk.press("u")
        assert "The records changed since this was made" in desk.notices + desk.texts
        assert isinstance(desk.app.screen, TimelineScreen)


async def test_where_nothing_is_applied_there_is_no_last_run() -> None:
    desk = Desk(FakeEngine(p.History("default", (), complete=True)))
    async with desk.sit_down():
        await desk.press("L")
        assert "there is no last run" in desk.notices
        assert desk.app.screen is desk.app.main


async def test_five_thousand_records_open_and_move_at_once() -> None:
    desk = Desk(FakeEngine(large(5000)))
    async with desk.sit_down():
        began = time.monotonic()
        await desk.press("L")
        timeline = desk.app.screen.query_one(Timeline)
        assert timeline.place == 4999
        await desk.press("g", "G", "k", "ctrl+u")
        assert timeline.place < 4998
        assert time.monotonic() - began < 5, "it takes a fraction of that"
