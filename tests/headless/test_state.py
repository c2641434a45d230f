"""What outlives a session: private, whole after a crash, and outside the project."""

from __future__ import annotations

import base64
import hashlib
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from djmig_tui.protocol import History, MigrationFile, Problem
from tui import asking, private_files
from tui.state import State, project_id, state_home
from tui.store import JournalEntry, StateError, StateStore

CONTENT = b"from django.db import migrations\r\n\xff\n"


def file_of(name: str, content: bytes = CONTENT) -> MigrationFile:
    encoded = base64.b64encode(content).decode()
    digest = hashlib.sha256(content).hexdigest()
    return MigrationFile("store", name, f"/shop/store/migrations/{name}.py", encoded, 0o640, digest)


def entry(detail: str) -> JournalEntry:
    return JournalEntry("2026-03-01T12:00:00+00:00", "rollback", "default", "migrate", "done", detail)


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "home" / "djmig-tui" / "shop-123")


def test_state_fits_what_the_interface_asks_for(state: State) -> None:
    store: StateStore = state
    assert store.latest_in_trash() is None
    assert store.entries() == []
    assert store.last_tree("default") is None
    assert not state.folder.exists(), "looking creates nothing"


def test_folders_and_files_are_private_whatever_the_umask(state: State) -> None:
    before = os.umask(0)
    try:
        state.keep_in_trash(file_of("0004_discount"), "default")
        state.log(entry("one"))
        state.save_tree(History("default", ()))
        state.trust(["make"])
    finally:
        os.umask(before)
    for path in (state.folder.parent, state.folder, *state.folder.rglob("*")):
        wanted = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path


def test_trash_gives_back_the_bytes_and_the_mode_after_a_restart(state: State) -> None:
    kept = state.keep_in_trash(file_of("0004_discount"), "replica")
    again = State(state.folder).latest_in_trash()
    assert again == kept
    assert base64.b64decode(again.content) == CONTENT
    assert (again.mode, again.database) == (0o640, "replica")


def test_trash_keeps_what_max_migration_txt_said(state: State) -> None:
    file = replace(file_of("0004_b"), max_migration="0004_b\n", max_migration_after="0003_a\n")
    request = asking.put_back(state.keep_in_trash(file, "default"))
    kept = State(state.folder).latest_in_trash()
    assert kept is not None
    assert asking.put_back(kept) == request
    assert (request.max_migration, request.max_migration_after) == ("0004_b\n", "0003_a\n")


def test_trash_gives_the_last_removed_first_and_forgets_one(state: State) -> None:
    first = state.keep_in_trash(file_of("0003_a"), "default")
    second = state.keep_in_trash(file_of("0004_b"), "default")
    assert state.trash() == [second, first]
    state.forget_trash(second)
    assert state.latest_in_trash() == first
    state.forget_trash(first)
    assert list((state.folder / "trash").iterdir()) == []


def test_the_same_file_removed_twice_is_two_entries(state: State) -> None:
    state.keep_in_trash(file_of("0004_b"), "default")
    state.keep_in_trash(file_of("0004_b"), "default")
    assert len(state.trash()) == 2


def test_content_and_names_are_on_the_disk_before_the_trash_answers(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        real(descriptor)

    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("needs /proc to name a descriptor")
    monkeypatch.setattr(os, "fsync", fsync)
    state.keep_in_trash(file_of("0004_b"), "default")
    trash = str(state.folder / "trash")
    files = [path for path in synced if path.startswith(trash + "/")]
    assert len(files) == 2, "the content and the manifest"
    assert ".content" in files[0], "the content comes first"
    assert synced.count(trash) == 2, "and after each its name"
    assert str(state.folder) in synced, "the trash folder itself was new"


@pytest.mark.parametrize("crash_at", [1, 2])
def test_a_crash_while_keeping_leaves_no_half_entry(
    state: State, monkeypatch: pytest.MonkeyPatch, crash_at: int
) -> None:
    real = os.replace
    calls = []

    def replace(source: Path, target: Path) -> None:
        calls.append(target)
        if len(calls) == crash_at:
            raise KeyboardInterrupt
        real(source, target)

    monkeypatch.setattr(private_files.os, "replace", replace)
    with pytest.raises(KeyboardInterrupt):
        state.keep_in_trash(file_of("0004_b"), "default")
    assert State(state.folder).trash() == []


def test_damaged_entries_are_left_out(state: State) -> None:
    state.keep_in_trash(file_of("0003_a"), "default")
    good = state.keep_in_trash(file_of("0004_b", b"# good\n"), "default")
    (content,) = (path for path in (state.folder / "trash").glob("*0003_a*.content"))
    content.write_bytes(b"half")
    (state.folder / "trash" / "junk.json").write_text("[1, 2")
    assert state.trash() == [good]


def test_content_that_does_not_have_its_hash_is_not_taken(state: State) -> None:
    bad = MigrationFile("store", "0004", "/x.py", base64.b64encode(b"a").decode(), 0o644, "0" * 64)
    with pytest.raises(StateError, match="not removed"):
        state.keep_in_trash(bad, "default")


def test_a_state_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    state = State(tmp_path / "file" / "shop")
    with pytest.raises(StateError, match="cannot be written"):
        state.keep_in_trash(file_of("0004_b"), "default")
    state.log(entry("one"))
    assert state.trouble is not None
    assert str(state.folder) in state.trouble


def test_journal_survives_a_torn_last_line(state: State) -> None:
    state.log(entry("one"))
    journal = state.folder / "journal.jsonl"
    with journal.open("ab") as file:
        file.write(b'{"at": "2026-03-01T1')
    assert [each.detail for each in state.entries()] == ["one"]
    state.log(entry("two"))
    assert [each.detail for each in state.entries()] == ["one", "two"]


def test_journal_reads_what_a_newer_version_wrote(state: State) -> None:
    state.log(entry("one"))
    journal = state.folder / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b'"detail"', b'"colour": "red", "detail"'))
    assert [each.detail for each in state.entries()] == ["one"]


def test_trees_are_kept_per_database(state: State) -> None:
    one = History("default", (), (Problem("heads", "Two heads: naïve and 0002."),), complete=True)
    two = History("../../etc/passwd", ())
    state.save_tree(one)
    state.save_tree(two)
    assert state.last_tree("default") == one
    assert state.last_tree("../../etc/passwd") == two
    assert len(list(state.folder.iterdir())) == 2


def test_a_damaged_tree_is_no_tree(state: State) -> None:
    state.save_tree(History("default", ()))
    (tree,) = state.folder.iterdir()
    tree.write_bytes(tree.read_bytes()[:-3])
    assert state.last_tree("default") is None


def test_a_command_is_trusted_word_for_word(state: State) -> None:
    state.trust(["docker", "exec", "web"])
    assert state.trusts(["docker", "exec", "web"])
    assert not state.trusts(["docker", "exec web"])
    assert not state.trusts(["docker", "exec", "web2"])


def test_state_home_follows_the_xdg_specification(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    assert state_home({"XDG_STATE_HOME": "/var/x"}) == Path("/var/x/djmig-tui")
    assert state_home({"XDG_STATE_HOME": "relative"}) == Path("/home/ada/.local/state/djmig-tui")
    assert state_home({}) == Path("/home/ada/.local/state/djmig-tui")


def test_project_ids_are_readable_and_differ_by_root_and_settings(tmp_path: Path) -> None:
    shop = tmp_path / "my shop"
    shop.mkdir()
    (tmp_path / "link").symlink_to(shop)
    plain = project_id(shop, "config.settings")
    assert plain.startswith("my_shop-")
    assert plain == project_id(tmp_path / "link", "config.settings")
    assert plain != project_id(shop, "config.production")
    assert plain != project_id(tmp_path, "config.settings")
    assert project_id(Path("/"), "").startswith("project-")
