"""Which records were applied together: told by our journal, or by the pauses between them."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone

from djmig_tui.protocol import APPLIED, App, History, Migration
from tui.applied_runs import applied, between, errand, how_known, request, runs
from tui.journal import DONE, MIGRATE, ROLLBACK
from tui.store import JournalEntry

from .bookshop import bookshop, large

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)


def history(*seconds: float | None, app: str = "shop") -> History:
    """Return a history whose migrations were applied so many seconds after noon."""
    names = [f"{place + 1:04}_step" for place in range(len(seconds))]
    made = tuple(
        Migration(name, APPLIED, True, None if at is None else (NOON + timedelta(seconds=at)).isoformat(),
                  order=place)
        for place, (name, at) in enumerate(zip(names, seconds, strict=True))
    )  # fmt: skip
    return History("default", (App(app, app, False, made),), complete=True)


def shape(*seconds: float | None, journal: tuple[JournalEntry, ...] = ()) -> list[list[str]]:
    found = runs(applied(history(*seconds)), journal, "default")
    return [[record.name[:4] for record in run.records] for run in found]


def entry(action: str, second: float, *steps: str) -> JournalEntry:
    at = (NOON + timedelta(seconds=second)).isoformat()
    return JournalEntry(at, action, "default", "", DONE, id=f"{action}{second}", steps=steps)


def test_a_pause_of_more_than_a_minute_begins_another_run() -> None:
    assert shape(0, 1, 61, 122, 123) == [["0005", "0004"], ["0003", "0002", "0001"]]


def test_records_of_one_moment_are_one_run_the_dependent_ones_first() -> None:
    assert shape(0, 0, 0) == [["0003", "0002", "0001"]]


def test_what_has_no_time_is_left_out_and_clocks_that_went_back_only_change_the_order() -> None:
    assert shape(None, 500, 0) == [["0002"], ["0003"]]
    assert applied(History("default", ())) == []


def test_our_own_runs_are_known_from_the_journal_however_long_they_took() -> None:
    ours = entry(MIGRATE, 900, "shop.0002_step", "shop.0003_step")
    assert shape(895, 0 + 895, 900, journal=(ours,)) == [["0003", "0002"], ["0001"]]
    slow = (replace(ours, outcome="started", at=NOON.isoformat()), ours)
    assert shape(-5, 10, 890, journal=slow) == [["0003", "0002"], ["0001"]]
    (newest, _) = runs(applied(history(-5, 10, 890)), slow, "default")
    assert newest.ours
    assert "The journal has this run" in how_known(newest)


def test_what_somebody_else_applied_again_is_not_ours_any_more() -> None:
    ours = entry(MIGRATE, 900, "shop.0002_step", "shop.0003_step")
    undone = entry(ROLLBACK, 950, "shop.0003_step")
    assert shape(0, 900, 1000, journal=(ours, undone)) == [["0003"], ["0002"], ["0001"]]
    assert shape(0, 900, 9000, journal=(ours,)) == [["0003"], ["0002"], ["0001"]]
    elsewhere = replace(ours, database="archive")
    assert shape(0, 900, 901, journal=(elsewhere,)) == [["0003", "0002"], ["0001"]]


def test_the_bounds_are_said_and_ghosts_are_left_out_by_name() -> None:
    records = applied(bookshop())
    bounded = [one for one in records if one.app == "shipping"]
    assert "2 migrations of 1 app applied between" in between(bounded)
    assert request(bounded, "default").keys == ("shipping.0001_initial",)
    notes = errand(bounded, records[-1]).notes
    assert "Left out, because its file is gone: shipping.0002_carrier." in notes
    assert any(f"{records[-1].key} stays" in note for note in notes)


def test_five_thousand_records_take_no_time() -> None:
    many = large(5000)
    journal = [entry(MIGRATE, second, f"app000.{second:04}_x") for second in range(500)]
    began = time.process_time()
    (run,) = runs(applied(many), journal, "default")
    assert len(run.records) == 5000
    assert time.process_time() - began < 1
