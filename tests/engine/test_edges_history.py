"""Sharp edges of the history: what Django does, reproduced, and what ours shows instead."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from djmig_tui import protocol as p
from tests.driver import driving
from tests.engine.small import (
    ITEM,
    RECORD,
    add,
    app_of,
    execute,
    keys,
    migrate,
    migration_of,
    project_of,
    shop,
)
from tests.projects import SampleProject, make_app, make_project, migration_source
from tui.engine.errors import Refused

FORGET = "DELETE FROM django_migrations WHERE app = '{}' AND name = '{}'"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[SampleProject]:
    """Three migrations of shop, all applied."""
    with project_of(tmp_path, shop(add("a"), add("b"))) as project:
        with driving(project) as engine:
            migrate(engine)
        yield project


def file_of(project: SampleProject, name: str) -> Path:
    return project.folder / "shop" / "migrations" / f"{name}.py"


def test_edge_15_two_heads_and_a_rollback_of_one(project: SampleProject) -> None:
    two = migration_source(add("c"), needs=[("shop", "0002_step")])
    file_of(project, "0003_other").write_text(two)
    execute(
        project, "ALTER TABLE shop_item ADD c integer NOT NULL DEFAULT 0", RECORD.format("shop", "0003_other")
    )
    done = project.manage("migrate", "shop", "0002", "--plan", check=False)
    assert "Conflicting migrations detected" in done.stderr, "Django refuses even to plan"
    with driving(project) as engine:
        history = engine.history()
        (problem,) = history.problems
        assert problem.kind == "heads"
        assert "shop has 2 heads: 0003_other, 0003_step" in problem.message
        assert "makemigrations --merge" in problem.message
        assert [m.name for m in app_of(history, "shop").migrations if m.head] == ["0003_other", "0003_step"]
        plan = engine.plan(p.UNDO, "shop", "0003_other")
        assert keys(plan.steps) == ["shop.0003_other"]
        assert plan.commands == ()
        assert any("shop has 2 heads" in note for note in plan.notes)
        finished = engine.run(plan)
        assert finished.error is None, finished.detail
        assert project.applied("shop") == ["0001_initial", "0002_step", "0003_step"]
        forward = engine.plan(p.FORWARD, "shop")
        assert forward.verdict == p.BLOCKED
        assert "makemigrations --merge" in forward.ways_out[0]
        with pytest.raises(Refused, match="2 heads"):
            engine.run(forward)


def test_edge_16_a_ghost_is_shown(project: SampleProject) -> None:
    file_of(project, "0003_step").unlink()
    assert "0003" not in project.manage("showmigrations").stdout, "Django does not show it"
    with driving(project) as engine:
        for history in (engine.ask(p.ScanHistory()), engine.history()):
            ghost = migration_of(history, "shop", "0003_step")
            assert ghost.ghost
            assert ghost.applied
            assert ghost.applied_at
            assert ghost.file is None
        assert "its file is gone" in str(engine.sql("shop", "0003_step").error)
        detail: p.MigrationDetail = engine.ask(p.ShowMigration("default", "shop", "0003_step"))
        assert detail.source == ""
        assert "its file is gone" in detail.why[0]
        with pytest.raises(Refused, match="its file is gone"):
            engine.plan(p.UNDO, "shop", "0003_step")
        with pytest.raises(Refused, match=r"no migration shop\.0004_nothing"):
            engine.plan(p.UNDO, "shop", "0004_nothing")


def test_edge_18_an_inconsistent_history_is_shown_and_can_be_undone(project: SampleProject) -> None:
    execute(project, FORGET.format("shop", "0002_step"))
    done = project.manage("migrate", "shop", "0003", check=False)
    assert "InconsistentMigrationHistory" in done.stderr, "every command refuses"
    with driving(project) as engine:
        history = engine.history()
        assert history.complete
        (problem,) = history.problems
        assert problem.kind == "inconsistent"
        assert "shop.0003_step is applied before its dependency shop.0002_step" in problem.message
        forward = engine.plan(p.FORWARD, "shop")
        assert forward.verdict == p.BLOCKED
        assert "is applied before its dependency" in forward.blockers[0]
        assert "Undo the one that is applied too early" in forward.ways_out[0]
        plan = engine.plan(p.UNDO, "shop", "0003_step")
        assert keys(plan.steps) == ["shop.0003_step"]
        assert plan.commands == ()
        assert any("applied before its dependency" in note for note in plan.notes)
        for intent, name in ((p.ZERO, None), (p.BACK_TO, "0001_initial")):
            assert engine.plan(intent, "shop", name).title
        for migration in app_of(history, "shop").migrations:
            assert engine.sql("shop", migration.name).sql
            assert engine.ask(p.ShowMigration("default", "shop", migration.name)).source


def test_edge_19_a_hole_in_the_graph_is_named(project: SampleProject) -> None:
    make_app(project.folder, "other", {"0001_initial": migration_source(ITEM)})
    file_of(project, "0002_step").unlink()
    done = project.manage("showmigrations", "other", check=False)
    assert "NodeNotFoundError" in done.stderr, "even another app's fails"
    with driving(project) as engine:
        history = engine.history()
        assert not history.complete
        (problem,) = history.problems
        assert problem.kind == "missing"
        assert "0002_step" in problem.message
        assert "look again" in problem.message
        marks = {m.name: (m.mark, m.ghost) for m in app_of(history, "shop").migrations}
        assert marks == {
            "0001_initial": (p.APPLIED, False),
            "0002_step": (p.APPLIED, True),
            "0003_step": (p.APPLIED, False),
        }
        assert migration_of(history, "other", "0001_initial").mark == p.UNAPPLIED
        for request in (
            p.RenderSql("default", "shop", "0003_step"),
            p.PreviewPlan("default", p.FORWARD, "other", None),
            p.PreviewPlan("default", p.UNDO, "shop", "0003_step"),
        ):
            with pytest.raises(Refused, match="cannot build the graph"):
                engine.ask(request)
        detail: p.MigrationDetail = engine.ask(p.ShowMigration("default", "shop", "0003_step"))
        assert "AddField" in detail.source
        assert detail.depends_on == ("shop.0002_step",)
        kept: p.MigrationFile = engine.ask(p.ReadFile("default", "other", "0001_initial"))
        assert kept.refusals == ()


def test_edge_19_a_circle_is_named_too(tmp_path: Path) -> None:
    files = {
        "0001_initial": migration_source(ITEM, needs=[("shop", "0002_step")]),
        "0002_step": migration_source(add("a"), needs=[("shop", "0001_initial")]),
    }
    with project_of(tmp_path, files) as project, driving(project) as engine:
        history = engine.history()
        assert not history.complete
        assert "graph" in [problem.kind for problem in history.problems]
        assert len(app_of(history, "shop").migrations) == 2
        for request in (
            p.RenderSql("default", "shop", "0002_step"),
            p.PreviewPlan("default", p.FORWARD, "shop", None),
        ):
            with pytest.raises(Refused, match="cannot build the graph"):
                engine.ask(request)
        detail: p.MigrationDetail = engine.ask(p.ShowMigration("default", "shop", "0002_step"))
        assert "AddField" in detail.source


def test_edge_20_a_broken_file_in_the_middle(project: SampleProject) -> None:
    file_of(project, "0002_step").write_text("def (:\n")
    assert "SyntaxError" in project.manage("showmigrations", check=False).stderr
    with driving(project) as engine:
        history = engine.history()
        assert [problem.kind for problem in history.problems] == ["import", "missing"]
        broken = migration_of(history, "shop", "0002_step")
        assert "0002_step.py, line 1: SyntaxError" in str(broken.error)
        assert broken.mark == p.APPLIED
        assert not broken.ghost
        detail: p.MigrationDetail = engine.ask(p.ShowMigration("default", "shop", "0002_step"))
        assert detail.source == "def (:\n"
        assert "SyntaxError" in detail.why[0]
        assert "SyntaxError" in str(engine.sql("shop", "0002_step").error)


def test_edge_20_a_broken_head_leaves_the_rest_at_work(project: SampleProject) -> None:
    file_of(project, "0004_broken").write_text("import nothing_of_that_name\n")
    with driving(project) as engine:
        history = engine.history()
        assert history.complete
        assert engine.sql("shop", "0003_step").sql
        plan = engine.plan(p.UNDO, "shop", "0003_step")
        assert engine.run(plan).error is None
        with pytest.raises(Refused, match=r"nothing_of_that_name.*Mend the file"):
            engine.plan(p.FORWARD, "shop", "0004_broken")


def test_edge_20_a_migrations_package_that_cannot_be_imported(project: SampleProject) -> None:
    file_of(project, "__init__").write_text("raise RuntimeError('half a merge')\n")
    with driving(project) as engine:
        history = engine.history()
        assert {m.name for m in app_of(history, "shop").migrations if "half a merge" in str(m.error)} == {
            "0001_initial",
            "0002_step",
            "0003_step",
        }


def test_edge_22_an_app_that_is_gone_is_listed(project: SampleProject) -> None:
    execute(project, RECORD.format("old", "0001_initial"), RECORD.format("old", "0002_more"))
    assert "old" not in project.manage("showmigrations").stdout, "Django ignores it"
    with driving(project) as engine:
        for history in (engine.ask(p.ScanHistory()), engine.history()):
            orphan = app_of(history, "old")
            assert orphan.orphan
            assert [m.name for m in orphan.migrations] == ["0001_initial", "0002_more"]
            assert all(m.ghost and m.applied for m in orphan.migrations)
        assert "its file is gone" in str(engine.sql("old", "0001_initial").error)
        with pytest.raises(Refused, match="not in INSTALLED_APPS"):
            engine.plan(p.ZERO, "old")
        with pytest.raises(Refused, match="no app 'old'"):
            engine.ask(p.ReadFile("default", "old", "0001_initial"))


def test_edge_31_each_alias_has_its_own_marks(tmp_path: Path) -> None:
    aliases = ("default", "other")
    with project_of(tmp_path, shop(add("a")), aliases=aliases) as project, driving(project) as engine:
        migrate(engine)
        migrate(engine, "shop", "0001_initial", "other")
        assert "[ ]" not in project.manage("showmigrations").stdout, "Django tells of one of them"
        assert migration_of(engine.history(), "shop", "0002_step").applied
        assert not migration_of(engine.history("other"), "shop", "0002_step").applied
        plan = engine.plan(p.BACK_TO, "shop", "0001_initial")
        assert plan.commands == ("python manage.py migrate shop 0001_initial",)
        plan = engine.plan(p.FORWARD, "shop", "0002_step", "other")
        assert plan.commands == ("python manage.py migrate shop 0002_step --database other",)
        with pytest.raises(Refused, match="not applied on 'other'"):
            engine.plan(p.UNDO, "shop", "0002_step", "other")


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ('{"shop": None}', "MIGRATION_MODULES turns migrations off for this app."),
        ('{"shop": "nowhere.migrations"}', "nowhere"),
        ('{"shop": "shop.nowhere"}', "MIGRATION_MODULES names shop.nowhere, which does not exist."),
        ('{"shop": "shop.models"}', "is a file, not a package."),
        ('{"shop": "shop.bare"}', "has no __init__.py, so Django does not see it."),
        ('{"shop": "broken.migrations"}', "The package broken.migrations cannot be imported: not today"),
    ],
)
def test_edge_32_why_there_are_no_migrations(setting: str, said: str, tmp_path: Path) -> None:
    with project_of(tmp_path, shop(add("a"))) as project:
        (project.folder / "shop" / "bare").mkdir()
        (project.folder / "shop" / "bare" / "0001_initial.py").write_text(migration_source(ITEM))
        (project.folder / "broken").mkdir()
        (project.folder / "broken" / "__init__.py").write_text("raise RuntimeError('not today')\n")
        settings = project.folder / "config" / "settings.py"
        settings.write_text(settings.read_text() + f"MIGRATION_MODULES = {setting}\n")
        shown = project.manage("showmigrations", "shop", check=False)
        assert "(no migrations)" in shown.stdout or shown.returncode != 0, "Django does not say why"
        with driving(project) as engine:
            for history in (engine.ask(p.ScanHistory()), engine.history()):
                app = app_of(history, "shop")
                assert said in str(app.why_empty)
                assert app.migrations == ()


def test_edge_32_without_init_and_elsewhere(project: SampleProject) -> None:
    settings = project.folder / "config" / "settings.py"
    before = settings.read_text()
    (project.folder / "elsewhere").mkdir()
    (project.folder / "elsewhere" / "__init__.py").write_text("")
    for path in (project.folder / "shop" / "migrations").glob("*.py"):
        (project.folder / "elsewhere" / path.name).write_text(path.read_text())
    settings.write_text(before + 'MIGRATION_MODULES = {"shop": "elsewhere"}\n')
    with driving(project) as engine:
        app = app_of(engine.history(), "shop")
        assert app.path == str(project.folder / "elsewhere")
        assert all(m.applied for m in app.migrations)
        assert engine.run(engine.plan(p.UNDO, "shop", "0003_step")).error is None
        kept: p.MigrationFile = engine.ask(p.ReadFile("default", "shop", "0003_step"))
        assert kept.path == str(project.folder / "elsewhere" / "0003_step.py")
        engine.ask(p.DeleteFile("default", "shop", "0003_step", kept.sha256))
    settings.write_text(before)
    file_of(project, "__init__").unlink()
    with driving(project) as engine:
        app = app_of(engine.history(), "shop")
        assert "has no __init__.py" in str(app.why_empty)
        assert [m.name for m in app.migrations if m.ghost] == ["0001_initial", "0002_step"]


HOSTILE = "0002_[b]x[b] \x1b[31m'\"; DROP TABLE ünï 源"


def test_edge_39_names_of_every_kind_come_through_literally(project: SampleProject) -> None:
    path = project.folder / "shop" / "migrations"
    (path / f"{HOSTILE}.py").write_text(migration_source(needs=[("shop", "0003_step")]))
    bad = os.fsdecode(b"0009_\xff\xfe")
    (path / f"{bad}.py").write_bytes(b"# \xff\n")
    execute(project, RECORD.format("[/b]\x1b[0m", "x" * 200))
    with driving(project) as engine:
        for history in (engine.ask(p.ScanHistory()), engine.history()):
            names = [m.name for m in app_of(history, "shop").migrations]
            assert HOSTILE in names
            assert bad in names
            assert app_of(history, "[/b]\x1b[0m").migrations[0].name == "x" * 200
        assert migration_of(history, "shop", bad).error
        assert migration_of(history, "shop", HOSTILE).error is None
        assert engine.sql("shop", HOSTILE, backwards=False).error is None
        plan = engine.plan(p.FORWARD, "shop", HOSTILE)
        assert HOSTILE in plan.title
        kept: p.MigrationFile = engine.ask(p.ReadFile("default", "shop", bad))
        assert kept.path.endswith(f"{bad}.py")
        engine.ask(p.DeleteFile("default", "shop", bad, kept.sha256))
        engine.ask(p.RestoreFile("shop", bad, kept.path, kept.content, kept.mode))
        assert (path / f"{bad}.py").read_bytes() == b"# \xff\n"


def test_edge_39_a_command_with_a_name_that_a_shell_would_obey_is_quoted(project: SampleProject) -> None:
    (project.folder / "shop" / "migrations" / "0004_a b;c.py").write_text(
        migration_source(needs=[("shop", "0003_step")])
    )
    with driving(project) as engine:
        plan = engine.plan(p.FORWARD, "shop", "0004_a b;c")
        assert plan.commands == ("python manage.py migrate shop '0004_a b;c'",)


def test_edge_49_more_rows_than_nodes(tmp_path: Path) -> None:
    """A squash, what it replaces and a ghost, all recorded: each is there once, Django's graph has one."""
    files = shop(add("a"))
    replaces = '    replaces = [("shop", "0001_initial"), ("shop", "0002_step")]\n    operations'
    files["0001_squashed"] = migration_source(ITEM, add("a")).replace("    operations", replaces)
    project = make_project(tmp_path, {"shop": files})
    with driving(project) as engine:
        migrate(engine)
        execute(project, RECORD.format("shop", "0000_before"))
        history = engine.history()
        assert len(project.applied("shop")) == 4
        assert sorted(m.name for m in app_of(history, "shop").migrations) == project.applied("shop")
        assert project.manage("showmigrations").stdout.count("[X]") == 1
        assert migration_of(history, "shop", "0000_before").ghost
        assert migration_of(history, "shop", "0002_step").replaced_by == "shop.0001_squashed"
        # Both layers can be looked at, and undone.
        for name in ("0001_squashed", "0001_initial", "0002_step"):
            assert engine.sql("shop", name).sql
        assert keys(engine.plan(p.UNDO, "shop", "0002_step").steps) == ["shop.0002_step"]
        assert keys(engine.plan(p.UNDO, "shop", "0001_squashed").steps) == ["shop.0001_squashed"]


def test_a_migration_that_is_replaced_is_not_migrated_to(tmp_path: Path) -> None:
    """Django fails with a traceback: the node is not in its graph."""
    files = shop(add("a"))
    replaces = '    replaces = [("shop", "0001_initial"), ("shop", "0002_step")]\n    operations'
    files["0001_squashed"] = migration_source(ITEM, add("a")).replace("    operations", replaces)
    project = make_project(tmp_path, {"shop": files})
    assert "NodeNotFoundError" in project.manage("migrate", "shop", "0001_initial", check=False).stderr
    with driving(project) as engine, pytest.raises(Refused, match=r"is replaced by shop\.0001_squashed"):
        engine.plan(p.FORWARD, "shop", "0001_initial")
