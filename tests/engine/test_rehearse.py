"""A rehearsal says what a run would do, and changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from djmig_tui import protocol as p
from tests.conftest import need_server
from tests.driver import driving
from tests.engine.rehearsing import (
    ask,
    engine_pid,
    prepared,
    rehearse,
)
from tests.engine.small import add, python, shop
from tests.protocol.waiting import alive, until
from tui.engine.errors import EngineEnded, Refused, Stale


def test_a_plan_that_works_shows_the_schema_before_and_after(trial: str, tmp_path: Path) -> None:
    with prepared(tmp_path, shop(add("first"), add("second")), trial) as project:
        rehearsal = rehearse(project)
    assert rehearsal.works
    assert rehearsal.error is rehearsal.cannot is None
    changed = [line for line in rehearsal.schema_diff.splitlines() if line.startswith(("-  ", "+  "))]
    assert [line.split()[1].strip('"') for line in changed] == ["first", "second"]
    assert "shop_item @@" in rehearsal.schema_diff
    assert 0 < rehearsal.seconds < 10
    assert rehearsal.where == {
        "sqlite": "on a copy",
        "postgresql": "in one transaction that was rolled back",
    }[trial]  # fmt: skip


def test_a_plan_forwards_leaves_the_sequences_where_they_were(trial: str, tmp_path: Path) -> None:
    with prepared(tmp_path, shop(add("first"), add("second")), trial) as project:
        project.manage("migrate", "shop", "0001")
        rehearsal = rehearse(project, None, intent=p.FORWARD)
    assert rehearsal.works, rehearsal
    assert "+    " in rehearsal.schema_diff


def test_a_table_that_goes_is_shown_whole(trial: str, tmp_path: Path) -> None:
    with prepared(tmp_path, shop(add("first")), trial) as project:
        rehearsal = rehearse(project, None, intent=p.ZERO)
    assert rehearsal.works
    lines = rehearsal.schema_diff.splitlines()
    assert any(line.startswith("-table ") and "shop_item" in line for line in lines)
    assert all(line.startswith(("-", "+++", "@@", "...")) for line in lines)


def test_edge_05_what_fails_is_named_down_to_the_operation(trial: str, tmp_path: Path) -> None:
    gone = 'migrations.RemoveField("item", "weight")'
    weight = 'migrations.AddField("item", "weight", models.IntegerField(default=1), preserve_default=False)'
    with prepared(tmp_path, shop(weight, gone, add("last")), trial) as project:
        rehearsal = rehearse(project)
    assert not rehearsal.works
    assert rehearsal.failed_step == p.StepDone("shop", "0003_step")
    assert rehearsal.failed_operation == "Remove field weight from item"
    assert str(rehearsal.error).startswith("IntegrityError: ")
    assert "weight" in str(rehearsal.error)
    assert "Traceback" in rehearsal.detail


RAISES = """
from django.db.models import ProtectedError

def back(apps, schema_editor):
    apps.get_model("shop", "Item").objects.update(name="changed")
    raise ProtectedError("there are orders for it", set())
"""


def test_edge_10_only_a_rehearsal_can_tell_that_the_code_raises(trial: str, tmp_path: Path) -> None:
    hidden = "migrations.SeparateDatabaseAndState(database_operations=[%s])" % python()
    with prepared(tmp_path, shop(add("first"), hidden, before=RAISES), trial) as project:
        with driving(project) as engine:
            plan = engine.plan(p.BACK_TO, "shop", "0001_initial")
            assert plan.verdict != p.BLOCKED
        rehearsal = rehearse(project, consent=True)
    assert not rehearsal.works
    assert rehearsal.failed_step == p.StepDone("shop", "0003_step")
    assert rehearsal.failed_operation == "Raw Python operation"
    assert "there are orders for it" in str(rehearsal.error)


CHILD = """migrations.CreateModel("Child", [
    ("id", models.AutoField(primary_key=True)),
    ("item", models.ForeignKey("shop.Item", models.CASCADE)),
])"""
FILLS = """
def back(apps, schema_editor):
    apps.get_model("shop", "Child").objects.create(id=1, item=apps.get_model("shop", "Item").objects.first())
"""


def test_edge_11_pending_triggers_of_one_step_do_not_fail_the_next(trial: str, tmp_path: Path) -> None:
    alter = (
        'migrations.AlterField("child", "item", models.ForeignKey("shop.Item", models.CASCADE, null=True))'
    )
    with prepared(tmp_path, shop(CHILD, alter, python(), before=FILLS), trial) as project:
        rehearsal = rehearse(project, "0002_step", consent=True)
    assert rehearsal.works, rehearsal


def test_there_is_nothing_to_rehearse(trial: str, tmp_path: Path) -> None:
    with prepared(tmp_path, shop(add("first")), trial) as project:
        assert rehearse(project, "0002_step").works


def test_mysql_is_refused_with_the_reason(tmp_path: Path) -> None:
    need_server("mysql")
    with prepared(tmp_path, shop(add("first")), "mysql") as project, driving(project) as engine:
        before = project.snapshot()
        rehearsal = ask(engine, engine.plan(p.BACK_TO, "shop", "0001_initial"))
        assert not rehearsal.works
        assert "commits at every schema change" in str(rehearsal.cannot)
        assert not rehearsal.copy_instead
        assert project.snapshot() == before
        assert engine.history(), "nothing was run, so the engine goes on"


def test_a_step_that_is_not_atomic_is_rehearsed_on_a_copy(trial: str, tmp_path: Path) -> None:
    with prepared(tmp_path, shop(add("first"), add("second"), add("third"), loose=[3]), trial) as project:
        rehearsal = rehearse(project)
        assert rehearsal.works, rehearsal
        assert rehearsal.where == "on a copy"
        if trial == "postgresql":
            assert "step 2, shop.0003_step, because it says atomic = False" in rehearsal.why_there
        rehearsal = rehearse(project, on=p.ON_TRANSACTION)
    assert not rehearsal.works
    if trial == "postgresql":
        assert "step 2, shop.0003_step, because it says atomic = False" in str(rehearsal.cannot)
        assert rehearsal.copy_instead
    else:
        assert "always rehearsed on a copy" in str(rehearsal.cannot)


def test_a_blocked_plan_is_not_rehearsed(trial: str, tmp_path: Path) -> None:
    closed = "migrations.RunPython(migrations.RunPython.noop)"
    with prepared(tmp_path, shop(add("first"), closed), trial) as project:
        rehearsal = rehearse(project)
    assert "blocked" in str(rehearsal.cannot)
    assert "shop.0003_step cannot be undone" in str(rehearsal.cannot)


def test_an_engine_told_never_to_write_does_not_rehearse(trial: str, tmp_path: Path) -> None:
    with prepared(tmp_path, shop(add("first")), trial) as project, driving(project) as engine:
        engine.ask(p.OpenProject(read_only=True))
        with pytest.raises(Refused, match="--read-only"):
            ask(engine, engine.plan(p.BACK_TO, "shop", "0001_initial"))


def test_a_plan_that_is_not_the_one_shown_is_not_rehearsed(trial: str, tmp_path: Path) -> None:
    with prepared(tmp_path, shop(add("first"), add("second")), trial) as project, driving(project) as engine:
        plan = engine.plan(p.BACK_TO, "shop", "0001_initial")
        project.manage("migrate", "shop", "0002")
        with pytest.raises(Stale, match="look again"):
            ask(engine, plan)


def test_the_engine_ends_after_a_rehearsal_without_being_mourned(trial: str, tmp_path: Path) -> None:
    with prepared(tmp_path, shop(add("first")), trial) as project, driving(project) as engine:
        mourned: list[str] = []
        engine.engine.on_ended = mourned.append
        assert ask(engine, engine.plan(p.BACK_TO, "shop", "0001_initial")).works
        engine.wait(until(lambda: not alive(engine_pid(engine))))
        with pytest.raises(EngineEnded):
            engine.history()
        assert not mourned
