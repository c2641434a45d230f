"""`reset`, asked of the fake engine: who else is connected is named before the database goes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from djmig_tui import protocol as p
from tests.headless.conftest import Run
from tests.headless.test_held_back import PLAN
from tests.interface.fake_engine import FakeEngine
from tui import reset_back, reset_ground, resetting
from tui.engine.errors import Failed, Refused
from tui.state import State
from tui.state_resets import Backed

ANN = p.DatabaseSession("4242", user="ann", program="runserver", state="idle")


def test_who_is_connected_is_named_first_and_ended_only_where_that_was_agreed_to(
    run: Run, engine: FakeEngine
) -> None:
    engine.answers["list_sessions"] = p.Sessions((ANN,))
    typed = ("reset", "--project", "--yes", "--accept-loss", "--confirm", "db.sqlite3")
    refused = run(*typed)
    assert refused.code == 1
    assert "Connected now: session 4242 (ann, runserver)" in refused.out
    assert "add --end-sessions." in refused.err
    assert engine.writes == []
    assert run(*typed, "--end-sessions").code == 0
    assert isinstance(engine.writes[0], p.RecreateDatabase)
    assert run("reset", "store", "--yes").err.strip().endswith("add --accept-loss.")


@pytest.mark.parametrize("typed", [("--finish",), ("--put-back", "--accept-loss")])
def test_while_another_program_is_at_a_reset_it_is_left_alone(
    run: Run, engine: FakeEngine, state: State, typed: tuple[str, ...]
) -> None:
    record = reset_ground.begin(state, PLAN, ())
    with State(state.folder).hold_reset():
        refused = run("reset", *typed, "--yes")
        assert (refused.code, refused.err.count("Another djmig-tui is at a reset")) == (1, 1)
        assert "Wait until that one has ended" in refused.err
        assert state.reset_under_way() == record
    assert engine.writes == []
    assert state.entries() == []


def test_no_second_reset_begins_beside_another(run: Run, engine: FakeEngine, state: State) -> None:
    with State(state.folder).hold_reset():
        refused = run("reset", "store", "--yes", "--accept-loss")
        assert (refused.code, "Another djmig-tui is at a reset" in refused.err) == (1, True)
        assert state.reset_under_way() is None
    record = reset_ground.begin(state, PLAN, ())
    with pytest.raises(Refused, match="That one comes first"):
        reset_ground.begin(State(state.folder), PLAN, ())
    assert state.reset_under_way() == record


def test_what_another_program_did_to_a_reset_meanwhile_is_looked_at_again(state: State) -> None:
    class Host:
        """What is refused asks nothing of the engine."""

        def __init__(self) -> None:
            self.state, self.write, self.project = state, state.log, None

    record = reset_ground.begin(state, PLAN, ())
    state.save_reset(replace(record, done=1))
    for way in (
        resetting.Reset(Host(), record, print, print).go_on(),  # type: ignore[arg-type]
        reset_back.put_back(Host(), record, print),  # type: ignore[arg-type]
    ):
        with pytest.raises(Refused, match="look again"):
            asyncio.run(way)
    state.forget_reset()
    with pytest.raises(Refused, match="look again"):
        asyncio.run(reset_back.put_back(Host(), record, print))  # type: ignore[arg-type]
    assert state.entries() == []


def test_a_reset_whose_backup_cannot_be_made_leaves_nothing_unfinished(
    run: Run, engine: FakeEngine, state: State
) -> None:
    engine.errors["make_backup"] = Failed("There is no pg_dump.")
    refused = run("reset", "store", "--yes", "--accept-loss")
    assert (refused.code, "There is no pg_dump. So nothing was done." in refused.err) == (1, True)
    assert state.reset_under_way() is None


def test_one_that_was_being_put_back_is_not_put_back_by_finishing_it(
    run: Run, engine: FakeEngine, state: State
) -> None:
    keeping = replace(PLAN, kind=p.RESET_KEEPING)
    state.save_reset(replace(reset_ground.begin(state, keeping, ()), going_back=True))
    refused = run("reset", "--finish", "--yes")
    assert (refused.code, "so it cannot be finished" in refused.err) == (1, True)
    assert engine.writes == []
    assert state.reset_under_way() is not None


def test_who_is_connected_is_ended_by_going_on_only_where_that_was_agreed_to(
    run: Run, engine: FakeEngine, state: State
) -> None:
    engine.answers["list_sessions"] = p.Sessions((ANN,))
    steps = (p.ResetStep(p.RESET_RECREATE, "anew", "default"),)
    project = replace(PLAN, kind=p.RESET_PROJECT, app=None, steps=steps)
    record = reset_ground.begin(state, project, ())
    state.save_reset(replace(record, backups=(Backed("default", "gone"),)))
    for way in ("--finish", "--put-back"):
        refused = run("reset", way, "--yes", "--accept-loss")
        assert (refused.code, "add --end-sessions" in refused.err) == (1, True)
        assert "Connected now: session 4242 (ann, runserver)" in refused.out
    assert engine.writes == []


@pytest.mark.parametrize("typed", [("store",), ("--finish",), ("--put-back", "--accept-loss")])
def test_a_record_that_cannot_be_read_is_no_sign_that_nothing_was_begun(
    run: Run, engine: FakeEngine, state: State, typed: tuple[str, ...]
) -> None:
    reset_ground.begin(state, PLAN, ())
    path = Path(state.reset_file())
    path.write_text(path.read_text()[:40])
    refused = run("reset", *typed, "--yes", "--accept-loss")
    assert (refused.code, "cannot be read: another version wrote it, or it is damaged" in refused.err) == (
        1,
        True,
    )
    assert engine.writes == []
