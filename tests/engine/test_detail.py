"""What is said of each operation before anything runs, and the words around a plan."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from djmig_tui import protocol as p
from tests.driver import Driver, driving
from tests.engine.small import add, keys, migrate, project_of, python, shop
from tests.engine.verdict_cases import BEFORE, CASES, Said
from tests.lockstep import django
from tests.projects import SampleProject, make_project, migration_source

ITEM = (
    'migrations.CreateModel("Item", [("id", models.AutoField(primary_key=True)),'
    ' ("name", models.CharField(default="", max_length=20))])'
)
LABELS = {name: f"c{number:02}" for number, name in enumerate(CASES)}
CASE_NAMES = sorted(CASES)


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SampleProject, Driver]]:
    """Every case in an app of its own: applied on `default`, to come on `other`."""
    apps = {}
    for name, case in CASES.items():
        label = LABELS[name]
        setup = [each.replace("{app}", label) for each in (ITEM, *case.setup)]
        apps[label] = {
            "0001_initial": migration_source(*setup),
            "0002_step": migration_source(
                case.operation.replace("{app}", label), needs=[(label, "0001_initial")], before=BEFORE
            ),
        }
    project = make_project(tmp_path_factory.mktemp("cases"), apps, aliases=("default", "other"))
    with driving(project) as engine:
        migrate(engine)
        for label in LABELS.values():
            migrate(engine, label, "0001_initial", "other")
        yield project, engine


def said(plan: p.Plan, label: str) -> Said:
    names = {each.table + (f".{each.column}" if each.column else "") for each in plan.loss}
    return plan.verdict, {name.removeprefix(f"{label}_") for name in names}


@pytest.mark.parametrize("name", CASE_NAMES)
def test_what_undoing_does(cases: tuple[SampleProject, Driver], name: str) -> None:
    _, engine = cases
    plan = engine.plan(p.UNDO, LABELS[name], "0002_step")
    assert said(plan, LABELS[name]) == CASES[name].back, plan.why
    detail: p.MigrationDetail = engine.ask(p.ShowMigration("default", LABELS[name], "0002_step"))
    assert detail.verdict == plan.verdict
    assert detail.loss == plan.loss
    assert plan.why, "a verdict always says why"
    assert bool(plan.blockers) == (plan.verdict == p.BLOCKED)
    assert bool(plan.ways_out) == bool(plan.blockers)


@pytest.mark.parametrize("name", CASE_NAMES)
def test_what_applying_does(cases: tuple[SampleProject, Driver], name: str) -> None:
    _, engine = cases
    plan = engine.plan(p.FORWARD, LABELS[name], "0002_step", "other")
    assert said(plan, LABELS[name]) == CASES[name].forth, plan.why
    assert "back" not in " ".join(plan.why), "nothing comes back on the way forward"


def fill(database: str, label: str) -> None:
    """Put two rows into each table of an app, whatever its columns are; keys point at the first."""
    with closing(sqlite3.connect(database)) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            if not table.startswith(f"{label}_"):
                continue
            columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
            for number in (1, 2):
                values = {
                    name: number if "int" in kind.lower() or "bool" in kind else f"2024-01-0{number}"
                    for _, name, kind, *_ in columns
                }
                names = ", ".join(f'"{name}"' for name in values)
                marks = ", ".join("?" for _ in values)
                connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(values.values()))
        connection.commit()


def rows_of(database: str, label: str) -> int:
    with closing(sqlite3.connect(database)) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        counts = [
            connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]
            for table in tables
            if table.startswith(f"{label}_")
        ]
    return sum(counts)


def test_what_is_called_safe_loses_no_row_and_never_fails(cases: tuple[SampleProject, Driver]) -> None:
    """The word is tested by doing it: both ways, on rows, for every case that is given it."""
    project, engine = cases
    checked = 0
    for name, label in LABELS.items():
        for alias, intent in (("other", p.FORWARD), ("default", p.UNDO)):
            plan = engine.plan(intent, label, "0002_step", alias)
            if plan.verdict != p.SAFE:
                continue
            fill(project.databases[alias], label)
            before = rows_of(project.databases[alias], label)
            finished = engine.run(plan)
            assert finished.error is None, (name, intent, finished.detail)
            assert rows_of(project.databases[alias], label) == before, (name, intent)
            checked += 1
    assert checked > 60


def test_titles_say_what_stays_and_what_goes(ready_site: SampleProject) -> None:
    with driving(ready_site) as engine:
        title = {
            (intent, app, name): engine.plan(intent, app, name).title
            for intent, app, name in (
                (p.BACK_TO, "store", "0002_add_price_to_product"),
                (p.UNDO, "store", "0004_add_discount_field"),
                (p.UNDO, "authors", "0002_author_born"),
                (p.ZERO, "vouchers", None),
                (p.FORWARD, None, None),
            )
        }
    back, *rest = title.values()
    assert back.startswith("Back to 0002_add_price_to_product: it stays applied; undoes ")
    assert {"orders.0001_initial", "0004_add_discount_field"} <= set(back.partition("undoes ")[2].split(", "))
    merge = "0003_merge_0002_author_biography_0002_author_born"
    assert rest == [
        "Undo 0004_add_discount_field: nothing else needs it",
        f"Undo 0002_author_born and what needs it: undoes {merge}, 0002_author_born",
        "Take vouchers back to zero: undoes 0002_remove_voucher_campaign, 0001_initial",
        "Migrate to the latest of everything: applies nothing",
    ]


def test_each_command_does_the_very_plan(ready_site: SampleProject) -> None:
    """Whatever command is named, Django plans the same steps for it."""
    named = 0
    with driving(ready_site) as engine, django(ready_site) as theirs:
        for app in engine.history().apps:
            for migration in app.migrations:
                if not migration.applied:
                    continue
                for intent in (p.BACK_TO, p.UNDO):
                    plan = engine.plan(intent, app.label, migration.name)
                    for command in plan.commands:
                        words = command.split()
                        assert words[:3] == ["python", "manage.py", "migrate"]
                        steps = [step for step, _ in theirs.plan(*words[3:])]
                        assert steps == keys(plan.steps), command
                        named += 1
                    if plan.steps and not plan.commands:
                        assert any("No manage.py command" in note for note in plan.notes), plan.title
    assert named > 60


def test_marks_before_and_after_are_those_of_the_history(ready_site: SampleProject) -> None:
    with driving(ready_site) as engine:
        plan = engine.plan(p.BACK_TO, "orders", "0001_initial")
        before = {f"{a.label}.{m.name}": m.mark for a in engine.history().apps for m in a.migrations}
        assert engine.run(plan).error is None
        after = {f"{a.label}.{m.name}": m.mark for a in engine.history().apps for m in a.migrations}
        changed = {key: (before[key], after[key]) for key in before if before[key] != after[key]}
        assert {f"{c.app}.{c.name}": (c.before, c.after) for c in plan.marks} == changed


def test_the_detail_of_one_migration(ready_site: SampleProject) -> None:
    with driving(ready_site) as engine:
        detail: p.MigrationDetail = engine.ask(p.ShowMigration("default", "store", "0003_change_price_field"))
        assert detail.depends_on == ("store.0002_add_price_to_product",)
        assert detail.needed_by == ("orders.0001_initial", "store.0004_add_discount_field")
        assert detail.atomic
        assert [(each.kind, each.reversible, each.sql) for each in detail.operations] == [
            ("AlterField", True, True)
        ]
        assert detail.operations[0].description == "Alter field price on product"
        assert (
            detail.source == (ready_site.folder / "store/migrations/0003_change_price_field.py").read_text()
        )
        hidden: p.MigrationDetail = engine.ask(p.ShowMigration("default", "loyalty", "0002_welcome_points"))
        (operation,) = hidden.operations
        assert operation.kind == "SeparateDatabaseAndState"
        assert not operation.sql
        assert [each.kind for each in operation.inner] == ["RunPython"]
        assert not engine.ask(p.ShowMigration("default", "stock", "0002_item_room")).atomic


def test_dependencies_without_a_name_are_resolved(ready_site: SampleProject) -> None:
    """orders.0001 names the user model's app by __first__."""
    with driving(ready_site) as engine:
        auth: p.MigrationDetail = engine.ask(p.ShowMigration("default", "auth", "0001_initial"))
        assert "orders.0001_initial" in auth.needed_by


def test_ways_out_are_targets_that_can_be_reached(ready_site: SampleProject) -> None:
    with driving(ready_site) as engine:
        plan = engine.plan(p.BACK_TO, "suppliers", "0001_initial")
        assert plan.verdict == p.BLOCKED
        assert plan.ways_out == (
            "To go further, give what cannot be undone a reverse in suppliers.0003_forget_fax_numbers.",
        )


STRANGE = """
from django.db.migrations.operations.base import Operation


class Strange(Operation):
    def state_forwards(self, app_label, state):
        raise KeyError("of its own")
"""


def test_an_operation_that_fails_leaves_source_and_names_to_be_seen(tmp_path: Path) -> None:
    with (
        project_of(tmp_path, shop("Strange()", add("a"), before=STRANGE)) as project,
        driving(project) as engine,
    ):
        for name, said in (("0002_step", "cannot be followed"), ("0003_step", "What it does cannot be told")):
            detail: p.MigrationDetail = engine.ask(p.ShowMigration("default", "shop", name))
            assert said in detail.why[0]
            assert "KeyError: 'of its own'" in detail.why[0]
            assert detail.verdict == p.UNKNOWN
            assert "class Migration" in detail.source
            assert "of its own" in str(engine.sql("shop", name).error)
        assert engine.history().complete


def test_a_router_that_wants_the_model_does_not_break_the_plan(tmp_path: Path) -> None:
    router = """
class Picky:
    def allow_migrate(self, db, app_label, model_name=None, **hints):
        return hints["model"]._meta.app_label == "shop" if model_name else True
"""
    with project_of(tmp_path, shop(add("a"), python("code"), before="def code(a, s):\n    pass")) as project:
        (project.folder / "config" / "router.py").write_text(router)
        settings = project.folder / "config" / "settings.py"
        settings.write_text(settings.read_text() + 'DATABASE_ROUTERS = ["config.router.Picky"]\n')
        with driving(project) as engine:
            migrate(engine)
            plan = engine.plan(p.BACK_TO, "shop", "0001_initial")
            assert [(each.table, each.column) for each in plan.loss] == [("shop_item", "a")]
