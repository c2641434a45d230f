"""Who else is on the database: listed, named when a run waits for them, and one run at a time."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from djmig_tui import protocol as p
from tests.driver import Driver, driving
from tests.engine.small import ROW, add, begin, execute, migrate, project_of, python, shop, wait_until
from tests.projects import SampleProject
from tests.servers import connect, server
from tui.engine.errors import Refused

#: Settings by which a run waits for less than a second.
IMPATIENT = {
    "sqlite": "DATABASES['default']['OPTIONS'] = {'timeout': 0.3}",
    "postgresql": "DATABASES['default']['OPTIONS'] = {'options': '-c lock_timeout=900'}",
    "mysql": "DATABASES['default']['OPTIONS']['init_command'] = 'SET SESSION lock_wait_timeout = 1'",
}


@contextmanager
def another(project: SampleProject, *statements: str) -> Iterator[Any]:
    """Yield another session in the middle of a transaction that has done `statements`."""
    if project.vendor == "sqlite":
        connection: Any = sqlite3.connect(project.databases["default"], isolation_level=None)
    else:
        connection = connect(project.vendor, project.databases["default"])
    with closing(connection):
        for statement in ("BEGIN", *statements):
            connection.cursor().execute(statement)
        yield connection


def id_of(connection: Any) -> str:
    if isinstance(connection, sqlite3.Connection):
        return str(os.getpid())
    if hasattr(connection, "info"):
        return str(connection.info.backend_pid)
    return str(connection.thread_id())


@contextmanager
def applied(
    tmp_path: Path, vendor: str, files: dict[str, str] | None = None, settings: str = ""
) -> Iterator[tuple[SampleProject, Driver]]:
    """Yield a project with everything applied and a row in it, and an engine that has done so."""
    with project_of(tmp_path, files or shop(add("a"), add("b")), vendor) as project:
        with (project.folder / "config" / "settings.py").open("a") as file:
            file.write(f"\n{settings}\n")
        with driving(project) as engine:
            migrate(engine, "shop", "0001_initial")
            execute(project, ROW)
            migrate(engine)
            yield project, engine


def others(engine: Driver) -> p.Sessions:
    sessions: p.Sessions = engine.ask(p.ListSessions("default"))
    return sessions


def wait_for_others(engine: Driver, count: int) -> tuple[p.DatabaseSession, ...]:
    """Return the other sessions once there are so many of them."""
    ends = time.monotonic() + 10
    while len(found := others(engine).sessions) != count:
        assert time.monotonic() < ends, found
    return found


# -------------------------------------------------------------------- listed
def test_nobody_else_is_there(vendor: str, tmp_path: Path) -> None:
    with applied(tmp_path, vendor) as (_, engine):
        assert others(engine) == p.Sessions()


def test_others_are_named_with_what_they_do_and_since_when(vendor: str, tmp_path: Path) -> None:
    with applied(tmp_path, vendor) as (project, engine):
        update = "UPDATE shop_item SET name = 'theirs'"
        with another(project, update) as connection:
            (session,) = wait_for_others(engine, 1)
            assert session.id == id_of(connection)
            if vendor == "sqlite":
                assert session.state == "holds a lock on the file"
                assert "python" in session.program
                return
            assert session.user == server(vendor).user
            assert "from" in session.program
            began = datetime.fromisoformat(str(session.since))
            assert abs((datetime.now(timezone.utc) - began).total_seconds()) < 30
            if vendor == "postgresql":
                assert session.state == "idle in transaction"
                assert session.query == update


def test_the_longest_transaction_comes_first(vendor: str, tmp_path: Path) -> None:
    if vendor == "sqlite":
        pytest.skip("SQLite does not know since when")
    with (
        applied(tmp_path, vendor) as (project, engine),
        closing(connect(vendor, None)) as elsewhere,
        closing(connect(vendor, project.databases["default"])) as idle,
        another(project, "SELECT * FROM shop_item") as first,
    ):
        begun = int(time.time())
        wait_until(engine, lambda: int(time.time()) > begun)  # MariaDB counts in seconds
        with another(project, "SELECT * FROM shop_item") as second:
            found = [session.id for session in others(engine).sessions]
            assert found == [id_of(first), id_of(second), id_of(idle)]
            assert id_of(elsewhere) not in found


def test_a_file_held_by_another_program_is_told_apart_from_a_locked_one(tmp_path: Path) -> None:
    code = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT 1 FROM shop_item')"
    with applied(tmp_path, "sqlite") as (project, engine):
        command = [sys.executable, "-c", code + "; print(flush=True); input()", project.databases["default"]]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
            assert program.stdout
            program.stdout.readline()
            (session,) = wait_for_others(engine, 1)
            assert session.id == str(program.pid)
            assert "import sqlite3" in session.program
            program.communicate(b"\n")
        wait_for_others(engine, 0)


def test_a_database_that_is_not_there_has_no_sessions_and_is_not_made(tmp_path: Path) -> None:
    with project_of(tmp_path, shop()) as project, driving(project) as engine:
        assert others(engine) == p.Sessions()
        assert not Path(project.databases["default"]).exists()


# --------------------------------------------------------------- in the way
HOLDS = {
    "sqlite": "UPDATE shop_item SET name = 'theirs'",
    "postgresql": "SELECT name FROM shop_item",
    "mysql": "SELECT name FROM shop_item",
}


def test_edge_26_who_holds_the_lock_is_named_and_the_run_can_be_tried_again(
    vendor: str, tmp_path: Path
) -> None:
    with applied(tmp_path, vendor, settings=IMPATIENT[vendor]) as (project, engine):
        before = project.snapshot()
        plan = engine.plan(p.BACK_TO, "shop", "0001_initial")
        with another(project, HOLDS[vendor]) as connection:
            begun = time.monotonic()
            finished = engine.run(plan)
            assert time.monotonic() - begun < 5
            assert finished.error
            assert finished.done == ()
            (blocker,) = finished.blocked_by
            assert blocker.id == id_of(connection)
            assert f"The lock is held by session {blocker.id}" in finished.error
            assert "Wait until the other session has ended" in finished.next_steps[0]
            if vendor == "postgresql":
                assert HOLDS[vendor] in finished.error
                assert any("Waiting for a lock: session" in told.message for told in engine.progress)
        assert project.snapshot() == before
        with driving(project) as again:
            assert again.run(again.plan(p.BACK_TO, "shop", "0001_initial")).error is None


WAITS = """
import os
import time


def back(apps, schema_editor):
    open("half_way", "w").close()
    ends = time.monotonic() + 60
    while not os.path.exists("go_on") and time.monotonic() < ends:
        time.sleep(0.01)
"""


@contextmanager
def half_way(
    tmp_path: Path, vendor: str, *, loose: bool = False
) -> Iterator[tuple[SampleProject, Driver, asyncio.Task[p.RunFinished]]]:
    """Yield a run in the middle of its second step."""
    files = shop(add("a"), python(), add("c"), before=WAITS, loose=[3] if loose else [])
    with applied(tmp_path, vendor, files, IMPATIENT[vendor]) as (project, engine):
        task = begin(engine, engine.plan(p.BACK_TO, "shop", "0001_initial"))
        wait_until(engine, (project.folder / "half_way").exists)
        yield project, engine, task
        (project.folder / "go_on").touch()
        finished = engine.wait(task)
        assert finished.error is None, finished.detail
        assert len(finished.done) == 3


@pytest.mark.parametrize("loose", [False, True], ids=["one transaction", "step by step"])
def test_edge_40_one_run_at_a_time(vendor: str, loose: bool, tmp_path: Path) -> None:
    if vendor == "sqlite" and loose:
        pytest.skip("between the steps nothing is locked in SQLite; see the next test")
    with half_way(tmp_path, vendor, loose=loose) as (project, _, _), driving(project) as second:
        plan = second.plan(p.BACK_TO, "shop", "0001_initial")
        if vendor == "sqlite":
            finished = second.run(plan)
            assert "database is locked" in str(finished.error)
            assert finished.blocked_by
            assert "manage.py" in finished.blocked_by[0].program
        else:
            with pytest.raises(Refused, match="Another djmig-tui is at work on this database: session"):
                second.run(plan)


def test_edge_40_a_step_that_another_program_took_is_noticed(vendor: str, tmp_path: Path) -> None:
    files = shop(add("a"), python(), add("c"), before=WAITS, loose=[3])
    with applied(tmp_path, vendor, files) as (project, engine):
        task = begin(engine, engine.plan(p.BACK_TO, "shop", "0001_initial"))
        wait_until(engine, (project.folder / "half_way").exists)
        execute(project, "DELETE FROM django_migrations WHERE name = '0002_step'")
        (project.folder / "go_on").touch()
        finished = engine.wait(task)
        assert "another program has unapplied shop.0002_step meanwhile" in str(finished.error)
        assert [step.name for step in finished.done] == ["0004_step", "0003_step", "0002_step"]
        assert "a" in project.schema()


def test_a_run_that_began_elsewhere_is_over_when_its_process_is(vendor: str, tmp_path: Path) -> None:
    """The lock of one run at a time does not outlive it."""
    if vendor == "sqlite":
        pytest.skip("SQLite's own lock ends with the process; see the kill tests")
    files = shop(add("a"), python(), add("c"), before=WAITS, loose=[3])
    with applied(tmp_path, vendor, files) as (project, engine):
        task = begin(engine, engine.plan(p.BACK_TO, "shop", "0001_initial"))
        wait_until(engine, (project.folder / "half_way").exists)
        engine.engine._lifetime._spawned.kill()  # type: ignore[attr-defined]
        with pytest.raises(Exception, match="ended"):
            engine.wait(task)
        (project.folder / "go_on").touch()
        with driving(project) as second:
            wait_for_others(second, 0)
            finished = second.run(second.plan(p.BACK_TO, "shop", "0001_initial"))
            assert finished.error is None, finished.detail


def test_an_index_that_is_dropped_concurrently_does_not_wait_for_our_own_second_connection(
    tmp_path: Path, vendor: str
) -> None:
    if vendor != "postgresql":
        pytest.skip("words of PostgreSQL")
    index = "AddIndexConcurrently('item', models.Index(fields=['name'], name='by_name'))"
    before = "from django.contrib.postgres.operations import AddIndexConcurrently"
    with applied(tmp_path, vendor, shop(add("a"), index, before=before, loose=[3])) as (project, engine):
        assert "by_name" in project.schema()
        finished = engine.run(engine.plan(p.BACK_TO, "shop", "0001_initial"))
        assert finished.error is None, finished.detail
        assert finished.seconds < 5


# ------------------------------------------------------ asked again, locked
def counted(engine: Driver, plan: p.Plan) -> p.RunPlan:
    """Return the request of a user who has seen the rows that are lost."""
    measured: p.Plan = engine.ask(
        p.MeasurePlan(plan.database, plan.intent, plan.app, plan.name, plan.fingerprint)
    )
    return p.RunPlan(
        plan.database, plan.intent, plan.app, plan.name, plan.fingerprint, measured.loss, counted=True
    )


def test_a_loss_that_grew_since_it_was_shown_stops_the_run(vendor: str, tmp_path: Path) -> None:
    from tui.engine.errors import Stale

    with applied(tmp_path, vendor) as (project, engine):
        request = counted(engine, engine.plan(p.BACK_TO, "shop", "0001_initial"))
        execute(project, "INSERT INTO shop_item (name, a, b) VALUES ('new', 5, 0)")
        before = project.snapshot()
        with pytest.raises(
            Stale, match=r"More would be lost than was shown \(shop_item\.a: 1 rows? instead of 0"
        ):
            engine.ask(request)
        assert project.snapshot() == before
        # Looked at again and agreed to, it runs; fewer rows than were shown are no reason to stop.
        request = counted(engine, engine.plan(p.BACK_TO, "shop", "0001_initial"))
        execute(project, "UPDATE shop_item SET a = 0")
        finished: p.RunFinished = engine.ask(request)
        assert finished.error is None, finished.detail


SNEAKS = """
import subprocess, sys


def back(apps, schema_editor):
    code = {code!r}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    raise ValueError("theirs: " + done.stderr)
"""


def test_nobody_adds_rows_between_the_count_and_the_change(tmp_path: Path, vendor: str) -> None:
    """While the run counts, and after, the tables that lose something are its own."""
    if vendor == "mysql":
        pytest.skip("MariaDB cannot hold a table over its own schema change")
    insert = "INSERT INTO shop_item (name, a) VALUES ('late', 5)"
    with applied(tmp_path, vendor, shop(add("a")), IMPATIENT[vendor]) as (project, _):
        name, at = project.databases["default"], server(vendor if vendor != "sqlite" else "postgresql")
        connected = {
            "sqlite": f"import sqlite3; c = sqlite3.connect({name!r}, timeout=0.2)",
            "postgresql": f"import psycopg; c = psycopg.connect(dbname={name!r}, host={at.host!r},"
            f" port={at.port}, user={at.user!r}, password={at.password!r}, options='-c lock_timeout=200')",
        }[vendor]
        code = f"{connected}; c.execute({insert!r}); c.commit()"
        sneaky = shop(add("a"), python(), before=SNEAKS.format(code=code))
        (project.folder / "shop" / "migrations" / "0003_step.py").write_text(sneaky["0003_step"])
        with driving(project) as fresh:
            migrate(fresh)
            finished: p.RunFinished = fresh.ask(counted(fresh, fresh.plan(p.BACK_TO, "shop", "0001_initial")))
        assert "theirs: " in str(finished.error)
        assert "lock" in str(finished.error)
