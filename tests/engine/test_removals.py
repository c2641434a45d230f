"""Removing several files in one step: order, who stays and why, what is left; max_migration.txt."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from djmig_tui import protocol as p
from tests.driver import Driver, driving
from tests.engine.small import add, migrate, project_of, shop
from tests.projects import SampleProject, make_app, migration_source
from tui.engine.errors import Failed, Refused


@pytest.fixture
def project(tmp_path: Path) -> Iterator[SampleProject]:
    """Four migrations of shop, of which two are applied, and one of orders that needs the fourth."""
    with project_of(tmp_path, shop(add("a"), add("b"), add("c"))) as project:
        make_app(project.folder, "orders", {"0001_initial": migration_source(needs=[("shop", "0004_step")])})
        with driving(project) as engine:
            migrate(engine, "shop", "0002_step")
        yield project


def preview(engine: Driver, *keys: str, dependents: bool = True) -> p.Removal:
    removal: p.Removal = engine.ask(p.PreviewRemoval("default", keys, dependents))
    return removal


def keys(files: tuple[p.MigrationFile, ...]) -> list[str]:
    return [f"{one.app}.{one.name}" for one in files]


def delete(engine: Driver, file: p.MigrationFile) -> p.FileDeleted:
    deleted: p.FileDeleted = engine.ask(
        p.DeleteFile("default", file.app, file.name, file.sha256, first=file.first)
    )
    return deleted


def restore(engine: Driver, file: p.MigrationFile) -> p.FileRestored:
    restored: p.FileRestored = engine.ask(
        p.RestoreFile(
            file.app, file.name, file.path, file.content, file.mode,
            file.max_migration, file.max_migration_after,
        )
    )  # fmt: skip
    return restored


def test_a_tail_goes_in_the_order_that_django_can_follow(project: SampleProject) -> None:
    with driving(project) as engine:
        removal = preview(engine, "shop.0003_step")
        assert keys(removal.files) == ["orders.0001_initial", "shop.0004_step", "shop.0003_step"]
        assert removal.stay == ()
        assert removal.remaining == (
            p.Remaining("orders", (), "0001"),
            p.Remaining("shop", ("0002_step",), "0003"),
        )
        again = preview(engine, "shop.0003_step", "shop.0004_step", "orders.0001_initial", dependents=False)
        assert again == removal, "named one by one it is the same"
        for file in removal.files:
            delete(engine, file)
            assert engine.history().problems == ()
        made = project.manage("makemigrations", "shop", "--empty", "--scriptable").stdout
        assert re.search(r"0003_\w+\.py", made), "Django gives the number that was promised"


def test_what_stays_is_named_with_the_reason_and_so_is_all_that_it_needs(project: SampleProject) -> None:
    with driving(project) as engine:
        removal = preview(engine, "shop.0002_step")
        assert keys(removal.files) == ["orders.0001_initial", "shop.0004_step", "shop.0003_step"]
        assert keys(removal.stay) == ["shop.0002_step"]
        assert removal.stay[0].refusals == (
            "shop.0002_step is applied on 'default': roll it back there first, then remove it.",
        )
        removal = preview(engine, "shop.0003_step", dependents=False)
        assert removal.files == ()
        assert "is needed by orders.0001_initial, shop.0004_step" in removal.stay[0].refusals[0]
        for asked, said in (((), "none was named"), (("shop",), "app.name"), (("shop.x",), "no migration")):
            with pytest.raises(Refused, match=said):
                preview(engine, *asked)


def test_two_heads_that_a_removal_leaves_are_both_named(tmp_path: Path) -> None:
    needs = [("shop", "0001_initial")]
    files = {
        **shop(),
        "0002_left": migration_source(needs=needs),
        "0005_right": migration_source(needs=needs),
        "0006_merge": migration_source(needs=[("shop", "0002_left"), ("shop", "0005_right")]),
    }
    with project_of(tmp_path, files) as project, driving(project) as engine:
        removal = preview(engine, "shop.0006_merge")
        assert removal.remaining == (p.Remaining("shop", ("0002_left", "0005_right"), "0006"),)
        delete(engine, removal.files[0])
        assert project.manage("makemigrations", check=False).returncode != 0, "Django wants a merge first"
        made = project.manage("makemigrations", "--merge", "--noinput", "--dry-run").stdout
        assert "Branch 0002_left" in made
        assert "Branch 0005_right" in made
        project.manage("makemigrations", "--merge", "--noinput")
        assert list((project.folder / "shop" / "migrations").glob("0006_merge_*.py")), "the promised number"


def test_a_squash_stands_for_what_it_replaces(tmp_path: Path) -> None:
    squash = "replaces = [('shop', '0001_initial'), ('shop', '0002_step')]"
    source = migration_source(add("a")).replace("operations =", f"{squash}\n    operations =")
    files = {**shop(add("a"), add("b")), "0001_squashed_0002_step": source}
    with project_of(tmp_path, files) as project, driving(project) as engine:
        removal = preview(engine, "shop.0003_step")
        assert removal.remaining == (p.Remaining("shop", ("0001_squashed_0002_step",), "0003"),)


def test_edge_54_max_migration_txt_is_kept_right_and_put_back(project: SampleProject) -> None:
    """django-linear-migrations wants the last migration's name there, and refuses everything otherwise."""
    named = project.folder / "shop" / "migrations" / "max_migration.txt"
    named.write_bytes(b"0004_step\r\n")
    named.chmod(0o640)
    with driving(project) as engine:
        removal = preview(engine, "shop.0003_step")
        assert removal.remaining[1].max_migration == "0002_step"
        assert removal.remaining[0].max_migration is None
        said = {}
        for file in removal.files:
            deleted = delete(engine, file)
            said[file.name] = (named.read_bytes(), deleted.max_migration)
        assert said["0004_step"] == (b"0003_step\r\n", str(named))
        assert said["0003_step"] == (b"0002_step\r\n", str(named))
        assert said["0001_initial"] == (b"0004_step\r\n", None), "another app's"
        for file in reversed(removal.files):
            restored = restore(engine, file)
            assert restored.note == ""
        assert named.read_bytes() == b"0004_step\r\n"
        assert stat.S_IMODE(named.stat().st_mode) == 0o640
        assert set(os.listdir(named.parent)) >= {"max_migration.txt"}
        assert not [name for name in os.listdir(named.parent) if name.startswith(".max")]


def test_edge_54_a_max_migration_txt_that_says_something_else_is_left_alone(project: SampleProject) -> None:
    named = project.folder / "shop" / "migrations" / "max_migration.txt"
    conflict = b"<<<<<<< HEAD\n0004_step\n=======\n0004_other\n>>>>>>> theirs\n"
    with driving(project) as engine:
        named.write_bytes(conflict)
        delete(engine, preview(engine, "orders.0001_initial").files[0])
        file = preview(engine, "shop.0004_step").files[0]
        assert (file.max_migration, file.max_migration_after) == (None, None)
        named.write_text("0004_step\n")
        file = preview(engine, "shop.0004_step").files[0]
        delete(engine, file)
        named.write_text("0004_of_somebody\n")
        restored = restore(engine, file)
        assert "says 0004_of_somebody by now, so it was left alone" in restored.note
        assert named.read_text() == "0004_of_somebody\n"
        named.unlink()
        named.symlink_to(project.folder / "manage.py")
        assert preview(engine, "shop.0004_step").files[0].max_migration is None


def remove_tail(engine: Driver) -> tuple[p.RestoreFile, ...]:
    """Remove shop's tail and return what puts it back, the first of the chain first."""
    files = preview(engine, "shop.0003_step").files
    for file in files:
        delete(engine, file)
    return tuple(
        p.RestoreFile(
            file.app, file.name, file.path, file.content, file.mode,
            file.max_migration, file.max_migration_after,
        )
        for file in reversed(files)
    )  # fmt: skip


def test_a_tail_comes_back_in_one_go_with_its_max_migration_txt(project: SampleProject) -> None:
    named = project.folder / "shop" / "migrations" / "max_migration.txt"
    named.write_text("0004_step\n")
    with driving(project) as engine:
        before = engine.history()
        back = remove_tail(engine)
        assert named.read_text() == "0002_step\n"
        restored = engine.ask(p.RestoreFiles(back))
        assert restored == p.FilesRestored(tuple(each.path for each in back), (str(named),), ())
        assert named.read_text() == "0004_step\n"
        assert engine.history() == before


@pytest.mark.parametrize("what", ["file", "symlink", "folder", "name"])
def test_one_that_cannot_come_back_keeps_the_others_from_coming_back(
    project: SampleProject, what: str
) -> None:
    """Whether it is seen before the first one is written, or when its own turn comes."""
    with driving(project) as engine:
        back = remove_tail(engine)
        last = Path(back[-1].path)
        if what == "file":
            last.write_text("somebody's\n")
        elif what == "symlink":
            last.symlink_to("nowhere")
        elif what == "folder":
            last.mkdir()
        else:  # no file system takes it
            last = last.with_name("0002_" + "a" * 300 + ".py")
            wrong = p.RestoreFile("orders", last.stem, str(last), back[-1].content, 0o644)
            back = (*back[:-1], wrong)
        with pytest.raises((Refused, Failed), match="None of the 3 files was put back"):
            engine.ask(p.RestoreFiles(back))
        assert [each.name for each in back[:-1] if Path(each.path).exists()] == []
        if what == "file":
            assert last.read_text() == "somebody's\n"


def test_stale_byte_code_of_a_tail_goes_with_it(project: SampleProject) -> None:
    """Edge 34: Python would not load it without its source, and yet it misleads who looks."""
    cache = project.folder / "shop" / "migrations" / "__pycache__"
    with driving(project) as engine:
        engine.history()
        cache.mkdir(exist_ok=True)
        for name in ("0003_step", "0004_step"):
            (cache / f"{name}.cpython-312.pyc").write_bytes(b"stale")
        remove_tail(engine)
        assert not [path.name for path in cache.glob("*.pyc") if path.name.startswith(("0003", "0004"))]
