"""Restores on SQLite: all comes back, nobody sees a torn file, and no kill loses either."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from djmig_tui.databases import dump_sqlite
from djmig_tui.errors import FailedError
from tests.engine.mysql_shop import Call
from tests.engine.sqlite_shop import CHANGES, ROWS, TABLES, Shop, make_shop

pytestmark = pytest.mark.timeout(60)


@pytest.mark.parametrize("page_size", [4096, 1024], ids=["same pages", "other pages"])
@pytest.mark.parametrize("now_wal", [False, True], ids=["now journal", "now WAL"])
@pytest.mark.parametrize("then_wal", [False, True], ids=["then journal", "then WAL"])
def test_edge_36_all_comes_back_whatever_the_file_is_now(
    tmp_path: Path, page_size: int, now_wal: bool, then_wal: bool
) -> None:
    shop = make_shop(tmp_path / "shop.sqlite3", wal=then_wal)
    before, backup = shop.look(), tmp_path / "backup"
    rows = shop.backup(backup)
    assert {each.table: each.rows for each in rows} == ROWS
    shop.path.unlink()
    now = make_shop(shop.path, page_size=page_size, wal=now_wal)
    now.execute(CHANGES)
    assert now.look() != before
    finished = now.restore(backup, rows)
    assert finished.error is None
    assert finished.done
    assert now.look() == before
    assert now.beside() == []
    now.execute("INSERT INTO author (name) VALUES ('next'); INSERT INTO book (author_id) VALUES (42);")
    assert now.query("SELECT max(id) FROM author") == [(42,)], "41 was given once already"
    assert now.query("SELECT * FROM log") == [(4,)]
    assert now.query("SELECT cents FROM book WHERE id = 4") == [(4200,)]
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        now.execute("INSERT INTO book (author_id) VALUES (99)")


@pytest.mark.parametrize("wal", [False, True], ids=["journal", "WAL"])
def test_an_empty_database_takes_the_place_of_a_full_one(tmp_path: Path, wal: bool) -> None:
    shop = make_shop(tmp_path / "shop.sqlite3", page_size=1024, wal=wal)
    # What a program left behind that was killed while it wrote.
    beside = [tmp_path / f"shop.sqlite3-{name}" for name in ("wal", "shm")]
    with closing(sqlite3.connect(shop.path)) as killed:
        killed.execute("INSERT INTO author (name) VALUES ('late')")
        killed.commit()
        left = {path: path.read_bytes() for path in beside if path.exists()}
    assert bool(left) is wal
    for path, content in left.items():
        path.write_bytes(content)
    with shop.connected() as connection:
        connection.ensure_connection()
        assert dump_sqlite.recreate(connection, False, Call()).done
    assert not any(path.exists() and path.stat().st_size for path in beside)
    assert shop.look() == {"schema": []}
    shop.execute(TABLES)


READER = """
import sqlite3, sys
raw = sqlite3.connect(sys.argv[1], timeout=20, isolation_level=None)
seen, ready = set(), False
while (7, 7) not in seen:
    seen.add(raw.execute("SELECT (SELECT count(*) FROM one), (SELECT count(*) FROM two)").fetchone())
    if not ready:
        print("ready", flush=True)
        ready = True
print(sorted(seen), raw.execute("PRAGMA integrity_check").fetchone(), flush=True)
"""
FILL = (
    "CREATE TABLE one (filler BLOB); CREATE TABLE two (filler BLOB);"
    " WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT {0})"
    " INSERT INTO one SELECT randomblob(20000) FROM n;"
    " INSERT INTO two SELECT filler FROM one;"
)


def filled(path: Path, rows: int, *, wal: bool = False) -> Shop:
    """Return a database with as many rows in one table as in the other."""
    shop = Shop(path)
    shop.execute(f"PRAGMA journal_mode = {'WAL' if wal else 'DELETE'};" + FILL.format(rows))
    return shop


@pytest.mark.parametrize("wal", [False, True], ids=["journal", "WAL"])
def test_a_process_that_reads_meanwhile_sees_all_of_the_old_or_all_of_the_new(
    tmp_path: Path, wal: bool
) -> None:
    backup = filled(tmp_path / "backup", 7)
    shop = filled(tmp_path / "shop.sqlite3", 300, wal=wal)
    with subprocess.Popen(
        [sys.executable, "-c", READER, str(shop.path)], stdout=subprocess.PIPE, text=True
    ) as reader:
        try:
            assert reader.stdout is not None
            assert reader.stdout.readline() == "ready\n"
            assert shop.restore(backup.path).error is None
            assert reader.stdout.readline() == "[(7, 7), (300, 300)] ('ok',)\n"
        finally:
            reader.kill()


@contextmanager
def held(shop: Shop, *statements: str) -> Iterator[sqlite3.Connection]:
    """Have another connection, in this process, in the middle of a transaction."""
    with closing(sqlite3.connect(shop.path, isolation_level=None)) as raw:
        for statement in statements:
            raw.execute(statement).fetchall()
        yield raw


@pytest.mark.parametrize("holds", ["BEGIN IMMEDIATE", "SELECT * FROM one LIMIT 1"], ids=["writes", "reads"])
def test_a_lock_is_waited_for_five_seconds_at_most_and_nothing_is_replaced(
    tmp_path: Path, holds: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert dump_sqlite.LOCK_TIMEOUT <= 5
    monkeypatch.setattr(dump_sqlite, "LOCK_TIMEOUT", 0.3)
    backup, shop = filled(tmp_path / "backup", 7), filled(tmp_path / "shop.sqlite3", 3)
    before = shop.look()
    begun = time.monotonic()
    with held(shop, *(["BEGIN"] if holds.startswith("SELECT") else []), holds):
        finished = shop.restore(backup.path)
    assert time.monotonic() - begun < 3
    assert not finished.done
    assert "nothing was replaced" in str(finished.error)
    assert shop.look() == before
    assert shop.restore(backup.path).done, "once it is free"


def test_who_reads_in_wal_mode_goes_on_reading_what_was(tmp_path: Path) -> None:
    backup, shop = filled(tmp_path / "backup", 7), filled(tmp_path / "shop.sqlite3", 3, wal=True)
    with held(shop, "BEGIN", "SELECT count(*) FROM one") as raw:
        assert shop.restore(backup.path).done
        assert raw.execute("SELECT count(*) FROM one").fetchone() == (3,)
        raw.execute("COMMIT")
        assert raw.execute("SELECT count(*) FROM one").fetchone() == (7,)


def test_a_backup_that_holds_other_rows_than_it_claims_is_refused(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop.sqlite3")
    rows = shop.backup(tmp_path / "backup")
    Shop(tmp_path / "backup").execute("DELETE FROM pair WHERE a = 'a'")
    before = shop.look()
    with pytest.raises(FailedError, match="pair has 1 rows where the backup claims 2"):
        shop.restore(tmp_path / "backup", rows)
    assert shop.look() == before


@pytest.mark.parametrize("cut", [0, 1, 100, 9000, -1])
def test_edge_36_what_is_no_whole_database_is_refused(tmp_path: Path, cut: int) -> None:
    shop = filled(tmp_path / "shop.sqlite3", 3)
    backup = tmp_path / "backup"
    shop.backup(backup)
    backup.write_bytes(backup.read_bytes()[:cut])
    before = shop.look()
    with pytest.raises(FailedError, match=r"no SQLite database|is damaged"):
        shop.restore(backup)
    assert shop.look() == before


def test_edge_36_a_bit_that_flipped_anywhere_in_its_structure_is_found(tmp_path: Path) -> None:
    """Contents of rows have no checksum in SQLite: the one of the manifest is for them."""
    shop = make_shop(tmp_path / "shop.sqlite3")
    backup = tmp_path / "backup"
    shop.backup(backup)
    good = backup.read_bytes()
    for page in range(0, len(good), 4096):
        place = page + (100 if page == 0 else 0)  # the kind of the page
        backup.write_bytes(good[:place] + bytes([good[place] ^ 64]) + good[place + 1 :])
        with pytest.raises(FailedError, match="is damaged"):
            dump_sqlite.check(str(backup), None)


def test_checking_a_backup_leaves_the_file_as_it_is(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop.sqlite3", wal=True)
    backup = tmp_path / "backup"
    shop.backup(backup)
    content, inode = backup.read_bytes(), backup.stat().st_ino
    dump_sqlite.check(str(backup), None)
    assert (backup.read_bytes(), backup.stat().st_ino) == (content, inode)
    assert Shop(backup).beside() == []


@pytest.mark.parametrize("wal", [False, True], ids=["journal", "WAL"])
def test_killed_at_any_moment_the_file_is_the_old_one_or_the_new_one(tmp_path: Path, wal: bool) -> None:
    """Killed after ever longer times, the last of which is longer than a restore takes."""
    backup = filled(tmp_path / "backup", 400)
    outcomes: list[bool] = []
    whole = timed_restore(filled(tmp_path / "timed", 200, wal=wal), backup)
    for eighth in range(1, 40):
        shop = filled(tmp_path / f"shop{eighth}", 200, wal=wal)
        was_killed = killed_after(shop, backup, whole * eighth / 8)
        (left,) = shop.query("SELECT (SELECT count(*) FROM one), (SELECT count(*) FROM two)")
        assert left in {(200, 200), (400, 400)}
        assert shop.query("PRAGMA integrity_check") == [("ok",)]
        shop.execute("INSERT INTO one VALUES (NULL)")
        outcomes.append(left == (400, 400))
        shop.path.unlink()
        if not was_killed:
            break
    assert False in outcomes
    assert outcomes[-1]


def timed_restore(shop: Shop, backup: Shop) -> float:
    """Return how long it takes, in seconds."""
    begun = time.monotonic()
    assert shop.restore(backup.path).done
    return time.monotonic() - begun


def killed_after(shop: Shop, backup: Shop, seconds: float) -> bool:
    """Restore in a process that is killed after `seconds`; say whether it was."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    try:
        pid = os.fork()
        if not pid:
            done = False
            try:
                done = shop.restore(backup.path, (), Call()).done
            finally:
                os._exit(0 if done else 1)
        ended = signal.sigtimedwait({signal.SIGCHLD}, seconds) is not None
        if not ended:
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)
