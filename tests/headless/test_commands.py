"""What the headless commands answer, refuse and change, asked of the fake engine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from djmig_tui import protocol as p
from tests.headless.conftest import Run
from tests.interface.bookshop import PROJECT, bookshop
from tests.interface.fake_engine import FakeEngine
from tui.engine.errors import EngineEnded, Failed, Refused, Stale
from tui.options import UsageError, parse
from tui.state import State


# ------------------------------------------------------------- back in time
def test_where_nothing_was_done_nothing_is_taken_back_and_a_taking_back_offers_redo(
    run: Run, engine: FakeEngine
) -> None:
    assert "Nothing was done that can be taken back." in run("take-back", "--yes").err
    assert run("remove", "store", "0004", "--yes").code == 0
    assert run("take-back", "--yes").code == 0
    ran = run("take-back", "--yes")
    assert ran.code == 1
    assert "--redo" in ran.err
    assert len(engine.writes) == 2


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("rollback",), "APP and TARGET, or --last-run alone"),
        (("plan", "store"), "APP and TARGET, or --last-run alone"),
        (("rollback", "store", "0002", "--last-run"), "APP and TARGET, or --last-run alone"),
        (("rollback", "--last-run", "--undo"), "stands alone"),
    ],
)
def test_the_last_run_stands_alone(typed: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse(typed)


# ------------------------------------------------------------------------ list
def test_list_shows_apps_with_marks_as_showmigrations_does(run: Run) -> None:
    ran = run("list")
    assert ran.code == 0
    assert "store\n [X] 0001_initial\n [X] 0002_add_price_to_product\n" in ran.out
    assert " [ ] 0004_add_discount_field\n" in ran.out
    assert " [-] 0001_squashed_0003_order_total (3 squashed migrations)\n" in ran.out
    assert "0002_anonymise (irreversible)" in ran.out


def test_list_json_has_the_documented_shape(run: Run) -> None:
    data = run("list", "--json").data
    assert data["database"] == "default"
    assert isinstance(data["problems"], list)
    store = next(app for app in data["apps"] if app["label"] == "store")
    first = store["migrations"][0]
    assert first["name"] == "0001_initial"
    assert first["applied"] is True
    assert first.keys() >= {"name", "applied", "applied_at", "file", "ghost", "reversible", "error"}


def test_list_says_that_the_database_cannot_be_reached_and_still_shows_the_files(
    engine: FakeEngine, run: Run
) -> None:
    problem = p.Problem("database", "PostgreSQL at db:5432 does not answer. Start it, then try again.")
    engine.history = replace(engine.history, problems=(problem,))
    ran = run("list")
    assert ran.code == 1
    assert ran.err == f"djmig-tui: {problem.message}\n"
    assert "0001_initial" in ran.out
    data = run("list", "--json").data
    assert data["error"] == problem.message
    assert data["apps"]


def test_an_unknown_database_lists_the_aliases(run: Run) -> None:
    ran = run("list", "--database", "replcia")
    assert ran.code == 2
    assert "no database 'replcia'" in ran.err
    assert "default" in ran.err


# ------------------------------------------------------------------------- sql
def test_sql_prints_the_sql_and_no_more(engine: FakeEngine, run: Run) -> None:
    engine.answers["store.0002_add_price_to_product"] = "BEGIN;\nSELECT '\x1b[31mé';\nCOMMIT;"
    ran = run("sql", "store", "0002")
    assert ran.out == "BEGIN;\nSELECT '\x1b[31mé';\nCOMMIT;\n"
    assert (ran.code, ran.err) == (0, "")


def test_sql_of_one_that_has_none_is_a_failure(run: Run) -> None:
    ran = run("sql", "reviews", "0002")
    assert (ran.code, ran.out) == (1, "")
    assert "irreversible" in ran.err
    (entry,) = run("sql", "reviews", "0002", "--json").data
    assert entry["sql"] is None
    assert "irreversible" in entry["error"]


def test_sql_of_everything_has_one_entry_per_migration_in_plan_order(engine: FakeEngine, run: Run) -> None:
    ran = run("sql", "--json")
    assert ran.code == 0
    names = [(entry["app"], entry["name"]) for entry in ran.data]
    everything = [(app.label, one.name) for app in engine.history.apps for one in app.migrations]
    assert sorted(names) == sorted(everything)
    order = {(app.label, one.name): one.order for app in engine.history.apps for one in app.migrations}
    assert [order[name] for name in names] == sorted(order.values())
    assert {"app", "name", "sql", "error"} == set(ran.data[0])


def test_sql_goes_on_after_one_that_cannot_be_rendered(engine: FakeEngine, run: Run) -> None:
    engine.errors["render_sql"] = Failed("No such column.", "Traceback…")
    ran = run("sql", "store", "--json")
    assert ran.code == 0
    assert [entry["error"] for entry in ran.data] == ["No such column."] * 4


def test_sql_ends_when_the_engine_ended(engine: FakeEngine, run: Run) -> None:
    engine.errors["render_sql"] = EngineEnded("The engine ended.", "Segmentation fault")
    ran = run("sql", "--json")
    assert ran.code == 1
    assert ran.data == {"error": "The engine ended."}


def test_forward_sql_is_asked_for_with_an_option(engine: FakeEngine, run: Run) -> None:
    run("sql", "store", "0002", "--forward")
    (request,) = (asked for asked in engine.asked if isinstance(asked, p.RenderSql))
    assert request.backwards is False


# ----------------------------------------------------------------------- names
@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("sql", "stoer"), "Did you mean store?"),
        (("sql", "nothing_like_it"), "djmig-tui list"),
        (("sql", "bookshop.store"), "Did you mean store?"),
        (("sql", "store", "0004_add_discont_field"), "Did you mean 0004_add_discount_field"),
        (("plan", "store", "zzz"), "Its last one is 0004_add_discount_field."),
        (("plan", "store", ""), "no migration ''"),
        (("remove", "catalog", "0002"), "0002_book_isbn, 0002_book_subtitle"),
        (("restore", "store", "0004"), "no removed migration"),
    ],
)
def test_edge_14_a_name_that_is_not_there_or_ambiguous_is_wrong_usage(
    run: Run, engine: FakeEngine, typed: tuple[str, ...], said: str
) -> None:
    ran = run(*typed)
    assert ran.code == 2
    assert said in ran.err
    assert ran.out == ""
    assert engine.writes == []
    assert said in run(*typed, "--json").data["error"]


def test_edge_43_a_name_that_is_the_prefix_of_another_is_addressed_exactly(
    engine: FakeEngine, run: Run
) -> None:
    base = bookshop()
    twins = (
        p.Migration("0001_initial", p.APPLIED, True),
        p.Migration("0001_initial_squashed", p.APPLIED, True),
    )
    engine.history = replace(base, apps=(p.App("twins", "twins", False, twins),))
    assert [entry["name"] for entry in run("sql", "twins", "0001_initial", "--json").data] == ["0001_initial"]
    assert run("sql", "twins", "0001", "--json").code == 2


# ------------------------------------------------------------------------ plan
@pytest.mark.parametrize(
    ("typed", "intent"),
    [
        (("store", "0002"), p.BACK_TO),
        (("store", "0004"), p.FORWARD),
        (("store", "zero"), p.ZERO),
        (("store", "0002", "--undo"), p.UNDO),
    ],
)
def test_plan_goes_in_the_direction_that_django_chooses(
    engine: FakeEngine, run: Run, typed: tuple[str, ...], intent: str
) -> None:
    ran = run("plan", *typed, "--json")
    assert ran.code == 0
    asked = [request for request in engine.asked if isinstance(request, (p.PreviewPlan, p.MeasurePlan))]
    assert {request.intent for request in asked} == {intent}
    documented = {"database", "target", "verdict", "steps", "blockers", "loss", "failures", "commands"}
    assert ran.data.keys() >= documented | {"fingerprint"}
    assert ran.data["steps"][0].keys() >= {"app", "name", "backwards", "operations", "reversible", "because"}


def test_plan_tells_people_everything(run: Run) -> None:
    out = run("plan", "store", "0001").out
    assert "Verdict: blocked" in out or "Verdict: loses" in out
    assert "1. undo " in out
    assert "because " in out
    assert "python manage.py migrate store 0001_initial" in out
    assert "Fingerprint: " in out


def test_undoing_what_is_not_applied_is_refused(run: Run, engine: FakeEngine) -> None:
    for typed in (("plan", "store", "0004", "--undo"), ("rollback", "store", "0004", "--yes")):
        ran = run(*typed)
        assert ran.code == 1
        assert "is not applied" in ran.err
        assert "djmig-tui migrate store 0004_add_discount_field" in ran.err
    assert engine.writes == []


# -------------------------------------------------------------------- rollback
def test_without_yes_the_plan_is_shown_and_nothing_is_done(run: Run, engine: FakeEngine) -> None:
    ran = run("rollback", "store", "0002")
    assert ran.code == 1
    assert "1. undo store.0003_change_price_field" in ran.out
    assert ran.err == "djmig-tui: Nothing was done. To run this plan, add --yes.\n"
    data = run("rollback", "store", "0002", "--json").data
    assert data["done"] == []
    assert data["error"].startswith("Nothing was done.")
    assert engine.writes == []


def test_a_safe_plan_runs_with_a_plain_yes(run: Run, engine: FakeEngine, state: State) -> None:
    ran = run("rollback", "store", "0002", "--yes", "--json")
    assert ran.code == 0
    assert ran.data["done"] == [{"app": "store", "name": "0003_change_price_field"}]
    assert (ran.data["rehearsed"], ran.data["backup"], ran.data["error"]) == (False, None, None)
    assert ran.data["fingerprint"] == engine.writes[0].fingerprint
    begun, entry = state.entries()
    assert (begun.outcome, begun.id) == ("started", entry.id)
    assert (entry.action, entry.outcome, entry.database) == ("rollback", "done", "default")
    assert entry.command == "python manage.py migrate store 0002_add_price_to_product"


def test_a_run_tells_people_what_stands_and_what_comes_next(run: Run) -> None:
    out = run("rollback", "store", "0002", "--yes").out
    assert "Undone store.0003_change_price_field\n" in out
    assert "Edit the models, then run makemigrations." in out


def plan_with(engine: FakeEngine, **members: Any) -> p.Plan:
    step = p.Step("store", "0003_change_price_field", True, (), True, None)
    plan = p.Plan(
        "default", p.BACK_TO, "store", "0002", "store.0002", "Back to store.0002", p.SAFE, (), (step,),
        (), (), (), ("python manage.py migrate store 0002",), "f" * 64, one_transaction=True,
    )  # fmt: skip
    plan = replace(plan, **members)
    engine.answers["preview_plan"] = plan
    engine.answers["measure_plan"] = replace(plan, counted=True)
    engine.answers["run_plan"] = p.RunFinished((p.StepDone("store", "0003_change_price_field"),))
    return plan


STOPPED = "Stopped on request. Nothing was changed."
LOSS = (p.Loss("store", "store_product", "price", 5, exact=True),)
UNCOUNTED = (p.Loss("store", "store_product", "price"),)


@pytest.mark.parametrize(
    ("members", "missing"),
    [
        ({"verdict": p.LOSES, "loss": LOSS, "why": ("Column price goes.",)}, "--accept-loss"),
        ({"verdict": p.UNKNOWN, "why": ("Python code runs.",)}, "--accept-loss"),
        ({"verdict": p.FAILS, "why": ("5 rows are in the way.",)}, "--try-anyway"),
        ({"verdict": p.FAILS, "loss": LOSS}, "--accept-loss --try-anyway"),
    ],
)
def test_anything_but_safe_needs_its_own_consent(
    run: Run, engine: FakeEngine, members: dict[str, Any], missing: str
) -> None:
    plan_with(engine, **members)
    ran = run("rollback", "store", "0002", "--yes")
    assert ran.code == 1
    assert missing in ran.err
    assert engine.writes == []
    assert run("rollback", "store", "0002", "--yes", *missing.split()).code == 0
    assert len(engine.writes) == 1


def test_an_expected_failure_is_not_tried_where_it_could_not_be_taken_back(
    run: Run, engine: FakeEngine
) -> None:
    plan_with(engine, verdict=p.FAILS, one_transaction=False)
    ran = run("rollback", "store", "0002", "--yes", "--try-anyway", "--accept-loss")
    assert ran.code == 1
    assert "could not be taken back" in ran.err
    assert engine.writes == []


def test_a_blocked_plan_is_never_run(run: Run, engine: FakeEngine) -> None:
    plan_with(engine, verdict=p.BLOCKED, blockers=("RunPython has no way back.",), ways_out=("Go to 0003.",))
    ran = run("rollback", "store", "0002", "--yes", "--accept-loss", "--try-anyway")
    assert ran.code == 1
    assert "RunPython has no way back. Go to 0003." in ran.err
    assert engine.writes == []


def test_a_plan_can_be_tied_to_a_fingerprint(run: Run, engine: FakeEngine) -> None:
    plan_with(engine)
    refused = run("rollback", "store", "0002", "--yes", "--fingerprint", "abc")
    assert refused.code == 1
    assert "f" * 64 in refused.err
    assert engine.writes == []
    assert run("rollback", "store", "0002", "--yes", "--fingerprint", "f" * 64).code == 0


@pytest.mark.parametrize(
    "careful",
    [
        {"debug": False},
        {"databases": (p.Database("default", "postgresql", "shop", "db.example.org:5432", local=False),)},
    ],
)
def test_the_name_is_typed_where_it_is_serious(run: Run, engine: FakeEngine, careful: dict[str, Any]) -> None:
    engine.project = replace(PROJECT, **careful)
    name = engine.project.databases[0].name
    plan_with(engine)
    ran = run("rollback", "store", "0002", "--yes")
    assert ran.code == 1
    assert f"--confirm {name}" in ran.err
    assert run("rollback", "store", "0002", "--yes", "--confirm", "another").code == 1
    assert engine.writes == []
    assert run("rollback", "store", "0002", "--yes", "--confirm", name).code == 0


WORKS = p.Rehearsal(True, where="on a copy", seconds=0.5, schema_diff="-price\n")
BREAKS = p.Rehearsal(
    False,
    failed_step=p.StepDone("store", "0003_change_price_field"),
    failed_operation="Alter field price on product",
    error="value too long",
)
CANNOT = p.Rehearsal(False, cannot="It cannot be rehearsed: MariaDB commits at every schema change.")


def ran_for_real(engine: FakeEngine) -> bool:
    return any(isinstance(request, p.RunPlan) for request in engine.asked)


def test_a_rehearsal_alone_changes_nothing_and_says_that_it_works(run: Run, engine: FakeEngine) -> None:
    plan_with(engine, verdict=p.UNKNOWN, why=("Python code runs.",))
    engine.answers["rehearse_plan"] = WORKS
    ran = run("rollback", "store", "0002", "--rehearse", "--json")
    assert (ran.code, ran.data["rehearsed"], ran.data["error"], ran.data["done"]) == (0, True, None, [])
    assert not ran_for_real(engine)


@pytest.mark.parametrize("more", [(), ("--yes", "--accept-loss")])
def test_a_rehearsal_that_fails_is_never_followed_by_the_run(
    run: Run, engine: FakeEngine, more: tuple[str, ...]
) -> None:
    plan_with(engine, verdict=p.UNKNOWN)
    engine.answers["rehearse_plan"] = BREAKS
    ran = run("rollback", "store", "0002", "--rehearse", "--json", *more)
    assert (ran.code, ran.data["rehearsed"]) == (1, True)
    assert "0003_change_price_field" in ran.data["error"]
    assert "value too long" in ran.data["error"]
    assert not ran_for_real(engine)


def test_what_cannot_be_rehearsed_was_not_rehearsed(run: Run, engine: FakeEngine) -> None:
    plan_with(engine, verdict=p.UNKNOWN)
    engine.answers["rehearse_plan"] = CANNOT
    ran = run("rollback", "store", "0002", "--rehearse", "--yes", "--json")
    assert (ran.code, ran.data["rehearsed"], ran.data["error"]) == (1, False, CANNOT.cannot)
    assert not ran_for_real(engine)


@pytest.mark.parametrize("on", ["copy", "transaction"])
def test_where_it_is_rehearsed_can_be_chosen_and_is_said(on: str, run: Run, engine: FakeEngine) -> None:
    plan_with(engine, verdict=p.UNKNOWN)
    engine.answers["rehearse_plan"] = replace(WORKS, why_there="2 others are connected.", notes=("Mind it.",))
    ran = run("rollback", "store", "0002", "--rehearse-on", on)
    assert (ran.code, "2 others are connected." in ran.out, "Mind it." in ran.out) == (0, True, True)
    assert [each.on for each in engine.asked if isinstance(each, p.RehearsePlan)] == [on]
    assert not ran_for_real(engine)


def test_the_copy_is_named_where_it_is_the_way_out(run: Run, engine: FakeEngine) -> None:
    plan_with(engine, verdict=p.UNKNOWN)
    engine.answers["rehearse_plan"] = replace(CANNOT, copy_instead=True)
    ran = run("rollback", "store", "0002", "--rehearse")
    assert ran.code == 1
    assert "On a copy it can be: --rehearse-on copy." in ran.err


def test_a_rehearsal_that_works_answers_an_unknown_but_not_a_loss(run: Run, engine: FakeEngine) -> None:
    plan_with(engine, verdict=p.UNKNOWN, why=("Python code runs.",))
    engine.answers["rehearse_plan"] = WORKS
    assert run("rollback", "store", "0002", "--rehearse", "--yes").code == 0
    assert ran_for_real(engine)
    engine.asked.clear()
    plan_with(engine, verdict=p.LOSES, loss=(replace(LOSS[0], rows=3, exact=True),))
    ran = run("rollback", "store", "0002", "--rehearse", "--yes")
    assert ran.code == 1
    assert "--accept-loss" in ran.err
    assert not ran_for_real(engine)


def test_what_was_counted_and_accepted_goes_with_the_run(run: Run, engine: FakeEngine) -> None:
    loss = (replace(LOSS[0], rows=3, exact=True),)
    plan_with(engine, verdict=p.LOSES, loss=loss)
    assert run("rollback", "store", "0002", "--yes", "--accept-loss").code == 0
    (request,) = [request for request in engine.asked if isinstance(request, p.RunPlan)]
    assert (request.accepted, request.counted) == (loss, True)


def test_the_name_is_typed_when_rows_could_not_be_counted(run: Run, engine: FakeEngine) -> None:
    plan_with(engine, verdict=p.LOSES, loss=UNCOUNTED)
    ran = run("rollback", "store", "0002", "--yes", "--accept-loss")
    assert ran.code == 1
    assert "--confirm" in ran.err


def test_the_name_is_typed_when_many_rows_are_lost(run: Run, engine: FakeEngine) -> None:
    plan_with(engine, verdict=p.LOSES, loss=(replace(LOSS[0], rows=1001, exact=True),))
    ran = run("rollback", "store", "0002", "--yes", "--accept-loss")
    assert ran.code == 1
    assert "--confirm" in ran.err


def test_read_only_runs_nothing(run: Run, engine: FakeEngine) -> None:
    for typed in (
        ("rollback", "store", "0002", "--yes"),
        ("migrate", "--yes"),
        ("remove", "store", "0004", "--yes"),
    ):
        ran = run("--read-only", *typed)
        assert ran.code == 1
        assert "--read-only" in ran.err
    assert engine.writes == []


def test_a_stale_plan_is_refused_and_noted(run: Run, engine: FakeEngine, state: State) -> None:
    engine.errors["run_plan"] = Stale("The history changed; nothing was done.")
    ran = run("rollback", "store", "0002", "--yes", "--json")
    assert ran.code == 1
    assert ran.data["error"] == "The history changed; nothing was done."
    assert [entry.outcome for entry in state.entries()] == ["started", "refused"]


@pytest.mark.parametrize(
    ("finished", "said", "outcome"),
    [
        (
            p.RunFinished(
                (), "Rows are in the way.", failed_step=p.StepDone("store", "0003_x"), taken_back=True
            ),
            "Rows are in the way. Nothing was changed.",
            "failed",
        ),
        (
            p.RunFinished(
                (),
                "Rows are in the way.",
                failed_step=p.StepDone("store", "0003_x"),
                next_steps=("What store.0003_x did before it failed stays done.",),
            ),
            "Rows are in the way. What store.0003_x did before it failed stays done.",
            "failed",
        ),
        (
            p.RunFinished((p.StepDone("orders", "0001_initial"),), "Rows are in the way."),
            "Rows are in the way. Done before that, and it stands: orders.0001_initial.",
            "failed",
        ),
        (
            p.RunFinished((), stopped=True, taken_back=True),
            "Stopped on request. Nothing was changed.",
            "stopped",
        ),
        (
            p.RunFinished((p.StepDone("store", "0003_x"),), post_migrate_error="boom"),
            "The plan ran and stands; a post_migrate handler failed: boom",
            "done",
        ),
    ],
)
def test_a_run_that_did_not_go_well_says_what_stands(
    run: Run, engine: FakeEngine, state: State, finished: p.RunFinished, said: str, outcome: str
) -> None:
    plan_with(engine)
    engine.answers["run_plan"] = finished
    ran = run("rollback", "store", "0002", "--yes", "--json")
    assert ran.code == 1
    assert ran.data["error"] == said
    assert [entry.outcome for entry in state.entries()] == ["started", outcome]


def test_nothing_to_do_is_done(run: Run, engine: FakeEngine) -> None:
    ran = run("rollback", "store", "0003", "--json")
    assert ran.code == 0
    assert ran.data["done"] == []
    assert engine.writes == []


# --------------------------------------------------------------------- migrate
@pytest.mark.parametrize(
    ("typed", "app", "name"),
    [
        ((), None, None),
        (("store",), "store", None),
        (("store", "0004"), "store", "0004_add_discount_field"),
    ],
)
def test_migrate_takes_everything_an_app_or_a_target(
    run: Run, engine: FakeEngine, typed: tuple[str, ...], app: str | None, name: str | None
) -> None:
    ran = run("migrate", *typed, "--yes", "--json")
    assert ran.code == 0
    (request,) = engine.writes
    assert (request.intent, request.app, request.name) == (p.FORWARD, app, name)
    assert {"app": "store", "name": "0004_add_discount_field"} in ran.data["done"]


# ------------------------------------------------------------ remove and restore
def test_remove_shows_first_then_keeps_and_deletes(run: Run, engine: FakeEngine, state: State) -> None:
    shown = run("remove", "store", "0004")
    assert shown.code == 1
    assert "/store/migrations/0004_add_discount_field.py" in shown.out
    assert "origin/main" in shown.out
    assert "--yes" in shown.err
    assert state.trash() == []

    ran = run("remove", "store", "0004", "--yes", "--json")
    assert ran.code == 0
    assert ran.data["removed"] is True
    assert "content" not in ran.data
    (entry,) = state.trash()
    assert entry.name == "0004_add_discount_field"
    assert entry.sha256 == engine.writes[0].sha256

    back = run("restore", "store", "0004", "--yes", "--json")
    assert back.code == 0
    assert back.data["restored"] is True
    assert engine.writes[1].content == entry.content
    assert state.trash() == []
    assert [each.action for each in state.entries()] == ["remove", "restore"]


def test_restore_shows_first(run: Run, engine: FakeEngine, state: State) -> None:
    run("remove", "store", "0004", "--yes")
    ran = run("restore", "store", "0004_add_discount_field")
    assert ran.code == 1
    assert "Would write " in ran.out
    assert len(engine.writes) == 1
    assert len(state.trash()) == 1


def test_restore_never_loses_the_entry_when_it_is_refused(run: Run, engine: FakeEngine, state: State) -> None:
    run("remove", "store", "0004", "--yes")
    engine.errors["restore_file"] = Refused("There is another file at that place. Move it away first.")
    ran = run("restore", "store", "0004", "--yes")
    assert ran.code == 1
    assert len(state.trash()) == 1


def test_a_refused_removal_says_why_and_keeps_nothing(run: Run, engine: FakeEngine, state: State) -> None:
    ran = run("remove", "store", "0003", "--yes", "--json")
    assert ran.code == 1
    assert "is applied on default" in ran.data["error"]
    assert ran.data["needed_by"] == ["store.0004_add_discount_field"]
    assert ran.data["removed"] is False
    assert (engine.writes, state.trash()) == ([], [])


def test_a_file_that_changed_meanwhile_is_not_in_the_trash(
    run: Run, engine: FakeEngine, state: State
) -> None:
    engine.errors["delete_file"] = Stale("The file changed; nothing was deleted.")
    ran = run("remove", "store", "0004", "--yes")
    assert ran.code == 1
    assert state.trash() == []


def test_an_engine_that_dies_in_mid_removal_leaves_the_content_in_the_trash(
    run: Run, engine: FakeEngine, state: State
) -> None:
    engine.errors["delete_file"] = EngineEnded("The engine ended.")
    assert run("remove", "store", "0004", "--yes").code == 1
    assert len(state.trash()) == 1, "nobody knows whether the file is still there"


def test_a_full_disk_removes_nothing(run: Run, engine: FakeEngine, tmp_path: Path, state: State) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    ran = run("remove", "store", "0004", "--yes")
    assert ran.code == 1
    assert "nothing was removed" in ran.err
    assert engine.writes == []


def test_a_first_migration_is_removed_only_when_meant(run: Run, engine: FakeEngine, state: State) -> None:
    first = p.Migration("0001_initial", p.UNAPPLIED, False, file="/shop/new/migrations/0001_initial.py")
    engine.history = replace(engine.history, apps=(p.App("new", "new", False, (first,)),))
    ran = run("remove", "new", "0001", "--yes")
    assert ran.code == 1
    assert "--initial" in ran.err
    assert run("remove", "new", "0001", "--yes", "--initial").code == 0
    assert engine.writes[0].first is True


# --------------------------------------------------------------------- mishaps
def test_something_unexpected_is_a_sentence_with_the_traceback_folded(
    run: Run, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.errors["load_history"] = ZeroDivisionError("x")
    ran = run("list")
    assert ran.code == 1
    assert "Traceback" not in ran.err
    assert "unexpected" in ran.err
    monkeypatch.setenv("DJMIG_TRACEBACK", "1")
    assert "Traceback" in run("list").err


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("--jsn",), "--jsn"),
        (("--json",), "--json needs a command"),
        (("frobnicate",), "frobnicate"),
        (("plan", "store"), "TARGET"),
        (("list", "--"), "no command after --"),
        (("rollback", "store", "zero", "--undo"), "'zero'"),
        (("migrate", "store", "zero"), "djmig-tui rollback store zero"),
        (("migrate", "store", "0001", "--rehearse"), "--rehearse"),
        (("rollback", "store", "0001", "--ye"), "--ye"),
        (("list", "--demo"), "--demo"),
        (("reset", "store", "--end-sessions"), "--end-sessions goes with --project"),
    ],
)
def test_wrong_usage_is_a_sentence(typed: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse(typed)


def test_options_stand_before_or_after_the_command() -> None:
    before = parse(["--database", "replica", "--json", "--settings", "a.b", "sql", "store"])
    after = parse(["sql", "store", "--settings", "a.b", "--json", "--database", "replica"])
    assert before == after
    assert (after.database, after.json, after.settings, after.app) == ("replica", True, "a.b", "store")
    assert parse(["list"]).database == "default"


def test_everything_after_two_dashes_is_the_projects_command() -> None:
    options = parse(["list", "--json", "--", "docker", "exec", "--json", "--", "manage.py"])
    assert options.manage == ("docker", "exec", "--json", "--", "manage.py")
    assert options.command == "list"
