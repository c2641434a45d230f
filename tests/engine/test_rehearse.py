"""A rehearsal says what a run would do, and changes nothing, whatever the plan's code tries."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from djmig_tui import protocol as p
from tests.conftest import need_server
from tests.driver import Driver, driving
from tests.engine.small import ROW, add, execute, migrate, project_of, python, shop
from tests.projects import SampleProject, make_app, migration_source
from tests.protocol.waiting import alive, until
from tests.servers import server
from tui.engine.errors import Cancelled, EngineEnded, Refused, Stale

REHEARSABLE = ("sqlite", "postgresql")
LIMIT = 10  # seconds that PostgreSQL's locks may be held


@pytest.fixture(params=REHEARSABLE)
def trial(request: pytest.FixtureRequest) -> str:
    need_server(request.param)
    name: str = request.param
    return name


@pytest.fixture
def postgresql() -> str:
    need_server("postgresql")
    return "postgresql"


@contextmanager
def prepared(
    tmp_path: Path,
    files: dict[str, str],
    vendor: str,
    settings: str = "",
    aliases: Sequence[str] = ("default",),
) -> Iterator[SampleProject]:
    """Yield a project with everything applied, and a row; its copies go to a folder of the test's own."""
    with project_of(tmp_path, files, vendor, aliases=aliases) as project:
        with driving(project) as engine:
            migrate(engine, "shop", "0001_initial")
            execute(project, ROW)
            for alias in aliases:
                migrate(engine, database=alias)
        with (project.folder / "config" / "settings.py").open("a") as file:
            file.write(settings)
        temporary = tmp_path / "temporary"
        temporary.mkdir(exist_ok=True)
        project.env["TMPDIR"] = str(temporary)
        yield project
        assert not list(temporary.iterdir()), "a copy was left behind"


def rehearse(
    project: SampleProject,
    name: str | None = "0001_initial",
    *,
    consent: bool = False,
    intent: str = p.BACK_TO,
) -> p.Rehearsal:
    """Return what a rehearsal finds, having made sure that it changed nothing and let others write."""
    before = whole(project)
    with driving(project) as engine:
        rehearsal = ask(engine, engine.plan(intent, "shop", name), consent=consent)
        others_can_write(project)
    assert whole(project) == before
    return rehearsal


def ask(engine: Driver, plan: p.Plan, *, consent: bool = False) -> p.Rehearsal:
    request = p.RehearsePlan(plan.database, plan.intent, plan.app, plan.name, plan.fingerprint, consent)
    rehearsal: p.Rehearsal = engine.ask(request)
    return rehearsal


def whole(project: SampleProject) -> list[object]:
    """Return all that is in the databases: schema, records, rows, sequences."""
    found: list[object] = [project.snapshot(alias) for alias in project.databases]
    for name in project.databases.values():
        if project.vendor == "sqlite":
            dump = subprocess.run(
                [sys.executable, "-c", DUMP, name], check=True, capture_output=True, encoding="utf-8"
            )
        else:
            at = server("postgresql")
            command = ["pg_dump", "-h", at.host, "-p", str(at.port), "-U", at.user, "-d", name, "--inserts"]
            dump = subprocess.run(command, check=True, capture_output=True, encoding="utf-8")
        found.append([line for line in dump.stdout.splitlines() if "restrict " not in line])
    return found


#: Opens the file for writing, as any other program does: after a kill it has a journal to play back.
DUMP = "import sqlite3, sys; print('\\n'.join(sqlite3.connect(sys.argv[1]).iterdump()))"


def others_can_write(project: SampleProject) -> None:
    begun = time.monotonic()
    execute(project, "UPDATE shop_item SET name = name", "DELETE FROM django_migrations WHERE app = 'nobody'")
    assert time.monotonic() - begun < 1


# ------------------------------------------------------------------ what it says
def test_a_plan_that_works_shows_the_schema_before_and_after(trial: str, tmp_path: Path) -> None:
    with prepared(tmp_path, shop(add("first"), add("second")), trial) as project:
        rehearsal = rehearse(project)
    assert rehearsal.works
    assert rehearsal.error is rehearsal.cannot is None
    changed = [line for line in rehearsal.schema_diff.splitlines() if line.startswith(("-  ", "+  "))]
    assert [line.split()[1].strip('"') for line in changed] == ["first", "second"]
    assert "shop_item @@" in rehearsal.schema_diff
    assert 0 < rehearsal.seconds < 10
    assert rehearsal.where == {
        "sqlite": "on a copy",
        "postgresql": "in one transaction that was rolled back",
    }[trial]  # fmt: skip


def test_a_plan_forwards_leaves_the_sequences_where_they_were(trial: str, tmp_path: Path) -> None:
    with prepared(tmp_path, shop(add("first"), add("second")), trial) as project:
        project.manage("migrate", "shop", "0001")
        rehearsal = rehearse(project, None, intent=p.FORWARD)
    assert rehearsal.works, rehearsal
    assert "+    " in rehearsal.schema_diff


def test_a_table_that_goes_is_shown_whole(trial: str, tmp_path: Path) -> None:
    with prepared(tmp_path, shop(add("first")), trial) as project:
        rehearsal = rehearse(project, None, intent=p.ZERO)
    assert rehearsal.works
    lines = rehearsal.schema_diff.splitlines()
    assert any(line.startswith("-table ") and "shop_item" in line for line in lines)
    assert all(line.startswith(("-", "+++", "@@", "...")) for line in lines)


def test_edge_05_what_fails_is_named_down_to_the_operation(trial: str, tmp_path: Path) -> None:
    gone = 'migrations.RemoveField("item", "weight")'
    weight = 'migrations.AddField("item", "weight", models.IntegerField(default=1), preserve_default=False)'
    with prepared(tmp_path, shop(weight, gone, add("last")), trial) as project:
        rehearsal = rehearse(project)
    assert not rehearsal.works
    assert rehearsal.failed_step == p.StepDone("shop", "0003_step")
    assert rehearsal.failed_operation == "Remove field weight from item"
    assert str(rehearsal.error).startswith("IntegrityError: ")
    assert "weight" in str(rehearsal.error)
    assert "Traceback" in rehearsal.detail


RAISES = """
from django.db.models import ProtectedError

def back(apps, schema_editor):
    apps.get_model("shop", "Item").objects.update(name="changed")
    raise ProtectedError("there are orders for it", set())
"""


def test_edge_10_only_a_rehearsal_can_tell_that_the_code_raises(trial: str, tmp_path: Path) -> None:
    hidden = "migrations.SeparateDatabaseAndState(database_operations=[%s])" % python()
    with prepared(tmp_path, shop(add("first"), hidden, before=RAISES), trial) as project:
        with driving(project) as engine:
            plan = engine.plan(p.BACK_TO, "shop", "0001_initial")
            assert plan.verdict != p.BLOCKED
        rehearsal = rehearse(project, consent=True)
    assert not rehearsal.works
    assert rehearsal.failed_step == p.StepDone("shop", "0003_step")
    assert rehearsal.failed_operation == "Raw Python operation"
    assert "there are orders for it" in str(rehearsal.error)


CHILD = """migrations.CreateModel("Child", [
    ("id", models.AutoField(primary_key=True)),
    ("item", models.ForeignKey("shop.Item", models.CASCADE)),
])"""
FILLS = """
def back(apps, schema_editor):
    apps.get_model("shop", "Child").objects.create(id=1, item=apps.get_model("shop", "Item").objects.first())
"""


def test_edge_11_pending_triggers_of_one_step_do_not_fail_the_next(trial: str, tmp_path: Path) -> None:
    alter = (
        'migrations.AlterField("child", "item", models.ForeignKey("shop.Item", models.CASCADE, null=True))'
    )
    with prepared(tmp_path, shop(CHILD, alter, python(), before=FILLS), trial) as project:
        rehearsal = rehearse(project, "0002_step", consent=True)
    assert rehearsal.works, rehearsal


def test_there_is_nothing_to_rehearse(trial: str, tmp_path: Path) -> None:
    with prepared(tmp_path, shop(add("first")), trial) as project:
        assert rehearse(project, "0002_step").works


# ------------------------------------------------------------- what cannot be
def test_mysql_is_refused_with_the_reason(tmp_path: Path) -> None:
    need_server("mysql")
    with prepared(tmp_path, shop(add("first")), "mysql") as project, driving(project) as engine:
        before = project.snapshot()
        rehearsal = ask(engine, engine.plan(p.BACK_TO, "shop", "0001_initial"))
        assert not rehearsal.works
        assert "commits at every schema change" in str(rehearsal.cannot)
        assert project.snapshot() == before
        assert engine.history(), "nothing was run, so the engine goes on"


def test_a_step_that_is_not_atomic_is_named(trial: str, tmp_path: Path) -> None:
    with prepared(tmp_path, shop(add("first"), add("second"), add("third"), loose=[3]), trial) as project:
        rehearsal = rehearse(project)
    assert not rehearsal.works
    assert "step 2, shop.0003_step, because it says atomic = False" in str(rehearsal.cannot)


def test_a_blocked_plan_is_not_rehearsed(trial: str, tmp_path: Path) -> None:
    closed = "migrations.RunPython(migrations.RunPython.noop)"
    with prepared(tmp_path, shop(add("first"), closed), trial) as project:
        rehearsal = rehearse(project)
    assert "blocked" in str(rehearsal.cannot)
    assert "shop.0003_step cannot be undone" in str(rehearsal.cannot)


def test_an_engine_told_never_to_write_does_not_rehearse(trial: str, tmp_path: Path) -> None:
    with prepared(tmp_path, shop(add("first")), trial) as project, driving(project) as engine:
        engine.ask(p.OpenProject(read_only=True))
        with pytest.raises(Refused, match="--read-only"):
            ask(engine, engine.plan(p.BACK_TO, "shop", "0001_initial"))


def test_a_plan_that_is_not_the_one_shown_is_not_rehearsed(trial: str, tmp_path: Path) -> None:
    with prepared(tmp_path, shop(add("first"), add("second")), trial) as project, driving(project) as engine:
        plan = engine.plan(p.BACK_TO, "shop", "0001_initial")
        project.manage("migrate", "shop", "0002")
        with pytest.raises(Stale, match="look again"):
            ask(engine, plan)


def test_the_engine_ends_after_a_rehearsal_without_being_mourned(trial: str, tmp_path: Path) -> None:
    with prepared(tmp_path, shop(add("first")), trial) as project, driving(project) as engine:
        mourned: list[str] = []
        engine.engine.on_ended = mourned.append
        assert ask(engine, engine.plan(p.BACK_TO, "shop", "0001_initial")).works
        engine.wait(until(lambda: not alive(engine_pid(engine))))
        with pytest.raises(EngineEnded):
            engine.history()
        assert not mourned


# ------------------------------------------------------- code and its own yes
WRITES = """
def back(apps, schema_editor):
    open("was_here", "w").close()
"""
FOREIGN = """
class Special(migrations.SeparateDatabaseAndState):
    def database_backwards(self, *args):
        open("was_here", "w").close()
"""
SEPARATE = "migrations.SeparateDatabaseAndState(database_operations=[{}])"
CODE = {
    "python": (python(), WRITES),
    "sql": ('migrations.RunSQL("", "UPDATE shop_item SET name = name")', ""),
    "hidden": (
        SEPARATE.format(SEPARATE.format(python())),
        WRITES,
    ),
    "foreign": ("Special()", FOREIGN),
}


@pytest.mark.parametrize("kind", CODE)
def test_code_is_shown_and_not_run_without_a_yes(kind: str, tmp_path: Path) -> None:
    operation, before = CODE[kind]
    with prepared(tmp_path, shop(add("first"), operation, before=before), "sqlite") as project:
        rehearsal = rehearse(project)
        assert not rehearsal.works
        assert "yes of your own" in str(rehearsal.cannot)
        assert len(rehearsal.sources) == 1
        assert ("was_here" if before else "UPDATE shop_item") in rehearsal.sources[0].text
        assert not (project.folder / "was_here").exists()
        assert rehearse(project, consent=True).works
        assert (project.folder / "was_here").exists() == bool(before)


def test_code_that_does_nothing_needs_no_yes(tmp_path: Path) -> None:
    noop = "migrations.RunPython(migrations.RunPython.noop, migrations.RunPython.noop)"
    nothing = 'migrations.RunSQL("SELECT 1", migrations.RunSQL.noop)'
    with prepared(tmp_path, shop(noop, nothing, add("last")), "sqlite") as project:
        assert rehearse(project).works


HANDLER = """
from django.db.models.signals import pre_migrate


def prepare_search_index(**kwargs):
    open("was_here", "w").close()


def listen():
    pre_migrate.connect(prepare_search_index)
"""
LISTENS = """
from django.apps import AppConfig


class Config(AppConfig):
    name = "listener"

    def ready(self):
        from .handlers import listen

        listen()
"""


def test_a_handler_of_pre_migrate_is_code_too(tmp_path: Path) -> None:
    with prepared(tmp_path, shop(add("first")), "sqlite") as project:
        make_app(project.folder, "listener", {})
        (project.folder / "listener" / "apps.py").write_text(LISTENS)
        (project.folder / "listener" / "handlers.py").write_text(HANDLER)
        rehearsal = rehearse(project)
        assert "prepare_search_index" in rehearsal.sources[0].operation
        assert "was_here" in rehearsal.sources[0].text
        assert not (project.folder / "was_here").exists()
        assert rehearse(project, consent=True).works
        assert (project.folder / "was_here").exists()


OUTWARDS = """
from django.core import mail
from django.db import transaction


def back(apps, schema_editor):
    mail.send_mail("gone", "text", "a@example.org", ["b@example.org"])
    explicit = mail.get_connection("django.core.mail.backends.filebased.EmailBackend", file_path="letters")
    mail.EmailMessage("gone too", "text", "a@example.org", ["b@example.org"], connection=explicit).send()
    transaction.on_commit(lambda: open("committed", "w").close(), using=schema_editor.connection.alias)
    transaction.on_commit(lambda: open("committed", "w").close(), using="other")
"""
LETTERS = """
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = "letters"
"""


def test_edge_53_mail_goes_nowhere_and_hooks_are_dropped(trial: str, tmp_path: Path) -> None:
    files = shop(add("first"), python(), before=OUTWARDS)
    with prepared(tmp_path, files, trial, LETTERS, ("default", "other")) as project:
        (project.folder / "letters").mkdir()
        rehearsal = rehearse(project, consent=True)
        assert rehearsal.works, rehearsal
        assert not list((project.folder / "letters").iterdir())
        assert not (project.folder / "committed").exists()
        with driving(project) as engine:  # the same code does all that in a run
            assert engine.run(engine.plan(p.BACK_TO, "shop", "0001_initial")).error is None
        assert list((project.folder / "letters").iterdir())
        assert (project.folder / "committed").exists()


ELSEWHERE = """
from django.db import connections


def back(apps, schema_editor):
    items = apps.get_model("shop", "Item").objects.using("other")
    assert items.count() == 0
    {lift}
    items.create(name="written elsewhere")
"""
LIFTS = {
    "plainly": "pass",
    "sqlite": 'connections["other"].cursor().execute("PRAGMA query_only = OFF")',
    "sqlite raw": 'connections["other"].connection.execute("PRAGMA query_only = OFF")',
    "session": 'connections["other"].cursor().execute("SET default_transaction_read_only = off")',
    "reset": 'connections["other"].cursor().execute("RESET ALL")',
    "thread": 'connections["other"].close()',
}


@pytest.mark.parametrize("lift", LIFTS)
def test_edge_53_other_databases_refuse_writes_and_that_cannot_be_lifted(
    lift: str, trial: str, tmp_path: Path
) -> None:
    if (lift in {"session", "reset"}) != (trial == "postgresql") and lift not in {"plainly", "thread"}:
        pytest.skip("words of another vendor")
    files = shop(add("first"), python(), before=ELSEWHERE.format(lift=LIFTS[lift]))
    with prepared(tmp_path, files, trial, aliases=("default", "other")) as project:
        rehearsal = rehearse(project, consent=True)
        assert not rehearsal.works
        assert any(
            words in str(rehearsal.error)
            for words in ("readonly", "read-only", "may only be read", "authorized")
        ), rehearsal.error


THREAD = """
import threading
from django.db import connection, connections


def back(apps, schema_editor):
    said = []

    def write():
        try:
            apps.get_model("shop", "Item").objects.using(schema_editor.connection.alias).create(name="thread")
        except Exception as error:
            said.append(str(error))
        finally:
            connections.close_all()

    thread = threading.Thread(target=write)
    thread.start()
    thread.join()
    raise ValueError("thread: %s" % said)
"""


def test_a_thread_of_the_project_cannot_write_into_the_database_either(
    postgresql: str, tmp_path: Path
) -> None:
    with prepared(tmp_path, shop(add("first"), python(), before=THREAD), postgresql) as project:
        rehearsal = rehearse(project, consent=True)
    assert "read-only transaction" in str(rehearsal.error)


# -------------------------------------------------------------------- SQLite
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


# ---------------------------------------------------------------- PostgreSQL
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
        assert "step 1, shop.0003_step" in str(rehearsal.cannot)


def test_who_holds_the_lock_is_named(postgresql: str, tmp_path: Path) -> None:
    from tests.servers import connect

    quick = "\nDATABASES['default']['OPTIONS'] = {'options': '-c lock_timeout=700'}\n"
    with prepared(tmp_path, shop(add("first")), postgresql, quick) as project:
        other = connect("postgresql", project.databases["default"])
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM shop_item")
        rehearsal = rehearse(project)
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
    assert "step 1, shop.0003_step" in str(rehearsal.cannot)


# ---------------------------------------------------------- stopped and killed
WAITS = """
import time


def back(apps, schema_editor):
    apps.get_model("shop", "Item").objects.update(name="changed")
    open("half_way", "w").close()
    time.sleep(60)
"""


@contextmanager
def half_way(project: SampleProject) -> Iterator[tuple[Driver, object]]:
    """Yield an engine in the middle of a rehearsal, and the task that waits for it."""
    import asyncio

    with driving(project) as engine:
        plan = engine.plan(p.BACK_TO, "shop", "0001_initial")
        request = p.RehearsePlan(plan.database, plan.intent, plan.app, plan.name, plan.fingerprint, True)

        async def start() -> asyncio.Task[p.Rehearsal]:
            return asyncio.ensure_future(engine.engine.rehearse_plan(request))

        task = engine.wait(start())
        engine.wait(until((project.folder / "half_way").exists))
        yield engine, task


def engine_pid(engine: Driver) -> int:
    pid: int = engine.engine._lifetime._spawned.attempt.process.pid  # type: ignore[attr-defined]
    return pid


def stop(engine: Driver, task: object) -> None:
    engine.engine._connection.cancel("rehearse_plan")  # type: ignore[attr-defined]
    with pytest.raises(Cancelled):
        engine.wait(task)
    engine.wait(until(lambda: not alive(engine_pid(engine))))


def test_a_rehearsal_can_be_stopped(trial: str, tmp_path: Path) -> None:
    with prepared(tmp_path, shop(add("first"), python(), before=WAITS), trial) as project:
        before = whole(project)
        with half_way(project) as (engine, task):
            begun = time.monotonic()
            stop(engine, task)
            assert time.monotonic() - begun < 2
            others_can_write(project)
        assert whole(project) == before


@pytest.mark.parametrize("wal", [False, True], ids=["journal", "wal"])
def test_killed_in_the_middle_it_leaves_nothing(wal: bool, trial: str, tmp_path: Path) -> None:
    if wal and trial != "sqlite":
        pytest.skip("SQLite's journal")
    with prepared(tmp_path, shop(add("first"), python(), before=WAITS), trial) as project:
        if wal:
            execute(project, "PRAGMA journal_mode = WAL")
        before = whole(project)
        with half_way(project) as (engine, task):
            os.kill(engine_pid(engine), signal.SIGKILL)
            with pytest.raises(EngineEnded):
                engine.wait(task)
            others_can_write(project)
        assert whole(project) == before
        copies = list((tmp_path / "temporary").rglob("copy.sqlite3"))
        assert len(copies) == (trial == "sqlite")
        with driving(project) as engine:  # the next start cleans up
            engine.ask(p.OpenProject())
        assert not list((tmp_path / "temporary").iterdir())


def test_the_copy_goes_when_the_interface_goes(tmp_path: Path) -> None:
    with prepared(tmp_path, shop(add("first"), python(), before=WAITS), "sqlite") as project:
        with half_way(project) as (engine, task):
            assert list((tmp_path / "temporary").rglob("copy.sqlite3"))
            engine.wait(engine.engine.close())
            with pytest.raises((EngineEnded, Cancelled)):
                engine.wait(task)
        assert not list((tmp_path / "temporary").iterdir())


def test_two_at_once_are_told_apart_by_their_locks(tmp_path: Path) -> None:
    """The next start removes the copies of the dead, not those of the living."""
    files = shop(add("first"), python(), before=WAITS)
    with prepared(tmp_path, files, "sqlite") as project, half_way(project) as (engine, task):
        with driving(project) as other:
            assert ask(other, other.plan(p.FORWARD, "shop")).works
            other.ask(p.OpenProject())
        assert list((tmp_path / "temporary").rglob("copy.sqlite3"))
        stop(engine, task)


def test_a_run_and_a_rehearsal_do_not_get_in_each_others_way(postgresql: str, tmp_path: Path) -> None:
    files = shop(add("first"), python(), before=WAITS)
    with prepared(tmp_path, files, postgresql) as project, half_way(project) as (engine, task):
        with driving(project) as other:
            plan = other.plan(p.BACK_TO, "shop", "0001_initial")
            with pytest.raises(Refused, match="Another djmig-tui is at work on this database: session"):
                other.run(plan)
        stop(engine, task)


def test_contenttypes_does_not_leave_its_operations_in_the_plan(trial: str, tmp_path: Path) -> None:
    """Its handler of pre_migrate puts operations of its own behind each rename."""
    renamed = 'migrations.RenameModel("Item", "Thing")'
    settings = "\nINSTALLED_APPS += ['django.contrib.contenttypes']\n"
    files = {**shop(), "0002_step": migration_source(renamed, needs=[("shop", "0001_initial")])}
    with project_of(tmp_path, files, trial) as project:
        with (project.folder / "config" / "settings.py").open("a") as file:
            file.write(settings)
        with driving(project) as engine:
            migrate(engine)
            plan = engine.plan(p.BACK_TO, "shop", "0001_initial")
            assert plan.steps[0].operations == ("Undo Rename model Item to Thing",)
            assert engine.run(plan).error is None
            migrate(engine)
            again = engine.plan(p.BACK_TO, "shop", "0001_initial")
            assert again.steps[0].operations == plan.steps[0].operations
            assert ask(engine, again).works
