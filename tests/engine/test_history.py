"""The history equals what showmigrations shows, and shows what showmigrations does not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from djmig_tui import protocol as p
from tests.conftest import need_server
from tests.driver import Driver, driving
from tests.engine.small import (
    ITEM,
    add,
    app_of,
    execute,
    keys,
    migrate,
    migration_of,
    project_of,
    shop,
)
from tests.projects import SampleProject, generate, make_app, make_project, migration_source

LINE = re.compile(r" \[(?P<mark>[X -])\] (?P<name>\S+)")
MARKS = {"X": p.APPLIED, " ": p.UNAPPLIED, "-": p.SQUASHED}

Shown = dict[str, list[tuple[str, str]]]


def theirs(project: SampleProject, alias: str = "default") -> Shown:
    """Return what showmigrations shows: app → (mark, name) in its order."""
    shown: Shown = {}
    label = ""
    for line in project.manage("showmigrations", "--database", alias).stdout.splitlines():
        found = LINE.match(line)
        if found is not None:
            shown[label].append((MARKS[found["mark"]], found["name"]))
        elif line and not line.startswith(" "):
            label = line
            shown[label] = []
    return shown


def ours(history: p.History) -> Shown:
    """Return the same of a history: without what showmigrations leaves out."""
    return {
        app.label: [
            (migration.mark, migration.name)
            for migration in app.migrations
            if not migration.ghost and migration.file is not None and not is_folded(app, migration)
        ]
        for app in history.apps
        if not app.orphan and app.migrations  # showmigrations leaves the others out
    }


def is_folded(app: p.App, migration: p.Migration) -> bool:
    """Return whether one of two layers is not in Django's graph: the squash, or what it replaces."""
    by_name = {f"{app.label}.{each.name}": each for each in app.migrations}
    replaced = [by_name[name] for name in migration.replaces if name in by_name]
    if replaced:
        applied = [each.applied for each in replaced]
        return any(applied) and not all(applied)
    squash = by_name.get(migration.replaced_by or "")
    return squash is not None and not is_folded(app, squash)


def test_the_bookshop_is_shown_as_by_showmigrations(ready_site: SampleProject) -> None:
    with driving(ready_site) as engine:
        for alias in ("default", "archive"):
            history = engine.history(alias)
            assert history.complete
            assert ours(history) == theirs(ready_site, alias)
        assert engine.run(engine.plan(p.BACK_TO, "store", "0001_initial")).error is None
        assert engine.run(engine.plan(p.BACK_TO, "authors", "0001_initial")).error is None
        assert engine.run(engine.plan(p.BACK_TO, "reviews", "0002_review_stars")).error is None
        assert ours(engine.history()) == theirs(ready_site)


def test_a_fresh_bookshop(site: SampleProject) -> None:
    with driving(site) as engine:
        assert ours(engine.history()) == theirs(site)


def test_a_generated_project(tmp_path: Path) -> None:
    project = generate(tmp_path, 8, 8, seed=11)
    with driving(project) as engine:
        migrate(engine, "app3")
        assert ours(engine.history()) == theirs(project)
        plan = [step.split(".") for step in keys(engine.plan(p.FORWARD).steps)]
        order = {
            (app.label, each.name): each.order for app in engine.history().apps for each in app.migrations
        }
        places = [order[app, name] for app, name in plan]
        assert places == sorted(places), "the order is that of the plan for everything"


def branches() -> dict[str, dict[str, str]]:
    """Two apps, of which one has branches and pulls the other's along in another order."""
    return {
        "alpha": {
            "0001_initial": migration_source(needs=[("beta", "0002_zweig")]),
            "0002_more": migration_source(needs=[("alpha", "0001_initial"), ("beta", "0001_other_root")]),
        },
        "beta": {
            "0001_initial": migration_source(ITEM),
            "0001_other_root": migration_source(),
            "0002_branch": migration_source(needs=[("beta", "0001_initial")]),
            "0002_zweig": migration_source(needs=[("beta", "0001_initial")]),
            "0003_merge": migration_source(
                needs=[("beta", "0002_branch"), ("beta", "0002_zweig"), ("beta", "0001_other_root")]
            ),
        },
    }


def test_branches_stand_in_the_order_of_showmigrations(tmp_path: Path) -> None:
    project = make_project(tmp_path, branches())
    with driving(project) as engine:
        assert ours(engine.history()) == theirs(project)


def test_the_first_look_has_the_same_marks(ready_site: SampleProject) -> None:
    with driving(ready_site) as engine:
        scanned: p.History = engine.ask(p.ScanHistory())
        loaded = engine.history()
        assert not scanned.complete
        assert [app.label for app in scanned.apps] == [app.label for app in loaded.apps]
        for before, after in zip(scanned.apps, loaded.apps, strict=True):
            assert {(m.name, m.mark, m.applied_at, m.file, m.ghost) for m in before.migrations} == {
                (m.name, m.mark, m.applied_at, m.file, m.ghost) for m in after.migrations
            }
            assert (before.path, before.third_party, before.why_empty) == (
                after.path,
                after.third_party,
                after.why_empty,
            )


def test_what_the_graph_knows(ready_site: SampleProject) -> None:
    with driving(ready_site) as engine:
        history = engine.history()
    heads = {app.label: [m.name for m in app.migrations if m.head] for app in history.apps}
    assert heads["store"] == ["0004_add_discount_field"]
    assert heads["authors"] == ["0003_merge_0002_author_biography_0002_author_born"]
    assert heads["reports"] == []
    irreversible = [
        f"{a.label}.{m.name}" for a in history.apps for m in a.migrations if m.reversible is False
    ]
    assert irreversible == ["members.0002_lower_case_emails", "suppliers.0003_forget_fax_numbers"]
    python = {f"{app.label}.{m.name}" for app in history.apps for m in app.migrations if m.runs_python}
    assert {"loyalty.0002_welcome_points", "newsletter.0002_confirm_subscribers"} <= python
    assert "suppliers.0002_country_codes" not in python
    assert {app.label for app in history.apps if app.third_party} == {"auth", "contenttypes"}
    initial = [m.name for m in app_of(history, "store").migrations if m.initial]
    assert initial == ["0001_initial"]
    assert app_of(history, "reports").why_empty
    squash = migration_of(history, "reviews", "0001_squashed_0003_review_headline")
    assert len(squash.replaces) == 3
    assert squash.head


def test_applied_times_are_the_recorded_ones(ready_vendor_site: SampleProject) -> None:
    with driving(ready_vendor_site) as engine:
        migration = migration_of(engine.history(), "store", "0002_add_price_to_product")
    where = "WHERE app = 'store' AND name = '0002_add_price_to_product'"
    recorded = ready_vendor_site.query(f"SELECT applied FROM django_migrations {where}")[0][0]
    told = datetime.fromisoformat(str(migration.applied_at))
    assert told.tzinfo is not None
    if isinstance(recorded, datetime):
        assert told.replace(tzinfo=None) == recorded.replace(tzinfo=None)
    else:
        assert told.replace(tzinfo=None) == datetime.fromisoformat(recorded)


@pytest.fixture
def squashed(tmp_path: Path) -> Iterator[SampleProject]:
    """Two migrations, both applied, and then somebody squashes them."""
    with project_of(tmp_path, shop(add("a"))) as project:
        with driving(project) as engine:
            migrate(engine)
        replaces = '    replaces = [("shop", "0001_initial"), ("shop", "0002_step")]\n    operations'
        squash = migration_source(ITEM, add("a")).replace("    operations", replaces)
        (project.folder / "shop" / "migrations" / "0001_squashed.py").write_text(squash)
        yield project


def test_a_squash_that_is_not_recorded_yet(squashed: SampleProject) -> None:
    with driving(squashed) as engine:
        history = engine.history()
        assert theirs(squashed) == {"shop": [(p.SQUASHED, "0001_squashed")]}
        assert ours(history) == theirs(squashed)
        migration = migration_of(history, "shop", "0001_squashed")
        assert migration.applied
        assert migration.applied_at is None
        assert [m.name for m in app_of(history, "shop").migrations] == [
            "0001_initial",
            "0002_step",
            "0001_squashed",
        ]
        assert migration_of(history, "shop", "0001_initial").replaced_by == "shop.0001_squashed"


def test_a_squash_that_is_half_applied_folds_the_other_way(squashed: SampleProject) -> None:
    with driving(squashed) as engine:
        assert engine.run(engine.plan(p.BACK_TO, "shop", "0001_initial")).error is None
        assert theirs(squashed) == {"shop": [(p.APPLIED, "0001_initial"), (p.UNAPPLIED, "0002_step")]}
        assert ours(engine.history()) == theirs(squashed)


def test_the_files_of_what_was_squashed_may_be_gone(squashed: SampleProject) -> None:
    for name in ("0001_initial", "0002_step"):
        (squashed.folder / "shop" / "migrations" / f"{name}.py").unlink()
    with driving(squashed) as engine:
        history = engine.history()
        assert ours(history) == theirs(squashed)
        gone = migration_of(history, "shop", "0001_initial")
        assert gone.mark == p.APPLIED
        assert not gone.ghost, "the squash stands for it"
        assert gone.file is None


@pytest.mark.parametrize(
    "name", ["0002_x.bak.py", "0002_x.orig.py", "_0002_x.py", "~0002_x.py", "0002_x.pyc", "0002_x.txt", ".py"]
)
def test_files_that_are_no_migrations(name: str, tmp_path: Path) -> None:
    with project_of(tmp_path, shop()) as project:
        (project.folder / "shop" / "migrations" / name).write_text("this is not Python")
        shown = project.manage("showmigrations", check=name != "0002_x.pyc").stdout
        with driving(project) as engine:
            history = engine.history()
            assert [m.name for m in app_of(history, "shop").migrations] == ["0001_initial"]
            assert "import" not in [problem.kind for problem in history.problems]
        if name != "0002_x.pyc":
            assert "0002" not in shown


def test_an_unknown_database_is_refused_with_those_there_are(ready_site: SampleProject) -> None:
    from tui.engine.errors import Refused

    with driving(ready_site) as engine:
        for request in (
            p.ScanHistory("nope"),
            p.LoadHistory("nope"),
            p.RenderSql("nope", "store", "0001_initial"),
            p.PreviewPlan("nope", p.FORWARD, None, None),
            p.Watch("nope", True),
        ):
            with pytest.raises(Refused, match=r"'nope'.*there are: archive, default"):
                engine.ask(request)


def test_a_table_that_cannot_be_read_is_a_problem_of_the_database(tmp_path: Path) -> None:
    """A user who may connect and not read: files are shown, the sentence is not about the graph."""
    import os

    need_server("postgresql")
    with project_of(tmp_path, shop(add("a")), "postgresql") as project:
        with driving(project) as engine:
            migrate(engine)
        nobody = f"djmig_nobody_{os.getpid()}"
        execute(project, f"CREATE ROLE {nobody} LOGIN")
        try:
            settings = project.folder / "config" / "settings.py"
            settings.write_text(settings.read_text() + f'DATABASES["default"]["USER"] = {nobody!r}\n')
            with driving(project) as engine:
                history = engine.history()
                assert [each.kind for each in history.problems] == ["database"]
                assert "permission denied" in history.problems[0].message
                assert len(app_of(history, "shop").migrations) == 2
        finally:
            execute(project, f"DROP OWNED BY {nobody}", f"DROP ROLE {nobody}")


def forwards(engine: Driver) -> list[str]:
    return keys(engine.plan(p.FORWARD).steps)


def test_a_migration_that_names_an_app_without_migrations(tmp_path: Path) -> None:
    """__first__ of an app that has none is nothing, for Django and for us."""
    files = {"0001_initial": migration_source(ITEM, needs=[("plain", "__first__")])}
    with project_of(tmp_path, files) as project:
        folder = make_app(project.folder, "plain", {})
        (folder / "__init__.py").unlink()
        folder.rmdir()
        with driving(project) as engine:
            history = engine.history()
            assert history.complete
            assert ours(history) == theirs(project)
            assert forwards(engine) == ["shop.0001_initial"]
