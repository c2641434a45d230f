"""Sharp edges that a plan names beside its verdict: what stays behind, routers, what runs besides."""

from __future__ import annotations

import pytest

from djmig_tui import protocol as p
from tests.driver import driving
from tests.projects import SampleProject


def test_edge_27_content_types_stay_and_their_clean_up_is_named(ready_site: SampleProject) -> None:
    with driving(ready_site) as engine:
        plan = engine.plan(p.ZERO, "stock")
        assert any("Content types" in note for note in plan.notes)
        finished = engine.run(plan)
    assert any("remove_stale_contenttypes" in step for step in finished.next_steps)
    stay = "SELECT count(*) FROM django_content_type WHERE app_label = 'stock'"
    assert ready_site.query(stay) == [(1,)]


def test_edge_27_is_not_said_where_no_model_goes(ready_site: SampleProject) -> None:
    with driving(ready_site) as engine:
        plan = engine.plan(p.BACK_TO, "store", "0003_change_price_field")
    assert not any("Content types" in note for note in plan.notes)


def test_edge_35_the_code_is_ahead_after_a_rollback(ready_site: SampleProject) -> None:
    with driving(ready_site) as engine:
        finished = engine.run(engine.plan(p.BACK_TO, "store", "0003_change_price_field"))
    words = " ".join(finished.next_steps)
    assert "edit the models" in words
    assert "store.0004_add_discount_field" in words
    assert "makemigrations" in words
    assert "Restart" in words  # EDGES 55


def test_edge_45_the_sql_of_later_steps_is_as_of_now(full_vendor_site: SampleProject) -> None:
    with driving(full_vendor_site) as engine:
        several = engine.plan(p.BACK_TO, "orders", "0001_initial")
        one = engine.plan(p.UNDO, "store", "0004_add_discount_field")
    said = [any("as it is now" in note for note in plan.notes) for plan in (several, one)]
    assert said == [full_vendor_site.vendor != "sqlite", False]


def test_edge_48_a_database_that_the_router_keeps_an_app_off(ready_site: SampleProject) -> None:
    with driving(ready_site) as engine:
        here = engine.plan(p.ZERO, "ledger")
        there = engine.plan(p.ZERO, "ledger", database="archive")
        assert any("Nothing to do on 'default' for ledger" in note for note in here.notes)
        assert not any("Nothing to do" in note for note in there.notes)
        asked = p.MeasurePlan("archive", p.ZERO, "ledger", None, there.fingerprint)
        assert engine.ask(asked).verdict == p.LOSES
        assert engine.run(here).error is None
    assert ready_site.applied("ledger") == []
    assert len(ready_site.applied("ledger", "archive")) == 2


@pytest.mark.parametrize("intent", [p.BACK_TO, p.UNDO])
def test_edge_12_other_peoples_apps_are_named(ready_site: SampleProject, intent: str) -> None:
    with driving(ready_site) as engine:
        plan = engine.plan(intent, "contenttypes", "0001_initial")
    assert any("Not your own apps" in note and "auth" in note for note in plan.notes)
