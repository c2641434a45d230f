"""Each reset, on each vendor, from healthy and broken states, killed at every write of its record."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.end_to_end.program import Program
from tests.end_to_end.starting_over import (
    AFTER,
    BEFORE,
    is_unfinished,
    killed_at,
    names,
    reset,
    shop_and_orders,
    state_of,
)
from tests.engine.small import execute
from tests.engine.test_reset import ONE_WAY
from tests.projects import SampleProject, clone, migration_source
from tests.servers import VENDORS, connect

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

MADE = ["orders/0001_initial.py", "shop/0001_initial.py"]

HALF = migration_source(
    'migrations.AddField("item", "extra", models.IntegerField(default=7))',
    "migrations.RunPython(fail, migrations.RunPython.noop)",
    needs=[("shop", "0002_note")],
    before="def fail(apps, schema_editor):\n    raise ValueError('half way')\n\n\n",
    atomic=False,
)


def _healthy(project: SampleProject) -> None:
    """All is as it should be."""


def _half_applied(project: SampleProject) -> None:
    """A migration failed half-way: its column is there, its record is not."""
    (project.folder / "shop" / "migrations" / "0003_half.py").write_text(HALF)
    with (project.folder / "shop" / "models.py").open("a") as models:
        models.write("    extra = models.IntegerField(default=7)\n")
    assert "half way" in project.manage("migrate", "shop", check=False).stderr
    assert project.query("SELECT extra FROM shop_item") == [(7,)]


def _file_missing(project: SampleProject) -> None:
    """A migration is recorded whose file is gone."""
    (project.folder / "shop" / "migrations" / "0002_note.py").unlink()


def _table_missing(project: SampleProject) -> None:
    """All is recorded, but a table was dropped by hand, with the one that points at it."""
    execute(project, "DROP TABLE orders_order", "DROP TABLE shop_item")


def _no_way_back(project: SampleProject) -> None:
    """A migration cannot be undone, so that its app's tables are dropped."""
    (project.folder / "orders" / "migrations" / "0002_code.py").write_text(
        migration_source(ONE_WAY, needs=[("orders", "0001_initial")])
    )
    project.migrate_all()


STATES: dict[str, Callable[[SampleProject], None]] = {
    "healthy": _healthy,
    "half applied": _half_applied,
    "file missing": _file_missing,
    "table missing": _table_missing,
    "no way back": _no_way_back,
}
TYPED = {
    "app": ("shop",),
    "dropped": ("orders", "--drop-tables"),
    "kept": ("shop", "--keep-data"),
    "project": ("--project",),
}
TABLES = ("shop_item", "orders_order")
#: How many rows each of them has afterwards.
ROWS = {"app": (0, 0), "dropped": (1, 0), "kept": (1, 1), "project": (0, 0)}
CASES = [
    *(
        (kind, state)
        for kind in ("app", "kept", "project")
        for state in ("healthy", "half applied", "file missing")
    ),
    ("project", "table missing"),
    ("dropped", "no way back"),
]


@pytest.fixture(params=VENDORS)
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SampleProject]:
    """Two apps with rows, on each vendor in turn."""
    with shop_and_orders(tmp_path, request.param) as project:
        yield project


@pytest.mark.parametrize(("kind", "state"), CASES, ids=[f"{kind}-{state}" for kind, state in CASES])
def test_killed_at_any_write_of_its_record_a_reset_is_put_back_or_finished(
    program: Program, project: SampleProject, tmp_path: Path, kind: str, state: str
) -> None:
    STATES[state](project)
    before = state_of(project)
    kept = clone(project, tmp_path, "kept")
    agreed = ("--yes", "--accept-loss", "--confirm", project.databases["default"])
    typed = (*TYPED[kind], *agreed)
    writes = 0
    # What is done but not written down is the harder half: broken states are killed there only.
    moments = (BEFORE, AFTER) if state == "healthy" else (BEFORE,)
    for number, moment in ((write, moment) for write in itertools.count(1) for moment in moments):
        if not killed_at(program, project, typed, number, moment):
            break
        writes = number
        where = f"killed {moment} write {number}"
        if is_unfinished(program):
            reset(program, project, "--put-back", "--yes", "--accept-loss")
            assert state_of(project) == before, where
            assert killed_at(program, project, typed, number, moment)
            reset(program, project, "--finish", "--yes")
            assert_made_anew(program, project, kind, where)
        elif number == 1:
            assert state_of(project) == before, where
        else:  # it had come to its end
            assert_made_anew(program, project, kind, where)
        as_it_was(project, kept)
    assert_made_anew(program, project, kind, "not killed")
    assert program.run(project.folder, project.env, "verify").code == 0
    steps = {"app": 4, "dropped": 4, "kept": 3, "project": 4}[kind]
    assert writes >= steps + 3, "its beginning, a backup, each step, its end"
    ran = program.run(project.folder, project.env, "take-back", "--yes", "--accept-loss")
    assert ran.code == 0, ran
    assert state_of(project) == before


def assert_made_anew(program: Program, project: SampleProject, kind: str, where: str) -> None:
    """What started over has one new migration, and the rows are those that this reset leaves."""
    made = [*MADE, "shop/0002_note.py"] if kind == "dropped" else MADE  # there shop is left alone
    assert names(project) == made, where
    assert [f"{app}/{name}.py" for app, name in project.records()] == made, where
    counts = tuple(
        project.query(f"SELECT count(*) FROM {table}")[0][0] for table in ("shop_item", "orders_order")
    )
    assert counts == ROWS[kind], where
    assert not is_unfinished(program), where


def as_it_was(project: SampleProject, kept: SampleProject) -> None:
    """Have files and database as they were before the reset, not by our own program."""
    project.reset_to(kept)
    for app in ("shop", "orders"):
        shutil.rmtree(project.folder / app / "migrations")
        shutil.copytree(kept.folder / app / "migrations", project.folder / app / "migrations")


def test_what_cannot_be_is_refused_before_the_first_step(program: Program, project: SampleProject) -> None:
    STATES["table missing"](project)
    before = state_of(project)
    error = reset(program, project, "shop", "--yes", "--accept-loss", "--drop-tables", code=1)
    assert "shop_item is missing: it is the table of shop.Item" in error
    assert "orders.0001_initial stands on them" in error
    assert not is_unfinished(program)
    assert list(program.state.glob("*/backups/*.json")) == []
    assert state_of(project) == before
    error = reset(program, project, "shop", "--keep-data", "--yes", code=1)
    assert "shop_item is missing: it is the table of shop.Item." in error
    assert "Everything was put back." in error
    assert state_of(project) == before


def test_who_is_connected_is_named_first_and_ended_where_that_was_agreed_to(
    program: Program, project: SampleProject
) -> None:
    if project.vendor == "sqlite":
        pytest.skip("SQLite has no server that could end a connection.")
    agreed = ("--project", "--yes", "--accept-loss", "--confirm", project.databases["default"])
    with closing(connect(project.vendor, project.databases["default"])) as other:
        other.cursor().execute("BEGIN")
        other.cursor().execute("SELECT * FROM shop_item")  # a lock: on MariaDB who holds none is let be
        before = state_of(project)
        assert reset(program, project, *agreed, code=1).endswith("add --end-sessions.")
        assert state_of(project) == before
        reset(program, project, *agreed, "--end-sessions")
        with pytest.raises(Exception, match=r"terminat|closed|gone away|Lost connection"):
            other.cursor().execute("SELECT 1")
    assert names(project) == MADE
