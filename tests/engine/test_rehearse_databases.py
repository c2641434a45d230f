"""What keeps a rehearsal apart from the real thing: the copy on SQLite, the transaction on PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from djmig_tui import protocol as p
from tests.driver import driving
from tests.engine.rehearsing import (
    ask,
    prepared,
    rehearse,
)
from tests.engine.small import add, execute, python, shop
from tui.engine.errors import Refused

LIMIT = 10  # seconds that PostgreSQL's locks may be held

MIRRORED = """
DATABASES["mirror"] = dict(DATABASES["default"], NAME="link.sqlite3")
DATABASES["uri"] = dict(DATABASES["default"], NAME="file:" + DATABASES["default"]["NAME"])
"""
THROUGH_THE_MIRROR = """
import sqlite3
from django.conf import settings
from django.db import connections


def back(apps, schema_editor):
    names = []
    for alias in ("default", "mirror", "uri"):
        names += [row[2] for row in connections[alias].cursor().execute("PRAGMA database_list")]
        names.append(settings.DATABASES[alias]["NAME"])
    assert len(set(names)) == 1, names
    assert "copy" in names[0], names
    raise ValueError("all of them are the copy")
"""


def test_every_alias_of_the_file_is_pointed_at_the_copy(tmp_path: Path) -> None:
    files = shop(add("first"), python(), before=THROUGH_THE_MIRROR)
    with prepared(tmp_path, files, "sqlite", MIRRORED) as project:
        (project.folder / "link.sqlite3").symlink_to(project.databases["default"])
        rehearsal = rehearse(project, consent=True)
    assert rehearsal.error == "ValueError: all of them are the copy"


ATTACHES = """
from django.db.backends.signals import connection_created

def attach(connection, **kwargs):
    connection.connection.execute("ATTACH %r AS more" % "more.sqlite3")

connection_created.connect(attach, weak=False)
"""


def test_a_connection_with_another_file_in_it_is_refused(tmp_path: Path) -> None:
    with prepared(tmp_path, shop(add("first")), "sqlite", ATTACHES) as project, driving(project) as engine:
        before = project.snapshot()
        with pytest.raises(Refused, match=r"more\.sqlite3, which is not the copy"):
            ask(engine, engine.plan(p.BACK_TO, "shop", "0001_initial"))
        assert project.snapshot() == before


def test_a_step_cannot_attach_the_original_file(tmp_path: Path) -> None:
    before = """
def back(apps, schema_editor):
    schema_editor.execute("ATTACH 'default.sqlite3' AS original")
    schema_editor.execute("DELETE FROM original.shop_item")
"""
    with prepared(tmp_path, shop(add("first"), python(), before=before), "sqlite") as project:
        rehearsal = rehearse(project, consent=True)
    assert "not authorized" in str(rehearsal.error)


def test_a_database_that_is_not_there_yet_is_rehearsed_on_an_empty_copy(tmp_path: Path) -> None:
    with prepared(tmp_path, shop(add("first")), "sqlite") as project:
        Path(project.databases["default"]).unlink()
        with driving(project) as engine:
            rehearsal = ask(engine, engine.plan(p.FORWARD))
        assert rehearsal.works, rehearsal
        assert "+table shop_item" in rehearsal.schema_diff
        assert not Path(project.databases["default"]).exists()


@pytest.mark.parametrize("wal", [False, True], ids=["journal", "wal"])
def test_nothing_is_put_beside_the_file(wal: bool, tmp_path: Path) -> None:
    with prepared(tmp_path, shop(add("first")), "sqlite") as project:
        if wal:
            execute(project, "PRAGMA journal_mode = WAL")
        before = sorted(os.listdir(project.folder))
        content = Path(project.databases["default"]).read_bytes()
        with driving(project) as engine:
            assert ask(engine, engine.plan(p.BACK_TO, "shop", "0001_initial")).works
        assert sorted(os.listdir(project.folder)) == before
        assert Path(project.databases["default"]).read_bytes() == content


def test_edge_36_the_copy_ends_under_a_busy_writer(tmp_path: Path) -> None:
    """Without a read transaction it would begin again at every commit of another program."""
    writes = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
while True:
    connection.execute("UPDATE busy SET n = n + 1 WHERE id % 500 = 1")
"""
    with prepared(tmp_path, shop(add("first")), "sqlite") as project:
        rows = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r LIMIT 30000)"
        execute(
            project,
            "PRAGMA journal_mode = WAL",
            "CREATE TABLE busy (id integer PRIMARY KEY, n integer, filler text)",
            f"INSERT INTO busy (n, filler) {rows} SELECT n, hex(zeroblob(500)) FROM r",
        )
        writer = subprocess.Popen([sys.executable, "-c", writes, project.databases["default"]])
        try:
            with driving(project) as engine:
                rehearsal = ask(engine, engine.plan(p.BACK_TO, "shop", "0001_initial"))
            assert writer.poll() is None
        finally:
            writer.kill()
            writer.wait()
        assert rehearsal.works, rehearsal


ENDS = {
    "COMMIT": "UPDATE shop_item SET name = 'committed'; COMMIT",
    "a script with its own transaction": "BEGIN; UPDATE shop_item SET name = 'committed'; COMMIT;",
    "END at the end": "SET CONSTRAINTS ALL IMMEDIATE; UPDATE shop_item SET name = 'committed'; END",
}
COMMITS = """
from django.db import connections


def execute(schema_editor, *statements):
    with schema_editor.connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def checked(apps, schema_editor):
    schema_editor.connection.check_constraints()
    execute(schema_editor, "UPDATE shop_item SET name = 'committed'", "COMMIT")


def raw(apps, schema_editor):
    schema_editor.connection.connection.execute("UPDATE shop_item SET name = 'committed'")
    schema_editor.connection.connection.commit()


def rolled_back(apps, schema_editor):
    execute(schema_editor, "ROLLBACK", "UPDATE shop_item SET name = 'committed'", "COMMIT")
"""


@pytest.mark.parametrize("kind", [*ENDS, "checked", "raw", "rolled_back"])
def test_code_cannot_commit_what_is_rehearsed(kind: str, postgresql: str, tmp_path: Path) -> None:
    operation = f"migrations.RunSQL('', {ENDS[kind]!r})" if kind in ENDS else python(kind)
    with prepared(tmp_path, shop(add("first"), operation, before=COMMITS), postgresql) as project:
        rehearsal = rehearse(project, consent=True)
    assert not rehearsal.works
    if kind == "rolled_back":
        assert "read-only transaction" in str(rehearsal.error)
    else:
        assert "its code commits the transaction itself" in str(rehearsal.cannot)
        assert rehearsal.copy_instead
        assert "step 1, shop.0003_step" in str(rehearsal.cannot)


def test_who_holds_the_lock_is_named(postgresql: str, tmp_path: Path) -> None:
    from tests.servers import connect

    quick = "\nDATABASES['default']['OPTIONS'] = {'options': '-c lock_timeout=700'}\n"
    with prepared(tmp_path, shop(add("first")), postgresql, quick) as project:
        other = connect("postgresql", project.databases["default"])
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM shop_item")
        rehearsal = rehearse(project, on=p.ON_TRANSACTION)
        assert [each.id for each in rehearsal.blocked_by] == [str(other.info.backend_pid)]
        assert "SELECT count(*) FROM shop_item" in str(rehearsal.error)
        assert rehearsal.failed_step == p.StepDone("shop", "0002_step")
        other.close()


SLOW = {
    "a statement": "def back(apps, schema_editor):\n    schema_editor.execute('SELECT pg_sleep(60)')\n",
    "deaf code": """
import time


def back(apps, schema_editor):
    while True:
        try:
            time.sleep(60)
        except BaseException:
            pass
        try:
            schema_editor.execute("SELECT 1")
        except Exception as error:
            if "terminat" in str(error) or "closed" in str(error):
                raise
""",
}


@pytest.mark.parametrize("kind", ["a statement", pytest.param("deaf code", marks=pytest.mark.long)])
def test_locks_are_not_held_for_more_than_ten_seconds(kind: str, postgresql: str, tmp_path: Path) -> None:
    with prepared(tmp_path, shop(add("first"), python(), before=SLOW[kind]), postgresql) as project:
        begun = time.monotonic()
        rehearsal = rehearse(project, consent=True)
        assert LIMIT <= rehearsal.seconds < LIMIT + 3
        assert time.monotonic() - begun < LIMIT + 10
    assert not rehearsal.works
    assert "more than 10 s" in str(rehearsal.cannot)
    assert rehearsal.copy_instead
    assert "step 1, shop.0003_step" in str(rehearsal.cannot)
