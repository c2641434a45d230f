"""Plans that must not be called safe: what looks harmless and is not, each against what Django does."""

from __future__ import annotations

from djmig_tui import protocol as p
from tests.driver import driving
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
