"""Backups and uploads that there is no room for, or whose engine is killed: nothing is left behind."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from djmig_tui import protocol as p
from djmig_tui import uploads
from djmig_tui.errors import Refusal
from tests.driver import driving
from tests.engine.backing_up import back_up, upload
from tests.engine.mysql_shop import Call
from tests.engine.rehearsing import engine_pid
from tests.engine.small import ROW, execute, project_of, shop
from tests.engine.sqlite_shop import make_shop
from tui.engine.errors import EngineEnded


def test_edge_36_a_copy_that_the_disk_has_no_room_for_is_not_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: full)
    sent: list[str] = []
    with pytest.raises(Refusal, match=r"where 0 MB are free: make room, or set TMPDIR\.$"):
        make_shop(tmp_path / "shop.sqlite3").backup(
            tmp_path / "backup", Call(when=lambda m: bool(sent.append(m)))
        )
    assert (tmp_path / "backup").read_bytes() == b""
    assert sent == []


def test_an_upload_that_the_disk_has_no_room_for_is_not_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(Refusal, match=r"make room there, or set TMPDIR\.$"):
        uploads.begin_upload(None, p.BeginUpload(1 << 60, ""), None)
    assert list(tmp_path.iterdir()) == []


def test_killed_in_the_middle_of_backups_and_uploads_the_next_start_cleans_up(tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with project_of(tmp_path, shop()) as project:
        project.migrate_all()
        execute(project, ROW)
        project.env["TMPDIR"] = str(temporary)
        before = project.snapshot()
        with driving(project) as engine:
            upload(engine, b"something")

            def kill(data: bytes) -> None:
                os.kill(engine_pid(engine), signal.SIGKILL)

            with pytest.raises(EngineEnded):
                engine.wait(engine.engine.make_backup(p.MakeBackup("default"), kill))
        assert [each.name for each in temporary.rglob("upload")] == ["upload"]
        with driving(project) as engine:
            assert back_up(engine).rows()["shop_item"] == 1
        assert not list(temporary.iterdir())
        assert project.snapshot() == before
