"""What goes along without a migration knowing of it: views, triggers, hand-made indexes; and locks."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from djmig_tui import protocol as p
from tests.driver import driving
from tests.projects import SampleProject, make_project
from tests.servers import connect

FIRST = """from django.db import migrations, models


class Migration(migrations.Migration):
    operations = [
        migrations.CreateModel(
            name="Book",
            fields=[
                ("id", models.BigAutoField(primary_key=True)),
                ("title", models.CharField(max_length=20)),
                ("pages", models.IntegerField(default=0)),
            ],
        ),
    ]
"""
SECOND = """from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [
        {operation},
    ]
"""
ADD = 'migrations.AddField("book", "isbn", models.CharField(max_length=13, null=True))'
WIDEN = 'migrations.AlterField("book", "title", models.TextField(null=True))'
CREATE = 'migrations.CreateModel("Shelf", [("id", models.BigAutoField(primary_key=True))])'


@pytest.fixture
def make(vendor: str, tmp_path: Path) -> Iterator[object]:
    """A function that makes a migrated project whose second migration has one operation."""
    made: list[SampleProject] = []

    def make_(operation: str, *statements: str) -> SampleProject:
        files = {"0001_initial": FIRST, "0002_second": SECOND.format(operation=operation)}
        project = make_project(tmp_path, {"shop": files}, vendor, name=f"objects{len(made)}")
        made.append(project)
        project.migrate_all()
        execute(project, *statements)
        return project

    yield make_
    for project in made:
        project.drop()


def execute(project: SampleProject, *statements: str) -> None:
    if project.vendor == "sqlite":
        connection = sqlite3.connect(project.databases["default"], isolation_level=None)
    else:
        connection = connect(project.vendor, project.databases["default"])
    for statement in statements:
        connection.cursor().execute(statement)
    connection.close()


def measured(project: SampleProject) -> p.Plan:
    with driving(project) as engine:
        plan = engine.plan(p.BACK_TO, "shop", "0001_initial")
        asked = p.MeasurePlan(plan.database, plan.intent, plan.app, plan.name, plan.fingerprint)
        counted: p.Plan = engine.ask(asked)
    return counted


def back(project: SampleProject) -> bool:
    """Return whether Django's own rollback works."""
    done = project.manage("migrate", "shop", "0001_initial", "-v", "0", check=False)
    return done.returncode == 0


def test_edge_08_a_view_over_a_dropped_column(make: object, vendor: str) -> None:
    view, above = (
        "CREATE VIEW isbns AS SELECT isbn FROM shop_book",
        "CREATE VIEW above AS SELECT * FROM isbns",
    )
    project = make(ADD, view, above)  # type: ignore[operator]
    plan = measured(project)
    if vendor == "sqlite":
        assert plan.verdict == p.FAILS
        assert "the view isbns" in " ".join(plan.why)
        assert not back(project)
        return
    assert any("view isbns" in sentence for sentence in plan.objects)
    assert back(project)
    if vendor == "postgresql":  # CASCADE took it, and the one above it
        assert any("view above" in sentence for sentence in plan.objects)
        assert project.query("SELECT count(*) FROM pg_views WHERE viewname = 'isbns'") == [(0,)]


def test_edge_08_a_view_over_a_column_whose_type_changes(make: object, vendor: str) -> None:
    project = make(WIDEN, "CREATE VIEW titles AS SELECT title FROM shop_book")  # type: ignore[operator]
    plan = measured(project)
    assert (plan.verdict == p.FAILS) == (vendor != "mysql"), plan.why
    assert back(project) == (vendor == "mysql")


def test_edge_08_triggers_and_hand_made_indexes_of_a_remade_table(make: object, vendor: str) -> None:
    if vendor != "sqlite":
        pytest.skip("only SQLite remakes tables")
    project = make(  # type: ignore[operator]
        WIDEN,
        "CREATE INDEX by_hand ON shop_book (pages)",
        "CREATE TRIGGER noted AFTER INSERT ON shop_book BEGIN SELECT 1; END",
    )
    plan = measured(project)
    assert [sentence for sentence in plan.objects if "by_hand" in sentence]
    assert [sentence for sentence in plan.objects if "noted" in sentence]
    assert plan.steps[0].rewrites == ("shop_book",)
    assert back(project)
    left = project.query("SELECT name FROM sqlite_master WHERE name IN ('by_hand', 'noted')")
    assert left == []


def test_edge_08_a_trigger_of_a_table_that_goes(make: object, vendor: str) -> None:
    body = {
        "sqlite": "CREATE TRIGGER noted AFTER INSERT ON shop_shelf BEGIN SELECT 1; END",
        "mysql": "CREATE TRIGGER noted BEFORE INSERT ON shop_shelf FOR EACH ROW SET @noted = 1",
        "postgresql": "CREATE TRIGGER noted BEFORE UPDATE ON shop_shelf FOR EACH ROW"
        " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    }[vendor]
    plan = measured(make(CREATE, body))  # type: ignore[operator]
    assert any("trigger noted" in sentence for sentence in plan.objects), plan.objects


def test_the_lock_of_a_step_is_named(make: object, vendor: str) -> None:
    plan = measured(make(ADD))  # type: ignore[operator]
    words = {"sqlite": "whole database", "postgresql": "ACCESS EXCLUSIVE", "mysql": "metadata lock"}
    assert words[vendor] in plan.steps[0].lock


def test_a_hand_made_thing_elsewhere_is_not_named(make: object) -> None:
    project = make(  # type: ignore[operator]
        ADD, "CREATE TABLE notes (id int)", "CREATE VIEW all_notes AS SELECT id FROM notes"
    )
    plan = measured(project)
    assert plan.objects == ()
    assert plan.verdict == p.SAFE
