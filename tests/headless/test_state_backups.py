"""Backups in the state folder: private, whole or not there, and never deleted behind somebody's back."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import signal
import stat
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from djmig_tui.protocol import BackupMade, Database, TableRows
from tui import backup_writer
from tui.state import State
from tui.state_backups import Backups
from tui.store import ASKED_FOR, BackupEntry, StateError, StateStore

SHOP = Database("default", "sqlite", "/srv/shop/db.sqlite3")
CONTENT = b"SQLite format 3\0" + bytes(range(256)) * 40


def made(content: bytes = CONTENT, format: str = "sqlite") -> BackupMade:
    digest = hashlib.sha256(content).hexdigest()
    tables = (TableRows("store_product", 5),)
    return BackupMade(format, len(content), digest, tables, ("store.0001",), ("sqlite 3.46",), "SQLite 3.46")


def keep(
    store: StateStore | Backups, reason: str = ASKED_FOR, database: Database = SHOP, format: str = "sqlite"
) -> BackupEntry:
    writer = store.begin(database) if isinstance(store, Backups) else store.begin_backup(database)
    for start in range(0, len(CONTENT), 4096):
        writer.write(CONTENT[start : start + 4096])
    return writer.finish(made(format=format), reason)


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "home" / "djmig-tui" / "shop-123")


def files(state: State) -> list[str]:
    return sorted(path.name for path in (state.folder / "backups").iterdir())


def test_a_backup_is_there_after_a_restart_and_private(state: State) -> None:
    before = os.umask(0)
    try:
        entry = keep(state)
    finally:
        os.umask(before)
    assert State(state.folder).backups() == [entry]
    assert Path(entry.path).read_bytes() == CONTENT
    assert (entry.tables, entry.records) == ((TableRows("store_product", 5),), ("store.0001",))
    for path in (state.folder, *state.folder.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


@pytest.mark.parametrize(
    ("format", "extension"),
    [("sqlite", ".sqlite3"), ("pg_dump", ".dump"), ("mysqldump", ".sql"), ("", ".backup")],
)
def test_a_backup_is_named_as_the_users_of_its_format_know_it(
    state: State, format: str, extension: str
) -> None:
    assert Path(keep(state, format=format).path).suffix == extension


def test_looking_at_the_backups_creates_nothing(state: State) -> None:
    assert (state.backups(), state.sweep_backups(), state.drop_old_backups("default", 1)) == ([], [], [])
    assert not state.folder.exists()


def test_a_backup_that_is_given_up_leaves_nothing(state: State) -> None:
    writer = state.begin_backup(SHOP)
    writer.write(CONTENT)
    assert state.backups() == [], "nothing is listed before it is whole"
    writer.abort()
    assert files(state) == []
    with pytest.raises(StateError, match="given up"):
        writer.write(b"more")


def test_bytes_that_are_not_those_that_were_sent_are_not_kept(state: State) -> None:
    for content, said in ((CONTENT[:-1], "damaged"), (b"", "damaged")):
        writer = state.begin_backup(SHOP)
        writer.write(content)
        with pytest.raises(StateError, match=said):
            writer.finish(made(), ASKED_FOR)
    writer = state.begin_backup(SHOP)
    with pytest.raises(StateError, match="empty"):
        writer.finish(made(b""), ASKED_FOR)
    assert files(state) == []


def truncate(path: Path) -> None:
    os.truncate(path, len(CONTENT) - 1)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (truncate, "where its manifest says"),
        (empty, "is empty"),
        (flip_a_bit, "is damaged"),
        (Path.unlink, "cannot be read"),
    ],
)
def test_a_damaged_backup_is_told_from_a_whole_one(state: State, damage: object, said: str) -> None:
    entry = keep(state)
    state.check_backup(entry)
    assert callable(damage)
    damage(Path(entry.path))
    with pytest.raises(StateError, match=said) as caught:
        state.check_backup(entry)
    assert "Choose another one." in str(caught.value)
    assert state.backups() == [entry], "it is listed, so that the user can look at it and delete it"


def test_reading_a_backup_can_be_given_up(state: State) -> None:
    class Enough(Exception):
        pass

    def on_read(size: int) -> None:
        assert size == len(CONTENT)
        raise Enough

    entry = keep(state)
    with pytest.raises(Enough):
        state.check_backup(entry, on_read)


def test_manifests_that_cannot_be_read_are_left_out_and_name_no_file_elsewhere(state: State) -> None:
    entry = keep(state)
    folder = state.folder / "backups"
    (folder / "junk.json").write_text("[1, 2")
    (folder / "other.json").write_text((folder / f"{entry.id}.json").read_text())
    assert state.backups() == [entry]


def test_a_deleted_backup_is_gone(state: State) -> None:
    first, second = keep(state), keep(state)
    assert set(state.backups()) == {first, second}
    state.delete_backup(first)
    assert state.backups() == [second]
    state.delete_backup(second)
    assert files(state) == []


def test_only_old_backups_that_nobody_asked_for_are_dropped(tmp_path: Path) -> None:
    moments = (datetime(2026, 3, 1, tzinfo=timezone.utc) + timedelta(days=day) for day in range(99))
    backups = Backups(tmp_path / "backups", now=lambda: next(moments))
    asked = keep(backups)
    old, new, newest = (keep(backups, "before store zero") for _ in range(3))
    other = keep(backups, "before store zero", Database("replica", "sqlite", "/srv/other.sqlite3"))
    assert backups.drop_old("default", 2) == [old]
    assert backups.entries() == [other, newest, new, asked]


def test_a_backup_that_is_to_be_restored_is_not_dropped_for_the_one_made_before(tmp_path: Path) -> None:
    moments = (datetime(2026, 3, 1, tzinfo=timezone.utc) + timedelta(days=day) for day in range(99))
    backups = Backups(tmp_path / "backups", now=lambda: next(moments))
    wanted, old, newest = (keep(backups, "before store zero") for _ in range(3))
    assert backups.drop_old("default", 1, {wanted.id}) == [old]
    assert backups.entries() == [newest, wanted]


def test_a_file_that_somebody_else_put_beside_the_backups_is_not_swept(state: State) -> None:
    entry = keep(state)
    theirs = state.folder / "backups" / "shop-of-monday.dump"
    theirs.write_bytes(b"PGDMP")
    assert state.sweep_backups() == []
    assert theirs.exists()
    assert state.backups() == [entry]


def test_a_backup_that_becomes_whole_while_another_instance_sweeps_stays(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = keep(state)
    manifest = Path(entry.path).with_suffix(".json")
    words, lock = manifest.read_bytes(), fcntl.flock
    manifest.unlink()

    def finished_first(descriptor: int, how: int) -> None:
        manifest.write_bytes(words)  # by the other instance, which then lets go of the lock
        lock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", finished_first)
    assert state.sweep_backups() == []
    assert Path(entry.path).read_bytes() == CONTENT


# ------------------------------------------------------------------- disk space
def test_a_disk_that_is_too_small_is_refused_beforehand(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil._ntuple_diskusage(10**9, 10**9 - 120_000_000, 120_000_000)  # type: ignore[attr-defined]
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(StateError) as caught:
        state.begin_backup(SHOP, 110_000_000)
    assert "takes up to 110 MB" in str(caught.value)
    assert "120 MB are free. Make room" in str(caught.value)
    assert files(state) == []
    state.begin_backup(SHOP, 90_000_000).abort()


def test_a_disk_that_fills_up_in_the_middle_leaves_nothing(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = state.begin_backup(SHOP)
    writer.write(b"some")

    def full(descriptor: int, data: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(backup_writer.os, "write", full)
    with pytest.raises(StateError, match=r"There is no room left in .* Make room"):
        writer.write(b"more")
    assert files(state) == []


def test_a_real_disk_that_is_full_leaves_nothing(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small], capture_output=True, check=False
    )
    if not mounted or mounted.returncode:
        pytest.skip("no small file system can be mounted here")
    try:
        writer = State(small / "shop").begin_backup(SHOP)
        with pytest.raises(StateError, match="There is no room left"):
            writer.write(CONTENT * 10)
        assert list((small / "shop" / "backups").iterdir()) == []
    finally:
        subprocess.run(["umount", small], check=True)


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="Set XDG_STATE_HOME"):
        State(tmp_path / "file" / "shop").begin_backup(SHOP)


# ------------------------------------------------- killed, and two at a time
#: Begins a backup, says so, and waits at the moment that is named.
CHILD = """
import hashlib, os, sys
from pathlib import Path
from djmig_tui.protocol import BackupMade, Database
from tui import backup_writer, private_files
from tui.state import State

def wait(*_):
    print("here", flush=True)
    sys.stdin.read()

folder, moment = sys.argv[1:]
writer = State(Path(folder)).begin_backup(Database("default", "sqlite", "db"))
writer.write(b"half")
if moment == "writing":
    wait()
if moment == "before the manifest":
    backup_writer.write_whole = wait
if moment == "in the manifest":
    private_files.os.replace = wait
writer.write(b" of it")
content = b"half of it"
writer.finish(BackupMade("sqlite", 10, hashlib.sha256(content).hexdigest(), (), (), (), ""), "asked for")
wait()
"""


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("moment", "listed"),
    [("writing", 0), ("before the manifest", 0), ("in the manifest", 0), ("at the end", 1)],
)
def test_what_another_instance_is_at_is_left_alone_and_swept_once_it_was_killed(
    state: State, moment: str, listed: int
) -> None:
    whole = keep(state)
    command = [sys.executable, "-c", CHILD, str(state.folder), moment]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "here\n"
        before = files(state)
        assert state.sweep_backups() == []
        assert files(state) == before, "it is under way"
        child.send_signal(signal.SIGKILL)
        child.wait()
    said = state.sweep_backups()
    assert len(said) == 1 - listed
    assert all("was cut off" in each and "nothing else is lost" in each for each in said)
    assert len(state.backups()) == 1 + listed
    assert len(files(state)) == 2 * (1 + listed), "content and manifest of each, nothing more"
    for entry in (whole, *state.backups()):
        state.check_backup(entry)
