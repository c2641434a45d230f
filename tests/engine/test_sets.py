"""Sets of migrations: undone and applied again they leave what the same `migrate` commands leave."""

from __future__ import annotations

import random
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from djmig_tui import protocol as p
from tests.conftest import need_server
from tests.driver import Driver, driving
from tests.engine.small import ITEM, RECORD, add, execute, keys, migrate, project_of, shop
from tests.engine.test_plan_equals_migrate import applied, settled
from tests.lockstep import Django, django
from tests.projects import SampleProject, clone, make_app, migration_source
from tui.engine.errors import Refused, Stale


def plan_of(engine: Driver, intent: str, *chosen: str, database: str = "default") -> p.Plan:
    """Return the plan of a set."""
    plan: p.Plan = engine.ask(p.PreviewPlan(database, intent, keys=chosen))
    return plan


def by_django(theirs: Django, plan: p.Plan) -> None:
    """Run the commands that the plan is said to equal."""
    assert plan.commands
    for command in plan.commands:
        python, manage, name, *arguments = shlex.split(command)
        assert (python, manage, name) == ("python", "manage.py", "migrate")
        answer = theirs.call(name, *arguments, verbosity=0)
        assert "error" not in answer, (command, answer)


@pytest.mark.timeout(300)
def test_sets_of_the_bookshop_undone_and_applied_again_leave_what_migrate_leaves(
    ready_site: SampleProject, tmp_path: Path
) -> None:
    """Chosen by lot over all apps; what a command expresses is compared with the command."""
    ours, theirs = (clone(ready_site, tmp_path, name) for name in ("ours", "theirs"))
    lots, compared = random.Random(7), 0
    with django(theirs) as theirs_, driving(ours) as engine:
        # The way back of vouchers fails, because there are rows.
        everything = [f"{app}.{name}" for app, name in applied(engine) if app != "vouchers"]
        for size in (1, 2, 3, 2, 3, 4, 2, 3, 1, 5, 2, 3, 6, 2):
            plan = plan_of(engine, p.UNDO_THESE, *lots.sample(everything, size))
            if plan.verdict == p.BLOCKED or not plan.commands:
                continue
            assert engine.run(plan).error is None, plan.title
            by_django(theirs_, plan)
            assert settled(ours) == settled(theirs), plan.title
            again = plan_of(engine, p.APPLY_THESE, *keys(plan.steps))
            assert keys(again.steps) == keys(plan.steps)[::-1]
            assert [step.because for step in again.steps] == [None] * len(again.steps)
            assert engine.run(again).error is None, again.title
            by_django(theirs_, again)
            assert settled(ours) == settled(theirs), again.title
            ours.reset_to(ready_site)
            theirs.reset_to(ready_site)
            compared += 1
    assert compared >= 5


def write_apps(project: SampleProject) -> None:
    """Two apps beside shop: orders needs shop's second migration, news nobody."""
    need = [("orders", "0001_initial"), ("shop", "0002_step")]
    orders = {
        "0001_initial": migration_source(ITEM),
        "0002_total": migration_source(add("total"), needs=need),
        "0003_note": migration_source(add("note"), needs=[("orders", "0002_total")]),
    }
    make_app(project.folder, "orders", orders)
    make_app(project.folder, "news", {"0001_initial": migration_source(ITEM)})


@pytest.fixture
def three(tmp_path: Path) -> Iterator[SampleProject]:
    """shop, orders and news, all applied."""
    with project_of(tmp_path, shop(add("a"), add("b"))) as project:
        write_apps(project)
        project.migrate_all()
        yield project


def test_a_set_says_what_it_takes_along_and_why(three: SampleProject) -> None:
    with driving(three) as engine:
        plan = plan_of(engine, p.UNDO_THESE, "news.0001_initial", "shop.0002_step")
        assert set(keys(plan.steps)) == {
            "news.0001_initial", "orders.0003_note", "orders.0002_total", "shop.0003_step", "shop.0002_step",
        }  # fmt: skip
        assert plan.title.startswith("Undo 2 migrations of 2 apps and 3 more that need them: undoes "), (
            plan.title
        )
        assert {f"{step.app}.{step.name}": step.because for step in plan.steps} == {
            "news.0001_initial": None,
            "shop.0002_step": None,
            "shop.0003_step": "shop.0003_step depends on shop.0002_step",
            "orders.0002_total": "orders.0002_total depends on shop.0002_step",
            "orders.0003_note": "orders.0003_note depends on orders.0002_total",
        }
        assert plan.keys == ("news.0001_initial", "shop.0002_step")
        assert plan.target == "2 migrations of 2 apps"
        assert sorted(plan.commands) == [
            "python manage.py migrate news zero",
            "python manage.py migrate shop 0001_initial",
        ]
        engine.run(plan)
        forward = plan_of(engine, p.APPLY_THESE, "orders.0003_note")
        assert keys(forward.steps) == ["shop.0002_step", "orders.0002_total", "orders.0003_note"]
        assert [step.because for step in forward.steps] == [
            "orders.0002_total depends on shop.0002_step",
            "orders.0003_note depends on orders.0002_total",
            None,
        ]
        assert forward.title.startswith("Apply 1 migration of 1 app and 2 more that it needs: applies shop.")
        assert forward.commands == ("python manage.py migrate orders 0003_note",)
        assert forward.target == "orders.0003_note"


def test_another_set_is_another_plan(three: SampleProject) -> None:
    """Counted, rehearsed and run by its keys; the fingerprint of one set does not run the other."""
    execute(three, "INSERT INTO orders_item (name, total, note) VALUES ('one', 1, 2)")
    with driving(three) as engine:
        one = plan_of(engine, p.UNDO_THESE, "orders.0003_note")
        other = plan_of(engine, p.UNDO_THESE, "orders.0002_total")
        wrong = p.RunPlan("default", p.UNDO_THESE, None, None, one.fingerprint, keys=other.keys)
        with pytest.raises(Stale):
            engine.ask(wrong)
        counted = engine.ask(
            p.MeasurePlan("default", p.UNDO_THESE, None, None, one.fingerprint, keys=one.keys)
        )
        assert counted.counted
        assert [loss.column for loss in counted.loss] == ["note"]
        rehearsal = engine.ask(
            p.RehearsePlan("default", p.UNDO_THESE, None, None, one.fingerprint, keys=one.keys)
        )
        assert rehearsal.works, rehearsal
    assert three.applied("orders") == ["0001_initial", "0002_total", "0003_note"]


def test_what_cannot_be_in_a_set_is_refused_in_words(three: SampleProject) -> None:
    execute(three, RECORD.format("shop", "0009_gone"))
    with driving(three) as engine:
        for intent, name, why in (
            (p.UNDO_THESE, "shop.0009_gone", "its file is gone"),
            (p.UNDO_THESE, "shop.0008_never", r"no migration shop\.0008_never"),
            (p.APPLY_THESE, "shop.0002_step", "is applied on 'default' already"),
        ):
            with pytest.raises(Refused, match=why):
                plan_of(engine, intent, name)
        with pytest.raises(Refused, match="none was named"):
            plan_of(engine, p.UNDO_THESE)
        engine.run(plan_of(engine, p.UNDO_THESE, "news.0001_initial"))
        with pytest.raises(Refused, match=r"news\.0001_initial is not applied on 'default'"):
            plan_of(engine, p.UNDO_THESE, "news.0001_initial")


def test_a_squash_and_what_it_replaces_come_and_go_together(tmp_path: Path) -> None:
    files = shop(add("a"), add("b"))
    replaces = '    replaces = [("shop", "0001_initial"), ("shop", "0002_step")]\n    operations'
    squash = migration_source(ITEM, add("a")).replace("    operations", replaces)
    files["0001_squashed_0002_step"] = squash
    with project_of(tmp_path, files) as project, driving(project) as engine:
        migrate(engine)
        assert len(project.applied("shop")) == 4
        every = [f"shop.{name}" for name in project.applied("shop")]
        plan = plan_of(engine, p.UNDO_THESE, *every)
        assert keys(plan.steps) == ["shop.0003_step", "shop.0001_squashed_0002_step"]
        assert plan.commands == ("python manage.py migrate shop zero",)
        torn = plan_of(engine, p.UNDO_THESE, "shop.0002_step", "shop.0003_step")
        assert keys(torn.steps) == ["shop.0003_step", "shop.0002_step"]
        assert torn.commands == ()
        assert "No manage.py command does this." in torn.notes
        assert engine.run(plan).error is None
        assert project.applied("shop") == []
        forward = plan_of(engine, p.APPLY_THESE, *keys(plan.steps))
        assert keys(forward.steps) == keys(plan.steps)[::-1]


def test_a_set_on_postgresql_and_on_another_database(tmp_path: Path) -> None:
    need_server("postgresql")
    with project_of(
        tmp_path, shop(add("a"), add("b")), "postgresql", aliases=("default", "other")
    ) as project:
        write_apps(project)
        with driving(project) as engine:
            migrate(engine, database="other")
            plan = plan_of(engine, p.UNDO_THESE, "news.0001_initial", "orders.0002_total", database="other")
            assert set(keys(plan.steps)) == {"news.0001_initial", "orders.0003_note", "orders.0002_total"}
            assert "python manage.py migrate news zero --database other" in plan.commands
            assert plan.one_transaction
            finished = engine.run(plan)
            assert finished.error is None, finished.detail
            left = [
                f"{app.label}.{one.name}"
                for app in engine.history("other").apps
                for one in app.migrations
                if one.applied
            ]
            assert sorted(left) == [
                "orders.0001_initial",
                "shop.0001_initial",
                "shop.0002_step",
                "shop.0003_step",
            ]
