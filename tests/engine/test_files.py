"""Removing migration files and putting them back: byte for byte, and never what must stay."""

from __future__ import annotations

import base64
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from djmig_tui import protocol as p
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
from tests.projects import SampleProject, make_app, make_project, migration_source
from tui.engine.errors import EngineError, Failed, Refused, Stale


@pytest.fixture
def project(tmp_path: Path) -> Iterator[SampleProject]:
    """Three migrations of shop, of which the first is applied."""
    with project_of(tmp_path, shop(add("a"), add("b"))) as project:
        with driving(project) as engine:
            migrate(engine, "shop", "0001_initial")
        yield project


def path_of(project: SampleProject, name: str = "0003_step") -> Path:
    return project.folder / "shop" / "migrations" / f"{name}.py"


def read(engine: Driver, name: str = "0003_step", app: str = "shop") -> p.MigrationFile:
    file: p.MigrationFile = engine.ask(p.ReadFile("default", app, name))
    return file


def delete(engine: Driver, file: p.MigrationFile, **kwargs: Any) -> p.FileDeleted:
    deleted: p.FileDeleted = engine.ask(p.DeleteFile("default", file.app, file.name, file.sha256, **kwargs))
    return deleted


def restore(engine: Driver, file: p.MigrationFile, **kwargs: Any) -> p.FileRestored:
    asked = {
        "app": file.app,
        "name": file.name,
        "path": file.path,
        "content": file.content,
        "mode": file.mode,
    }
    restored: p.FileRestored = engine.ask(p.RestoreFile(**{**asked, **kwargs}))
    return restored


@pytest.mark.parametrize("mode", [0o640, 0o755, 0o600, 0o444])
@pytest.mark.parametrize(
    "tail",
    [
        b"# \xff\xfe not utf-8 \x00\n",
        b"# no newline at the end",
        "# 源氏物語 \u2028 [/b] \x1b[31m\n".encode(),
    ],
    ids=["bytes", "no newline", "hostile"],
)
def test_a_file_comes_back_byte_for_byte_with_its_mode(
    project: SampleProject, mode: int, tail: bytes
) -> None:
    file = path_of(project)
    content = file.read_bytes().replace(b"\n", b"\r\n") + tail
    file.write_bytes(content)
    file.chmod(mode)
    with driving(project) as engine:
        kept = read(engine)
        assert kept.path == str(file)
        assert kept.mode == mode
        assert base64.b64decode(kept.content) == content
        assert delete(engine, kept).path == str(file)
        assert not file.exists()
        assert "0003_step" not in [m.name for m in app_of(engine.history(), "shop").migrations]
        assert restore(engine, kept).path == str(file)
        assert file.read_bytes() == content
        assert stat.S_IMODE(file.stat().st_mode) == mode
        assert "0003_step" in [m.name for m in app_of(engine.history(), "shop").migrations]


def test_the_engine_goes_on_with_what_is_there(project: SampleProject) -> None:
    """No fresh process is needed for what we did ourselves."""
    with driving(project) as engine:
        kept = read(engine)
        assert keys(engine.plan(p.FORWARD, "shop").steps) == ["shop.0002_step", "shop.0003_step"]
        delete(engine, kept)
        plan = engine.plan(p.FORWARD, "shop")
        assert keys(plan.steps) == ["shop.0002_step"]
        assert engine.run(plan).error is None
        restore(engine, kept)
        assert keys(engine.plan(p.FORWARD, "shop").steps) == ["shop.0003_step"]
        assert "Add field b" in str(engine.sql("shop", "0003_step", backwards=False).sql)


def test_nothing_is_ever_written_over(project: SampleProject, tmp_path: Path) -> None:
    file = path_of(project)
    with driving(project) as engine:
        kept = read(engine)
        with pytest.raises(Refused, match="there already"):
            restore(engine, kept)
        delete(engine, kept)
        file.write_text("# somebody else's\n")
        with pytest.raises((Refused, Stale)):
            restore(engine, kept)
    with driving(project) as engine:
        with pytest.raises(Refused, match="there already and is not written over"):
            restore(engine, kept)
        assert file.read_text() == "# somebody else's\n"
        file.unlink()
    elsewhere = tmp_path / "elsewhere"
    file.symlink_to(elsewhere)
    with driving(project) as engine, pytest.raises(Refused, match="there already"):
        restore(engine, kept)
    assert not elsewhere.exists(), "a dangling symlink is not written through"


@pytest.mark.parametrize(
    "name",
    ["../../config/evil", "/tmp/evil", "..", ".", "", "__init__", "_hidden", "~copy", "a.b", "a\0b", "a/b"],
)
def test_a_name_cannot_lead_elsewhere(project: SampleProject, name: str) -> None:
    before = sorted(path for path in project.folder.parent.rglob("*") if "__pycache__" not in path.parts)
    with driving(project) as engine:
        kept = read(engine)
        for request in (
            p.ReadFile("default", "shop", name),
            p.DeleteFile("default", "shop", name, kept.sha256, first=True),
            p.RestoreFile("shop", name, f"{Path(kept.path).parent}/{name}.py", kept.content, 0o644),
        ):
            with pytest.raises(Refused):
                engine.ask(request)
    after = sorted(path for path in project.folder.parent.rglob("*") if "__pycache__" not in path.parts)
    assert after == before


def test_a_file_goes_back_to_where_it_was_and_nowhere_else(project: SampleProject) -> None:
    with driving(project) as engine:
        kept = read(engine)
        delete(engine, kept)
        with pytest.raises(Refused, match="are in"):
            restore(engine, kept, path="/tmp/0003_step.py")
        with pytest.raises(Refused, match="no app 'other'"):
            restore(engine, kept, app="other")
        shutil.rmtree(path_of(project).parent)
    with driving(project) as engine, pytest.raises(Refused, match="make it again, with __init__"):
        restore(engine, kept)


def test_a_file_that_changed_since_it_was_read_stays(project: SampleProject) -> None:
    with driving(project) as engine:
        kept = read(engine)
        with pytest.raises(Stale):
            engine.ask(p.DeleteFile("default", "shop", "0003_step", "0" * 64))
        with path_of(project).open("a") as file:
            file.write("# one more line\n")
        with pytest.raises(Stale):
            delete(engine, kept)
    assert path_of(project).read_text().endswith("# one more line\n")


def test_a_change_that_keeps_size_and_time_is_seen_by_the_hash(project: SampleProject) -> None:
    with driving(project) as engine:
        kept = read(engine)
        file = path_of(project)
        times = file.stat()
        file.write_text(file.read_text().replace('"b"', '"c"'))
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
        with pytest.raises(Stale, match="nothing was removed"):
            delete(engine, kept)
    assert file.exists()


def test_the_first_migration_must_be_meant(tmp_path: Path) -> None:
    with (
        project_of(tmp_path, {"0001_initial": migration_source(ITEM)}) as project,
        driving(project) as engine,
    ):
        kept = read(engine, "0001_initial")
        assert kept.first
        assert kept.refusals == ()
        with pytest.raises(Refused, match="its name must be typed"):
            delete(engine, kept)
        assert path_of(project, "0001_initial").exists()
        delete(engine, kept, first=True)
        assert not path_of(project, "0001_initial").exists()
        history = engine.history()
        assert app_of(history, "shop").migrations == ()
        assert app_of(history, "shop").why_empty == "There are no migrations yet."
        restore(engine, kept)
        assert migration_of(engine.history(), "shop", "0001_initial").initial


def test_what_is_applied_stays(project: SampleProject) -> None:
    with driving(project) as engine:
        migrate(engine)
        kept = read(engine)
        assert kept.applied_on == ("default",)
        assert "roll it back there first" in kept.refusals[0]
        with pytest.raises(Refused, match="is applied on 'default'"):
            delete(engine, kept)
        assert path_of(project).exists()
        assert engine.run(engine.plan(p.UNDO, "shop", "0003_step")).error is None
        delete(engine, read(engine))


def test_what_is_applied_on_another_database_stays(tmp_path: Path) -> None:
    with project_of(tmp_path, shop(add("a")), aliases=("default", "other", "third")) as project:
        with driving(project) as engine:
            migrate(engine, database="other")
            kept = read(engine, "0002_step")
            assert kept.applied_on == ("other",)
            with pytest.raises(Refused, match="applied on 'other'"):
                delete(engine, kept)
        assert path_of(project, "0002_step").exists()
        assert not Path(project.databases["third"]).exists(), "asking creates no file"


@pytest.mark.parametrize("vendor", ["postgresql", "mysql"])
def test_a_database_that_cannot_be_asked_counts_as_applied(vendor: str, tmp_path: Path) -> None:
    with project_of(tmp_path, shop(add("a"))) as project:
        settings = project.folder / "config" / "settings.py"
        settings.write_text(
            settings.read_text()
            + f'DATABASES["far"] = {{"ENGINE": "django.db.backends.{vendor}", "NAME": "x", "USER": "x",'
            ' "HOST": "127.0.0.1", "PORT": "1"}\n'
            "try:\n    import MySQLdb\nexcept ImportError:\n    import pymysql\n"
            '    pymysql.version_info = (2, 2, 7, "final", 0)\n    pymysql.install_as_MySQLdb()\n'
        )
        with driving(project) as engine:
            kept = read(engine, "0002_step")
            assert kept.applied_on == ("far",)
            assert "counts as applied on 'far', which cannot be asked" in kept.refusals[0]
            with pytest.raises(Refused, match="'far'"):
                delete(engine, kept)
        assert path_of(project, "0002_step").exists()


def test_what_others_need_stays_and_they_are_named_in_order(tmp_path: Path) -> None:
    """Through other apps, through run_before, through __first__, the last one first."""
    base = {
        "0001_initial": migration_source(ITEM),
        "0002_step": migration_source(needs=[("base", "0001_initial")]),
    }
    above = {
        "0001_initial": migration_source(needs=[("base", "0002_step")]),
        "0002_step": migration_source(needs=[("above", "0001_initial"), ("first", "__first__")]),
    }
    first = {
        "0001_initial": migration_source().replace(
            "    operations", '    run_before = [("base", "0002_step")]\n    operations'
        ),
        "0002_step": migration_source(needs=[("first", "0001_initial")]),
    }
    project = make_project(tmp_path, {"base": base, "above": above, "first": first})
    with driving(project) as engine:
        assert read(engine, "0002_step", "above").needed_by == ()
        assert read(engine, "0002_step", "base").needed_by == ("above.0002_step", "above.0001_initial")
        assert read(engine, "0001_initial", "base").needed_by == (
            "above.0002_step",
            "above.0001_initial",
            "base.0002_step",
        )
        needed = read(engine, "0001_initial", "first").needed_by
        assert set(needed) == {"above.0002_step", "above.0001_initial", "base.0002_step", "first.0002_step"}
        assert (
            needed.index("above.0002_step")
            < needed.index("above.0001_initial")
            < needed.index("base.0002_step")
        )
        with pytest.raises(Refused, match="remove these first, in this order"):
            delete(engine, read(engine, "0001_initial", "first"), first=True)
        for step in needed:
            app, _, name = step.partition(".")
            if step == "base.0002_step":
                # Without it, run_before would name nothing, and no command of Django's would work.
                with pytest.raises(Refused, match=r"first\.0001_initial names it in run_before"):
                    delete(engine, read(engine, name, app))
                break
            delete(engine, read(engine, name, app), first=True)
    names = project.folder / "first" / "migrations" / "0001_initial.py"
    names.write_text(names.read_text().replace('[("base", "0002_step")]', "[]"))
    with driving(project) as engine:
        delete(engine, read(engine, "0002_step", "base"))
        delete(engine, read(engine, "0002_step", "first"))
        delete(engine, read(engine, "0001_initial", "first"), first=True)
        detail: p.MigrationDetail = engine.ask(p.ShowMigration("default", "base", "0001_initial"))
        assert detail.needed_by == ()


def test_a_swappable_user_model_is_needed_by_who_points_at_it(tmp_path: Path) -> None:
    """makemigrations writes __first__ for it: no name of the migration appears anywhere."""
    user = migration_source(
        'migrations.CreateModel("User", [("id", models.AutoField(primary_key=True)),'
        ' ("name", models.CharField(max_length=9, unique=True))], options={"swappable": "AUTH_USER_MODEL"})'
    )
    points = migration_source("migrations.RunPython(migrations.RunPython.noop)").replace(
        "dependencies = []", 'dependencies = [migrations.swappable_dependency("people.User")]'
    )
    with project_of(tmp_path, {"0001_initial": points}) as project:
        make_app(project.folder, "people", {"0001_initial": user})
        with driving(project) as engine:
            kept = read(engine, "0001_initial", "people")
            assert kept.needed_by == ("shop.0001_initial",)
            with pytest.raises(Refused, match=r"needed by shop\.0001_initial"):
                delete(engine, kept, first=True)
            shown: p.MigrationDetail = engine.ask(p.ShowMigration("default", "people", "0001_initial"))
            assert shown.needed_by == ("shop.0001_initial",)


def test_a_squash_is_needed_by_who_names_what_it_replaced(tmp_path: Path) -> None:
    files = shop(add("a"))
    squash = migration_source(ITEM, add("a")).replace(
        "    operations", '    replaces = [("shop", "0001_initial"), ("shop", "0002_step")]\n    operations'
    )
    with project_of(tmp_path, {"0001_squashed": squash}) as project:
        later = {"0001_initial": migration_source(needs=[("shop", "0002_step")])}
        make_app(project.folder, "later", later)
        with driving(project) as engine:
            assert engine.history().complete
            assert read(engine, "0001_squashed").needed_by == ("later.0001_initial",)
    both = {**files, "0001_squashed": squash}
    with project_of(tmp_path, both, name="both") as project, driving(project) as engine:
        assert read(engine, "0001_squashed").needed_by == ()
        assert "shop.0001_squashed replaces it" in " ".join(read(engine, "0002_step").warnings)


def test_a_long_chain_is_listed_whole(tmp_path: Path) -> None:
    """Longer than Python's recursion limit."""
    chain = {"0001_m": migration_source()}
    for number in range(2, 1201):
        chain[f"{number:04}_m"] = migration_source(needs=[("shop", f"{number - 1:04}_m")])
    with project_of(tmp_path, chain) as project, driving(project) as engine:
        needed = read(engine, "0001_m").needed_by
        assert len(needed) == 1199
        assert needed[0] == "shop.1200_m"
        assert needed[-1] == "shop.0002_m"


def test_init_is_never_removed(project: SampleProject) -> None:
    with driving(project) as engine, pytest.raises(Refused, match=r"__init__\.py is never removed"):
        read(engine, "__init__")


@pytest.mark.parametrize("link", ["file", "migrations", "app"])
def test_what_is_reached_through_a_symlink_stays(project: SampleProject, tmp_path: Path, link: str) -> None:
    file = path_of(project)
    linked = {"file": file, "migrations": file.parent, "app": file.parent.parent}[link]
    real = tmp_path / "real"
    shutil.move(linked, real)
    linked.symlink_to(real)
    with driving(project) as engine:
        kept = read(engine)
        assert str(linked) in kept.refusals[0]
        with pytest.raises(Refused, match="symlink"):
            delete(engine, kept)
    assert file.exists()


def test_a_project_that_is_itself_reached_through_a_symlink_is_no_matter(
    project: SampleProject, tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to(project.folder)
    project.folder = link
    project.env["PYTHONPATH"] = str(link)
    with driving(project) as engine:
        kept = read(engine)
        assert kept.refusals == ()
        delete(engine, kept)
    assert not path_of(project).exists()


def test_read_only_touches_no_file(project: SampleProject) -> None:
    with driving(project) as engine:
        kept = read(engine)
        engine.ask(p.OpenProject(read_only=True))
        assert read(engine) == kept
        with pytest.raises(Refused, match="--read-only"):
            delete(engine, kept)
        with pytest.raises(Refused, match="--read-only"):
            restore(engine, kept, name="0004_new", path=str(path_of(project, "0004_new")))
    assert path_of(project).exists()
    assert not path_of(project, "0004_new").exists()


def test_what_is_not_there_is_a_sentence(project: SampleProject) -> None:
    with driving(project) as engine:
        with pytest.raises(Refused, match=r"no migration file shop\.0009_x"):
            read(engine, "0009_x")
        with pytest.raises(Refused, match="no app 'shoop'"):
            read(engine, "0001_initial", "shoop")
        kept = read(engine)
        path_of(project).unlink()
        with pytest.raises(EngineError):
            delete(engine, kept)


def git(folder: Path, *args: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false"]
    command = ["git", *identity, *args]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def test_git_tells_whether_others_may_have_it(project: SampleProject, tmp_path: Path) -> None:
    folder = project.folder
    with driving(project) as engine:
        assert read(engine).warnings == (), "no repository"
        git(folder, "init", "-q", "-b", "main")
        assert read(engine).warnings == (), "not tracked"
        git(folder, "add", "-A")
        git(folder, "commit", "-qm", "one")
        assert read(engine).warnings == (
            "It is tracked by git: the removal will show as a change to commit.",
        )
        git(tmp_path, "init", "-q", "--bare", "remote.git")
        git(folder, "remote", "add", "origin", str(tmp_path / "remote.git"))
        assert "remote branch" not in str(read(engine).warnings), "a remote that has nothing yet"
        git(folder, "push", "-q", "origin", "main:feature")
        commit = git(folder, "rev-parse", "--short", "HEAD").strip()
        (warning,) = read(engine).warnings
        assert f"on a remote branch (commit {commit})" in warning
        assert "others may have applied it" in warning
        # It warns; it does not refuse.
        delete(engine, read(engine))
    assert not path_of(project).exists()


def test_without_git_nothing_is_said_of_it(project: SampleProject, tmp_path: Path) -> None:
    git(project.folder, "init", "-q")
    git(project.folder, "add", "-A")
    project.env["PATH"] = str(tmp_path / "nothing here")
    with driving(project) as engine:
        assert read(engine).warnings == ()
        delete(engine, read(engine))


def test_a_removal_that_the_system_refuses_is_a_sentence(project: SampleProject) -> None:
    """A mount or attribute that keeps the file there: here, it has become a folder meanwhile."""
    file = path_of(project)
    file.unlink()
    file.mkdir()
    with driving(project) as engine, pytest.raises((Failed, Refused)):
        delete(engine, p.MigrationFile("shop", "0003_step", str(file), "", 0, "0" * 64))
    assert file.is_dir()


def test_a_ghost_has_no_file_to_remove(project: SampleProject) -> None:
    execute(
        project,
        "INSERT INTO django_migrations (app, name, applied) VALUES ('shop', '0009_gone', '2024-01-01')",
    )
    with driving(project) as engine, pytest.raises(Refused, match="no migration file"):
        read(engine, "0009_gone")
