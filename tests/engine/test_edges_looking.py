"""Sharp edges of looking: what sqlmigrate does, reproduced, and what ours does instead."""

from __future__ import annotations

import shutil
from pathlib import Path

from djmig_tui import protocol as p
from tests.driver import driving
from tests.engine.small import ITEM, add, execute, keys, migrate, migration_of, project_of, shop
from tests.projects import SampleProject, migration_source


def test_edge_41_python_hidden_in_an_operation_is_shown_and_not_executed(
    ready_vendor_site: SampleProject,
) -> None:
    before = ready_vendor_site.rows()
    with driving(ready_vendor_site) as engine:
        for backwards, function in ((True, "take_welcome_points"), (False, "give_welcome_points")):
            rendered = engine.sql("loyalty", "0002_welcome_points", backwards=backwards)
            assert rendered.sql is None
            assert "would execute" in str(rendered.error)
            assert f"def {function}(apps, schema_editor):" in rendered.shown
            (part,) = rendered.parts
            assert part.kind == "python"
            assert f"def {function}" in part.text
            assert str(part.file).endswith("0002_welcome_points.py")
            assert part.line == 25
        engine.plan(p.BACK_TO, "loyalty", "0001_initial")
        engine.ask(p.ShowMigration("default", "loyalty", "0002_welcome_points"))
    assert ready_vendor_site.rows() == before
    ready_vendor_site.manage("sqlmigrate", "loyalty", "0002", "--backwards")
    assert ready_vendor_site.rows() != before, "sqlmigrate executes it"


SEPARATE = "migrations.SeparateDatabaseAndState(database_operations=[%s])"
WITNESS = """
def witness(apps, schema_editor):
    open("executed", "w").close()
"""


def test_edge_41_however_deep_it_is_hidden(tmp_path: Path) -> None:
    hidden = SEPARATE % (SEPARATE % f"{add('a')}, migrations.RunPython(witness, witness)")
    files = shop(hidden.replace("[migr", f"[{add('c')}, migr", 1), before=WITNESS)
    with project_of(tmp_path, files) as project:
        with driving(project) as engine:
            migrate(engine, "shop", "0001_initial")
            for backwards in (False, True):
                rendered = engine.sql("shop", "0002_step", backwards=backwards)
                assert rendered.sql is None
                assert "def witness" in rendered.shown
            engine.plan(p.FORWARD)
        assert not (project.folder / "executed").exists()
        project.manage("sqlmigrate", "shop", "0002", check=False)
        assert (project.folder / "executed").exists(), "sqlmigrate executes it"


def test_edge_46_one_bad_row_anywhere_does_not_hide_the_sql(ready_site: SampleProject) -> None:
    with driving(ready_site) as engine:
        good = engine.sql("store", "0003_change_price_field").sql
    execute(
        ready_site,
        "PRAGMA foreign_keys = OFF",
        "INSERT INTO orders_orderline (copies, paid, order_id, product_id) VALUES (1, 1, 999, 999)",
    )
    theirs = ready_site.manage("sqlmigrate", "store", "0003", "--backwards", check=False)
    assert "IntegrityError" in theirs.stderr, "sqlmigrate fails for a row of another app"
    with driving(ready_site) as engine:
        rendered = engine.sql("store", "0003_change_price_field")
        assert rendered.sql == good
        assert rendered.error is None


def test_edge_42_a_replaced_migration_that_names_a_deleted_parent(tmp_path: Path) -> None:
    names = ["0000_deleted", "0001_initial", "0002_step"]
    replaces = f"    replaces = {[('shop', name) for name in names]}\n    operations"
    files = {
        "0001_initial": migration_source(ITEM, needs=[("shop", "0000_deleted")]),
        "0002_step": migration_source(add("a"), needs=[("shop", "0001_initial")]),
        "0001_squashed": migration_source(ITEM, add("a")).replace("    operations", replaces),
        "0003_step": migration_source(add("b"), needs=[("shop", "0001_squashed")]),
    }
    with project_of(tmp_path, files) as project:
        project.manage("migrate")
        assert "[X] 0003_step" in project.manage("showmigrations").stdout
        theirs = project.manage("sqlmigrate", "shop", "0003", check=False)
        assert "NodeNotFoundError" in theirs.stderr, "every sqlmigrate fails"
        with driving(project) as engine:
            history = engine.history()
            assert history.complete
            assert history.problems == ()
            assert "Add field b" in str(engine.sql("shop", "0003_step").sql)
            assert "Create model Item" in str(engine.sql("shop", "0001_squashed").sql)
            assert "no place in the graph" in str(engine.sql("shop", "0002_step").error)
            detail: p.MigrationDetail = engine.ask(p.ShowMigration("default", "shop", "0002_step"))
            assert detail.why == ("shop.0002_step has no place in the graph of migrations.",)
            assert migration_of(history, "shop", "0002_step").replaced_by == "shop.0001_squashed"
            assert engine.run(engine.plan(p.BACK_TO, "shop", "0001_squashed")).error is None
        assert "0003_step" not in project.applied("shop")


def test_edge_43_one_name_begins_as_another(tmp_path: Path) -> None:
    files = {
        "0001_initial": migration_source(ITEM),
        "0001_initial_more": migration_source(add("a"), needs=[("shop", "0001_initial")]),
        "0002_step": migration_source(add("b"), needs=[("shop", "0001_initial_more")]),
    }
    with project_of(tmp_path, files) as project, driving(project) as engine:
        migrate(engine)
        for command in ("sqlmigrate", "migrate"):
            theirs = project.manage(command, "shop", "0001_initial", check=False)
            assert "More than one migration" in theirs.stderr, "Django cannot address it"
        assert "Create model Item" in str(engine.sql("shop", "0001_initial", backwards=False).sql)
        plan = engine.plan(p.BACK_TO, "shop", "0001_initial")
        assert keys(plan.steps) == ["shop.0002_step", "shop.0001_initial_more"]
        assert plan.commands == ()
        assert (
            "No manage.py command does this: 0001_initial is also how 0001_initial_more begins." in plan.notes
        )
        assert engine.plan(p.UNDO, "shop", "0001_initial_more").commands == ()
        assert engine.plan(p.UNDO, "shop", "0002_step").commands == (
            "python manage.py migrate shop 0001_initial_more",
        )
        assert engine.run(plan).error is None
        assert project.applied("shop") == ["0001_initial"]


def test_edge_30_a_fresh_database_is_not_made_by_looking(site: SampleProject) -> None:
    with driving(site) as engine:
        history = engine.history()
        assert {migration.mark for app in history.apps for migration in app.migrations} == {p.UNAPPLIED}
        (problem,) = history.problems
        assert problem.kind == "fresh"
        assert "Migrating creates it" in problem.message
        assert "CREATE TABLE" in str(engine.sql("store", "0001_initial", backwards=False).sql)
    assert not Path(site.databases["default"]).exists()
    site.manage("showmigrations")
    assert Path(site.databases["default"]).exists(), "showmigrations leaves an empty file behind"


def test_edge_48_each_database_has_its_own_records_and_nothing_to_do_is_said(
    full_vendor_site: SampleProject,
) -> None:
    with driving(full_vendor_site) as engine:
        assert "(no-op)" in str(engine.sql("ledger", "0002_entry_checked").sql)
        assert "checked" in str(engine.sql("ledger", "0002_entry_checked", database="archive").sql)
        assert engine.plan(p.BACK_TO, "ledger", "0001_initial").loss == ()
        assert engine.plan(p.BACK_TO, "ledger", "0001_initial").verdict == p.SAFE
        loss = engine.plan(p.BACK_TO, "ledger", "0001_initial", "archive").loss
        assert [(each.table, each.column) for each in loss] == [("ledger_entry", "checked")]


def test_edge_48_python_that_the_router_keeps_away_is_not_unknown(ready_site: SampleProject) -> None:
    """On the archive, RunPython of the newsletter does nothing: Django asks the router first."""
    with driving(ready_site) as engine:
        plan = engine.plan(p.BACK_TO, "newsletter", "0001_initial", "archive")
        assert keys(plan.steps) == ["newsletter.0002_confirm_subscribers"]
        assert plan.verdict == p.SAFE
        assert engine.plan(p.BACK_TO, "newsletter", "0001_initial").verdict == p.UNKNOWN


def test_edge_38_a_file_edited_while_the_engine_runs_is_not_passed_off_as_new(tmp_path: Path) -> None:
    """Modules in memory are stale: a plan is refused until a fresh engine has read the files."""
    import pytest

    from tui.engine.errors import Stale

    with project_of(tmp_path, shop(add("a"))) as project:
        with driving(project) as engine:
            migrate(engine)
            file = project.folder / "shop" / "migrations" / "0002_step.py"
            shutil.copy(file, file.with_name("0003_step.py"))
            with pytest.raises(Stale, match="look again"):
                engine.plan(p.FORWARD)
        with driving(project) as engine:
            assert [problem.kind for problem in engine.history().problems] == ["heads"]
