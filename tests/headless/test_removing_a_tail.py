"""`remove --with-dependents` takes a whole tail in one step, and `take-back` has it back in one go."""

from __future__ import annotations

import pytest

from djmig_tui import protocol as p
from tests.headless.conftest import Run
from tests.interface.fake_engine import FakeEngine
from tui.engine.errors import EngineEnded, Refused, Stale
from tui.state import State

TAIL = ["0004_add_discount_field", "0003_change_price_field", "0002_add_price_to_product"]


@pytest.fixture(autouse=True)
def only_the_first_applied(engine: FakeEngine) -> None:
    engine._mark({("store", name): False for name in TAIL})


def test_without_yes_it_shows_the_files_in_their_order_and_what_is_left(
    run: Run, engine: FakeEngine, state: State
) -> None:
    shown = run("remove", "store", "0002", "--with-dependents")
    assert shown.code == 1
    assert "To remove the files, add --yes." in shown.err
    places = [shown.out.index(f"store.{name}: ") for name in TAIL]
    assert places == sorted(places)
    assert "After it: store: 0001_initial is the latest then; makemigrations goes on with 0002." in shown.out
    assert (engine.writes, state.trash()) == ([], [])


def test_all_of_it_goes_leaf_first_and_take_back_and_redo_take_all_of_it(
    run: Run, engine: FakeEngine, state: State
) -> None:
    ran = run("remove", "store", "0002", "--with-dependents", "--yes", "--json")
    assert ran.code == 0
    assert ran.data["removed"] is True
    assert ran.data["name"] == TAIL[-1], "the one that was named"
    assert [one["name"] for one in ran.data["files"]] == TAIL
    assert ran.data["remaining"] == [
        {"app": "store", "heads": ["0001_initial"], "next_number": "0002", "max_migration": None}
    ]
    assert [one.name for one in engine.writes] == TAIL
    assert len({entry.id for entry in state.entries()}) == 1

    back = run("take-back", "--yes", "--json")
    assert (back.code, len(back.data["done"])) == (0, 3)
    assert [one.name for one in engine.writes[3:]] == TAIL[::-1]
    assert state.trash() == []

    again = run("take-back", "--redo", "--yes", "--json")
    assert (again.code, len(again.data["done"])) == (0, 3)
    assert len(state.trash()) == 3


def test_the_way_back_is_said(run: Run) -> None:
    out = run("remove", "store", "0003", "--with-dependents", "--yes").out
    assert "To put them back: djmig-tui take-back --yes" in out
    assert (
        "To put it back: djmig-tui restore store 0002_add_price_to_product --yes"
        in run("remove", "store", "0002", "--yes").out
    )


def test_without_the_option_what_is_needed_is_refused(run: Run, engine: FakeEngine) -> None:
    ran = run("remove", "store", "0003", "--yes", "--json")
    assert ran.code == 1
    assert "depends on it" in ran.data["error"]
    assert ran.data["stay"][0]["name"] == "0003_change_price_field"
    assert engine.writes == []


def test_a_first_migration_in_the_tail_is_removed_only_when_meant(run: Run, engine: FakeEngine) -> None:
    engine._mark({("store", "0001_initial"): False})
    ran = run("remove", "store", "0001", "--with-dependents", "--yes")
    assert ran.code == 1
    assert "0001_initial is the first migration of store, so nothing was done." in ran.err
    assert run("remove", "store", "0001", "--with-dependents", "--yes", "--initial").code == 0
    assert len(engine.writes) == 4


def test_one_that_is_applied_keeps_all_of_them(run: Run, engine: FakeEngine) -> None:
    engine._mark({("store", TAIL[0]): True})
    ran = run("remove", "store", "0002", "--with-dependents", "--yes", "--json")
    assert ran.code == 1
    assert f"store.{TAIL[0]} is applied on default" in ran.data["error"]
    assert ran.data["removed"] is False
    assert engine.writes == []


@pytest.mark.parametrize("error", [Stale("It changed."), EngineEnded("The engine ended.")])
def test_where_the_second_one_cannot_go_what_went_is_said(
    run: Run, engine: FakeEngine, state: State, error: Exception
) -> None:
    delete = engine.delete_file

    async def second_fails(request: p.DeleteFile) -> p.FileDeleted:
        if request.name == TAIL[1]:
            raise error
        return await delete(request)

    engine.delete_file = second_fails  # type: ignore[method-assign]
    ran = run("remove", "store", "0002", "--with-dependents", "--yes", "--json")
    assert ran.code == 1
    assert ran.data["error"].startswith(str(error))
    assert (
        "Removed before that: /srv/bookshop/store/migrations/0004_add_discount_field.py." in ran.data["error"]
    )
    assert ran.data["removed"] is False
    assert run("take-back", "--yes", "--json").data["done"] == [
        "/srv/bookshop/store/migrations/0004_add_discount_field.py"
    ]


def test_where_one_cannot_come_back_none_does(run: Run, engine: FakeEngine, state: State) -> None:
    run("remove", "store", "0002", "--with-dependents", "--yes")
    engine.errors["restore_files"] = Refused("It is there already. None of the 3 files was put back.")
    ran = run("take-back", "--yes", "--json")
    assert ran.code == 1
    assert "None of the 3 files was put back." in ran.data["error"]
    assert len(state.trash()) == 3
    engine.errors.clear()
    state.forget_trash(state.trash()[0])
    shown = run("take-back")
    assert "1 of its 3 files is not in the trash any more." in shown.out


def test_a_redo_that_meets_an_applied_one_removes_nothing(run: Run, engine: FakeEngine, state: State) -> None:
    run("remove", "store", "0003", "--with-dependents", "--yes")
    run("take-back", "--yes")
    engine._mark({("store", TAIL[1]): True})
    done = len(engine.writes)
    ran = run("take-back", "--redo", "--yes", "--json")
    assert (ran.code, ran.data["done"]) == (1, [])
    assert f"store.{TAIL[1]} is applied on default" in ran.data["error"]
    assert len(engine.writes) == done


def test_read_only_removes_no_tail(run: Run, engine: FakeEngine) -> None:
    ran = run("--read-only", "remove", "store", "0002", "--with-dependents", "--yes")
    assert ran.code == 1
    assert "--read-only" in ran.err
    assert engine.writes == []
