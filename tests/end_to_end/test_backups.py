"""Backups as the real program makes and restores them: from a project's database to this machine and back."""

from __future__ import annotations

import os
import shutil
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.conftest import need_server
from tests.end_to_end.program import Program
from tests.projects import SampleProject, make_project, migration_source
from tests.servers import query

CREATE = migration_source(
    "migrations.CreateModel('Item', [('id', models.BigAutoField(primary_key=True)), "
    "('name', models.CharField(max_length=20))])",
)
PRICE = migration_source(
    "migrations.AddField('item', 'price', models.IntegerField(default=0))",
    needs=[("shop", "0001_initial")],
)
PASSWORD = "pass-word '\"$\\ x"


def shop(folder: Path, vendor: str) -> SampleProject:
    return make_project(folder, {"shop": {"0001_initial": CREATE, "0002_price": PRICE}}, vendor)


def fill(project: SampleProject) -> None:
    project.migrate_all()
    execute(project, "INSERT INTO shop_item (name, price) VALUES ('bread', 7), ('süß \U0001f370', 9)")


def execute(project: SampleProject, sql: str) -> None:
    project.run_python(f"from django.db import connection; connection.cursor().execute({sql!r})")


def test_what_a_rollback_lost_comes_back_from_the_backup_made_before_it(
    program: Program, tmp_path: Path
) -> None:
    project = shop(tmp_path, "sqlite")
    fill(project)
    before = project.snapshot()
    folder, env = project.folder, project.env
    typed = ("rollback", "shop", "0001", "--yes", "--accept-loss", "--backup", "--json")
    rolled_back = program.run(folder, env, *typed)
    assert rolled_back.code == 0, rolled_back.err
    backup = rolled_back.data["backup"]
    assert Path(backup).is_relative_to(program.state)
    after = project.snapshot()
    assert after != before

    shown = program.run(folder, env, "restore", "--backup", backup)
    assert shown.code == 1
    assert "--yes" in shown.err
    assert project.snapshot() == after, "looking changes nothing"

    restored = program.run(folder, env, "restore", "--backup", backup, "--yes", "--accept-loss", "--json")
    assert (restored.code, restored.data["restored"]) == (0, True), restored.data["error"]
    assert project.snapshot() == before
    execute(project, "INSERT INTO shop_item (name, price) VALUES ('new', 1)")
    assert project.query("SELECT max(id) FROM shop_item") == [(3,)]

    listed = program.run(folder, env, "backups", "--check", "--json")
    assert listed.code == 0
    reasons = {each["path"]: each["reason"] for each in listed.data["backups"]}
    assert len(reasons) == 2
    assert reasons[backup].startswith("before: Back to 0001_initial")
    assert restored.data["backup"] in reasons


# --------------------------------------------------------------- the password
@contextmanager
def every_command_line() -> Iterator[set[str]]:
    """Collect what every process of this machine is called with, for as long as this lasts."""
    seen: set[str] = set()
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.1):
            for process in Path("/proc").iterdir():
                with suppress(OSError):
                    if process.name.isdigit():
                        seen.add((process / "cmdline").read_bytes().decode("utf-8", "replace"))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join(10)


@contextmanager
def owned_by_a_role_with_a_password(project: SampleProject) -> Iterator[None]:
    """Let the project log in as somebody of its own, who may make databases."""
    (name,) = project.databases.values()
    role = f"djmig_test_{uuid.uuid4().hex[:8]}"
    quoted = PASSWORD.replace("'", "''")
    query("postgresql", None, f"CREATE ROLE {role} LOGIN CREATEDB PASSWORD '{quoted}'")
    query("postgresql", None, f'ALTER DATABASE "{name}" OWNER TO {role}')
    with (project.folder / "config" / "settings.py").open("a") as settings:
        settings.write(f"DATABASES['default'].update(USER={role!r}, PASSWORD={PASSWORD!r})\n")
    try:
        yield
    finally:
        project.drop()
        query("postgresql", None, f"DROP ROLE {role}")


def with_tools_that_say_how_they_are_called(folder: Path, said: Path, path: str) -> str:
    """Put scripts before the tools, so that not even a short-lived one is overlooked; return a PATH."""
    folder.mkdir()
    for name in ("pg_dump", "pg_restore"):
        stub = folder / name
        stub.write_text(f'#!/bin/sh\ncat /proc/$$/cmdline >> {said}\nexec {shutil.which(name)} "$@"\n')
        stub.chmod(0o755)
    return f"{folder}{os.pathsep}{path}"


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc")
def test_a_password_is_in_no_command_line_while_postgresql_is_backed_up_and_restored(
    program: Program, tmp_path: Path
) -> None:
    need_server("postgresql")
    if not shutil.which("pg_dump") or not shutil.which("pg_restore"):
        pytest.skip("no pg_dump here")
    project, said = shop(tmp_path, "postgresql"), tmp_path / "said"
    path = with_tools_that_say_how_they_are_called(tmp_path / "bin", said, project.env["PATH"])
    folder, env = project.folder, {**project.env, "PATH": path}
    with owned_by_a_role_with_a_password(project), every_command_line() as seen:
        fill(project)
        before = project.snapshot()
        made = program.run(folder, env, "backup", "--json")
        assert made.code == 0, made.err
        project.query("DELETE FROM shop_item")
        typed = ("restore", "--backup", made.data["id"], "--yes", "--accept-loss", "--json")
        restored = program.run(folder, env, *typed)
        assert (restored.code, restored.data["restored"]) == (0, True), restored.data["error"]
        assert project.snapshot() == before
        swap = ("backups", "--swap-kept", restored.data["kept"], "--yes", "--json")
        swapped = program.run(folder, env, *swap)
        assert (swapped.code, swapped.data["swapped"]) == (0, True), swapped.data["error"]
        assert not project.query("SELECT * FROM shop_item"), "what was deleted before the restore"
        dropped = program.run(folder, env, "backups", "--drop-kept", swapped.data["kept"], "--yes")
        assert dropped.code == 0, dropped.err
    called = said.read_bytes().decode()
    assert "-Fc" in called or "--format" in called
    assert "pg_restore" in called
    assert any("manage.py" in line for line in seen), "somebody looked"
    assert not [line for line in (called, *seen) if "pass-word" in line]
    kept = [path for path in program.state.rglob("*") if path.is_file()]
    assert not [path for path in kept if b"pass-word" in path.read_bytes()]
