"""Sharp edges of running a plan: what Django does, reproduced, and what ours does instead."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from djmig_tui import protocol as p
from tests.conftest import need_server
from tests.driver import driving
from tests.engine.small import (
    ROW,
    add,
    execute,
    keys,
    migrate,
    migration_of,
    project_of,
    python,
    shop,
)
from tests.lockstep import django
from tests.projects import SampleProject, clone, migration_source
from tui.engine.errors import Refused, Stale

RAISES = """
def back(apps, schema_editor):
    raise ValueError("this way back is closed")
"""


@pytest.fixture
def postgresql() -> str:
    need_server("postgresql")
    return "postgresql"


@pytest.fixture
def closed_in_the_middle(vendor: str, tmp_path: Path) -> Iterator[SampleProject]:
    """Four migrations, of which the third raises on its way back."""
    files = shop(add("first"), python(), add("last"), before=RAISES)
    with project_of(tmp_path, files, vendor) as project:
        with driving(project) as engine:
            migrate(engine)
        execute(project, "INSERT INTO shop_item (name, first, last) VALUES ('one', 1, 2)")
        yield project


def test_edge_02_django_leaves_the_steps_before_a_failure_undone(closed_in_the_middle: SampleProject) -> None:
    done = closed_in_the_middle.manage("migrate", "shop", "0001", check=False)
    assert "this way back is closed" in done.stderr
    assert closed_in_the_middle.applied("shop") == ["0001_initial", "0002_step", "0003_step"]
    assert "last" not in str(closed_in_the_middle.schema())


def test_edge_02_a_failing_step_takes_all_back_or_is_told_exactly(
    closed_in_the_middle: SampleProject,
) -> None:
    before = closed_in_the_middle.snapshot()
    with driving(closed_in_the_middle) as engine:
        plan = engine.plan(p.BACK_TO, "shop", "0001_initial")
        finished = engine.run(plan)
    assert keys(plan.steps) == ["shop.0004_step", "shop.0003_step", "shop.0002_step"]
    assert finished.failed_step == p.StepDone("shop", "0003_step")
    assert finished.error == "shop.0003_step: ValueError: this way back is closed"
    assert "in back" in finished.detail
    if closed_in_the_middle.vendor == "mysql":
        assert not plan.one_transaction
        assert "commits at every schema change" in plan.transaction_why
        assert keys(finished.done) == ["shop.0004_step"]
        assert not finished.taken_back
        assert finished.next_steps[0].startswith("1 of 3 steps stand")
        assert closed_in_the_middle.applied("shop") == ["0001_initial", "0002_step", "0003_step"]
    else:
        assert plan.one_transaction
        assert finished.done == ()
        assert finished.taken_back
        assert "Nothing was changed" in finished.next_steps[0]
        assert closed_in_the_middle.snapshot() == before


def test_edge_02_mariadb_goes_on_where_it_stands(tmp_path: Path) -> None:
    """The way back that is offered: mend the cause and go on, or migrate forward to where it was."""
    need_server("mysql")
    with project_of(tmp_path, shop(add("first"), python(), add("last"), before=RAISES), "mysql") as project:
        with driving(project) as engine:
            migrate(engine)
            before = project.schema()
            assert engine.run(engine.plan(p.BACK_TO, "shop", "0001_initial")).error
        with driving(project) as engine:
            plan = engine.plan(p.FORWARD, "shop")
            assert keys(plan.steps) == ["shop.0004_step"]
            migrate(engine, "shop")
        assert project.schema() == before


SEPARATE = "migrations.SeparateDatabaseAndState(database_operations=[%s])"


@pytest.mark.parametrize(
    "irreversible",
    [
        "migrations.RunPython(migrations.RunPython.noop)",
        SEPARATE % "migrations.RunPython(migrations.RunPython.noop)",
        SEPARATE % (SEPARATE % "migrations.RunSQL('SELECT 1')"),
    ],
    ids=["plain", "separate", "separate twice"],
)
def test_edge_03_an_irreversible_step_blocks_before_anything_is_destroyed(
    irreversible: str, tmp_path: Path
) -> None:
    with project_of(tmp_path, shop(add("first"), irreversible, add("last"))) as project:
        with driving(project) as engine:
            migrate(engine)
        execute(project, "INSERT INTO shop_item (name, first, last) VALUES ('one', 1, 2)")
        before = project.snapshot()
        with driving(project) as engine:
            plan = engine.plan(p.BACK_TO, "shop", "0001_initial")
            assert plan.verdict == p.BLOCKED
            assert "shop.0003_step cannot be undone" in plan.blockers[0]
            assert "0003_step.py, line 11" in plan.blockers[0]
            assert [step.reversible for step in plan.steps] == [True, False, True]
            assert "Back to shop.0003_step" in plan.ways_out[0]
            assert "undoes shop.0004_step" in plan.ways_out[0]
            with pytest.raises(Refused, match="blocked"):
                engine.run(plan)
            assert project.snapshot() == before
            offered = engine.plan(p.BACK_TO, "shop", "0003_step")
            assert keys(offered.steps) == ["shop.0004_step"]
            assert offered.verdict != p.BLOCKED
        done = project.manage("migrate", "shop", "0001", check=False)
        assert done.returncode != 0
        assert "last" not in project.schema(), "Django destroyed the step before the irreversible one"


def test_edge_03_the_way_out_names_only_what_it_would_undo(ready_site: SampleProject) -> None:
    """`suppliers zero` meets the irreversible 0003 first: there is no way in between."""
    with driving(ready_site) as engine:
        plan = engine.plan(p.ZERO, "suppliers")
        assert plan.verdict == p.BLOCKED
        assert any("cannot be undone" in blocker for blocker in plan.blockers)
        for way in plan.ways_out:
            assert "undoes suppliers" not in way
        plan = engine.plan(p.UNDO, "members", "0001_initial")
        assert plan.verdict == p.BLOCKED
        assert set(keys(plan.steps)) > {"loyalty.0001_initial", "members.0002_lower_case_emails"}
        assert "loyalty" not in plan.ways_out[0]
        assert engine.plan(p.BACK_TO, "members", "0002_lower_case_emails").steps == ()


TWO_MODELS = """migrations.CreateModel("Child", [
    ("id", models.AutoField(primary_key=True)),
    ("item", models.ForeignKey("shop.Item", models.CASCADE)),
])"""

MOVES = """
def back(apps, schema_editor):
    item = apps.get_model("shop", "Item").objects.create(name="new")
    apps.get_model("shop", "Child").objects.create(item=item)


def back_out_of_order(apps, schema_editor):
    apps.get_model("shop", "Child").objects.create(item_id=77)
    apps.get_model("shop", "Item").objects.create(id=77, name="later")
"""


def test_edge_11_data_and_schema_in_one_transaction(postgresql: str, tmp_path: Path) -> None:
    """Each step alone is legal in Django: rows, then a changed table, then rows out of order."""
    alter = (
        'migrations.AlterField("child", "item", models.ForeignKey("shop.Item", models.CASCADE, null=True))'
    )
    steps = [TWO_MODELS, python("back_out_of_order"), alter, add("a"), python("back")]
    with project_of(tmp_path, shop(*steps, before=MOVES), postgresql) as project:
        with driving(project) as engine:
            migrate(engine)
        other = clone(project, tmp_path, "django")
        other.manage("migrate", "shop", "0002")
        with driving(project) as engine:
            plan = engine.plan(p.BACK_TO, "shop", "0002_step")
            assert plan.one_transaction
            finished = engine.run(plan)
            assert finished.error is None, finished.detail
        assert project.snapshot() == other.snapshot()
        assert len(project.rows()["shop_child"]) == 2
        other.drop()


def test_edge_11_one_migration_of_both_fails_in_both(postgresql: str, tmp_path: Path) -> None:
    both = ['migrations.AddField("child", "number", models.IntegerField(default=0))', python("back")]
    with project_of(tmp_path, shop(TWO_MODELS, both, before=MOVES), postgresql) as project:
        with driving(project) as engine:
            migrate(engine)
            before = project.snapshot()
            done = project.manage("migrate", "shop", "0002", check=False)
            assert "pending trigger events" in done.stderr
            finished = engine.run(engine.plan(p.BACK_TO, "shop", "0002_step"))
        assert "pending trigger events" in str(finished.error)
        assert finished.failed_step == p.StepDone("shop", "0003_step")
        assert project.snapshot() == before


def test_edge_11_a_row_that_points_nowhere_fails_in_its_own_step(postgresql: str, tmp_path: Path) -> None:
    nowhere = """
def back(apps, schema_editor):
    apps.get_model("shop", "Child").objects.create(item_id=99)
"""
    with (
        project_of(tmp_path, shop(TWO_MODELS, add("a"), python(), before=nowhere), postgresql) as project,
        driving(project) as engine,
    ):
        migrate(engine)
        before = project.snapshot()
        finished = engine.run(engine.plan(p.BACK_TO, "shop", "0002_step"))
        assert finished.failed_step == p.StepDone("shop", "0004_step")
        assert "IntegrityError" in str(finished.error)
        assert project.snapshot() == before


ELSEWHERE = """migrations.RunSQL([
    "CREATE SCHEMA elsewhere",
    "CREATE TABLE elsewhere.child (item integer REFERENCES shop_item (id) DEFERRABLE INITIALLY DEFERRED)",
], migrations.RunSQL.noop)"""
OUT_OF_ORDER = """migrations.RunSQL(migrations.RunSQL.noop, [
    "INSERT INTO elsewhere.child VALUES (77)",
    "INSERT INTO shop_item (id, name) VALUES (77, 'later')",
])"""


def test_edge_11_constraints_of_other_schemas_are_deferred_again_too(postgresql: str, tmp_path: Path) -> None:
    files = shop(
        ELSEWHERE, OUT_OF_ORDER, "migrations.RunPython(migrations.RunPython.noop, migrations.RunPython.noop)"
    )
    with project_of(tmp_path, files, postgresql) as project, driving(project) as engine:
        migrate(engine)
        other = clone(project, tmp_path, "django")
        other.manage("migrate", "shop", "0002")
        finished = engine.run(engine.plan(p.BACK_TO, "shop", "0002_step"))
        assert finished.error is None, finished.detail
        assert len(project.query("SELECT * FROM elsewhere.child")) == 1
        assert project.snapshot() == other.snapshot()
        other.drop()


def test_edge_35_the_next_steps_after_a_rollback_are_named(ready_site: SampleProject) -> None:
    with driving(ready_site) as engine:
        finished = engine.run(engine.plan(p.UNDO, "store", "0004_add_discount_field"))
    models, file, again, restart = finished.next_steps
    assert "edit the models" in models
    assert "store.0004_add_discount_field" in file
    assert "makemigrations" in again
    assert "Restart" in restart
    done = ready_site.manage(
        "shell", "-c", "from store.models import *; print(list(Product.objects.all()))", check=False
    )
    assert "no such column" in done.stderr, "the code is ahead: the site breaks until the models change"


def test_edge_12_apps_that_fall_are_named_with_the_dependency(ready_site: SampleProject) -> None:
    with driving(ready_site) as engine, django(ready_site) as theirs:
        plan = engine.plan(p.BACK_TO, "store", "0002_add_price_to_product")
        because = {f"{step.app}.{step.name}": step.because for step in plan.steps}
        assert because == {
            "orders.0003_order_note": "orders.0003_order_note depends on orders.0002_order_placed_at_index",
            "orders.0002_order_placed_at_index": (
                "orders.0002_order_placed_at_index depends on orders.0001_initial"
            ),
            "orders.0001_initial": "orders.0001_initial depends on store.0003_change_price_field",
            "store.0004_add_discount_field": None,
            "store.0003_change_price_field": None,
        }
        assert any("Other apps fall with it: orders" in note for note in plan.notes)
        plan = engine.plan(p.ZERO, "contenttypes")
        assert "auth" in {step.app for step in plan.steps}
        assert all(step.third_party for step in plan.steps if step.app in {"auth", "contenttypes"})
        assert any("Not your own apps: auth, contenttypes" in note for note in plan.notes)
        # Django says nothing of all that.
        assert "depends" not in theirs.call("migrate", "contenttypes", "zero", plan=True)["out"]


def test_edge_13_undoing_one_branch_of_a_merge(ready_site: SampleProject) -> None:
    merge = "authors.0003_merge_0002_author_biography_0002_author_born"
    with driving(ready_site) as engine, django(ready_site) as theirs:
        assert [step for step, _ in theirs.plan("authors", "0002_author_born")] == [merge]
        back = engine.plan(p.BACK_TO, "authors", "0002_author_born")
        assert keys(back.steps) == [merge]
        assert back.commands == ("python manage.py migrate authors 0002_author_born",)
        undo = engine.plan(p.UNDO, "authors", "0002_author_born")
        assert keys(undo.steps) == [merge, "authors.0002_author_born"]
        assert undo.commands == ()
        assert "No manage.py command does this." in undo.notes
        assert [(change.before, change.after) for change in undo.marks] == [(p.APPLIED, p.UNAPPLIED)] * 2
        finished = engine.run(undo)
        assert finished.error is None, finished.detail
        assert ready_site.applied("authors") == ["0001_initial", "0002_author_biography"]
        assert engine.plan(p.FORWARD, "authors").verdict != p.BLOCKED
        migrate(engine, "authors")
    assert len(ready_site.applied("authors")) == 4


def test_edge_24_a_squash_goes_back_to_one_that_it_replaces(
    ready_site: SampleProject, tmp_path: Path
) -> None:
    theirs = clone(ready_site, tmp_path, "theirs")
    theirs.manage("migrate", "reviews", "0002_review_stars")
    assert "0001_squashed_0003_review_headline" in theirs.applied("reviews"), "Django leaves the row behind"
    squash = "0001_squashed_0003_review_headline"
    with driving(ready_site) as engine:
        migration = migration_of(engine.history(), "reviews", "0002_review_stars")
        assert migration.replaced_by == f"reviews.{squash}"
        plan = engine.plan(p.BACK_TO, "reviews", "0002_review_stars")
        assert keys(plan.steps) == ["reviews.0003_review_headline"]
        assert engine.run(plan).error is None
        assert ready_site.snapshot() == theirs.snapshot()
        history = engine.history()
        # What Django makes of the row that is left: the squash does not count as applied.
        assert migration_of(history, "reviews", squash).mark == p.UNAPPLIED
        assert not migration_of(history, "reviews", squash).applied
        assert migration_of(history, "reviews", "0002_review_stars").mark == p.APPLIED
        assert migration_of(history, "reviews", "0003_review_headline").mark == p.UNAPPLIED
        forward = engine.plan(p.FORWARD, "reviews")
        assert keys(forward.steps) == ["reviews.0003_review_headline"]
        assert engine.run(forward).error is None
        assert migration_of(engine.history(), "reviews", squash).mark == p.APPLIED
    theirs.manage("migrate", "reviews")
    assert ready_site.snapshot() == theirs.snapshot()


def test_edge_24_what_needs_the_squash_is_not_left_behind(tmp_path: Path) -> None:
    files = shop(add("a"), add("b"))
    files["0001_squashed_0003"] = migration_source(ITEM_A_B).replace(
        "    operations = [",
        '    replaces = [("shop", "0001_initial"), ("shop", "0002_step"), ("shop", "0003_step")]\n'
        "    operations = [",
    )
    files["0004_step"] = migration_source(add("c"), needs=[("shop", "0001_squashed_0003")])
    with project_of(tmp_path, files) as project, driving(project) as engine:
        migrate(engine)
        before = project.snapshot()
        plan = engine.plan(p.BACK_TO, "shop", "0002_step")
        assert plan.verdict == p.BLOCKED
        assert "shop.0004_step depends on shop.0001_squashed_0003" in plan.blockers[0]
        with pytest.raises(Refused):
            engine.run(plan)
        assert project.snapshot() == before
        assert keys(engine.plan(p.UNDO, "shop", "0001_squashed_0003").steps) == [
            "shop.0004_step",
            "shop.0001_squashed_0003",
        ]


ITEM_A_B = (
    'migrations.CreateModel("Item", [("id", models.AutoField(primary_key=True)),'
    ' ("name", models.CharField(default="", max_length=20)),'
    ' ("a", models.IntegerField(default=0)), ("b", models.IntegerField(default=0))])'
)

APP = """
from django.apps import AppConfig


class Shop(AppConfig):
    name = "shop"

    def ready(self):
{ready}
"""

HANDLER = """\
        import os
        from django.db.models.signals import {signal}

        def handler(**kwargs):
            if os.path.exists("armed"):
                raise RuntimeError("the search index is down")

        {signal}.connect(handler, weak=False)
"""


def hooked(project: SampleProject, ready: str) -> Path:
    """Give shop a ready(); return the file by which a test arms what it does."""
    (project.folder / "shop" / "apps.py").write_text(APP.format(ready=ready))
    return project.folder / "armed"


def test_edge_28_a_post_migrate_handler_that_raises_is_told_apart(tmp_path: Path) -> None:
    with project_of(tmp_path, shop(add("a"), add("b"))) as project:
        armed = hooked(project, HANDLER.format(signal="post_migrate"))
        with driving(project) as engine:
            migrate(engine)
            armed.touch()
            finished = engine.run(engine.plan(p.BACK_TO, "shop", "0002_step"))
            assert finished.error is None
            assert finished.post_migrate_error == "RuntimeError: the search index is down"
            assert not finished.taken_back
            assert keys(finished.done) == ["shop.0003_step"]
            assert project.applied("shop") == ["0001_initial", "0002_step"]
            # The engine is fit for more.
            assert keys(engine.plan(p.BACK_TO, "shop", "0001_initial").steps) == ["shop.0002_step"]
        done = project.manage("migrate", "shop", "0001", check=False)
        assert done.returncode != 0, "Django reports it as if the rollback had failed"
        assert project.applied("shop") == ["0001_initial"]


KILLER = """\
        import os, signal
        from django.db.backends.signals import connection_created

        def kill(execute, sql, params, many, context):
            if sql.startswith("DELETE FROM") and "django_migrations" in sql and os.path.exists("armed"):
                os.kill(os.getpid(), signal.SIGKILL)
            return execute(sql, params, many, context)

        def watch(connection, **kwargs):
            connection.execute_wrappers.append(kill)

        connection_created.connect(watch, weak=False)
"""


def test_edge_29_killed_between_the_schema_and_the_record(vendor: str, tmp_path: Path) -> None:
    if vendor == "mysql":
        pytest.skip("MariaDB commits at every schema change: nothing can hold the two together")
    with project_of(tmp_path, shop(add("a"), add("b")), vendor) as project:
        armed = hooked(project, KILLER)
        with driving(project) as engine:
            migrate(engine)
        before = project.snapshot()
        armed.touch()
        with driving(project) as engine:
            plan = engine.plan(p.BACK_TO, "shop", "0001_initial")
            with pytest.raises(Exception, match="ended"):
                engine.run(plan)
        assert project.snapshot() == before
        project.manage("migrate", "shop", "0001", check=False)
        assert project.applied("shop") == ["0001_initial", "0002_step", "0003_step"]
        assert '"b"' not in project.schema(), "Django: undone, and recorded as applied"
        assert " b " not in project.schema()


def test_edge_37_a_way_back_that_prints_and_asks(ready_site: SampleProject) -> None:
    with driving(ready_site) as engine:
        finished = engine.run(engine.plan(p.BACK_TO, "newsletter", "0001_initial"))
        assert finished.error is None, finished.detail
        assert keys(finished.done) == ["newsletter.0002_confirm_subscribers"]
        output: str = engine.engine.output()  # type: ignore[attr-defined]
        assert "About to withdraw 6 confirmations." in output
        assert "Nobody there to ask" in output
        assert migration_of(engine.history(), "newsletter", "0002_confirm_subscribers").mark == p.UNAPPLIED
    assert not any("True" in row for row in ready_site.rows()["newsletter_subscriber"])


def test_edge_40_the_second_of_two_programs_is_refused(tmp_path: Path) -> None:
    with (
        project_of(tmp_path, shop(add("a"), add("b"))) as project,
        driving(project) as engine,
        driving(project) as other,
    ):
        migrate(engine)
        mine = engine.plan(p.BACK_TO, "shop", "0001_initial")
        theirs = other.plan(p.BACK_TO, "shop", "0001_initial")
        assert mine.fingerprint == theirs.fingerprint
        assert other.run(theirs).error is None
        after = project.snapshot()
        with pytest.raises(Stale, match="look again"):
            engine.run(mine)
        assert project.snapshot() == after
        assert engine.plan(p.FORWARD, "shop").steps, "the engine goes on with what is true"


def test_edge_40_a_migrate_between_plan_and_run_is_noticed(tmp_path: Path) -> None:
    with project_of(tmp_path, shop(add("a"), add("b"))) as project, driving(project) as engine:
        migrate(engine)
        plan = engine.plan(p.BACK_TO, "shop", "0001_initial")
        project.manage("migrate", "shop", "0002")
        with pytest.raises(Stale, match="nothing was done"):
            engine.run(plan)
        assert project.applied("shop") == ["0001_initial", "0002_step"]


SNEAKS = """\
        import os, sqlite3
        from django.db.backends.signals import connection_created

        def sneak(connection, **kwargs):
            if os.path.exists("armed") and not connection.cursor().execute("PRAGMA query_only").fetchone()[0]:
                os.unlink("armed")
                other = sqlite3.connect(connection.settings_dict["NAME"])
                other.execute("INSERT INTO django_migrations VALUES (99, 'x', 'y', '2024-01-01')")
                other.commit()
                other.close()

        connection_created.connect(sneak, weak=False)
"""


def test_edge_40_what_changes_in_the_last_moment_is_noticed_under_the_lock(tmp_path: Path) -> None:
    """Another program records something after the plan was confirmed, before the lock is ours."""
    with project_of(tmp_path, shop(add("a"), add("b"))) as project:
        armed = hooked(project, SNEAKS)
        with driving(project) as engine:
            migrate(engine)
            plan = engine.plan(p.BACK_TO, "shop", "0001_initial")
            armed.touch()
            with pytest.raises(Stale, match="in this moment"):
                engine.run(plan)
            assert not armed.exists()
        assert project.applied("shop") == ["0001_initial", "0002_step", "0003_step"]


BULK = """
def back(apps, schema_editor):
    Item = apps.get_model("shop", "Item")
    Item.objects.bulk_create([Item(id=1, name="again"), Item(id=1, name="and again")])
"""


def test_edge_51_the_first_error_is_shown_and_nothing_stays_locked(tmp_path: Path) -> None:
    with project_of(tmp_path, shop(add("a"), python(), before=BULK)) as project, driving(project) as engine:
        migrate(engine)
        before = project.snapshot()
        done = project.manage("migrate", "shop", "0002", check=False)
        assert "TransactionManagementError" in done.stderr.strip().splitlines()[-1], "Django hides it"
        finished = engine.run(engine.plan(p.BACK_TO, "shop", "0001_initial"))
        assert finished.error == "shop.0003_step: IntegrityError: UNIQUE constraint failed: shop_item.id"
        assert finished.taken_back
        assert project.snapshot() == before
        other = sqlite3.connect(project.databases["default"], timeout=1)
        other.execute("INSERT INTO shop_item (name, a) VALUES ('another program', 1)")
        other.commit()
        other.close()


OVERRIDE = """
from django.core.management.commands.migrate import Command as Migrate


class Command(Migrate):
    def handle(self, *args, **options):
        open("override_ran", "w").close()
"""


def test_edge_52_a_migrate_of_the_project_is_named_and_not_used(tmp_path: Path) -> None:
    with project_of(tmp_path, shop(add("a"))) as project:
        commands = project.folder / "shop" / "management" / "commands"
        commands.mkdir(parents=True)
        (commands.parent / "__init__.py").write_text("")
        (commands / "__init__.py").write_text("")
        (commands / "migrate.py").write_text(OVERRIDE)
        with driving(project) as engine:
            assert engine.ask(p.OpenProject()).migrate_override == "shop"
            migrate(engine)
            assert project.applied("shop") == ["0001_initial", "0002_step"]
            plan = engine.plan(p.BACK_TO, "shop", "0001_initial")
            assert any("replaces `migrate`" in note and "shop" in note for note in plan.notes)
            assert engine.run(plan).error is None
        assert project.applied("shop") == ["0001_initial"]
        assert not (project.folder / "override_ran").exists()
        project.manage("migrate", "shop", "zero")
        assert (project.folder / "override_ran").exists()
        assert project.applied("shop") == ["0001_initial"], "the command does something else"


def test_rows_are_kept_by_what_is_taken_back(tmp_path: Path) -> None:
    with project_of(tmp_path, shop(add("a"), python(), before=RAISES)) as project, driving(project) as engine:
        migrate(engine)
        execute(project, ROW.replace("(name)", "(name, a)").replace("('one')", "('one', 3)"))
        before = project.rows()
        assert engine.run(engine.plan(p.ZERO, "shop")).taken_back
        assert project.rows() == before


@pytest.mark.parametrize(
    ("reverse", "one"),
    [
        ("UPDATE shop_item SET name = name; COMMIT; BEGIN", False),
        ("commit", False),
        ("ROLLBACK TO SAVEPOINT here", True),
        ("UPDATE shop_item SET name = 'please commit; or end'", True),
        ("CREATE TRIGGER t AFTER DELETE ON shop_item BEGIN SELECT 1; END", True),
    ],
)
def test_edge_02_sql_that_ends_its_transaction_is_no_step_of_one_transaction(
    tmp_path: Path, reverse: str, one: bool
) -> None:
    sql = f"migrations.RunSQL(migrations.RunSQL.noop, {reverse!r})"
    with project_of(tmp_path, shop(sql, add("last"))) as project:
        project.migrate_all()
        with driving(project) as engine:
            plan = engine.plan(p.BACK_TO, "shop", "0001_initial")
            assert plan.one_transaction is one
            if not one:
                assert "the SQL of shop.0002_step ends its transaction" in plan.transaction_why
