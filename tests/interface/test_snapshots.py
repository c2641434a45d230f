"""Pictures of the screens. After a wanted change: pytest --snapshot-update, then look at each of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot

from djmig_tui.protocol import UNAPPLIED, Kept, KeptDatabase, Problem, RunFinished, StepDone, TableRows
from tui.engine.errors import StartFailed
from tui.screens.run import RunScreen
from tui.screens.trouble import TroubleScreen
from tui.store import BackupEntry

from . import bookshop
from .fake_engine import FakeEngine
from .harness import NARROW, WIDE, Desk
from .test_the_timeline import LAST_RUN, applied_at

Story = Callable[[Desk], Awaitable[None]]
Picture = Callable[[Desk, Story, tuple[int, int]], None]
PRICE = "store.0003_change_price_field"


@pytest.fixture
def picture(snap_compare: Any) -> Picture:
    def take(desk: Desk, story: Story, size: tuple[int, int]) -> None:
        async def before(pilot: Pilot[int]) -> None:
            desk.pilot = pilot
            await story(desk)

        assert snap_compare(desk.app, terminal_size=size, run_before=before)

    return take


def _pressing(place: str, *keys: str) -> Story:
    async def story(desk: Desk) -> None:
        await desk.ready()
        await desk.point_at(place)
        if keys:
            await desk.press(*keys)

    return story


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_the_main_screen(picture: Picture, size: tuple[int, int]) -> None:
    picture(Desk(), _pressing(PRICE), size)


@pytest.mark.parametrize(
    ("place", "keys", "size"),
    [
        ("", (), WIDE),
        ("orders.0004_backfill_totals", ("3",), NARROW),
        (PRICE, ("4", "enter"), WIDE),
        ("store.0002_add_price_to_product", ("5",), NARROW),
        ("catalog.0001_initial", ("slash", *"isbn"), NARROW),
        ("orders.0001_squashed_0003_order_total", ("l", "p"), WIDE),
    ],
    ids=["project", "operations", "source", "impact", "filter", "plan_order"],
)
def test_the_main_screen_with(
    picture: Picture, place: str, keys: tuple[str, ...], size: tuple[int, int]
) -> None:
    picture(Desk(), _pressing(place, *keys), size)


def test_the_tree_of_last_time(picture: Picture) -> None:
    desk = Desk(last=bookshop.bookshop())
    desk.connect_gate.clear()

    async def story(desk: Desk) -> None:
        await desk.until(lambda: "as of last time" in desk.texts)
        desk.app.main._status.activity = "starting the project's engine…"
        await desk.pilot.pause()

    picture(desk, story, NARROW)


def test_a_remote_database_with_a_problem(picture: Picture) -> None:
    problems = (Problem("heads", "catalog has two ends: makemigrations --merge joins them."),)
    engine = FakeEngine(replace(bookshop.bookshop(), problems=problems), bookshop.REMOTE)
    picture(Desk(engine, read_only=True), _pressing("catalog"), WIDE)


def test_the_last_run(picture: Picture) -> None:
    desk = Desk()
    applied_at(desk.engine, LAST_RUN)
    picture(desk, _pressing(PRICE, "L"), NARROW)


@pytest.mark.parametrize(
    ("place", "size"),
    [
        ("store.0002_add_price_to_product", WIDE),
        ("store.0002_add_price_to_product", NARROW),
        ("store.0001_initial", WIDE),
        ("store.0001_initial", NARROW),
        ("orders.0003_order_total", NARROW),
        ("reviews.0001_initial", WIDE),
    ],
    ids=["safe_wide", "safe", "loses_wide", "loses", "unknown", "blocked_wide"],
)
def test_a_plan(picture: Picture, place: str, size: tuple[int, int]) -> None:
    picture(Desk(), _pressing(place, "b"), size)


def test_the_second_yes(picture: Picture) -> None:
    picture(Desk(), _pressing("store.0001_initial", "b", "R"), NARROW)


def test_the_name_to_type(picture: Picture) -> None:
    picture(
        Desk(FakeEngine(project=bookshop.REMOTE)),
        _pressing("store.0002_add_price_to_product", "b", "R", "s", "h"),
        WIDE,
    )


def test_a_run_under_way(picture: Picture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.screens.run.monotonic", lambda: 7.5)
    desk = Desk()
    desk.engine.run_gate.clear()

    async def story(desk: Desk) -> None:
        await desk.ready()
        await desk.point_at("store.0002_add_price_to_product")
        await desk.press("b")
        await desk.pilot.press("R")
        await desk.until(lambda: isinstance(desk.app.screen, RunScreen) and "Alter field" in desk.texts)

    picture(desk, story, NARROW)


def test_a_run_that_is_done(picture: Picture) -> None:
    picture(Desk(), _pressing("store.0002_add_price_to_product", "b", "R"), WIDE)


def test_a_run_that_failed(picture: Picture) -> None:
    desk = Desk()
    desk.engine.answers["run_plan"] = RunFinished(
        (),
        error="NOT NULL constraint failed: new__store_product.price",
        detail='Traceback (most recent call last):\n  File "executor.py", line 7\nIntegrityError',
        failed_step=StepDone("store", "0003_change_price_field"),
        taken_back=True,
        seconds=2.0,
        next_steps=("Fill in the missing prices, then try again.",),
    )
    picture(desk, _pressing("store.0002_add_price_to_product", "b", "R", "l"), NARROW)


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_removing_a_file(picture: Picture, size: tuple[int, int]) -> None:
    picture(Desk(), _pressing("store.0004_add_discount_field", "d"), size)


def test_a_file_that_stays(picture: Picture) -> None:
    picture(Desk(), _pressing(PRICE, "d"), NARROW)


def test_the_first_migration_of_an_app(picture: Picture) -> None:
    history = bookshop.bookshop()
    apps = tuple(
        replace(app, migrations=tuple(replace(one, applied=False, mark=UNAPPLIED) for one in app.migrations))
        for app in history.apps
    )
    picture(Desk(FakeEngine(replace(history, apps=apps))), _pressing("reviews.0001_initial", "d"), NARROW)


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_help(picture: Picture, size: tuple[int, int]) -> None:
    picture(Desk(), _pressing(PRICE, "question_mark"), size)


def test_choosing_a_database(picture: Picture) -> None:
    picture(Desk(), _pressing(PRICE, "A"), NARROW)


def test_an_engine_that_does_not_start(picture: Picture) -> None:
    desk = Desk()
    output = "Traceback (most recent call last):\n  …\nKeyError: 'SECRET_KEY'"
    desk.start_error = StartFailed("manage.py ended with code 1 before the engine could start.", output)

    async def story(desk: Desk) -> None:
        await desk.until(lambda: isinstance(desk.app.screen, TroubleScreen))
        await desk.settle()
        await desk.press("l")

    picture(desk, story, NARROW)


def test_a_terminal_that_is_too_small(picture: Picture) -> None:
    picture(Desk(), _pressing(PRICE), (40, 10))


# -- backups
BACKUP = BackupEntry(
    id="20260301T113000-default-1a2b3c4d",
    at="2026-03-01T11:30:00+00:00",
    database="default",
    name="bookshop",
    host="localhost:5432",
    vendor="postgresql",
    reason="before: Back to 0002_add_price_to_product: it stays applied; undoes 0003_change_price_field",
    format="pg_dump",
    size=12_345_678,
    sha256="0" * 64,
    tables=(TableRows("orders_order", 1204), TableRows("store_product", 310)),
    records=("store.0001_initial",),
    tools=("pg_dump 15.19", "pg_restore 15.19"),
    server="PostgreSQL 15.19",
    path="/home/ada/.local/state/djmig-tui/bookshop-0123456789ab/backups/20260301T113000-default-1a2b3c4d.dump",
)


def _with_backups() -> Desk:
    desk = Desk()
    asked_for = replace(BACKUP, at="2026-02-27T09:05:00+00:00", reason="asked for", size=12_100_000)
    desk.state.backups = lambda: [BACKUP, asked_for]  # type: ignore[method-assign]
    desk.state.check_backup = lambda entry, on_read=None: None  # type: ignore[method-assign]
    kept = KeptDatabase("bookshop_djmig_20260301T120000", "2026-03-01T12:00:00+00:00", 12_000_000)
    desk.engine.answers["list_kept"] = Kept((kept,))
    return desk


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_backups(picture: Picture, size: tuple[int, int]) -> None:
    picture(_with_backups(), _pressing("", "B"), size)


def test_what_a_restore_would_replace(picture: Picture) -> None:
    picture(_with_backups(), _pressing("", "B", "enter"), WIDE)


@pytest.mark.parametrize(
    ("place", "keys", "size"), [("store", ("x", "enter"), NARROW), ("", ("x",), WIDE)], ids=["app", "project"]
)
def test_a_reset(picture: Picture, place: str, keys: tuple[str, ...], size: tuple[int, int]) -> None:
    picture(Desk(), _pressing(place, *keys), size)
