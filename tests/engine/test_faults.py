"""What breaks in the middle of a run: said in words, nothing half done, and others can go on at once."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from djmig_tui import protocol as p
from tests.conftest import need_server
from tests.driver import Driver, driving
from tests.engine.small import ROW, add, begin, execute, migrate, project_of, python, shop, wait_until
from tests.projects import SampleProject
from tests.servers import query
from tui.engine.errors import Refused

WAITS = """
import os
import time


def back(apps, schema_editor):
    open("half_way", "w").close()
    ends = time.monotonic() + 60
    while not os.path.exists("go_on") and time.monotonic() < ends:
        time.sleep(0.01)
"""
NO_SUCH_SESSION = 1094
SLEEPS = """
def back(apps, schema_editor):
    open("half_way", "w").close()
    schema_editor.execute("SELECT {sleep}(60)")
"""


@contextmanager
def applied(
    tmp_path: Path, files: dict[str, str], vendor: str, settings: str = ""
) -> Iterator[tuple[SampleProject, Driver]]:
    """Yield a project with everything applied and a row in it, and an engine that has done so."""
    with project_of(tmp_path, files, vendor) as project:
        with (project.folder / "config" / "settings.py").open("a") as file:
            file.write(f"\n{settings}\n")
        with driving(project) as engine:
            migrate(engine, "shop", "0001_initial")
            execute(project, ROW)
            migrate(engine)
        with driving(project) as engine:
            yield project, engine


def half_way(project: SampleProject, engine: Driver) -> asyncio.Task[p.RunFinished]:
    """Return a run that is in the middle of its second step."""
    task = begin(engine, engine.plan(p.BACK_TO, "shop", "0001_initial"))
    wait_until(engine, (project.folder / "half_way").exists)
    return task


def others_can_write(project: SampleProject) -> None:
    began = time.monotonic()
    execute(project, "UPDATE shop_item SET name = name", "DELETE FROM django_migrations WHERE app = 'nobody'")
    assert time.monotonic() - began < 1


def roll_back(project: SampleProject) -> p.RunFinished:
    """Roll back in a fresh engine; it must work where nothing is broken any more."""
    with driving(project) as engine:
        return engine.run(engine.plan(p.BACK_TO, "shop", "0001_initial"))


# ------------------------------------------------------------ database gone
def end_sessions(project: SampleProject) -> None:
    """End all sessions on the project's database, as an administrator would."""
    name = project.databases["default"]
    if project.vendor == "postgresql":
        query(
            "postgresql",
            None,
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
        )
        return
    for (session,) in query(
        "mysql", None, f"SELECT id FROM information_schema.processlist WHERE db = '{name}'"
    ):
        try:
            query("mysql", None, f"KILL {session}")
        except Exception as error:
            if error.args[0] != NO_SUCH_SESSION:  # it was just ending by itself
                raise


@pytest.mark.parametrize("doing", ["a statement", "python"])
def test_the_session_is_ended_in_mid_run_of_one_transaction(doing: str, tmp_path: Path) -> None:
    need_server("postgresql")
    code = WAITS if doing == "python" else SLEEPS.format(sleep="pg_sleep")
    files = shop(add("a"), python(), add("c"), before=code)
    with applied(tmp_path, files, "postgresql") as (project, engine):
        before = project.snapshot()
        task = half_way(project, engine)
        end_sessions(project)
        (project.folder / "go_on").touch()
        finished = engine.wait(task)
        others_can_write(project)
        assert finished.error
        assert any(
            words in finished.error for words in ("terminating connection", "connection is closed", "lost")
        )
        assert finished.failed_step is not None
        assert finished.done == ()
        assert finished.taken_back
        assert project.snapshot() == before
        (project.folder / "shop" / "migrations" / "0003_step.py").write_text(
            shop(add("a"), python(), before="def back(apps, schema_editor): pass")["0003_step"]
        )
        assert roll_back(project).error is None


@pytest.mark.parametrize("doing", ["a statement", "python"])
def test_the_session_is_ended_in_mid_run_step_by_step(doing: str, tmp_path: Path) -> None:
    need_server("mysql")
    code = WAITS if doing == "python" else SLEEPS.format(sleep="sleep")
    files = shop(add("a"), python(), add("c"), before=code)
    with applied(tmp_path, files, "mysql") as (project, engine):
        task = half_way(project, engine)
        end_sessions(project)
        (project.folder / "go_on").touch()
        finished = engine.wait(task)
        others_can_write(project)
        assert [step.name for step in finished.done] == ["0004_step"], "what stands is told"
        assert finished.error
        assert finished.failed_step == p.StepDone("shop", "0003_step")
        assert not finished.taken_back
        assert "1 of 3 steps stand" in finished.next_steps[0] or "stays done" in finished.next_steps[0]
        assert project.applied("shop") == ["0001_initial", "0002_step", "0003_step"]
        assert "`c`" not in project.schema()
        assert "`a`" in project.schema()


def test_the_database_itself_is_dropped_in_mid_run(tmp_path: Path) -> None:
    need_server("postgresql")
    with applied(tmp_path, shop(add("a"), python(), add("c"), before=WAITS), "postgresql") as (
        project,
        engine,
    ):
        task = half_way(project, engine)
        query("postgresql", None, f"DROP DATABASE {project.databases['default']} WITH (FORCE)")
        (project.folder / "go_on").touch()
        finished = engine.wait(task)
        assert finished.error
        assert finished.done == ()
        query("postgresql", None, f"CREATE DATABASE {project.databases['default']}")


def test_the_file_is_removed_in_mid_run(tmp_path: Path) -> None:
    with applied(tmp_path, shop(add("a"), python(), add("c"), before=WAITS), "sqlite") as (project, engine):
        task = half_way(project, engine)
        Path(project.databases["default"]).rename(tmp_path / "moved")
        (project.folder / "go_on").touch()
        finished = engine.wait(task)
        assert "is not the file any more that the run began on" in str(finished.error)
        assert finished.done == ()
        assert not Path(project.databases["default"]).exists()
        (tmp_path / "moved").rename(project.databases["default"])
        assert len(project.applied("shop")) == 4


# ---------------------------------------------------------------- disk full
SMALL = """
from django.db.backends.signals import connection_created

def limit(connection, **kwargs):
    if __import__("os").path.exists("full"):
        pages = connection.connection.execute("PRAGMA page_count").fetchone()[0]
        connection.connection.execute("PRAGMA max_page_count = %d" % pages)

connection_created.connect(limit, weak=False)
"""
FILLS = """
def back(apps, schema_editor):
    items = apps.get_model("shop", "Item").objects
    items.update(name="changed")
    items.bulk_create([items.model(name="x" * 20) for _ in range(60_000)])
"""


def full(project: SampleProject, engine: Driver) -> p.RunFinished:
    """Return how a rollback into a full disk ended."""
    before = project.snapshot()
    finished = engine.run(engine.plan(p.BACK_TO, "shop", "0001_initial"))
    others_can_write(project)
    assert str(finished.error).endswith("OperationalError: database or disk is full")
    assert finished.taken_back
    assert project.snapshot() == before
    return finished


@pytest.mark.parametrize("wal", [False, True], ids=["journal", "wal"])
def test_no_page_is_left(wal: bool, tmp_path: Path) -> None:
    files = shop(add("a"), python(), add("c"), before=FILLS)
    with applied(tmp_path, files, "sqlite", SMALL) as (project, _):
        if wal:
            execute(project, "PRAGMA journal_mode = WAL")
        (project.folder / "full").touch()
        with driving(project) as engine:
            finished = full(project, engine)
        assert finished.failed_step == p.StepDone("shop", "0003_step")
        assert finished.failed_operation == "Raw Python operation"
        (project.folder / "full").unlink()
        assert roll_back(project).error is None


@pytest.mark.parametrize("wal", [False, True], ids=["journal", "wal"])
def test_no_room_is_left_on_the_disk(wal: bool, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = os.geteuid() == 0 and shutil.which("mount")
    size = ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(disk)]
    if not mounted or subprocess.run(size, capture_output=True, check=False).returncode:
        pytest.skip("only root can make a small disk; test_no_page_is_left does it another way")
    try:
        files = shop(add("a"), python(), add("c"), before=FILLS)
        settings = f"DATABASES['default']['NAME'] = {str(disk / 'default.sqlite3')!r}"
        with project_of(tmp_path, files, "sqlite") as project:
            (project.folder / "config" / "settings.py").open("a").write(settings + "\n")
            project.databases["default"] = str(disk / "default.sqlite3")
            with driving(project) as engine:
                migrate(engine, "shop", "0001_initial")
                execute(project, ROW)
                migrate(engine)
                if wal:
                    execute(project, "PRAGMA journal_mode = WAL")
            with driving(project) as engine:
                # All of it may stay in memory until the end.
                error = str(full(project, engine).error)
            assert error.startswith(("When all was to be committed: ", "shop.0003_step: "))
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


# --------------------------------------------------------- permission lost
def test_the_table_is_not_ours_any_more(tmp_path: Path) -> None:
    need_server("postgresql")
    files = shop(add("a"), python(), add("c"), before=WAITS)
    role = f"djmig_role_{os.getpid()}"
    with applied(tmp_path, files, "postgresql") as (project, _):
        execute(
            project,
            f"CREATE ROLE {role} LOGIN",
            f"ALTER TABLE shop_item OWNER TO {role}",
            f"ALTER TABLE django_migrations OWNER TO {role}",
            f"GRANT CREATE ON SCHEMA public TO {role}",
        )
        try:
            with (project.folder / "config" / "settings.py").open("a") as file:
                file.write(f"\nDATABASES['default']['USER'] = {role!r}\n")
            before = project.snapshot()
            with driving(project) as engine:
                plan = engine.plan(p.BACK_TO, "shop", "0003_step")
                execute(project, "ALTER TABLE shop_item OWNER TO postgres")
                finished = engine.run(plan)
            others_can_write(project)
            assert finished.error == ("shop.0004_step: ProgrammingError: must be owner of table shop_item")
            assert finished.taken_back
            execute(project, f"REVOKE DELETE ON django_migrations FROM {role}")
            with driving(project) as engine:
                execute(project, f"ALTER TABLE shop_item OWNER TO {role}")
                finished = engine.run(engine.plan(p.BACK_TO, "shop", "0003_step"))
            assert "permission denied for table django_migrations" in str(finished.error)
            assert finished.taken_back
            assert project.snapshot() == before
        finally:
            execute(
                project, f"REASSIGN OWNED BY {role} TO postgres", f"DROP OWNED BY {role}", f"DROP ROLE {role}"
            )


def test_a_user_who_may_have_one_connection_runs_without_the_second(tmp_path: Path) -> None:
    need_server("postgresql")
    role = f"djmig_single_{os.getpid()}"
    with applied(tmp_path, shop(add("a"), add("c")), "postgresql") as (project, _):
        own = f"ALTER TABLE {{}} OWNER TO {role}"
        execute(project, f"CREATE ROLE {role} LOGIN CONNECTION LIMIT 1", own.format("shop_item"))
        execute(project, own.format("django_migrations"), f"GRANT CREATE ON SCHEMA public TO {role}")
        try:
            with (project.folder / "config" / "settings.py").open("a") as file:
                file.write(f"\nDATABASES['default']['USER'] = {role!r}\n")
            with driving(project) as engine:
                plan = engine.plan(p.BACK_TO, "shop", "0001_initial")
                request = p.RehearsePlan(plan.database, plan.intent, plan.app, plan.name, plan.fingerprint)
                with pytest.raises(Refused, match="A second connection to 'default' is needed"):
                    engine.ask(request)
            finished = roll_back(project)
            assert finished.error is None, finished.detail
        finally:
            execute(
                project, f"REASSIGN OWNED BY {role} TO postgres", f"DROP OWNED BY {role}", f"DROP ROLE {role}"
            )


#: Root may write whatever the permissions say, unless it gives that up.
LIKE_ANYBODY = """
import ctypes, os

if os.geteuid() == 0 and os.path.exists("dropped"):
    version, words = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.capget(version, words) == 0
    words[0] &= ~0b110  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
    assert libc.capset(version, words) == 0
"""


def test_the_file_may_only_be_read_any_more(tmp_path: Path) -> None:
    files = shop(add("a"), add("c"))
    with applied(tmp_path, files, "sqlite", LIKE_ANYBODY) as (project, _):
        (project.folder / "dropped").touch()
        before = project.snapshot()
        for path in (project.folder, Path(project.databases["default"])):
            path.chmod(path.stat().st_mode & ~0o222)
        with driving(project) as engine:
            finished = engine.run(engine.plan(p.BACK_TO, "shop", "0001_initial"))
        for path in (project.folder, Path(project.databases["default"])):
            path.chmod(path.stat().st_mode | 0o200)
        others_can_write(project)
        assert "OperationalError: attempt to write a readonly database" in str(finished.error)
        assert finished.done == ()
        assert finished.taken_back
        assert project.snapshot() == before
