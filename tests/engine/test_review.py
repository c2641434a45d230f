"""Plans that must not be called safe: what looks harmless and is not, each against what Django does."""

from __future__ import annotations

from pathlib import Path

import django
import pytest

from djmig_tui import protocol as p
from tests.driver import driving
from tests.engine.small import add, execute, project_of, shop
from tests.engine.test_edges_counting import OTHER, TITLE, Make, back, lost, make, measured
from tests.projects import SampleProject

__all__ = ["make"]  # a fixture


def measured_forwards(project: SampleProject) -> p.Plan:
    with driving(project) as engine:
        plan = engine.ask(p.PreviewPlan("default", p.FORWARD, "shop"))
        asked = p.MeasurePlan("default", p.FORWARD, "shop", None, plan.fingerprint)
        counted: p.Plan = engine.ask(asked)
    return counted


def test_what_database_operations_did_last_is_undone_first(make: Make) -> None:
    operations = """migrations.SeparateDatabaseAndState([
            migrations.RenameField("book", "pages", "leaves"),
            migrations.AlterField("book", "leaves", models.IntegerField(null=True)),
        ], [
            migrations.RenameField("book", "pages", "leaves"),
            migrations.AlterField("book", "leaves", models.IntegerField(null=True)),
        ])"""
    fields = f'{TITLE.format(extra="")}, ("pages", models.IntegerField())'
    project = make(fields, operations, "INSERT INTO shop_book (title, leaves) VALUES ('a', NULL), ('b', 1)")
    plan = measured(project)
    assert [failure.rows for failure in plan.failures] == [1], plan.why
    assert not back(project)


def test_what_a_plan_makes_itself_is_empty(make: Make) -> None:
    """On a new database nothing is there that the later steps could lose."""
    operations = """migrations.AddField("book", "code", models.IntegerField(unique=True)),
        migrations.RemoveField("book", "pages")"""
    project = make(f"{TITLE.format(extra='')}, {OTHER}", operations)
    project.manage("migrate", "shop", "zero", "-v", "0")
    plan = measured_forwards(project)
    assert plan.verdict == p.SAFE, plan.why
    assert lost(plan) == []
    assert not any("comes back" in note for note in plan.notes)


def test_text_that_a_collation_takes_for_the_default_is_lost_all_the_same(make: Make) -> None:
    """MariaDB compares without regard to case, accents and spaces at the end."""
    add = 'migrations.AddField("book", "code", models.CharField(default="free", max_length=9))'
    insert = "INSERT INTO shop_book (title, code) VALUES ('a', 'FREE'), ('b', 'free '), ('c', 'free')"
    project = make(TITLE.format(extra=""), add, insert)
    assert lost(measured(project)) == [("shop_book", "code", 2, True)]


def test_the_order_that_rows_were_put_in_is_lost(make: Make) -> None:
    """`_order` comes again as 0 for every row."""
    shelf = '("shelf", models.ForeignKey("shop.Book", models.CASCADE, null=True))'
    order = 'migrations.AlterOrderWithRespectTo("book", "shelf")'
    insert = "INSERT INTO shop_book (title, _order) VALUES ('a', 0), ('b', 2), ('c', 1)"
    project = make(f"{TITLE.format(extra='')}, {shelf}", order, insert)
    assert lost(measured(project)) == [("shop_book", "_order", 2, True)]


def test_text_that_becomes_another_number_is_told(make: Make, vendor: str) -> None:
    change = 'migrations.AlterField("book", "pages", models.CharField(max_length=9, null=True))'
    insert = "INSERT INTO shop_book (title, pages) VALUES ('a', '007'), ('b', '7'), ('c', NULL)"
    project = make(f"{TITLE.format(extra='')}, {OTHER}", change, insert)
    plan = measured(project)
    if vendor == "mysql":
        assert plan.verdict == p.UNKNOWN
        return
    assert lost(plan) == [("shop_book", "pages", 1, True)], plan.why
    assert back(project)
    assert project.query("SELECT pages FROM shop_book ORDER BY title") == [(7,), (7,), (None,)]


def test_an_unsigned_number_may_be_too_large_for_a_signed_one(make: Make, vendor: str) -> None:
    """Backwards from PositiveIntegerField: MariaDB's holds twice as much as an IntegerField."""
    change = 'migrations.AlterField("book", "pages", models.PositiveIntegerField(null=True))'
    pages = 3_000_000_000 if vendor == "mysql" else 3
    insert = f"INSERT INTO shop_book (title, pages) VALUES ('a', {pages})"
    project = make(f"{TITLE.format(extra='')}, {OTHER}", change, insert)
    plan = measured(project)
    assert plan.verdict == (p.FAILS if vendor == "mysql" else p.SAFE), plan.why
    assert back(project) == (vendor != "mysql")


def test_decimals_are_compared_as_numbers_once_nulls_are_filled(make: Make) -> None:
    """SQLite would compare 9.5 with the text '9.5' and find no duplicate."""
    field = "models.DecimalField(max_digits=6, decimal_places=2, %s)"
    change = f'migrations.AlterField("book", "price", {field % "null=True"})'
    operations = f'migrations.AlterUniqueTogether("book", set()), {change}'
    price = f'("price", {field % "default=9.5"})'
    insert = "INSERT INTO shop_book (title, price) VALUES ('a', NULL), ('a', 9.5), ('b', 1)"
    options = '"unique_together": {("title", "price")}'
    project = make(f"{TITLE.format(extra='')}, {price}", operations, insert, options=options)
    plan = measured(project)
    assert [failure.rows for failure in plan.failures] == [2], plan.why
    assert not back(project)


@pytest.mark.skipif(django.VERSION < (5, 0), reason="db_default came with Django 5.0")
def test_one_default_of_the_database_for_a_unique_column(make: Make) -> None:
    code = '("code", models.IntegerField(db_default=7, unique=True))'
    insert = "INSERT INTO shop_book (title) VALUES ('a'), ('b')"
    project = make(f"{TITLE.format(extra='')}, {code}", 'migrations.RemoveField("book", "code")', insert)
    plan = measured(project)
    assert plan.verdict == p.UNKNOWN, plan.why
    assert not back(project)


FOLDERS_THAT_CANNOT_BE_SYNCED = """
import os, stat
_fsync = os.fsync
def fsync(descriptor):
    if stat.S_ISDIR(os.fstat(descriptor).st_mode):
        raise OSError(22, "Invalid argument")
    _fsync(descriptor)
os.fsync = fsync
"""


def test_a_removal_is_not_said_to_have_failed_when_the_file_is_gone(tmp_path: Path) -> None:
    """Some file systems sync no folder; the trash would be emptied if the removal were said to fail."""
    with project_of(tmp_path, shop(add("a"))) as project:
        settings = next(project.folder.rglob("settings.py"))
        settings.write_text(settings.read_text() + FOLDERS_THAT_CANNOT_BE_SYNCED)
        with driving(project) as engine:
            file = engine.ask(p.ReadFile("default", "shop", "0002_step"))
            engine.ask(p.DeleteFile("default", "shop", "0002_step", file.sha256))
            assert not Path(file.path).exists()
            engine.ask(p.RestoreFile("shop", "0002_step", file.path, file.content, file.mode))
            assert Path(file.path).exists()


def test_a_column_that_is_not_there_makes_nothing_safe(make: Make, vendor: str) -> None:
    """SQLite takes a name in double quotes that is no column for a text, which is never NULL."""
    change = 'migrations.AlterField("book", "pages", models.IntegerField(null=True))'
    fields = f'{TITLE.format(extra="")}, ("pages", models.IntegerField())'
    change_now = {"mysql": "CHANGE pages leaves INT NULL"}.get(vendor, "RENAME COLUMN pages TO leaves")
    insert = "INSERT INTO shop_book (title, pages) VALUES ('a', NULL)"
    project = make(fields, change, insert, f"ALTER TABLE shop_book {change_now}")
    assert measured(project).verdict == p.UNKNOWN


def test_rows_that_a_policy_hides_are_not_taken_for_none(make: Make, vendor: str) -> None:
    if vendor != "postgresql":
        pytest.skip("only PostgreSQL hides rows")
    project = make("", 'migrations.CreateModel("Tag", [("id", models.BigAutoField(primary_key=True))])')
    role = f"djmig_policy_{project.databases['default']}"[:60]
    execute(project, "INSERT INTO shop_tag (id) VALUES (1)", f'CREATE ROLE "{role}"')
    try:
        execute(
            project,
            "ALTER TABLE shop_tag ENABLE ROW LEVEL SECURITY",
            "ALTER TABLE shop_tag FORCE ROW LEVEL SECURITY",
            f'ALTER TABLE shop_tag OWNER TO "{role}"',
            f'GRANT SELECT ON django_migrations TO "{role}"',
        )
        with (project.folder / "config" / "settings.py").open("a") as settings:
            settings.write(f'\nDATABASES["default"]["OPTIONS"] = {{"options": "-c role={role}"}}\n')
        plan = measured(project)
        assert plan.verdict == p.LOSES
        assert lost(plan) == [("shop_tag", None, None, False)]
    finally:
        execute(project, f'REASSIGN OWNED BY "{role}" TO postgres', f'DROP OWNED BY "{role}"')
        execute(project, f'DROP ROLE "{role}"')
