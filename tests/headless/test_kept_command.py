"""`rollback --keep-rows` and `kept`, asked of the fake engine."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from djmig_tui import protocol as p
from tests.headless.conftest import Run
from tests.headless.test_commands import LOSS, plan_with
from tests.interface.bookshop import PROJECT
from tests.interface.fake_engine import KEPT_PART, KEPT_PLAN, KEPT_ROWS, FakeEngine
from tui import headless
from tui.engine.errors import NotFound
from tui.headless import kept
from tui.kept_settings import DEFAULTS, KeptSettings
from tui.options import UsageError, parse
from tui.options_kept import LIMIT, size_of
from tui.state import State
from tui.state_kept import KeptRows

ROLLBACK = ("rollback", "store", "0002", "--yes", "--accept-loss")
DATABASE = p.Database("default", "sqlite", "/srv/db.sqlite3")


def losing(engine: FakeEngine) -> None:
    plan_with(engine, verdict=p.LOSES, loss=LOSS)
    engine.answers["run_plan"] = p.RunFinished((p.StepDone("store", "0002_add_price_to_product"),))


def test_a_rollback_of_a_local_database_keeps_what_it_drops(
    run: Run, engine: FakeEngine, state: State
) -> None:
    losing(engine)
    ran = run(*ROLLBACK)
    (entry,) = state.kept()
    assert ran.code == 0
    assert "What it drops is kept first, up to 64 MB." in ran.out
    assert "Kept 1 row or value, 14 bytes." in ran.out
    assert f"djmig-tui kept put-back {entry.id} --yes" in ran.out
    assert engine.writes[0].keep == LIMIT
    assert (entry.parts, entry.certain) == ((KEPT_PART,), True)
    assert run(*ROLLBACK, "--json").data["kept"] == state.kept()[0].id


@pytest.mark.parametrize(
    ("local", "typed", "keep"),
    [
        (True, ["--no-keep-rows"], 0),
        (True, ["--keep-rows", "500kB"], 500_000),
        (False, [], 0),
        (False, ["--keep-rows"], LIMIT),
    ],
)
def test_how_much_is_kept_is_the_users_to_say(
    run: Run, engine: FakeEngine, state: State, local: bool, typed: list[str], keep: int
) -> None:
    losing(engine)
    databases = tuple(replace(each, local=local) for each in PROJECT.databases)
    engine.project = replace(PROJECT, databases=databases)
    name = databases[0].name
    assert run(*ROLLBACK, "--confirm", name, *typed).code == 0
    assert engine.writes[0].keep == keep
    assert len(state.kept()) == bool(keep)


@pytest.mark.parametrize(
    ("typed", "keep"),
    [([], 2_000_000_000), (["--keep-rows"], 2_000_000_000), (["--keep-rows", "5MB"], 5_000_000)],
)
def test_the_project_says_how_much_is_usual(
    run: Run, engine: FakeEngine, state: State, typed: list[str], keep: int
) -> None:
    losing(engine)
    state.kept_settings = KeptSettings(limit=2_000_000_000)
    assert run(*ROLLBACK, *typed).code == 0
    assert engine.writes[0].keep == keep


def test_a_plan_that_loses_nothing_keeps_nothing(run: Run, engine: FakeEngine, state: State) -> None:
    plan_with(engine)
    ran = run(*ROLLBACK)
    assert engine.writes[0].keep == 0
    assert "kept" not in ran.out


def test_a_run_that_failed_leaves_nothing(run: Run, engine: FakeEngine, state: State) -> None:
    losing(engine)
    engine.answers["run_plan"] = p.RunFinished((), error="no", taken_back=True)
    assert run(*ROLLBACK).code == 1
    assert state.kept() == []
    assert not list((state.folder / "kept").glob("*"))


def test_kept_puts_back_what_matches(run: Run, engine: FakeEngine, state: State) -> None:
    losing(engine)
    run(*ROLLBACK)
    (entry,) = state.kept()
    asked = run("kept", "put-back", entry.id)
    assert asked.code == 1
    assert "store_product.price: of 1 value 1 to be put back." in asked.out
    assert "add --yes" in asked.err
    assert run("kept", "put-back", entry.id, "--yes", "--read-only").code == 1
    done = run("kept", "put-back", entry.id[:8], "--yes", "--json")
    assert (done.code, done.data["put_back"], done.data["error"]) == (0, 1, None)
    assert isinstance(engine.writes[-1], p.PutRowsBack)
    assert (state.entries()[-1].action, state.entries()[-1].outcome) == ("put rows back", "done")
    assert run("kept", "put-back", "nothing").code == 2


def test_kept_lists_and_deletes_without_an_engine(run: Run, engine: FakeEngine, state: State) -> None:
    assert "Nothing that a rollback dropped is kept" in kept.answer(state, parse(["kept"])).text
    losing(engine)
    run(*ROLLBACK)
    (entry,) = state.kept()
    listed = kept.answer(state, parse(["kept"]))
    assert f"{entry.id}\n  default, " in listed.text
    assert "  store.0002_add_price_to_product: store_product.price (1 value)\n" in listed.text
    assert kept.answer(state, parse(["kept", "delete", entry.id])).code == 1
    assert kept.answer(state, parse(["kept", "delete", entry.id, "--yes"])).code == 0
    assert state.kept() == []


def test_kept_show_prints_a_script(run: Run, engine: FakeEngine, state: State) -> None:
    step = "store.0002_add_price_to_product"
    statements = ("CREATE VIEW cheap AS\nSELECT 1", "GRANT SELECT ON cheap TO PUBLIC")
    view = p.KeptDefinition(step, "view", "cheap", "", statements)
    trigger = p.KeptDefinition(step, "trigger", "noted", "store_product", ("CREATE TRIGGER … END;",))
    writer = KeptRows(state.folder / "kept").begin(DATABASE, KEPT_PLAN)
    writer.take(p.KeepRows(1, "", definitions=p.StepDefinitions(step, (view,))))
    writer.take(p.KeepRows(2, "", definitions=p.StepDefinitions(step, (view, trigger))))
    entry = writer.finish([step])
    assert entry is not None
    assert (entry.steps, entry.definitions) == ((step,), (view, trigger))
    shown = kept.answer(state, parse(["kept", "show", entry.id])).text
    assert shown.startswith(f"-- {entry.id}\n-- default, ")
    assert "-- 1 view and 1 trigger\n" in shown
    assert shown.endswith(
        f"\n-- {step}: view cheap\nCREATE VIEW cheap AS\nSELECT 1;\nGRANT SELECT ON cheap TO PUBLIC;\n"
        f"\n-- {step}: trigger noted on store_product\nCREATE TRIGGER … END;\n"
    )
    assert "view cheap: to be made again." in run("kept", "put-back", entry.id).out


def test_kept_rows_go_when_they_are_old(state: State) -> None:
    moment = [datetime.now(timezone.utc)]
    rows = KeptRows(state.folder / "kept", now=lambda: moment[0])
    _keep(rows)
    moment[0] += DEFAULTS.age - timedelta(minutes=1)
    assert len(rows.entries()) == 1
    moment[0] += timedelta(minutes=2)
    assert rows.entries() == []
    assert not list(rows.folder.iterdir())


def test_what_a_run_kept_is_not_certain_before_its_end(state: State) -> None:
    rows = KeptRows(state.folder / "kept")
    _keep(rows)
    (entry,) = rows.entries()
    assert not entry.certain
    assert "its run was cut off" in kept.answer(state, parse(["kept"])).text


def _keep(rows: KeptRows) -> None:
    writer = rows.begin(DATABASE, KEPT_PLAN)
    for each in KEPT_ROWS:
        writer.take(each)


def test_sizes_are_typed_as_people_write_them() -> None:
    assert [size_of(typed) for typed in ("64MB", "500kB", "2g", "1.5 M", "12")] == [
        64_000_000,
        500_000,
        2_000_000_000,
        1_500_000,
        12,
    ]
    for typed in ("", "x", "0", "-1", "1TB"):
        with pytest.raises(UsageError):
            parse(["rollback", "store", "zero", f"--keep-rows={typed}"])
    with pytest.raises(UsageError, match="put-back ID, show ID or delete ID"):
        parse(["kept", "put-back"])
    assert "kept" in headless.COMMANDS


# --------------------------------------------------------------------------- settings
def state_with(folder: Path, text: str) -> State:
    (folder / "pyproject.toml").write_text(f"[tool.djmig-tui.kept-rows]\n{text}\n")
    return State.of_project(folder, "", {"XDG_STATE_HOME": str(folder)})


def test_the_project_says_how_much_is_kept_and_how_long(tmp_path: Path) -> None:
    state = state_with(tmp_path, 'limit = "2GB"\ndays = 2')
    assert state.kept_settings == KeptSettings(2_000_000_000, timedelta(days=2))
    assert state_with(tmp_path, "limit = 500000").kept_settings == KeptSettings(500_000, DEFAULTS.age)
    moment = [datetime.now(timezone.utc)]
    rows = KeptRows(tmp_path / "kept", state.kept_settings.age, now=lambda: moment[0])
    _keep(rows)
    moment[0] += timedelta(days=2, minutes=-1)
    assert len(rows.entries()) == 1
    moment[0] += timedelta(minutes=2)
    assert rows.entries() == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("days = 0", "`days`.* from 1 to"),
        ("days = 1000000000", "`days`"),
        ("days = true", "`days`"),
        ('limit = "lots"', "`limit`.*'lots' is not a size"),
        ("limit = 0", "`limit`"),
        ("age = 3", "`age`.*limit, days"),
    ],
)
def test_settings_that_cannot_be_meant_are_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(NotFound, match=said):
        state_with(tmp_path, text)
