"""Making and restoring backups, as the screens and the commands do it: whole or nothing, written down."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from djmig_tui import protocol as p
from tests.interface.bookshop import PROJECT
from tests.interface.fake_engine import BACKUP, FakeEngine
from tui import backups, restores
from tui import source as sources
from tui.backup_settings import BackupSettings, backup_settings
from tui.engine.errors import EngineEnded, Failed, NotFound, Refused, Stale
from tui.keeping import Keeping
from tui.state import State
from tui.store import ASKED_FOR

CONTENT = b"".join(BACKUP)


@pytest.fixture
def keeping(tmp_path: Path) -> Keeping:
    engine = FakeEngine()
    return Keeping(engine, State(tmp_path / "state"), PROJECT.databases[0])


def engine_of(keeping: Keeping) -> FakeEngine:
    assert isinstance(keeping.engine, FakeEngine)
    return keeping.engine


def left(keeping: Keeping) -> list[str]:
    assert isinstance(keeping.state, State)
    folder = keeping.state.folder / "backups"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def outcomes(keeping: Keeping) -> list[tuple[str, str]]:
    return [(entry.action, entry.outcome) for entry in keeping.state.entries()]


# ----------------------------------------------------------------------- make
async def test_a_backup_is_made_with_progress_and_written_down(keeping: Keeping) -> None:
    heard: list[p.Progress] = []
    entry = await backups.make(keeping, ASKED_FOR, heard.append)
    assert Path(entry.path).read_bytes() == CONTENT
    assert keeping.state.backups() == [entry]
    assert (entry.vendor, entry.records[0]) == ("sqlite", "catalog.0001_initial")
    assert [each.message for each in heard] == ["Copying the database", "Reading the backup once more"]
    began, done = keeping.state.entries()
    assert (began.outcome, done.outcome, done.subject) == ("started", "done", entry.id)
    assert (began.id, began.action, began.command) == (done.id, "backup", "djmig-tui backup")


@pytest.mark.parametrize("error", [Failed("pg_dump failed: connection lost."), EngineEnded("It ended.")])
async def test_a_backup_that_fails_leaves_nothing(keeping: Keeping, error: Exception) -> None:
    engine_of(keeping).errors["make_backup"] = error
    with pytest.raises(type(error)):
        await backups.make(keeping, ASKED_FOR)
    assert left(keeping) == []
    assert outcomes(keeping) == [("backup", "started"), ("backup", "failed")]


async def test_a_backup_that_is_given_up_in_the_middle_leaves_nothing(keeping: Keeping) -> None:
    engine_of(keeping).held["make_backup"] = asyncio.Event()
    copying = asyncio.Event()
    making = asyncio.create_task(backups.make(keeping, ASKED_FOR, lambda _: copying.set()))
    await asyncio.wait_for(copying.wait(), 10)
    assert len(left(keeping)) == 1
    making.cancel()
    with pytest.raises(asyncio.CancelledError):
        await making
    assert left(keeping) == []
    assert outcomes(keeping)[-1] == ("backup", "stopped")


async def test_where_no_backup_can_be_made_the_way_out_is_named(keeping: Keeping) -> None:
    why_not = "There is no pg_dump. Install postgresql-client-15."
    engine_of(keeping).answers["check_backup"] = p.BackupMeans("pg_dump", why_not, missing=True)
    with pytest.raises(Refused, match="postgresql-client-15"):
        await backups.make(keeping, ASKED_FOR)
    assert (left(keeping), outcomes(keeping)) == ([], [])


async def test_a_backup_for_which_there_is_no_room_is_not_begun(keeping: Keeping) -> None:
    engine_of(keeping).answers["check_backup"] = p.BackupMeans("sqlite", size=10**18)
    with pytest.raises(Failed, match="Make room"):
        await backups.make(keeping, ASKED_FOR)
    assert not any(isinstance(asked, p.MakeBackup) for asked in engine_of(keeping).asked)
    assert left(keeping) == []


async def test_as_many_are_kept_as_the_project_says(keeping: Keeping) -> None:
    few = Keeping(keeping.engine, keeping.state, keeping.database, BackupSettings(keep=2))
    asked = await backups.make(few, ASKED_FOR)
    for _ in range(3):
        await backups.make(few, "before store zero")
    kept = keeping.state.backups()
    assert len(kept) == 3
    assert asked in kept


# -------------------------------------------------------------------- restore
async def test_a_restore_sends_every_byte_and_is_written_down(keeping: Keeping) -> None:
    entry = await backups.make(keeping, ASKED_FOR)
    source = await sources.from_entry(keeping.state, entry)
    plan = await restores.preview(keeping, source)
    engine_of(keeping).run_gate.set()
    engine_of(keeping).answers["restore_backup"] = p.RestoreFinished(True, kept="shop_djmig_1")
    finished = await restores.restore(keeping, source, plan, before="another")
    assert finished.done
    assert engine_of(keeping).uploaded == CONTENT
    (request,) = engine_of(keeping).writes
    assert (request.tables, request.records) == (entry.tables, entry.records)
    assert isinstance(engine_of(keeping).asked[-1], p.DropUpload)
    last = keeping.state.entries()[-1]
    assert (last.action, last.outcome, last.subject, last.backup) == (
        "restore database", "done", "shop_djmig_1", "another",
    )  # fmt: skip
    assert last.command == f"djmig-tui restore --backup {entry.id} --yes"


async def test_a_damaged_backup_is_not_even_sent(keeping: Keeping) -> None:
    entry = await backups.make(keeping, ASKED_FOR)
    os.truncate(entry.path, 10)
    with pytest.raises(Failed, match="so it is not used"):
        await sources.from_entry(keeping.state, entry)
    with pytest.raises(Failed, match="so it is not used"):
        await sources.from_path(keeping.state, Path(entry.path))


async def test_a_file_without_a_manifest_is_told_by_how_it_begins(keeping: Keeping, tmp_path: Path) -> None:
    for head, format in (
        (b"SQLite format 3\0", "sqlite"),
        (b"PGDMP\1\x0e", "pg_dump"),
        (b"-- MariaDB dump 10.19  Distrib 10.11", "mysqldump"),
        (b"/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump", "mysqldump"),
    ):
        path = tmp_path / "one"
        path.write_bytes(head + b"rest")
        source = await sources.from_path(keeping.state, path)
        assert (source.format, source.size, source.tables, source.id) == (format, len(head) + 4, (), "")


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "is empty"), (b"-- PostgreSQL database dump", "is no SQLite"), (None, "cannot be read")],
)
async def test_what_is_no_backup_is_refused(
    keeping: Keeping, tmp_path: Path, content: bytes | None, said: str
) -> None:
    path = tmp_path / "one"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(NotFound, match=said):
        await sources.from_path(keeping.state, path)


async def test_a_restore_of_what_changed_meanwhile_is_refused_and_forgets_the_upload(
    keeping: Keeping,
) -> None:
    source = await sources.from_entry(keeping.state, await backups.make(keeping, ASKED_FOR))
    plan = await restores.preview(keeping, source)
    engine_of(keeping).errors["restore_backup"] = Stale("It changed.")
    with pytest.raises(Stale):
        await restores.restore(keeping, source, plan)
    assert isinstance(engine_of(keeping).asked[-1], p.DropUpload)
    assert outcomes(keeping)[-1] == ("restore database", "refused")


async def test_a_restore_whose_engine_dies_has_no_end_in_the_journal(keeping: Keeping) -> None:
    source = await sources.from_entry(keeping.state, await backups.make(keeping, ASKED_FOR))
    plan = await restores.preview(keeping, source)
    engine_of(keeping).errors["restore_backup"] = EngineEnded("Killed.")
    with pytest.raises(EngineEnded):
        await restores.restore(keeping, source, plan)
    assert outcomes(keeping)[-1] == ("restore database", "started")


# ------------------------------------------------------------------- settings
def test_the_project_says_how_backups_are_kept(tmp_path: Path) -> None:
    assert backup_settings(tmp_path).keep == 10
    text = '[tool.djmig-tui.backup]\nkeep = 3\ndump = ["docker", "pg_dump"]\ncheck = ["pg_restore"]\n'
    (tmp_path / "pyproject.toml").write_text(text)
    found = backup_settings(tmp_path)
    assert (found.root, found.keep, found.dump) == (tmp_path, 3, ("docker", "pg_dump"))
    assert (found.check, found.restore) == (("pg_restore",), ())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("keep = 0", "`keep`"),
        ("keep = true", "`keep`"),
        ('dump = "pg_dump -Fc"', "`dump`"),
        ("dump = []", "`dump`"),
        ('check = ["pg_restore"]', "need a `dump`"),
        ('dmup = ["pg_dump"]', "`dmup`"),
    ],
)
def test_settings_that_cannot_be_meant_are_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[tool.djmig-tui.backup]\n{text}\n")
    with pytest.raises(NotFound, match=said):
        backup_settings(tmp_path)
