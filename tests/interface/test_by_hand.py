"""The command that restores a backup without us: a shell takes it, and it leads to the right database."""

from __future__ import annotations

import sqlite3
import subprocess
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from djmig_tui.protocol import Database
from tui.describe_backups import by_hand
from tui.store import BackupEntry

ENTRY = BackupEntry(
    id="20260301T113000-default-1a2b3c4d",
    at="2026-03-01T11:30:00+00:00",
    database="default",
    name="shop",
    host="",
    vendor="postgresql",
    reason="asked for",
    format="pg_dump",
    size=1,
    sha256="0" * 64,
    tables=(),
    records=(),
    tools=("pg_dump 15.19",),
    server="PostgreSQL 15.19",
    path="/backups/it's.dump",
)
FREE = "pg_restore --clean --if-exists --single-transaction"
PATH = """'/backups/it'"'"'s.dump'"""


@pytest.mark.parametrize(
    ("form", "host", "command"),
    [
        ("pg_dump", "", f"{FREE} --dbname=shop {PATH}"),
        ("pg_dump", "db.example:5433", f"{FREE} --host=db.example --port=5433 --dbname=shop {PATH}"),
        ("pg_dump", "::1", f"{FREE} --host=::1 --dbname=shop {PATH}"),
        (
            "pg_dump",
            "/run/postgresql:5433",
            f"{FREE} --host=/run/postgresql --port=5433 --dbname=shop {PATH}",
        ),
        ("mysqldump", "db.example", f"mysql --host=db.example shop < {PATH}"),
        ("mysqldump", "/run/mysqld.sock", f"mysql --socket=/run/mysqld.sock shop < {PATH}"),
    ],
)
def test_it_leads_to_where_the_database_is(form: str, host: str, command: str) -> None:
    assert by_hand(replace(ENTRY, format=form), Database("default", "", "shop", host)) == command


def test_a_backup_of_an_alias_that_is_gone_leads_to_where_it_came_from() -> None:
    assert "--host=old.example --dbname=shop" in by_hand(replace(ENTRY, host="old.example"), None)


def test_the_command_for_sqlite_works_also_over_a_log_that_stayed(tmp_path: Path) -> None:
    folder = tmp_path / "it's a shop; $HOME"
    folder.mkdir()
    backup, live = folder / "backup.sqlite3", folder / "db.sqlite3"
    for path, name in ((backup, "then"), (live, "now")):
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("CREATE TABLE shop (name TEXT)")
            database.execute("INSERT INTO shop VALUES (?)", (name,))
    for end in ("-wal", "-journal"):
        (folder / f"db.sqlite3{end}").write_bytes(b"what was written since")
    command = by_hand(
        replace(ENTRY, format="sqlite", path=str(backup)), Database("default", "sqlite", str(live))
    )
    subprocess.run(["sh", "-c", command], check=True, timeout=30)
    with closing(sqlite3.connect(live)) as database:
        assert database.execute("SELECT name FROM shop").fetchall() == [("then",)]
    assert sorted(path.name for path in folder.iterdir()) == ["backup.sqlite3", "db.sqlite3"]
