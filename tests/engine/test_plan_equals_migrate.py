"""Plans equal `migrate --plan`, and a rollback leaves what `manage.py migrate` leaves."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from pathlib import Path

import pytest

from djmig_tui import protocol as p
from tests.driver import Driver, driving
from tests.dumps import Snapshot
from tests.lockstep import django
from tests.projects import SampleProject, clone


def applied(engine: Driver, database: str = "default") -> list[tuple[str, str]]:
    return [
        (app.label, migration.name)
        for app in engine.history(database).apps
        for migration in app.migrations
        if migration.applied
    ]


def steps(plan: p.Plan) -> list[tuple[str, list[str]]]:
    return [(f"{step.app}.{step.name}", list(step.operations)) for step in plan.steps]


def test_plans_of_the_bookshop(full_vendor_site: SampleProject) -> None:
    """Back to every applied migration, and every app to zero."""
    with driving(full_vendor_site) as engine, django(full_vendor_site) as theirs:
        targets = applied(engine)
        assert len(targets) > 40
        for app, name in targets:
            assert steps(engine.plan(p.BACK_TO, app, name)) == theirs.plan(app, name), (app, name)
        for app in {app for app, _ in targets}:
            assert steps(engine.plan(p.ZERO, app)) == theirs.plan(app, "zero"), app


@pytest.mark.timeout(300)
def test_plans_of_200_generated_migrations(full_generated: SampleProject) -> None:
    if full_generated.vendor != "sqlite":
        pytest.skip("plans do not depend on the vendor; the bookshop's are compared on each")
    with driving(full_generated) as engine, django(full_generated) as theirs:
        targets = applied(engine)
        assert len(targets) == 200
        for app, name in targets:
            assert steps(engine.plan(p.BACK_TO, app, name)) == theirs.plan(app, name), (app, name)


def test_forward_plans_of_a_fresh_bookshop(site: SampleProject) -> None:
    with driving(site) as engine, django(site) as theirs:
        for app in engine.history().apps:
            if not app.migrations:
                continue
            assert steps(engine.plan(p.FORWARD, app.label)) == theirs.plan(app.label), app.label
        assert steps(engine.plan(p.FORWARD)) == theirs.plan()


#: The moment of the run, as the drivers give it: a default of timezone.now (EDGES 44).
NOW = re.compile(
    r"datetime\.datetime\({0:%Y}, {0.month}, {0.day}, [^)]*\)|'{0:%Y-%m-%d} [0-9:.]+'".format(
        datetime.now(timezone.utc)
    )
)


#: Which of the bookshop's rollbacks are compared in the short tier, and one that fails in both.
EVERY = {"sqlite": 1, "postgresql": 3, "mysql": 10}
FAILS = ("vouchers", "0001_initial")


def settled(project: SampleProject) -> Snapshot:
    """Return what the project's database holds, but for the moments at which rows were made up."""
    found = project.snapshot()
    rows = {table: [NOW.sub("<now>", row) for row in rows] for table, rows in found.rows.items()}
    return Snapshot(found.schema, found.records, rows)


def walk_back(ours: SampleProject, theirs: SampleProject, every: int) -> int:
    """Undo app by app, ours and Django's in lockstep; return how many states were compared."""
    compared = 0
    with driving(ours) as engine, django(theirs) as theirs_:
        for app in reversed(engine.history().apps):
            names = [migration.name for migration in app.migrations if migration.applied]
            for name in [*names[-2::-every], None]:
                if name is not None and (app.label, name) not in applied(engine):
                    continue  # fell with another app
                plan = engine.plan(p.BACK_TO if name else p.ZERO, app.label, name)
                if not plan.steps or plan.verdict == p.BLOCKED:
                    continue
                finished = engine.run(plan)
                answer = theirs_.call("migrate", app.label, name or "zero", verbosity=0)
                assert finished.error is None, (plan.title, finished.detail)
                assert "error" not in answer, (plan.title, answer)
                assert [(s.app, s.name) for s in finished.done] == [(s.app, s.name) for s in plan.steps]
                assert settled(ours) == settled(theirs), plan.title
                compared += 1
    return compared


@pytest.mark.timeout(600)
def test_rollbacks_of_generated_migrations_leave_the_same(
    full_generated: SampleProject, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if full_generated.vendor != "sqlite" and not request.config.getoption("--long"):
        pytest.skip("the long tier: run with --long; PostgreSQL takes half a minute, MariaDB three")
    ours, theirs = (clone(full_generated, tmp_path, name) for name in ("ours", "theirs"))
    try:
        assert walk_back(ours, theirs, every=4) >= 25
    finally:
        ours.drop()
        theirs.drop()


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_every_rollback_of_generated_migrations_leaves_the_same(
    full_generated: SampleProject, tmp_path: Path
) -> None:
    """From everything applied, back to each of the 200."""
    ours, theirs = (clone(full_generated, tmp_path, name) for name in ("ours", "theirs"))
    try:
        with driving(ours) as engine, django(theirs) as theirs_:
            for app, name in applied(engine):
                plan = engine.plan(p.BACK_TO, app, name)
                finished = engine.run(plan)
                answer = theirs_.call("migrate", app, name, verbosity=0)
                assert finished.error is None, (plan.title, finished.detail)
                assert "error" not in answer, (plan.title, answer)
                assert settled(ours) == settled(theirs), plan.title
                ours.reset_to(full_generated)
                theirs.reset_to(full_generated)
    finally:
        ours.drop()
        theirs.drop()


@pytest.mark.timeout(300)
def test_every_rollback_of_the_bookshop_leaves_the_same(
    full_vendor_site: SampleProject, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """From everything applied, back to each migration and each app to zero; failures fail in both."""
    ours, theirs = (clone(full_vendor_site, tmp_path, name) for name in ("ours", "theirs"))
    failed = set()
    try:
        with django(theirs) as theirs_:
            engine = Driver(ours)
            targets: list[tuple[str, str | None]] = [*applied(engine)]
            targets += [(app, None) for app in sorted({app for app, _ in targets})]
            if not request.config.getoption("--long"):  # copying a database takes servers a second or two
                targets = [*targets[:: EVERY[ours.vendor]], FAILS]
            for app, name in targets:
                plan = engine.plan(p.BACK_TO if name else p.ZERO, app, name)
                if plan.verdict == p.BLOCKED or not plan.steps:
                    continue
                finished = engine.run(plan)
                answer = theirs_.call("migrate", app, name or "zero", verbosity=0)
                assert ("error" in answer) == (finished.error is not None), (plan.title, answer, finished)
                if finished.error is None:
                    assert settled(ours) == settled(theirs), plan.title
                else:
                    failed.add(plan.target)
                    if plan.one_transaction:
                        assert ours.snapshot() == full_vendor_site.snapshot(), plan.title
                    engine.close()
                    engine = Driver(ours)
                ours.reset_to(full_vendor_site)
                theirs.reset_to(full_vendor_site)
            engine.close()
    finally:
        ours.drop()
        theirs.drop()
    assert ".".join(FAILS) in failed
