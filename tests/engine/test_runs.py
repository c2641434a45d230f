"""Runs of confirmed plans: stopped, cut off, refused, failing in every part, and what stands afterwards."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from djmig_tui import protocol as p
from tests.conftest import need_server
from tests.driver import Driver, driving
from tests.engine.small import (
    add,
    begin,
    execute,
    keys,
    migrate,
    migration_of,
    project_of,
    python,
    shop,
    wait_until,
)
from tests.projects import SampleProject, clone, make_project, migration_source
from tests.protocol.waiting import alive
from tests.servers import connect
from tui.engine.errors import EngineEnded, Refused, Stale

#: Says that it is there, then does what keeps it until it is cut off.
SLOW = """
import os
import time


def there():
    with open("there.tmp", "w") as witness:
        witness.write(str(os.getpid()))
    os.rename("there.tmp", "there")


def statement(apps, schema_editor):
    schema_editor.execute("UPDATE shop_item SET name = 'changed'")
    there()
    schema_editor.execute({
        "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
        "postgresql": "SELECT pg_sleep(300)",
        "mysql": "SELECT SLEEP(300)",
    }[schema_editor.connection.vendor])


def statements(apps, schema_editor):
    items = apps.get_model("shop", "Item").objects.using(schema_editor.connection.alias)
    there()
    while True:
        items.update(name="changed")


def stubborn(apps, schema_editor):
    items = apps.get_model("shop", "Item").objects.using(schema_editor.connection.alias)
    items.update(name="changed")
    there()
    while not os.path.exists("go"):
        time.sleep(0.01)
    try:
        items.update(name="changed again")
    except Exception:
        pass
"""


@contextmanager
def slow(
    tmp_path: Path, back: str, vendor: str = "sqlite", *, loose: bool = False
) -> Iterator[SampleProject]:
    """Yield a project whose third of four migrations does `back` on its way back, with a row."""
    steps = [add("a"), python(back), add("b")]
    with project_of(tmp_path, shop(*steps, before=SLOW, loose=[4] if loose else []), vendor) as project:
        with driving(project) as engine:
            migrate(engine)
        execute(project, "INSERT INTO shop_item (name, a, b) VALUES ('one', 1, 2)")
        yield project


def is_there(project: SampleProject) -> bool:
    return (project.folder / "there").exists()


@pytest.mark.parametrize("back", ["statement", "statements"])
def test_a_stop_in_the_middle_takes_all_back(vendor: str, back: str, tmp_path: Path) -> None:
    if vendor == "mysql":
        pytest.skip("step by step on MariaDB: tested below")
    with slow(tmp_path, back, vendor) as project, driving(project) as engine:
        before = project.snapshot()
        running = begin(engine, engine.plan(p.BACK_TO, "shop", "0001_initial"))
        wait_until(engine, lambda: is_there(project))
        engine.engine.stop_run()
        finished: p.RunFinished = engine.wait(running)
        assert finished.stopped
        assert finished.taken_back
        assert finished.error is None
        assert finished.failed_step is None
        assert finished.done == ()
        assert finished.next_steps == ("Nothing was changed.",)
        assert project.snapshot() == before


def test_a_stop_that_code_swallows_still_takes_all_back(tmp_path: Path) -> None:
    with slow(tmp_path, "stubborn") as project, driving(project) as engine:
        before = project.snapshot()
        running = begin(engine, engine.plan(p.BACK_TO, "shop", "0001_initial"))
        wait_until(engine, lambda: is_there(project))
        engine.engine.stop_run()
        (project.folder / "go").touch()
        finished: p.RunFinished = engine.wait(running)
        assert finished.stopped
        assert finished.taken_back
        assert project.snapshot() == before


def test_a_stop_of_a_run_that_goes_step_by_step_waits_for_the_step(vendor: str, tmp_path: Path) -> None:
    with slow(tmp_path, "stubborn", vendor, loose=True) as project, driving(project) as engine:
        plan = engine.plan(p.BACK_TO, "shop", "0001_initial")
        assert not plan.one_transaction
        running = begin(engine, plan)
        wait_until(engine, lambda: is_there(project))
        engine.engine.stop_run()
        (project.folder / "go").touch()
        finished: p.RunFinished = engine.wait(running)
        assert finished.stopped
        assert not finished.taken_back
        assert finished.error is None
        assert keys(finished.done) == ["shop.0004_step", "shop.0003_step"]
        assert finished.next_steps[0].startswith("2 of 3 steps stand. Go on from here, or migrate forward")
        assert project.applied("shop") == ["0001_initial", "0002_step"]
        assert "changed again" in str(project.rows()["shop_item"])


FAILS_WHEN_STOPPED = """
import os
import time


def back(apps, schema_editor):
    open("there", "w").close()
    while not os.path.exists("go"):
        time.sleep(0.01)
    raise ValueError("this is not because of the stop")
"""


def test_a_stop_hides_no_error_of_a_step_that_stands_by_itself(tmp_path: Path) -> None:
    files = shop(add("a"), python(), add("b"), before=FAILS_WHEN_STOPPED, loose=[4])
    with project_of(tmp_path, files) as project, driving(project) as engine:
        migrate(engine)
        running = begin(engine, engine.plan(p.BACK_TO, "shop", "0001_initial"))
        wait_until(engine, lambda: is_there(project))
        engine.engine.stop_run()
        (project.folder / "go").touch()
        finished: p.RunFinished = engine.wait(running)
        assert finished.error == "shop.0003_step: ValueError: this is not because of the stop"
        assert keys(finished.done) == ["shop.0004_step"]


def test_the_interface_goes_away_in_mid_run(vendor: str, tmp_path: Path) -> None:
    """All is taken back where that can be; otherwise the step under way ends, and no other begins."""
    back = "stubborn" if vendor == "mysql" else "statement"
    with slow(tmp_path, back, vendor) as project:
        before = project.snapshot()
        with driving(project) as engine:
            running = begin(engine, engine.plan(p.BACK_TO, "shop", "0001_initial"))
            wait_until(engine, lambda: is_there(project))
            pid = int((project.folder / "there").read_text())
            (project.folder / "go").touch()
            engine.wait(engine.engine.close())
            running.cancel()
            wait_until(engine, lambda: not alive(pid))
        if vendor == "mysql":
            assert project.applied("shop") == ["0001_initial", "0002_step"]
        else:
            assert project.snapshot() == before


def test_an_engine_that_is_killed_in_mid_run(vendor: str, tmp_path: Path) -> None:
    with slow(tmp_path, "stubborn", vendor) as project:
        before = project.snapshot()
        with driving(project) as engine:
            running = begin(engine, engine.plan(p.BACK_TO, "shop", "0001_initial"))
            wait_until(engine, lambda: is_there(project))
            os.kill(int((project.folder / "there").read_text()), signal.SIGKILL)
            with pytest.raises(EngineEnded, match="signal 9"):
                engine.wait(running)
        if vendor == "mysql":
            assert project.applied("shop") == ["0001_initial", "0002_step", "0003_step"]
            assert "`b`" not in project.schema()
        else:
            assert project.snapshot() == before


def test_a_file_that_is_edited_makes_the_plan_stale(tmp_path: Path) -> None:
    with project_of(tmp_path, shop(add("a"))) as project, driving(project) as engine:
        migrate(engine)
        before = project.snapshot()
        plan = engine.plan(p.BACK_TO, "shop", "0001_initial")
        file = project.folder / "shop" / "migrations" / "0002_step.py"
        file.write_text(file.read_text().replace('"a"', '"another"'))
        with pytest.raises(Stale):
            engine.run(plan)
        assert project.snapshot() == before
        with driving(project) as fresh:
            assert fresh.plan(p.BACK_TO, "shop", "0001_initial").fingerprint != plan.fingerprint


def test_a_plan_of_another_database_or_target_is_stale(ready_site: SampleProject) -> None:
    with driving(ready_site) as engine:
        plan = engine.plan(p.BACK_TO, "store", "0003_change_price_field")
        other = p.RunPlan("default", p.BACK_TO, "store", "0002_add_price_to_product", plan.fingerprint)
        with pytest.raises(Stale):
            engine.ask(other)
        with pytest.raises(Stale):
            engine.ask(p.RunPlan("default", p.UNDO, "store", "0004_add_discount_field", plan.fingerprint))
        archive = engine.plan(p.FORWARD, database="archive")
        with pytest.raises(Stale):
            engine.ask(p.RunPlan("default", p.FORWARD, None, None, archive.fingerprint))


PRE_MIGRATE = """
from django.apps import AppConfig
from django.db.models.signals import pre_migrate


def handler(**kwargs):
    import os
    if os.path.exists("armed"):
        raise RuntimeError("not on a Friday")


class Shop(AppConfig):
    name = "shop"

    def ready(self):
        pre_migrate.connect(handler)
"""


def test_a_pre_migrate_handler_that_raises(tmp_path: Path) -> None:
    with project_of(tmp_path, shop(add("a"))) as project:
        (project.folder / "shop" / "apps.py").write_text(PRE_MIGRATE)
        with driving(project) as engine:
            migrate(engine)
            before = project.snapshot()
            (project.folder / "armed").touch()
            finished = engine.run(engine.plan(p.BACK_TO, "shop", "0001_initial"))
            assert finished.error == "Before the first step: RuntimeError: not on a Friday"
            assert finished.failed_step is None
            assert finished.taken_back
            assert finished.done == ()
            assert project.snapshot() == before


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("import sys; sys.exit('enough')", "SystemExit: enough"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt: no message"),
        ('apps.get_model("shop", "Nothing")', "LookupError: App 'shop' doesn't have a 'Nothing' model."),
        (
            'apps.get_model("shop", "Item").objects.get_or_create(name=None)',
            "IntegrityError: NOT NULL constraint failed: shop_item.name",
        ),
        (
            'apps.get_model("shop", "Item").objects.create(id="x")',
            "ValueError: Field 'id' expected a number but got 'x'.",
        ),
        ("raise ValueError('one\\ntwo\\n\\n  three')", "ValueError: one two three"),
        ("raise ValueError('x' * 5_000_000)", "ValueError: " + "x" * 1000 + "…"),
        ("raise ValueError('[/b] \\x1b[31m \\udcff')", "ValueError: [/b] \x1b[31m \udcff"),
    ],
)
def test_what_a_way_back_raises_is_told_in_its_own_words(body: str, said: str, tmp_path: Path) -> None:
    before = f"def back(apps, schema_editor):\n    {body}"
    with project_of(tmp_path, shop(python(), before=before)) as project, driving(project) as engine:
        migrate(engine)
        finished = engine.run(engine.plan(p.BACK_TO, "shop", "0001_initial"))
        assert finished.error == f"shop.0002_step: {said}"
        assert finished.taken_back
        assert "Traceback" in finished.detail
        assert project.applied("shop") == ["0001_initial", "0002_step"]


def test_an_error_of_the_database_is_one_line(vendor: str, tmp_path: Path) -> None:
    before = """
def back(apps, schema_editor):
    apps.get_model("shop", "Item").objects.using(schema_editor.connection.alias).create(id=1, name="b")
"""
    with project_of(tmp_path, shop(python(), before=before), vendor) as project, driving(project) as engine:
        migrate(engine)
        execute(project, "INSERT INTO shop_item (id, name) VALUES (1, 'a')")
        finished = engine.run(engine.plan(p.BACK_TO, "shop", "0001_initial"))
        assert str(finished.error).startswith("shop.0002_step: IntegrityError: ")
        assert "\n" not in str(finished.error)


def test_a_way_back_that_fails_half_way_is_not_called_unchanged(vendor: str, tmp_path: Path) -> None:
    """The step undoes b, then fails on a: where nothing rolls back, that stands and is said."""
    first = "def back(apps, schema_editor):\n    raise ValueError('half-way')"
    files = shop([python(), add("b")], before=first, loose=[2])
    with project_of(tmp_path, files, vendor) as project, driving(project) as engine:
        migrate(engine)
        finished = engine.run(engine.plan(p.BACK_TO, "shop", "0001_initial"))
        assert finished.error == "shop.0002_step: ValueError: half-way"
        assert finished.done == ()
        assert not finished.taken_back
        assert "Nothing was changed" not in finished.next_steps[0]
        assert "What shop.0002_step did before it failed stays done" in finished.next_steps[0]
        assert "still recorded as applied" in finished.next_steps[0]
        assert project.applied("shop") == ["0001_initial", "0002_step"]


def test_a_step_that_is_atomic_is_rolled_back_among_others_that_are_not(tmp_path: Path) -> None:
    first = "def back(apps, schema_editor):\n    raise ValueError('half-way')"
    files = shop([python(), add("a")], add("b"), before=first, loose=[3])
    with project_of(tmp_path, files) as project, driving(project) as engine:
        migrate(engine)
        plan = engine.plan(p.BACK_TO, "shop", "0001_initial")
        assert plan.transaction_why == (
            "Step by step, for shop.0003_step says atomic = False: what was done before a failure stays done."
        )
        finished = engine.run(plan)
        assert keys(finished.done) == ["shop.0003_step"]
        assert "stays done" not in finished.next_steps[0]
        assert '"a"' in project.schema()


def test_code_that_commits_by_itself_is_not_called_taken_back(tmp_path: Path) -> None:
    """A driver's own commit in reverse_code breaks the one transaction: what stands is read, not assumed."""
    before = """
def back(apps, schema_editor):
    schema_editor.connection.connection.commit()
    raise ValueError("after the commit")
"""
    files = shop(python(), add("b"), before=before)
    with project_of(tmp_path, files) as project, driving(project) as engine:
        migrate(engine)
        finished = engine.run(engine.plan(p.BACK_TO, "shop", "0001_initial"))
        assert "after the commit" in str(finished.error)
        assert project.applied("shop") == ["0001_initial", "0002_step"]
        assert keys(finished.done) == ["shop.0003_step"]
        assert not finished.taken_back


def test_a_lock_of_another_session_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    need_server("postgresql")
    with project_of(tmp_path, shop(add("a")), "postgresql") as project:
        settings = project.folder / "config" / "settings.py"
        limit = 'DATABASES["default"]["OPTIONS"] = {"options": "-c lock_timeout=300"}\n'
        settings.write_text(settings.read_text() + limit)
        with driving(project) as engine:
            migrate(engine)
            before = project.snapshot()
            other = connect("postgresql", project.databases["default"])
            other.autocommit = False
            other.execute("SELECT * FROM shop_item")
            finished = engine.run(engine.plan(p.BACK_TO, "shop", "0001_initial"))
            other.rollback()
            other.close()
            assert "lock timeout" in str(finished.error)
            assert finished.failed_step == p.StepDone("shop", "0002_step")
            assert finished.taken_back
            assert finished.seconds < 3, "the shorter lock_timeout that is set holds"
            assert project.snapshot() == before


def test_a_sqlite_file_that_another_program_writes_to(tmp_path: Path) -> None:
    with project_of(tmp_path, shop(add("a"))) as project:
        settings = project.folder / "config" / "settings.py"
        settings.write_text(settings.read_text() + 'DATABASES["default"]["OPTIONS"] = {"timeout": 0.2}\n')
        with driving(project) as engine:
            migrate(engine)
            other = sqlite3.connect(project.databases["default"], isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            finished = engine.run(engine.plan(p.BACK_TO, "shop", "0001_initial"))
            other.execute("ROLLBACK")
            other.close()
            assert "database is locked" in str(finished.error)
            assert finished.taken_back
            assert "end it" in finished.next_steps[0]
            assert project.applied("shop") == ["0001_initial", "0002_step"]


def test_forward_on_a_fresh_file_creates_it_and_looking_does_not(tmp_path: Path) -> None:
    with project_of(tmp_path, shop(add("a"))) as project, driving(project) as engine:
        file = Path(project.databases["default"])
        plan = engine.plan(p.FORWARD)
        assert keys(plan.steps) == ["shop.0001_initial", "shop.0002_step"]
        assert engine.sql("shop", "0001_initial", backwards=False).sql
        assert not file.exists()
        assert engine.run(plan).error is None
        assert file.exists()
        assert project.applied("shop") == ["0001_initial", "0002_step"]
        assert migration_of(engine.history(), "shop", "0002_step").applied


def test_one_engine_runs_again_and_again(ready_vendor_site: SampleProject) -> None:
    """There and back three times in one process leaves what one `migrate` leaves."""
    before = ready_vendor_site.schema()
    with driving(ready_vendor_site) as engine:
        sql = engine.sql("store", "0003_change_price_field").sql
        for _ in range(3):
            for intent, name in ((p.BACK_TO, "0001_initial"), (p.FORWARD, None)):
                finished = engine.run(engine.plan(intent, "store", name))
                assert finished.error is None, finished.detail
            migrate(engine, "orders")
        assert engine.sql("store", "0003_change_price_field").sql == sql
    assert ready_vendor_site.schema() == before


RENAMES = [
    'migrations.RenameModel("Item", "Thing")',
    'migrations.AddField("thing", "a", models.IntegerField(default=0))',
]


def with_contrib(project: SampleProject) -> None:
    settings = project.folder / "config" / "settings.py"
    contrib = 'INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth"] + INSTALLED_APPS\n'
    settings.write_text(settings.read_text() + contrib)


def test_content_types_and_permissions_end_as_after_djangos_migrate(tmp_path: Path) -> None:
    """A renamed model renames its content type, both ways, and again: the handlers add an operation."""
    files = shop(*RENAMES)
    with project_of(tmp_path, files) as ours, project_of(tmp_path, files, name="theirs") as theirs:
        for project in (ours, theirs):
            with_contrib(project)
        theirs.manage("migrate")
        with driving(ours) as engine:
            migrate(engine)
            assert ours.snapshot() == theirs.snapshot()
            plan = engine.plan(p.BACK_TO, "shop", "0001_initial")
            sql = engine.sql("shop", "0002_step").sql
            for _ in range(2):
                assert engine.run(engine.plan(p.BACK_TO, "shop", "0001_initial")).error is None
                theirs.manage("migrate", "shop", "0001")
                assert ours.snapshot() == theirs.snapshot()
                migrate(engine)
                theirs.manage("migrate")
                assert ours.snapshot() == theirs.snapshot()
            assert engine.sql("shop", "0002_step").sql == sql
            again = engine.plan(p.BACK_TO, "shop", "0001_initial")
            assert [replace(step, applied_at=None) for step in again.steps] == [
                replace(step, applied_at=None) for step in plan.steps
            ]
            assert again.fingerprint == plan.fingerprint
            assert engine.run(engine.plan(p.ZERO, "shop")).error is None
            theirs.manage("migrate", "shop", "zero")
            assert ours.snapshot() == theirs.snapshot()


def test_the_archive_is_rolled_back_and_default_is_left_alone(ready_site: SampleProject) -> None:
    before = ready_site.snapshot()
    with driving(ready_site) as engine:
        plan = engine.plan(p.BACK_TO, "ledger", "0001_initial", database="archive")
        assert plan.commands == ("python manage.py migrate ledger 0001_initial --database archive",)
        assert engine.run(plan).error is None
    assert ready_site.applied("ledger", "archive") == ["0001_initial"]
    assert ready_site.snapshot() == before


def test_a_user_who_may_only_read_sees_all_and_is_told_why_nothing_runs(tmp_path: Path) -> None:
    """EDGES 21: a read-only user gets the view."""
    need_server("postgresql")
    with project_of(tmp_path, shop(add("a")), "postgresql") as project:
        with driving(project) as engine:
            migrate(engine)
        reader = f"djmig_reader_{os.getpid()}"
        execute(
            project,
            f"CREATE ROLE {reader} LOGIN",
            f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader}",
        )
        try:
            settings = project.folder / "config" / "settings.py"
            settings.write_text(settings.read_text() + f'DATABASES["default"]["USER"] = {reader!r}\n')
            with driving(project) as engine:
                history = engine.history()
                assert history.complete
                assert history.problems == ()
                assert migration_of(history, "shop", "0002_step").applied
                assert "DROP COLUMN" in str(engine.sql("shop", "0002_step").sql)
                finished = engine.run(engine.plan(p.BACK_TO, "shop", "0001_initial"))
                assert "permission denied" in str(finished.error) or "must be owner" in str(finished.error)
                assert finished.taken_back
        finally:
            execute(project, f"DROP OWNED BY {reader}", f"DROP ROLE {reader}")


def test_read_only_runs_nothing(ready_site: SampleProject) -> None:
    before = ready_site.snapshot()
    with driving(ready_site) as engine:
        engine.ask(p.OpenProject(read_only=True))
        plan = engine.plan(p.BACK_TO, "store", "0003_change_price_field")
        with pytest.raises(Refused, match="--read-only"):
            engine.run(plan)
    assert ready_site.snapshot() == before


def test_progress_names_each_step(ready_site: SampleProject) -> None:
    with driving(ready_site) as engine:
        engine.run(engine.plan(p.BACK_TO, "orders", "0001_initial"))
        engine.wait(_turn())
        told = [(progress.done, progress.total, progress.message) for progress in engine.progress]
    assert [each for each in told if each[1] == 2] == [
        (0, 2, "Unapplying orders.0003_order_note"),
        (1, 2, "Unapplying orders.0003_order_note: done"),
        (1, 2, "Unapplying orders.0002_order_placed_at_index"),
        (2, 2, "Unapplying orders.0002_order_placed_at_index: done"),
    ]


async def _turn() -> None:
    """Let what was scheduled on the loop happen."""


def test_an_empty_plan_runs_to_nothing(ready_site: SampleProject) -> None:
    before = ready_site.snapshot()
    with driving(ready_site) as engine:
        plan = engine.plan(p.FORWARD, "store")
        assert plan.steps == ()
        assert plan.commands == ()
        finished = engine.run(plan)
        assert finished == p.RunFinished((), seconds=finished.seconds)
    assert ready_site.snapshot() == before


def test_a_squash_is_recorded_with_what_it_replaces_and_counts_as_done(tmp_path: Path) -> None:
    """A later step fails, step by step: the squash before it stands, and is said to."""
    squash = migration_source(
        'migrations.CreateModel("Thing", [("id", models.AutoField(primary_key=True))])'
    ).replace("    operations", '    replaces = [("base", "0001_initial")]\n    operations')
    initial = migration_source(
        'migrations.CreateModel("Thing", [("id", models.AutoField(primary_key=True))])'
    )
    fails = migration_source(
        "migrations.RunPython(forth)",
        needs=[("base", "0001_squashed")],
        before="def forth(apps, schema_editor):\n    raise ValueError('no')",
        atomic=False,
    )
    apps = {"base": {"0001_initial": initial, "0001_squashed": squash}, "shop": {"0001_initial": fails}}
    project = make_project(tmp_path, apps)
    with driving(project) as engine:
        finished = engine.run(engine.plan(p.FORWARD))
        assert keys(finished.done) == ["base.0001_squashed"]
        assert finished.failed_step == p.StepDone("shop", "0001_initial")
    assert project.applied("base") == ["0001_initial"], "as Django: the squash itself is recorded at the end"
    with driving(project) as engine:
        assert migration_of(engine.history(), "base", "0001_squashed").mark == p.SQUASHED


def test_an_engine_ends_after_a_failed_run_and_stays_after_a_good_one(tmp_path: Path) -> None:
    files = shop(add("a"), python(), before="def back(apps, schema_editor):\n    raise ValueError('no')")
    with project_of(tmp_path, files) as project:
        engine = Driver(project)
        migrate(engine)
        assert engine.history().complete
        assert engine.run(engine.plan(p.BACK_TO, "shop", "0001_initial")).error
        with pytest.raises(EngineEnded):
            engine.history()
        engine.close()


def test_deferred_constraints_that_break_at_the_end(tmp_path: Path) -> None:
    """SQLite checks foreign keys by hand before the commit: a row that points nowhere takes all back."""
    before = """
def back(apps, schema_editor):
    apps.get_model("shop", "Child").objects.create(item_id=99)
"""
    child = (
        'migrations.CreateModel("Child", [("id", models.AutoField(primary_key=True)),'
        ' ("item", models.ForeignKey("shop.Item", models.CASCADE))])'
    )
    files = shop(child, python(), before=before)
    with project_of(tmp_path, files) as project, driving(project) as engine:
        migrate(engine)
        snapshot = project.snapshot()
        finished = engine.run(engine.plan(p.BACK_TO, "shop", "0002_step"))
        assert "IntegrityError" in str(finished.error)
        assert "invalid foreign key" in str(finished.error)
        assert finished.taken_back
        assert project.snapshot() == snapshot
        other = clone(project, tmp_path, "django")
        assert "IntegrityError" in other.manage("migrate", "shop", "0002", check=False).stderr
