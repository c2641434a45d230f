"""`backup`, `backups`, `restore --backup` and `--backup` before a run, asked of the fake engine."""

from __future__ import annotations

import os
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from djmig_tui import protocol as p
from tests.headless.conftest import Run
from tests.headless.test_commands import plan_with
from tests.interface.bookshop import PROJECT
from tests.interface.fake_engine import BACKUP, FakeEngine
from tui import cli
from tui.engine.errors import EngineEnded, Failed
from tui.journal import DONE, FAILED, STARTED, SWAP
from tui.options import UsageError, parse
from tui.state import State
from tui.store import BackupEntry

CONTENT = b"".join(BACKUP)
OTHER = p.Database("replica", "sqlite", "/srv/bookshop/replica.sqlite3")


def made(run: Run, state: State) -> BackupEntry:
    assert run("backup").code == 0
    return state.backups()[0]


# --------------------------------------------------------------------- backup
def test_backup_says_what_it_made_and_how_to_restore_it(run: Run, state: State) -> None:
    ran = run("backup")
    (entry,) = state.backups()
    assert ran.code == 0
    assert f"  {entry.path}\n" in ran.out
    assert "2 tables with 17 rows" in ran.out
    assert f"djmig-tui restore --backup {entry.id} --yes" in ran.out
    data = run("backup", "--json").data
    newest = state.backups()[0]
    assert (data["id"], data["path"], data["size"]) == (newest.id, newest.path, len(CONTENT))
    assert (data["reason"], data["error"]) == ("asked for", None)
    assert data["tables"][0] == {"table": "orders_order", "rows": 12, "exact": True}


def test_a_backup_that_cannot_be_made_is_an_error_and_leaves_nothing(
    run: Run,
    engine: FakeEngine,
    state: State,
) -> None:
    engine.answers["check_backup"] = p.BackupMeans(
        "pg_dump", "There is no pg_dump. Install it.", missing=True
    )
    ran = run("backup", "--json")
    assert (ran.code, ran.data["error"]) == (1, "There is no pg_dump. Install it.")
    assert state.backups() == []


# -------------------------------------------------------------------- backups
def test_backups_lists_checks_and_deletes(run: Run, state: State) -> None:
    assert "There are no backups" in run("backups").out
    good, bad = made(run, state), made(run, state)
    os.truncate(bad.path, 5)
    assert run("backups").code == 0
    data = run("backups", "--json").data
    assert {each["id"] for each in data["backups"]} == {good.id, bad.id}
    checked = run("backups", "--check", "--json")
    assert checked.code == 1
    problems = {each["id"]: each["problem"] for each in checked.data["backups"]}
    assert problems[good.id] is None
    assert "so it is not used" in problems[bad.id]
    assert run("backups", "--delete", bad.id).code == 1
    assert run("backups", "--delete", bad.id, "--yes", "--read-only").code == 1
    assert len(state.backups()) == 2
    assert run("backups", "--delete", bad.id, "--yes").code == 0
    assert state.backups() == [good]
    assert run("backups", "--delete", "2").code == 1, "the beginning of an id is enough"
    missing = run("backups", "--delete", "nothing", "--yes")
    assert missing.code == 2
    assert "To see them all: djmig-tui backups." in missing.err


def test_backups_are_listed_while_the_project_does_not_start(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "manage.py").write_text("raise SystemExit('broken')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert cli.main(["backups"]) == 0
    assert "There are no backups in " in capsys.readouterr().out
    assert cli.main(["backups", "--delete", "nothing"]) == 2


def test_what_restores_replaced_is_listed_and_dropped(run: Run, engine: FakeEngine) -> None:
    assert "No database that was replaced" in run("backups", "--kept").out
    kept = p.KeptDatabase("shop_djmig_20260301T120000", "2026-03-01T12:00:00+00:00", 12_000_000)
    engine.answers["list_kept"] = p.Kept((kept,))
    assert "shop_djmig_20260301T120000 (replaced 2026-03-01" in run("backups", "--kept").out
    assert run("backups", "--kept", "--json").data["databases"][0]["size"] == 12_000_000
    assert run("backups", "--drop-kept", "shop", "--yes").code == 2
    assert run("backups", "--drop-kept", kept.name).code == 1
    assert engine.writes == []
    assert run("backups", "--drop-kept", kept.name, "--yes").code == 0
    assert engine.writes == [p.DropKept("default", kept.name)]


def test_what_a_restore_replaced_is_put_back_and_the_journal_says_so(
    run: Run, engine: FakeEngine, state: State
) -> None:
    kept = p.KeptDatabase("shop djmig", "2026-03-01T12:00:00+00:00")
    engine.answers["list_kept"] = p.Kept((kept,))
    assert run("backups", "--swap-kept", "shop", "--yes").code == 2
    shown = run("backups", "--swap-kept", kept.name)
    assert (shown.code, shown.out.count("is kept in its stead")) == (1, 1)
    assert shown.err == "djmig-tui: Nothing was done. To put it back in its place, add --yes.\n"
    assert run("backups", "--swap-kept", kept.name, "--yes", "--read-only").code == 1
    assert engine.writes == []
    assert state.entries() == []

    engine.answers["swap_kept"] = p.RestoreFinished(True, kept="shop_now")
    ran = run("backups", "--swap-kept", kept.name, "--yes", "--end-sessions", "--json")
    assert (ran.code, ran.data["swapped"], ran.data["kept"], ran.data["error"]) == (0, True, "shop_now", None)
    assert engine.writes == [p.SwapKept("default", kept.name, end_others=True)]
    began, ended = state.entries()
    assert (began.action, began.outcome, ended.outcome, ended.subject) == (SWAP, STARTED, DONE, "shop_now")
    assert parse(shlex.split(ended.command)[1:]).swap_kept == kept.name


def test_what_is_connected_is_not_ended_by_a_swap_unless_that_is_said(
    run: Run, engine: FakeEngine, state: State
) -> None:
    kept = p.KeptDatabase("shop_old", "2026-03-01T12:00:00+00:00")
    ada = p.DatabaseSession("7", "ada", "psql", "idle")
    engine.answers["list_kept"] = p.Kept((kept,))
    engine.answers["swap_kept"] = p.RestoreFinished(False, error="ada is connected.", blocked_by=(ada,))
    ran = run("backups", "--swap-kept", kept.name, "--yes")
    assert ran.code == 1
    assert ran.err == "djmig-tui: ada is connected. To end those sessions, add --end-sessions.\n"
    assert engine.writes == [p.SwapKept("default", kept.name, end_others=False)]
    assert state.entries()[-1].outcome == FAILED
    with pytest.raises(UsageError, match="goes with --swap-kept"):
        parse(["backups", "--kept", "--end-sessions"])


def test_a_swap_whose_engine_dies_has_no_end_in_the_journal(
    run: Run, engine: FakeEngine, state: State
) -> None:
    kept = p.KeptDatabase("shop_old", "2026-03-01T12:00:00+00:00")
    engine.answers["list_kept"] = p.Kept((kept,))
    engine.errors["swap_kept"] = EngineEnded("The engine ended during the swap.", "Killed")
    assert run("backups", "--swap-kept", kept.name, "--yes").code == 1
    assert [entry.outcome for entry in state.entries()] == [STARTED]


# -------------------------------------------------------------------- restore
def test_restore_shows_first_what_it_replaces(run: Run, state: State, engine: FakeEngine) -> None:
    entry = made(run, state)
    ran = run("restore", "--backup", entry.id)
    assert ran.code == 1
    assert "2 rows of store_product were written since." in ran.out
    assert "A backup of the present state is made first" in ran.out
    assert "add --yes --accept-loss" in ran.err
    assert engine.writes == []
    assert len(state.backups()) == 1


def test_restore_makes_a_backup_of_the_present_state_then_restores(
    run: Run,
    state: State,
    engine: FakeEngine,
) -> None:
    entry = made(run, state)
    ran = run("restore", "--backup", entry.id, "--yes", "--accept-loss", "--json")
    assert ran.code == 0
    assert (ran.data["restored"], ran.data["error"], ran.data["source"]["id"]) == (True, None, entry.id)
    before = next(each for each in state.backups() if each != entry)
    assert ran.data["backup"] == before.path
    assert before.reason.startswith("before: Put the backup of ")
    assert engine.uploaded == CONTENT
    assert engine.writes[0].end_others is False
    last = state.entries()[-1]
    assert (last.action, last.outcome, last.backup) == ("restore database", "done", before.id)


def test_restore_from_a_path_without_a_backup_first(
    run: Run, state: State, engine: FakeEngine, tmp_path: Path
) -> None:
    path = tmp_path / "dump.sqlite3"
    path.write_bytes(CONTENT)
    engine.answers["restore_backup"] = p.RestoreFinished(True, kept="shop_djmig_1", notes=("No owners.",))
    ran = run(
        "restore", "--backup", str(path), "--yes", "--accept-loss", "--no-backup-first", "--end-sessions"
    )
    assert ran.code == 0
    assert "kept as shop_djmig_1." in ran.out
    assert "No owners." in ran.out
    assert state.backups() == []
    assert engine.writes[0].end_others is True


def test_a_restore_in_whose_way_others_are_says_how_to_end_them(
    run: Run,
    state: State,
    engine: FakeEngine,
) -> None:
    entry = made(run, state)
    other = p.DatabaseSession("42", "ada", "psql", "idle")
    engine.answers["restore_backup"] = p.RestoreFinished(
        False, error="ada is connected.", blocked_by=(other,)
    )
    ran = run("restore", "--backup", entry.id, "--yes", "--accept-loss", "--json")
    assert ran.code == 1
    assert ran.data["error"] == "ada is connected. To end those sessions, add --end-sessions."
    assert ran.data["restored"] is False


def test_a_restore_is_tied_to_a_fingerprint_and_never_of_a_damaged_backup(
    run: Run,
    state: State,
    engine: FakeEngine,
) -> None:
    entry = made(run, state)
    typed = ("restore", "--backup", entry.id, "--yes", "--accept-loss")
    assert run(*typed, "--fingerprint", "abc").code == 1
    os.truncate(entry.path, 5)
    ran = run(*typed)
    assert ran.code == 1
    assert "so it is not used" in ran.err
    assert engine.writes == []


def test_a_backup_of_another_database_is_put_there_only_with_its_name_typed(
    run: Run,
    state: State,
    engine: FakeEngine,
) -> None:
    entry = made(run, state)
    engine.project = replace(PROJECT, databases=(PROJECT.databases[0], OTHER))
    typed = ("restore", "--backup", entry.id, "--yes", "--accept-loss", "--database", "replica")
    ran = run(*typed)
    assert ran.code == 1
    assert f"--confirm {OTHER.name}" in ran.err
    assert engine.writes == []
    assert run(*typed, "--confirm", "replica.sqlite3").code == 0


@pytest.mark.parametrize(
    "typed", [("restore",), ("restore", "store"), ("restore", "store", "0004", "--backup", "x")]
)
def test_restore_takes_one_thing(typed: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match=r"APP and NAME .* or --backup ID"):
        parse(typed)


# ---------------------------------------------------------------- before a run
def test_a_rollback_makes_a_backup_first_if_asked(run: Run, state: State, engine: FakeEngine) -> None:
    plan = plan_with(engine)
    ran = run("rollback", "store", "0002", "--yes", "--backup", "--json")
    assert ran.code == 0
    (entry,) = state.backups()
    assert (ran.data["backup"], entry.reason) == (entry.path, f"before: {plan.title}")
    assert len(ran.data["done"]) == 1
    assert run("rollback", "store", "0002", "--yes", "--json").data["backup"] is None


def test_a_rollback_whose_backup_fails_is_not_run(run: Run, state: State, engine: FakeEngine) -> None:
    plan_with(engine)
    engine.errors["make_backup"] = Failed("pg_dump: connection lost.")
    ran = run("rollback", "store", "0002", "--yes", "--backup")
    assert (ran.code, ran.err) == (1, "djmig-tui: pg_dump: connection lost.\n")
    assert engine.writes == []
    assert state.backups() == []


def test_nothing_is_backed_up_for_a_plan_that_is_only_shown(
    run: Run, state: State, engine: FakeEngine
) -> None:
    plan_with(engine)
    assert run("rollback", "store", "0002", "--backup").code == 1
    assert state.backups() == []


def test_a_plan_that_loses_data_says_that_no_backup_is_made(run: Run, engine: FakeEngine) -> None:
    plan_with(engine, verdict=p.LOSES, loss=(p.Loss("store", "store_product", "price", 5, exact=True),))
    assert "Data is lost, and no backup is made first." in run("rollback", "store", "0002").out
    assert "no backup is made first" not in run("rollback", "store", "0002", "--backup").out
    plan_with(engine)
    assert "no backup is made first" not in run("rollback", "store", "0002").out
