"""While a reset is unfinished no other command changes files or databases; looking goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from djmig_tui import protocol as p
from tests.headless.conftest import Run
from tests.interface.fake_engine import FakeEngine
from tui.reset_ground import begin
from tui.state import State
from tui.state_resets import Backed, ResetRecord
from tui.store import StateError

PLAN = p.ResetPlan(
    "default", p.RESET_APP, "store", "Reset store", (p.ResetStep(p.RESET_MAKE, "make"),), "mark"
)


@pytest.fixture
def unfinished(state: State) -> ResetRecord:
    """A reset that was cut off."""
    return begin(state, PLAN, ())


@pytest.mark.parametrize(
    "typed",
    [
        "rollback store 0002 --yes --accept-loss",
        "rollback store zero",
        "rollback --last-run --yes",
        "migrate --yes",
        "take-back --yes",
        "take-back --redo --yes",
        "remove store 0004 --yes",
        "restore store 0004 --yes",
        "restore --backup any --yes",
        "kept put-back any --yes",
        "backups --swap-kept any --yes",
        "reset store --yes --accept-loss",
    ],
)
def test_what_changes_anything_names_the_two_ways_on(
    run: Run, engine: FakeEngine, unfinished: ResetRecord, typed: str
) -> None:
    ran = run(*typed.split())
    assert ran.code == 1
    assert "(Reset store) was cut off: no step stands." in ran.err
    assert "--finish" in ran.err
    assert "--put-back" in ran.err
    assert engine.writes == []


@pytest.mark.parametrize(
    "typed",
    [
        "list",
        "sql store 0002",
        "plan store 0002",
        "rollback store 0002 --rehearse",
        "verify",
        "backup",
        "backups --kept",
    ],
)
def test_looking_goes_on(run: Run, unfinished: ResetRecord, typed: str) -> None:
    ran = run(*typed.split())
    assert ran.code == 0, ran.err


def test_of_one_that_was_being_put_back_that_is_the_only_way_on(
    run: Run, state: State, unfinished: ResetRecord
) -> None:
    state.save_reset(replace(unfinished, going_back=True))
    said = run("migrate", "--yes").err
    assert "put back (djmig-tui reset --put-back)" in said
    assert "--finish" not in said


def test_the_backup_that_leads_back_is_not_deleted(run: Run, state: State, unfinished: ResetRecord) -> None:
    assert run("backup").code == 0
    (entry,) = state.backups()
    state.save_reset(replace(unfinished, backups=(Backed("default", entry.id),)))
    with pytest.raises(StateError, match="leads back from a reset"):
        state.delete_backup(entry)
    state.forget_reset()
    state.delete_backup(entry)
    assert state.backups() == []
