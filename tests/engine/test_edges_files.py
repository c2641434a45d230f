"""Sharp edges of removing files: what Django does, reproduced, and what ours does instead."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from djmig_tui import protocol as p
from tests.driver import driving
from tests.engine.small import ITEM, add, app_of, keys, migrate, migration_of, project_of, shop
from tests.projects import SampleProject, make_app, migration_source
from tui.engine.errors import Refused


def test_edge_33_migrations_in_site_packages_are_never_removed(ready_site: SampleProject) -> None:
    with driving(ready_site) as engine:
        assert engine.run(engine.plan(p.ZERO, "orders")).error is None
        assert engine.run(engine.plan(p.ZERO, "auth")).error is None
        last = app_of(engine.history(), "auth").migrations[-1]
        file: p.MigrationFile = engine.ask(p.ReadFile("default", "auth", last.name))
        assert not last.applied
        assert "belongs to an installed package" in file.refusals[0]
        with pytest.raises(Refused, match="never removed"):
            engine.ask(p.DeleteFile("default", "auth", last.name, file.sha256))
    assert Path(file.path).exists()


def test_edge_33_an_installed_app_of_the_project_is_third_party_too(tmp_path: Path) -> None:
    packages = tmp_path / "lib" / "site-packages"
    packages.mkdir(parents=True)
    with project_of(tmp_path, shop(add("a"))) as project:
        make_app(project.folder, "bought", {"0001_initial": migration_source(ITEM)})
        (project.folder / "bought").rename(packages / "bought")
        project.env["PYTHONPATH"] = str(packages)
        with driving(project) as engine:
            assert app_of(engine.history(), "bought").third_party
            file: p.MigrationFile = engine.ask(p.ReadFile("default", "bought", "0001_initial"))
            with pytest.raises(Refused, match="installed package"):
                engine.ask(p.DeleteFile("default", "bought", "0001_initial", file.sha256, first=True))


@pytest.mark.parametrize("where", ["beside", "the same"])
def test_edge_33_a_source_that_pip_cloned_is_third_party_unless_the_project_is_there_too(
    tmp_path: Path, where: str
) -> None:
    with project_of(tmp_path, shop(add("a"))) as project:
        venv = project.folder if where == "the same" else tmp_path / "venv"
        found = project.run_python("import django, os; print(os.path.dirname(django.__path__[0]))").stdout
        subprocess.run([project.python, "-m", "venv", "--without-pip", str(venv)], check=True, timeout=60)
        (packages,) = venv.glob("lib/python*/site-packages")
        make_app(project.folder, "bought", {"0001_initial": migration_source(ITEM)})
        source = venv / "src" / "bought"
        source.mkdir(parents=True)
        (project.folder / "bought").rename(source / "bought")
        (packages / "all.pth").write_text(f"{found.strip()}\n{source}\n")
        project.python = str(venv / "bin" / "python")
        with driving(project) as engine:
            assert app_of(engine.history(), "bought").third_party == (where == "beside")
            assert not app_of(engine.history(), "shop").third_party


def test_edge_34_stale_byte_code_goes_with_the_file_and_no_other(tmp_path: Path) -> None:
    files = {**shop(add("a")), "0002_step_two": migration_source(needs=[("shop", "0002_step")])}
    with project_of(tmp_path, files) as project:
        del project.env["PYTHONDONTWRITEBYTECODE"]
        project.manage("showmigrations")
        cache = project.folder / "shop" / "migrations" / "__pycache__"
        there = {path.name.split(".")[0] for path in cache.iterdir()}
        assert there == {"__init__", "0001_initial", "0002_step", "0002_step_two"}
        # What Django does: it does not mind byte code that is left in __pycache__.
        file = project.folder / "shop" / "migrations" / "0002_step_two.py"
        text = file.read_text()
        file.unlink()
        assert "0002_step_two" not in project.manage("showmigrations").stdout
        file.write_text(text)
        (cache / "0002_step.cpython-38.opt-1.pyc").write_bytes(b"an older one")
        (file.parent / "0002_step_two.pyc").write_bytes(b"beside it")
        with driving(project) as engine:
            for name in ("0002_step_two", "0002_step"):
                kept: p.MigrationFile = engine.ask(p.ReadFile("default", "shop", name))
                deleted: p.FileDeleted = engine.ask(p.DeleteFile("default", "shop", name, kept.sha256))
                assert {Path(path).name.split(".")[0] for path in deleted.also} == {name}
        assert {path.name.split(".")[0] for path in cache.iterdir()} == {"__init__", "0001_initial"}


def test_edge_34_byte_code_that_cannot_go_does_not_undo_the_removal(tmp_path: Path) -> None:
    with project_of(tmp_path, shop(add("a"))) as project:
        cache = project.folder / "shop" / "migrations" / "__pycache__"
        (cache / "0002_step.cpython-311.pyc").mkdir(parents=True)
        with driving(project) as engine:
            kept: p.MigrationFile = engine.ask(p.ReadFile("default", "shop", "0002_step"))
            deleted: p.FileDeleted = engine.ask(p.DeleteFile("default", "shop", "0002_step", kept.sha256))
            assert deleted.also == ()
            assert [each.name for each in app_of(engine.history(), "shop").migrations] == ["0001_initial"]


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("from django.db import migrations\nclass Migration(\n", "SyntaxError"),
        ("import nothing_like_this\n", "No module named 'nothing_like_this'"),
        ("raise SystemExit('not today')\n", "SystemExit: not today"),
        ("x = 1\n", "has no Migration class"),
        (
            "from django.db import migrations\nclass Migration(migrations.Migration):\n    1 / 0\n",
            "line 3: ZeroDivisionError",
        ),
    ],
)
def test_edge_20_a_broken_file_can_be_removed(broken: str, said: str, tmp_path: Path) -> None:
    with project_of(tmp_path, {**shop(add("a")), "0003_broken": broken}) as project:
        assert project.manage("showmigrations", check=False).returncode != 0, "nothing works in Django"
        with driving(project) as engine:
            history = engine.history()
            assert said in str(migration_of(history, "shop", "0003_broken").error)
            assert history.complete
            assert migration_of(history, "shop", "0002_step").error is None
            kept: p.MigrationFile = engine.ask(p.ReadFile("default", "shop", "0003_broken"))
            assert kept.refusals == ()
            assert "may depend on it" in str(engine.ask(p.ReadFile("default", "shop", "0002_step")).warnings)
            engine.ask(p.DeleteFile("default", "shop", "0003_broken", kept.sha256))
            assert engine.history().problems[0].kind == "fresh"
            migrate(engine)
        assert project.applied("shop") == ["0001_initial", "0002_step"]


def test_edge_56_the_articles_typo(tmp_path: Path) -> None:
    """`default='free'` on a DecimalField: migrate fails, nothing is applied; the file can go."""
    field = 'models.DecimalField(decimal_places=2, default="free", max_digits=6)'
    files = shop(f'migrations.AddField("item", "price", {field})')
    with project_of(tmp_path, files) as project, driving(project) as engine:
        migrate(engine, "shop", "0001_initial")
        before = project.snapshot()
        done = project.manage("migrate", check=False)
        assert "free" in done.stderr
        assert project.snapshot() == before, "Django: nothing was applied, nothing to roll back"
        rendered = engine.sql("shop", "0002_step", backwards=False)
        assert rendered.sql is None
        assert "free" in str(rendered.error)
        finished = engine.run(engine.plan(p.FORWARD, "shop"))
        assert "free" in str(finished.error)
        assert finished.next_steps[0].startswith("Nothing was changed.")
        assert project.snapshot() == before
        with driving(project) as fresh:
            kept: p.MigrationFile = fresh.ask(p.ReadFile("default", "shop", "0002_step"))
            fresh.ask(p.DeleteFile("default", "shop", "0002_step", kept.sha256))
            assert keys(fresh.plan(p.FORWARD, "shop").steps) == []
        assert project.snapshot() == before
