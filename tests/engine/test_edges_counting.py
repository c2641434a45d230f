"""EDGES 5 to 9: what Django does with the rows in the way of a rollback, and what is said beforehand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from djmig_tui import protocol as p
from tests.driver import driving
from tests.engine.test_objects import execute
from tests.projects import SampleProject, make_project
from tests.sources import CHECK

MIGRATION = """from django.db import migrations, models
import datetime


def now():
    return datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)


class Migration(migrations.Migration):
    dependencies = [{dependencies}]
    operations = [
        {operations},
    ]
"""
BOOK = """migrations.CreateModel(
            name="Book",
            fields=[("id", models.BigAutoField(primary_key=True)), {fields}],
            options={{{options}}},
        )"""

Make = Callable[..., SampleProject]


@pytest.fixture
def make(vendor: str, tmp_path: Path) -> Iterator[Make]:
    """A function that makes a migrated project: Book's first fields, what 0002 does, rows as SQL."""
    made: list[SampleProject] = []

    def make_(fields: str, operation: str, *rows: str, options: str = "") -> SampleProject:
        first = MIGRATION.format(dependencies="", operations=BOOK.format(fields=fields, options=options))
        second = MIGRATION.format(dependencies='("shop", "0001_initial")', operations=operation)
        files = {"0001_initial": first, "0002_second": second}
        project = make_project(tmp_path, {"shop": files}, vendor, name=f"counting{len(made)}")
        made.append(project)
        project.migrate_all()
        execute(project, *rows)
        return project

    yield make_
    for project in made:
        project.drop()


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


def lost(plan: p.Plan) -> list[tuple[str, str | None, int | None, bool]]:
    return [(loss.table, loss.column, loss.rows, loss.exact) for loss in plan.loss]


def failing(plan: p.Plan) -> list[tuple[str, str, int | None]]:
    return [(failure.table, failure.column, failure.rows) for failure in plan.failures]


def rows(*titles: Any) -> str:
    values = ", ".join("(%s)" % ("NULL" if title is None else repr(title)) for title in titles)
    return f"INSERT INTO shop_book (title) VALUES {values}"


TITLE = '("title", models.CharField(max_length=20{extra}))'
OTHER = '("pages", models.IntegerField(null=True))'


def test_edge_05_a_removed_field_that_comes_back_not_null(make: Make, vendor: str) -> None:
    shelf = """migrations.CreateModel("Shelf", [("id", models.BigAutoField(primary_key=True))]),
        migrations.AddField("book", "shelf", models.ForeignKey("shop.Shelf", models.CASCADE, null=True)),
        migrations.RemoveField("book", "pages")"""
    fields = f'{TITLE.format(extra="")}, ("pages", models.IntegerField())'
    project = make(fields, shelf, rows("a", "b", "c"))
    plan = measured(project)
    if vendor == "mysql":  # filled with the type's implicit value: said, not counted
        assert plan.verdict != p.SAFE
        assert "implicit value" in " ".join(plan.why)
        return
    assert plan.verdict == p.FAILS
    assert failing(plan) == [("shop_book", "pages", 3)]
    assert not back(project)


def test_edge_05_is_fine_on_an_empty_table(make: Make, vendor: str) -> None:
    fields = f'{TITLE.format(extra="")}, ("pages", models.IntegerField())'
    project = make(fields, 'migrations.RemoveField("book", "pages")')
    plan = measured(project)
    assert plan.verdict == (p.UNKNOWN if vendor == "mysql" else p.SAFE), plan.why
    assert back(project)


def test_edge_06_nulls_become_the_default(make: Make) -> None:
    widen = 'migrations.AlterField("book", "title", models.CharField(max_length=20, null=True))'
    project = make(TITLE.format(extra=', default="none"'), widen, rows("a", None, None))
    plan = measured(project)
    assert plan.verdict == p.LOSES
    assert lost(plan) == [("shop_book", "title", 2, True)]
    assert "NULL becomes none" in " ".join(plan.why)
    assert back(project)
    assert sorted(row[0] for row in project.query("SELECT title FROM shop_book")) == ["a", "none", "none"]


def test_edge_06_nulls_without_a_default_fail(make: Make) -> None:
    widen = 'migrations.AlterField("book", "title", models.CharField(max_length=20, null=True))'
    project = make(TITLE.format(extra=""), widen, rows("a", None))
    plan = measured(project)
    assert plan.verdict == p.FAILS
    assert failing(plan) == [("shop_book", "title", 1)]
    assert not back(project)


def test_edge_07_values_that_are_too_long_for_the_old_type(make: Make, vendor: str) -> None:
    widen = 'migrations.AlterField("book", "title", models.CharField(max_length=90))'
    project = make(TITLE.format(extra=""), widen, rows("short", "x" * 40, "y" * 50))
    plan = measured(project)
    if vendor == "sqlite":  # keeps them: neither fails nor cuts
        assert plan.verdict == p.SAFE, plan.why
        assert any("SQLite keeps values" in note for note in plan.notes)
        assert back(project)
        assert project.query("SELECT max(length(title)) FROM shop_book") == [(50,)]
        return
    assert plan.verdict == p.FAILS
    assert failing(plan) == [("shop_book", "title", 2)]
    assert not back(project)


def test_edge_07_text_that_postgresql_cuts_without_a_word(make: Make, vendor: str) -> None:
    widen = 'migrations.AlterField("book", "title", models.TextField())'
    project = make(TITLE.format(extra=""), widen, rows("short", "x" * 40))
    plan = measured(project)
    if vendor == "postgresql":
        assert plan.verdict == p.LOSES
        assert lost(plan) == [("shop_book", "title", 1, True)]
        assert back(project)
        assert project.query("SELECT max(length(title)) FROM shop_book") == [(20,)]
    elif vendor == "mysql":
        assert failing(plan) == [("shop_book", "title", 1)]
        assert not back(project)
    else:
        assert plan.verdict == p.SAFE


def test_edge_07_numbers_out_of_the_old_range(make: Make, vendor: str) -> None:
    fields = '("title", models.CharField(max_length=9, default="")), ("pages", models.SmallIntegerField())'
    widen = 'migrations.AlterField("book", "pages", models.IntegerField())'
    insert = "INSERT INTO shop_book (title, pages) VALUES ('a', 5), ('b', 40000), ('c', -40000)"
    project = make(fields, widen, insert)
    plan = measured(project)
    assert failing(plan) == ([] if vendor == "sqlite" else [("shop_book", "pages", 2)])
    assert back(project) == (vendor == "sqlite")


def test_edge_08_values_of_a_dropped_column_that_are_not_its_default(make: Make) -> None:
    add = 'migrations.AddField("book", "pages", models.IntegerField(default=7, null=True))'
    insert = "INSERT INTO shop_book (title, pages) VALUES ('a', 7), ('b', 8), ('c', 9), ('d', NULL)"
    project = make(TITLE.format(extra=""), add, insert)
    plan = measured(project)
    assert plan.verdict == p.LOSES
    assert lost(plan) == [("shop_book", "pages", 2, True)]


def test_edge_08_a_callable_default_means_every_value(make: Make) -> None:
    add = 'migrations.AddField("book", "bought", models.DateTimeField(default=now, null=True))'
    insert = "INSERT INTO shop_book (title, bought) VALUES ('a', '2026-01-01'), ('b', NULL)"
    project = make(TITLE.format(extra=""), add, insert)
    assert lost(measured(project)) == [("shop_book", "bought", 1, True)]


def test_edge_08_rows_of_a_table_and_of_a_link_table(make: Make) -> None:
    create = """migrations.CreateModel(
            "Tag",
            [("id", models.BigAutoField(primary_key=True)), ("books", models.ManyToManyField("shop.Book"))],
        )"""
    project = make(
        TITLE.format(extra=""),
        create,
        rows("a", "b"),
        "INSERT INTO shop_tag (id) VALUES (1), (2), (3)",
        "INSERT INTO shop_tag_books (tag_id, book_id) SELECT 1, id FROM shop_book",
    )
    plan = measured(project)
    assert sorted(lost(plan)) == [("shop_tag", None, 3, True), ("shop_tag_books", None, 2, True)]


def test_edge_08_a_deleted_model_comes_back_as_an_empty_shell(make: Make) -> None:
    project = make(TITLE.format(extra=""), 'migrations.DeleteModel("book")')
    plan = measured(project)
    assert plan.verdict == p.SAFE
    assert any("comes back empty" in note for note in plan.notes)


def test_edge_09_duplicates_in_the_way_of_a_unique_constraint(make: Make) -> None:
    options = '"constraints": [models.UniqueConstraint(fields=["title"], name="one_title")]'
    project = make(
        TITLE.format(extra=""),
        'migrations.RemoveConstraint("book", "one_title")',
        rows("a", "a", "a", "b"),
        options=options,
    )
    plan = measured(project)
    assert plan.verdict == p.FAILS
    assert [failure.rows for failure in plan.failures] == [3]
    assert not back(project)


def test_edge_09_duplicates_of_a_pair(make: Make) -> None:
    project = make(
        f"{TITLE.format(extra='')}, {OTHER}",
        'migrations.AlterUniqueTogether("book", set())',
        "INSERT INTO shop_book (title, pages) VALUES ('a', 1), ('a', 1), ('a', 2), ('b', NULL), ('b', NULL)",
        options='"unique_together": {("title", "pages")}',
    )
    plan = measured(project)
    assert [failure.rows for failure in plan.failures] == [2]
    assert not back(project)


def test_edge_09_rows_that_violate_a_returning_check(make: Make) -> None:
    check = f'models.CheckConstraint(**{{{CHECK}: models.Q(pages__lt=50)}}, name="thin")'
    options = f'"constraints": [{check}]'
    insert = "INSERT INTO shop_book (title, pages) VALUES ('a', 1), ('b', 99), ('c', 100), ('d', NULL)"
    project = make(
        f"{TITLE.format(extra='')}, {OTHER}",
        'migrations.RemoveConstraint("book", "thin")',
        insert,
        options=options,
    )
    plan = measured(project)
    assert plan.verdict == p.FAILS
    assert [failure.rows for failure in plan.failures] == [2]
    assert not back(project)


def test_a_step_before_that_renames_is_followed(make: Make) -> None:
    """0002 adds a column and renames it: the rollback drops it under its old name."""
    operations = """migrations.AddField("book", "pages", models.IntegerField(null=True)),
        migrations.RenameField("book", "pages", "leaves"),
        migrations.RenameModel("book", "volume")"""
    project = make(
        TITLE.format(extra=""),
        operations,
        "INSERT INTO shop_volume (title, leaves) VALUES ('a', 1), ('b', 2)",
    )
    assert [(loss.column, loss.rows, loss.exact) for loss in measured(project).loss] == [("pages", 2, True)]


def test_two_columns_that_swap_their_names_are_not_mixed_up(make: Make) -> None:
    """Backwards the check that comes again is over the column that is called otherwise now."""
    operations = """migrations.RemoveConstraint("book", "thin"),
        migrations.RenameField("book", "pages", "kept"),
        migrations.RenameField("book", "leaves", "pages"),
        migrations.RenameField("book", "kept", "leaves")"""
    fields = f'{TITLE.format(extra="")}, ("pages", models.IntegerField()), ("leaves", models.IntegerField())'
    both = "models.Q(pages__lt=50) & models.Q(leaves__lt=500)"
    check = f'models.CheckConstraint(**{{{CHECK}: {both}}}, name="thin")'
    options = f'"constraints": [{check}]'
    insert = "INSERT INTO shop_book (title, leaves, pages) VALUES ('a', 40, 400), ('b', 400, 40)"
    project = make(fields, operations, insert, options=options)
    plan = measured(project)
    assert [failure.rows for failure in plan.failures] == [1]
    assert not back(project)


def test_code_before_a_count_makes_it_as_of_now(make: Make) -> None:
    operations = """migrations.AddField("book", "pages", models.IntegerField(null=True)),
        migrations.RunSQL("UPDATE shop_book SET pages = 1", "UPDATE shop_book SET pages = 2")"""
    project = make(TITLE.format(extra=""), operations, rows("a"))
    plan = measured(project)
    assert [loss.exact for loss in plan.loss] == [False]
    assert any("as of now" in reason for reason in plan.why)


def test_edge_46_one_bad_foreign_key_row_is_said_beforehand(make: Make, vendor: str) -> None:
    if vendor != "sqlite":
        pytest.skip("only SQLite checks every foreign key at the end of a step")
    project = make(
        f'{TITLE.format(extra="")}, ("next", models.ForeignKey("shop.Book", models.CASCADE, null=True))',
        'migrations.AddField("book", "pages", models.IntegerField(null=True))',
        "PRAGMA foreign_keys = OFF",
        "INSERT INTO shop_book (title, next_id) VALUES ('a', 77)",
    )
    plan = measured(project)
    assert plan.verdict == p.FAILS
    assert failing(plan) == [("shop_book", "", 1)]
    assert not back(project)


def test_the_answers_stream_in_and_the_plan_says_when_they_are_complete(make: Make) -> None:
    add = 'migrations.AddField("book", "pages", models.IntegerField(null=True))'
    project = make(TITLE.format(extra=""), add, "INSERT INTO shop_book (title, pages) VALUES ('a', 1)")
    with driving(project) as engine:
        plan = engine.plan(p.BACK_TO, "shop", "0001_initial")
        assert not plan.counted
        asked = p.MeasurePlan(plan.database, plan.intent, plan.app, plan.name, plan.fingerprint)
        counted = engine.ask(asked)
        assert counted.counted
        assert any(progress.plan is not None for progress in engine.progress)
        assert re.fullmatch(r"[0-9a-f]{32}", counted.fingerprint)
        assert counted.fingerprint == plan.fingerprint
