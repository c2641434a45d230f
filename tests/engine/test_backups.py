"""Backups on every vendor: whole, of one moment, checked, and nothing else touched."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from djmig_tui import protocol as p
from tests.driver import Driver, driving
from tests.engine.backing_up import Backup, back_up, preview, restore, upload
from tests.engine.small import ROW, execute, project_of, shop
from tests.projects import SampleProject
from tui.engine.errors import EngineError, Failed, Refused, Stale

Made = tuple[SampleProject, Driver]
Make = Callable[..., Made]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Make a migrated project of shop with two rows, and its engine."""
    with ExitStack() as stack:

        def make(vendor: str = "sqlite") -> Made:
            project = stack.enter_context(project_of(tmp_path, shop(), vendor))
            project.migrate_all()
            execute(project, ROW, ROW)
            return project, stack.enter_context(driving(project))

        yield make


def test_edge_36_a_backup_holds_all_of_it_and_says_so(make: Make, vendor: str) -> None:
    project, engine = make(vendor)
    means = engine.ask(p.CheckBackup("default"))
    assert means.why_not is None
    assert means.size
    before = project.snapshot()
    backup = back_up(engine)
    assert backup.rows()["shop_item"] == 2
    assert set(backup.made.records) == {"shop.0001_initial"}
    assert backup.made.format == means.format
    assert project.snapshot() == before


def test_edge_36_what_was_written_since_is_counted_and_goes_with_a_restore(make: Make, vendor: str) -> None:
    project, engine = make(vendor)
    backup = back_up(engine)
    as_it_was = project.snapshot()
    execute(project, ROW, ROW, ROW, "CREATE TABLE notes (id integer)", "INSERT INTO notes VALUES (1)")
    plan = preview(engine, backup)
    assert {(each.table, each.rows) for each in plan.loss} == {("shop_item", 3), ("notes", 1)}
    assert (plan.verdict, plan.blockers) == (p.LOSES, ())
    finished = restore(engine, backup, plan)
    assert finished.error is None
    assert finished.done
    assert project.snapshot() == as_it_was


def test_marks_that_a_restore_changes_are_named(make: Make) -> None:
    project, engine = make()
    backup = back_up(engine)
    engine.run(engine.plan(p.ZERO, "shop"))
    with driving(project) as fresh:
        (change,) = preview(fresh, backup).marks
        assert (change.app, change.name, change.before, change.after) == (
            "shop", "0001_initial", p.UNAPPLIED, p.APPLIED,
        )  # fmt: skip


def test_a_database_that_was_written_to_since_the_plan_is_left_alone(make: Make, vendor: str) -> None:
    project, engine = make(vendor)
    backup = back_up(engine)
    plan = preview(engine, backup)
    execute(project, ROW)
    with pytest.raises(Stale):
        restore(engine, backup, plan)
    assert project.query("SELECT count(*) FROM shop_item") == [(3,)]


def _flip(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 64]) + content[at + 1 :]


@pytest.mark.parametrize("damage", ["cut in half", "one bit", "empty"])
def test_edge_36_a_damaged_backup_is_refused(make: Make, vendor: str, damage: str) -> None:
    project, engine = make(vendor)
    good = back_up(engine)
    middle = len(good.content) // 2
    # On SQLite the first byte of a page, of mysqldump the last line: what is in a row has no checksum but
    # that of the manifest.
    size = len(good.content)
    flipped = {"sqlite": 4096, "postgresql": size - 30, "mysql": size - 10}[vendor]
    bad = {
        "cut in half": good.content[:middle],
        "one bit": _flip(good.content, flipped),
        "empty": b"",
    }[damage]
    before = project.snapshot()
    with pytest.raises(EngineError) if damage == "empty" else ExitStack():
        finished = restore(engine, Backup(good.made, bad))
        assert not finished.done
        assert finished.error
    assert project.snapshot() == before


def test_what_arrives_damaged_is_not_kept(make: Make) -> None:
    _, engine = make()
    begun = engine.ask(p.BeginUpload(4, "0" * 64))
    with pytest.raises(Failed, match="arrived damaged"):
        engine.ask(p.SendChunk(begun.upload, "AAAAAA=="))
    with pytest.raises(Refused, match="no upload"):
        engine.ask(p.SendChunk(begun.upload, "AAAA"))


def test_an_upload_that_is_not_whole_is_not_used(make: Make) -> None:
    _, engine = make()
    backup = back_up(engine)
    plan = preview(engine, backup)
    begun = engine.ask(p.BeginUpload(backup.made.size, backup.made.sha256))
    request = p.RestoreBackup("default", "sqlite", backup.made.sha256, begun.upload, plan.fingerprint)
    with pytest.raises(Refused, match="Not all of the backup"):
        engine.wait(engine.engine.restore_backup(request))


def test_uploads_go_when_the_engine_ends(make: Make, tmp_path: Path) -> None:
    project, _ = make()
    project.env["TMPDIR"] = str(tmp_path / "tmp")
    (tmp_path / "tmp").mkdir()
    with driving(project) as engine:
        upload(engine, b"something")
        assert list((tmp_path / "tmp").rglob("upload"))
    assert not list((tmp_path / "tmp").rglob("*"))


def test_a_backup_of_another_kind_of_database_is_blocked(make: Make) -> None:
    _, engine = make()
    plan = preview(engine, back_up(engine), format="pg_dump")
    assert plan.verdict == p.BLOCKED
    (blocker,) = plan.blockers
    assert blocker == "The backup is one of pg_dump, and this database takes sqlite: choose another one."


def test_a_file_that_was_lost_comes_back(make: Make) -> None:
    project, engine = make()
    backup = back_up(engine)
    before = project.snapshot()
    Path(project.databases["default"]).unlink()
    plan = preview(engine, backup)
    assert plan.verdict == p.SAFE
    assert restore(engine, backup, plan).done
    assert project.snapshot() == before


def test_a_file_in_use_is_left_alone_and_whoever_uses_it_is_named(make: Make) -> None:
    project, engine = make()
    backup = back_up(engine)
    plan = preview(engine, backup)
    held = sqlite3.connect(project.databases["default"], isolation_level=None)
    held.execute("BEGIN IMMEDIATE")
    finished = restore(engine, backup, plan)
    held.close()
    assert not finished.done
    assert finished.error is not None
    assert finished.error.startswith("The database is in use, and nothing was replaced.")
    assert [each.id for each in finished.blocked_by] == [str(os.getpid())]


WRITER = """
import sqlite3, sys, time
raw = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
longest = 0.0
print("ready", flush=True)
for number in range(100000):
    begun = time.monotonic()
    raw.execute("INSERT INTO shop_item (name) VALUES (?)", (str(number),))
    longest = max(longest, time.monotonic() - begun)
    if number % 20 == 0 and sys.stdin in __import__("select").select([sys.stdin], [], [], 0)[0]:
        break
print(longest, flush=True)
"""


def test_edge_36_a_writer_on_a_database_in_wal_mode_goes_on_meanwhile(make: Make) -> None:
    project, engine = make()
    file = project.databases["default"]
    execute(project, "PRAGMA journal_mode = WAL")
    execute(project, *["INSERT INTO shop_item (name) SELECT hex(randomblob(8)) FROM shop_item"] * 13)
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    assert writer.stdin is not None
    assert writer.stdout.readline() == "ready\n"
    try:
        backups = [back_up(engine) for _ in range(2)]
    finally:
        writer.stdin.write("stop\n")
        writer.stdin.flush()
        longest = float(writer.stdout.readline())
        writer.wait(20)
        writer.stdin.close()
        writer.stdout.close()
    assert longest < 1.0
    assert backups[0].rows()["shop_item"] < backups[1].rows()["shop_item"]


def test_a_cancelled_backup_leaves_nothing_behind(make: Make, tmp_path: Path) -> None:
    project, _ = make()
    project.env["TMPDIR"] = str(tmp_path / "tmp")
    (tmp_path / "tmp").mkdir()

    def full(data: bytes) -> None:
        raise OSError(28, "No space left on device")

    with driving(project) as engine:
        with pytest.raises(OSError, match="No space left"):
            engine.wait(engine.engine.make_backup(p.MakeBackup("default"), full))
        assert back_up(engine).rows()["shop_item"] == 2
        assert not list((tmp_path / "tmp").rglob("*.sqlite3"))


def test_nothing_is_restored_by_an_engine_that_may_only_look(make: Make) -> None:
    project, _ = make()
    with driving(project) as engine:
        engine.ask(p.OpenProject(read_only=True))
        backup = back_up(engine)
        plan = preview(engine, backup)
        assert plan.verdict == p.BLOCKED
        with pytest.raises(Refused, match="--read-only"):
            restore(engine, backup, plan)
