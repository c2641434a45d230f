"""Looking never writes: not to a database, not to the project's folder, whatever is asked."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path

import pytest

from djmig_tui import protocol as p
from tests.conftest import need_server
from tests.driver import Driver, driving
from tests.engine.small import (
    add,
    app_of,
    execute,
    migrate,
    migration_of,
    project_of,
    shop,
)
from tests.projects import SampleProject, migration_source
from tests.servers import connect, query
from tui.engine.errors import EngineError, Failed, Refused


def look_at_everything(engine: Driver, database: str = "default") -> int:
    """Ask all that changes nothing, of every migration; return how many answers there were."""
    answers = 0

    def ask(request: object) -> None:
        nonlocal answers
        with suppress(Refused):  # back to what is not applied, and so on
            engine.ask(request)
            answers += 1

    engine.ask(p.OpenProject())
    engine.ask(p.Watch(database, True))
    engine.ask(p.ScanHistory(database))
    history = engine.history(database)
    for app in history.apps:
        for intent in (p.ZERO, p.FORWARD):
            ask(p.PreviewPlan(database, intent, app.label, None))
        for migration in app.migrations:
            ask(p.ShowMigration(database, app.label, migration.name))
            ask(p.ReadFile(database, app.label, migration.name))
            for backwards in (False, True):
                ask(p.RenderSql(database, app.label, migration.name, backwards))
            for intent in p.INTENTS:
                ask(p.PreviewPlan(database, intent, app.label, migration.name))
    ask(p.PreviewPlan(database, p.FORWARD, None, None))
    ask(p.VerifySchema(database))
    ask(p.ListSessions(database))
    return answers


def everything_in(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return each file's time of change and content."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_nothing_is_written_to_a_database_or_the_folder(full_vendor_site: SampleProject) -> None:
    aliases = full_vendor_site.databases
    before = {alias: full_vendor_site.snapshot(alias) for alias in aliases}
    files = everything_in(full_vendor_site.folder)
    with driving(full_vendor_site) as engine:
        assert look_at_everything(engine) > 250
        assert look_at_everything(engine, "archive") > 150
    assert {alias: full_vendor_site.snapshot(alias) for alias in aliases} == before
    assert everything_in(full_vendor_site.folder) == files


def test_the_database_itself_refuses_what_the_user_of_the_database_may_do(tmp_path: Path) -> None:
    """PostgreSQL counts what is written in each table: nothing is."""
    need_server("postgresql")
    with project_of(tmp_path, shop(add("a"), add("b")), "postgresql") as project, driving(project) as engine:
        migrate(engine)
        execute(project, "INSERT INTO shop_item (name, a, b) VALUES ('one', 1, 2)")
        counted = (
            "SELECT pg_stat_force_next_flush(), sum(n_tup_ins + n_tup_upd + n_tup_del)"
            " FROM pg_stat_user_tables"
        )
        with driving(project) as fresh:
            written = query("postgresql", project.databases["default"], counted)[0][1]
            look_at_everything(fresh)
        assert query("postgresql", project.databases["default"], counted)[0][1] == written


def test_a_fresh_project_stays_without_a_database(site: SampleProject) -> None:
    before = everything_in(site.folder)
    with driving(site) as engine:
        assert look_at_everything(engine) > 100
        assert look_at_everything(engine, "archive") > 50
    assert everything_in(site.folder) == before
    assert not Path(site.databases["default"]).exists()


def in_wal_mode(project: SampleProject) -> sqlite3.Connection:
    with driving(project) as engine:
        migrate(engine)
    connection = sqlite3.connect(project.databases["default"])
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("INSERT INTO shop_item (name, a) VALUES ('one', 1)")
    connection.commit()
    return connection


def test_a_database_in_wal_mode_keeps_its_one_file(tmp_path: Path) -> None:
    """SQLite makes two files beside it for whoever reads; they go with the last reader."""
    with project_of(tmp_path, shop(add("a"))) as project:
        in_wal_mode(project).close()
        before = everything_in(project.folder)
        with driving(project) as engine:
            look_at_everything(engine)
            assert (project.folder / "default.sqlite3-wal").exists()
        assert everything_in(project.folder) == before


def test_a_database_in_wal_mode_that_another_program_uses(tmp_path: Path) -> None:
    with project_of(tmp_path, shop(add("a"))) as project:
        other = in_wal_mode(project)
        # Not read here: closing a file would drop the locks that this very process has on it.
        before = sorted(os.listdir(project.folder))
        with driving(project) as engine:
            look_at_everything(engine)
        assert sorted(os.listdir(project.folder)) == before
        other.execute("INSERT INTO shop_item (name, a) VALUES ('two', 2)")
        other.commit()
        assert other.execute("SELECT COUNT(*) FROM shop_item").fetchone() == (2,)
        other.close()


@pytest.mark.parametrize(
    "name",
    [
        "file:{folder}/new.sqlite3?mode=rwc",
        "file:{folder}/n%65w.sqlite3",
        "{folder}/new.sqlite3",
        "new.sqlite3",
        "{folder}/nowhere/new.sqlite3",
    ],
)
def test_no_name_of_a_file_makes_looking_create_it(name: str, tmp_path: Path) -> None:
    with project_of(tmp_path, shop(add("a"))) as project:
        settings = project.folder / "config" / "settings.py"
        given = name.format(folder=project.folder)
        settings.write_text(settings.read_text() + f'DATABASES["default"]["NAME"] = {given!r}\n')
        before = everything_in(project.folder)
        with driving(project) as engine:
            look_at_everything(engine)
            history = engine.history()
            assert [problem.kind for problem in history.problems] == ["fresh"]
        assert everything_in(project.folder) == before


def test_a_database_in_memory_is_looked_at_and_not_called_missing(tmp_path: Path) -> None:
    with project_of(tmp_path, shop(add("a"))) as project:
        settings = project.folder / "config" / "settings.py"
        settings.write_text(settings.read_text() + 'DATABASES["default"]["NAME"] = ":memory:"\n')
        with driving(project) as engine:
            assert engine.history().problems == ()


WRITES = """
class Sneaky(migrations.operations.base.Operation):
    reversible = True

    def state_forwards(self, app_label, state):
        pass

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("DELETE FROM shop_item")

    database_backwards = database_forwards
"""


def test_an_operation_that_writes_when_it_is_rendered_is_refused(vendor: str, tmp_path: Path) -> None:
    files = shop(add("a"), ["Sneaky()", add("b")], before=WRITES)
    with project_of(tmp_path, files, vendor) as project:
        with driving(project) as engine:
            migrate(engine, "shop", "0002_step")
        project.manage("migrate", "shop", "0003", "--fake")
        execute(
            project, "INSERT INTO shop_item (name, a) VALUES ('one', 1)", "ALTER TABLE shop_item ADD b int"
        )
        with driving(project) as engine:
            for backwards in (True, False):
                rendered = engine.sql("shop", "0003_step", backwards=backwards)
                assert rendered.sql is None
                assert "sqlmigrate cannot render this" in str(rendered.error)
                assert "read" in str(rendered.error).lower()
                assert rendered.shown
            assert len(project.rows()["shop_item"]) == 1
            # The connection is fit for more.
            assert "Add field a" in str(engine.sql("shop", "0002_step").sql)
            detail: p.MigrationDetail = engine.ask(p.ShowMigration("default", "shop", "0003_step"))
            assert detail.verdict != p.SAFE
        theirs = project.manage("sqlmigrate", "shop", "0003", "--backwards", check=False)
        assert theirs.returncode == 0
        assert project.rows()["shop_item"] == [], "sqlmigrate deletes the rows"


AT_IMPORT = """
from django.db import connection, migrations

with connection.cursor() as cursor:
    cursor.execute("DELETE FROM shop_item")


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
"""


def test_a_file_that_writes_when_it_is_imported_is_refused(vendor: str, tmp_path: Path) -> None:
    with project_of(tmp_path, shop(), vendor) as project:
        with driving(project) as engine:
            migrate(engine)
        execute(project, "INSERT INTO shop_item (name) VALUES ('one')")
        (project.folder / "shop" / "migrations" / "0002_sneaky.py").write_text(AT_IMPORT)
        with driving(project) as engine:
            error = migration_of(engine.history(), "shop", "0002_sneaky").error
            assert "read" in str(error).lower()
            assert "line 5" in str(error)
        assert len(project.rows()["shop_item"]) == 1


def test_another_alias_is_read_only_too(tmp_path: Path) -> None:
    """The operation writes to a database that is not the one that is looked at."""
    elsewhere = WRITES.replace("schema_editor.connection.cursor()", 'connections["other"].cursor()')
    files = shop("Sneaky()", before="from django.db import connections\n" + elsewhere)
    with project_of(tmp_path, files, aliases=("default", "other")) as project:
        with driving(project) as engine:
            migrate(engine, "shop", "0001_initial")
            migrate(engine, "shop", "0001_initial", "other")
        execute(project, "INSERT INTO shop_item (name) VALUES ('one')", alias="other")
        with driving(project) as engine:
            rendered = engine.sql("shop", "0002_step", backwards=False)
            assert "readonly" in str(rendered.error)
        assert len(project.rows("other")["shop_item"]) == 1


def test_after_a_run_looking_is_read_only_again(tmp_path: Path) -> None:
    with project_of(tmp_path, shop("Sneaky()", before=WRITES)) as project, driving(project) as engine:
        migrate(engine, "shop", "0001_initial")
        execute(project, "INSERT INTO shop_item (name) VALUES ('one')")
        assert engine.sql("shop", "0002_step", backwards=False).sql is None
        assert len(project.rows()["shop_item"]) == 1
        migrate(engine)
        assert project.rows()["shop_item"] == [], "a run may write"
        execute(project, "INSERT INTO shop_item (name) VALUES ('two')")
        assert engine.sql("shop", "0002_step").sql is None
        assert len(project.rows()["shop_item"]) == 1


def test_a_database_that_is_down_shows_the_files(tmp_path: Path) -> None:
    with project_of(tmp_path, shop(add("a"))) as project:
        settings = project.folder / "config" / "settings.py"
        settings.write_text(
            settings.read_text()
            + 'DATABASES["default"] = {"ENGINE": "django.db.backends.postgresql", "NAME": "x",'
            ' "USER": "x", "HOST": "127.0.0.1", "PORT": "1"}\n'
        )
        with driving(project) as engine:
            for history in (engine.ask(p.ScanHistory()), engine.history()):
                (problem,) = [each for each in history.problems if each.kind == "database"]
                assert "cannot be reached" in problem.message
                assert [each.name for each in app_of(history, "shop").migrations] == [
                    "0001_initial",
                    "0002_step",
                ]
                assert all(each.file for each in app_of(history, "shop").migrations)
            assert not history.complete
            detail: p.MigrationDetail = engine.ask(p.ShowMigration("default", "shop", "0002_step"))
            assert "AddField" in detail.source
            assert detail.verdict == p.UNKNOWN
            assert "understood" not in str(detail.why)
            assert "cannot be reached" in detail.why[0]
            for request in (
                p.RenderSql("default", "shop", "0002_step"),
                p.PreviewPlan("default", p.FORWARD, "shop", None),
            ):
                with pytest.raises(Failed, match="Start it or check DATABASES"):
                    engine.ask(request)


@pytest.mark.long  # waits for the lock as long as a user would
def test_a_table_that_is_locked_does_not_stop_the_engine_for_ever(tmp_path: Path) -> None:
    """Somebody holds django_migrations: an answer comes all the same, and the next one too."""
    need_server("postgresql")
    with project_of(tmp_path, shop(add("a")), "postgresql") as project, driving(project) as engine:
        migrate(engine)
        other = connect("postgresql", project.databases["default"])
        other.autocommit = False
        other.execute("LOCK TABLE django_migrations IN ACCESS EXCLUSIVE MODE")
        try:
            history = engine.history()
            assert [each.kind for each in history.problems] == ["database"]
            assert "lock timeout" in history.problems[0].message
        finally:
            other.rollback()
            other.close()
        assert engine.history().problems == ()


def test_a_folder_instead_of_a_file_is_a_sentence(tmp_path: Path) -> None:
    with project_of(tmp_path, shop(add("a"))) as project:
        settings = project.folder / "config" / "settings.py"
        settings.write_text(settings.read_text() + 'DATABASES["default"]["NAME"] = "shop"\n')
        with driving(project) as engine:
            (problem,) = engine.history().problems
            assert problem.kind == "database"
            assert "unable to open database file" in problem.message
            with pytest.raises(EngineError, match="unable to open"):
                engine.plan(p.FORWARD)


def test_a_file_that_is_no_database_is_a_sentence(tmp_path: Path) -> None:
    with project_of(tmp_path, shop(add("a"))) as project:
        file = Path(project.databases["default"])
        file.write_bytes(os.urandom(4096))
        before = file.read_bytes()
        with driving(project) as engine:
            (problem,) = engine.history().problems
            assert "not a database" in problem.message
        assert file.read_bytes() == before


def test_a_file_that_comes_is_noticed_without_a_fresh_engine(tmp_path: Path) -> None:
    with project_of(tmp_path, shop(add("a"))) as project, driving(project) as engine:
        assert [each.kind for each in engine.history().problems] == ["fresh"]
        assert "Add field a" in str(engine.sql("shop", "0002_step", backwards=False).sql)
        project.manage("migrate")
        history = engine.history()
        assert history.problems == ()
        assert migration_of(history, "shop", "0002_step").applied
        Path(project.databases["default"]).unlink()
        assert [each.kind for each in engine.history().problems] == ["fresh"]
        assert not Path(project.databases["default"]).exists()


def test_ten_megabytes_of_sql_are_answered(tmp_path: Path) -> None:
    """EDGES 39."""
    files = shop("""migrations.RunSQL("SELECT '" + 'x' * 10_000_000 + "'", migrations.RunSQL.noop)""")
    files["0003_long"] = migration_source(needs=[("shop", "0002_step")]) + "# " + "y" * 10_000_000
    with project_of(tmp_path, files) as project, driving(project) as engine:
        assert len(str(engine.sql("shop", "0002_step", backwards=False).sql)) > 10_000_000
        detail: p.MigrationDetail = engine.ask(p.ShowMigration("default", "shop", "0003_long"))
        assert len(detail.source) > 10_000_000
        assert engine.plan(p.FORWARD).steps[1].operations[0].startswith("Raw SQL operation")
        assert len(engine.plan(p.FORWARD).steps[1].operations[0]) < 200
