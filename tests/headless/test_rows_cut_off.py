"""Rows of a run that was cut off: the records tell what of them is of use, and nothing is lost by asking."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from djmig_tui import protocol as p
from tests.headless.conftest import Run
from tests.interface.fake_engine import KEPT_PART, KEPT_PLAN, KEPT_ROWS, FakeEngine
from tui.engine.errors import EngineEnded, Failed
from tui.kept_rows import RowsKept
from tui.state import State
from tui.state_kept import ENDING, KeptRows, Writer
from tui.store import KeptEntry, StateError

DATABASE = p.Database("default", "sqlite", "/srv/db.sqlite3")
APP, NAME = "store", "0002_add_price_to_product"
AT, LATER = "2026-03-01T10:00:00+00:00", "2026-03-02T10:00:00+00:00"


def history(applied_at: str | None, *, kind: str = "", complete: bool = True) -> p.History:
    """Return what is on record of the step: nothing, or when it was applied."""
    mark = p.UNAPPLIED if applied_at is None else p.APPLIED
    one = p.Migration(NAME, mark, applied_at is not None, applied_at)
    problems = (p.Problem(kind, "A sentence."),) if kind else ()
    return p.History("default", (p.App(APP, APP, False, (one,)),), problems, complete)


class Clock:
    """The moment that it is, for the state."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rows(state: State, clock: Clock) -> KeptRows:
    return KeptRows(state.folder / "kept", now=clock)


def plan(*, one_transaction: bool = True) -> p.Plan:
    (step,) = KEPT_PLAN.steps
    return replace(KEPT_PLAN, steps=(replace(step, applied_at=AT),), one_transaction=one_transaction)


def cut_off(rows: KeptRows, *, one_transaction: bool = True) -> KeptEntry:
    """Keep rows, and end as a process that is killed does: without a word, and its locks go."""
    writer = rows.begin(DATABASE, plan(one_transaction=one_transaction))
    for each in KEPT_ROWS:
        writer.take(each)
    let_go(writer)
    (entry,) = rows.entries()
    return entry


def let_go(writer: Writer) -> None:
    assert writer._held is not None
    os.close(writer._held)
    writer._held = None


@pytest.mark.parametrize("now", [None, LATER])
def test_a_step_whose_record_is_gone_or_another_stands(rows: KeptRows, now: str | None) -> None:
    entry = cut_off(rows)
    rows.settle(DATABASE, history(now))
    assert rows.entries() == [replace(entry, certain=True)]


def test_what_one_transaction_took_back_goes_once_no_engine_can_be_at_it(
    rows: KeptRows, clock: Clock
) -> None:
    entry = cut_off(rows)
    rows.settle(DATABASE, history(AT))
    assert rows.entries() == [entry], "its engine may be committing at this moment"
    clock.now += ENDING + timedelta(minutes=1)
    rows.settle(DATABASE, history(AT))
    assert rows.entries() == []
    assert not list(rows.folder.iterdir())


def test_step_by_step_a_record_that_is_there_tells_nothing(rows: KeptRows, clock: Clock) -> None:
    """Where the schema does not roll back it may be undone before its record goes (EDGES 29)."""
    entry = cut_off(rows, one_transaction=False)
    clock.now += ENDING + timedelta(days=1)
    rows.settle(DATABASE, history(AT))
    assert rows.entries() == [entry]


@pytest.mark.parametrize(
    "told",
    [
        history(None, kind="database"),
        history(None, kind="fresh"),
        history(None, complete=False),
    ],
)
def test_without_the_records_nothing_is_known(rows: KeptRows, told: p.History) -> None:
    entry = cut_off(rows)
    rows.settle(DATABASE, told)
    assert rows.entries() == [entry]


def test_the_records_of_another_database_say_nothing(rows: KeptRows) -> None:
    entry = cut_off(rows)
    rows.settle(replace(DATABASE, name="/srv/other.sqlite3"), history(None))
    assert rows.entries() == [entry]


def test_what_another_program_is_keeping_is_left_alone(rows: KeptRows) -> None:
    writer = rows.begin(DATABASE, plan())
    writer.take(KEPT_ROWS[0])
    rows.settle(DATABASE, history(None))
    writer.take(KEPT_ROWS[1])
    assert not rows.entries()[0].certain
    entry = writer.finish([f"{APP}.{NAME}"])
    assert entry is not None
    assert (entry.certain, entry.parts) == (True, (KEPT_PART,))
    assert rows.entries() == [entry]


def test_rows_that_arrive_after_the_run_failed_leave_nothing(rows: KeptRows) -> None:
    writer = rows.begin(DATABASE, plan())
    assert writer.finish(()) is None
    with pytest.raises(StateError, match="The run is over"):
        writer.take(KEPT_ROWS[0])
    assert not list(rows.folder.glob("*"))


@pytest.mark.parametrize("error", [Failed("no answer"), EngineEnded("gone"), asyncio.CancelledError()])
def test_an_answer_that_is_no_answer_leaves_what_a_step_may_have_dropped(
    state: State, error: BaseException
) -> None:
    class Failing(FakeEngine):
        async def run_plan(self, request: p.RunPlan, on_progress: Any = None, on_keep: Any = None) -> Any:
            for each in KEPT_ROWS:
                on_keep(each)
            raise error

    request = p.RunPlan("default", p.BACK_TO, APP, "0001_initial", "")
    kept = RowsKept(state, DATABASE, plan(one_transaction=False), 1000)
    with pytest.raises(type(error)):
        asyncio.run(kept.run(Failing(), request, None))
    (entry,) = state.kept()
    assert (entry.certain, entry.parts) == (False, (KEPT_PART,))
    state.settle_kept(DATABASE, history(None))
    assert state.kept() == [replace(entry, certain=True)], "nobody holds it any more"


def test_rows_whose_step_never_began_are_deleted(rows: KeptRows) -> None:
    writer = rows.begin(DATABASE, plan())
    writer.take(KEPT_ROWS[0])
    let_go(writer)
    (rows.folder / "somebody's own").mkdir()
    rows.settle(DATABASE, history(AT))
    assert [path.name for path in rows.folder.iterdir()] == ["somebody's own"]


def test_put_back_asks_the_records_first(
    run: Run, engine: FakeEngine, state: State, clock: Clock, rows: KeptRows
) -> None:
    database = engine.project.databases[0]
    clock.now = datetime.now(timezone.utc) - ENDING - timedelta(minutes=1)
    writer = rows.begin(database, plan())
    for each in KEPT_ROWS:
        writer.take(each)
    let_go(writer)
    (entry,) = rows.entries()
    engine.history = history(AT)
    ran = run("kept", "put-back", entry.id)
    assert ran.code == 1
    assert "has dropped nothing, by the records" in ran.err
    assert state.kept() == []
