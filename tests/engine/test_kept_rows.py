"""Rows that a rollback drops are kept first, and are put back where nothing has taken their place."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from djmig_tui import protocol as p
from tests.driver import driving
from tests.engine.keeping import Make, counts, making
from tests.engine.small import ITEM, add, execute, python, shop
from tests.projects import migration_source
from tui.engine.errors import Refused
from tui.state_kept import Writer

NOTE = 'migrations.AddField("item", "note", models.CharField(max_length=20, null=True, unique=True))'
KIND = (
    'migrations.CreateModel("Kind", [("id", models.AutoField(primary_key=True)),'
    ' ("name", models.CharField(max_length=20)),'
    ' ("parent", models.ForeignKey("shop.Kind", models.CASCADE, null=True))])'
)
ROWS = [
    "INSERT INTO shop_item (id, name, note) VALUES (%d, 'item', %s)" % (number, note)
    for number, note in enumerate(("'one'", "''", "NULL", "'four'", "'five'", "'six'"), 1)
]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Make a migrated project with rows, and what keeps its rows."""
    with making(tmp_path) as make:
        yield make


def test_values_come_back_where_nothing_took_their_place(make: Make, vendor: str) -> None:
    """Rollback; rows deleted, changed and added; forward; put back; compared value by value."""
    project, keeping = make(vendor, shop(NOTE), *ROWS)
    entry = keeping.kept("0001_initial")
    assert [(part.step, part.table, part.column, part.rows) for part in entry.parts] == [
        ("shop.0002_step", "shop_item", "note", 5)  # NULL comes by itself
    ]
    assert entry.certain
    before = keeping.match(entry)
    assert "Migrate forward first" in str(before[0].why_not)
    execute(project, "DELETE FROM shop_item WHERE id = 4", "INSERT INTO shop_item (id, name) VALUES (7, 'x')")
    keeping.forward()
    execute(
        project,
        "UPDATE shop_item SET note = 'mine' WHERE id = 5",
        "UPDATE shop_item SET note = 'six' WHERE id = 7",
    )
    (matched,) = keeping.match(entry)
    assert counts(matched) == {"match": 2, "gone": 1, "changed": 1, "taken": 1}
    assert keeping.put_back(entry) == (matched,)
    assert project.query("SELECT id, note FROM shop_item ORDER BY id") == [
        (1, "one"),
        (2, ""),
        (3, None),
        (5, "mine"),
        (6, None),
        (7, "six"),
    ]
    (again,) = keeping.put_back(entry)
    assert counts(again) == {"there": 2, "gone": 1, "changed": 1, "taken": 1}


def test_only_cells_with_their_default_are_written(make: Make, vendor: str) -> None:
    rows = [f"INSERT INTO shop_item (id, name, a) VALUES ({n}, 'x', {n - 1})" for n in (1, 2, 3)]
    project, keeping = make(vendor, shop(add("a")), *rows)
    entry = keeping.kept("0001_initial")
    assert [part.rows for part in entry.parts] == [2], "0 is the default, and comes by itself"
    keeping.forward()
    execute(project, "UPDATE shop_item SET a = 9 WHERE id = 2")
    (found,) = keeping.put_back(entry)
    assert counts(found) == {"match": 1, "changed": 1}
    assert project.query("SELECT id, a FROM shop_item ORDER BY id") == [(1, 0), (2, 9), (3, 2)]


def test_the_rows_of_a_table_come_back_with_their_keys(make: Make, vendor: str) -> None:
    """Rows that point at others of their table too; numbers go on after them."""
    kinds = [
        "INSERT INTO shop_kind (id, name) VALUES (2, 'two')",
        "INSERT INTO shop_kind (id, name, parent_id) VALUES (1, 'one', 2)",
        "INSERT INTO shop_kind (id, name, parent_id) VALUES (5, '', 1)",
    ]
    project, keeping = make(vendor, shop(KIND), *kinds)
    before = project.rows()["shop_kind"]
    entry = keeping.kept("0001_initial")
    assert [(part.table, part.column, part.rows) for part in entry.parts] == [("shop_kind", None, 3)]
    keeping.forward()
    execute(project, "INSERT INTO shop_kind (id, name) VALUES (2, 'other')")
    (matched,) = keeping.match(entry)
    assert counts(matched) == {"match": 2, "changed": 1}
    execute(project, "DELETE FROM shop_kind")
    (found,) = keeping.put_back(entry)
    assert counts(found) == {"match": 3}
    assert project.rows()["shop_kind"] == before
    execute(project, "INSERT INTO shop_kind (name) VALUES ('next')")
    assert project.query("SELECT id FROM shop_kind WHERE name = 'next'") == [(6,)]


def test_several_steps_come_back_through_renames(make: Make, vendor: str) -> None:
    """What was renamed since its own step is found by the name that it had when the run began."""
    steps = [
        'migrations.AddField("item", "note", models.CharField(max_length=20, null=True))',
        'migrations.RenameField("item", "note", "remark")',
        'migrations.RenameModel("Item", "Thing")',
    ]
    rows = "INSERT INTO shop_thing (id, name, remark) VALUES (1, 'one', 'kept')"
    project, keeping = make(vendor, shop(*steps), rows)
    before = project.rows()
    entry = keeping.kept()
    assert [(part.table, part.column) for part in entry.parts] == [("shop_item", "note"), ("shop_item", None)]
    assert {part.earlier for part in entry.parts} == {"shop_thing"}
    keeping.forward()
    assert [counts(part) for part in keeping.put_back(entry)] == [{"match": 1}, {"match": 1}]
    assert project.rows()["shop_thing"] == before["shop_thing"]


SHORTER = ("max_length=20", "max_length=3", {"match": 3, "unfit": 2})
NUMBER = ("CharField(max_length=20, ", "IntegerField(", {"unfit": 5})
MOMENT = ("CharField(max_length=20, ", "DateTimeField(", {"unfit": 5})


@pytest.mark.parametrize(
    ("vendor", "change"),
    [
        ("postgresql", SHORTER),
        ("mysql", SHORTER),
        *((vendor, change) for vendor in ("sqlite", "postgresql", "mysql") for change in (NUMBER, MOMENT)),
    ],
    indirect=["vendor"],
)
def test_values_that_do_not_fit_any_more_are_left_out(
    make: Make, vendor: str, change: tuple[str, str, dict[str, int]]
) -> None:
    """Told before anything is written, and nothing of another type is written where the database would."""
    before, after, expected = change
    project, keeping = make(vendor, shop(NOTE), *ROWS)
    entry = keeping.kept("0001_initial")
    path = project.folder / "shop" / "migrations" / "0002_step.py"
    path.write_text(path.read_text().replace(before, after))
    with driving(project) as engine:  # another one: this one knows the file as it was
        keeping.engine = engine
        keeping.forward()
        (matched,) = keeping.match(entry)
        assert counts(matched) == expected
        assert keeping.put_back(entry) == (matched,)


# ------------------------------------------------------------ limits and ends
def test_more_than_the_limit_takes_all_back(make: Make, vendor: str) -> None:
    project, keeping = make(vendor, shop(NOTE), *ROWS)
    before = project.snapshot()
    finished, entry = keeping.roll_back("0001_initial", limit=20)
    assert "takes more than the 20 bytes that are kept" in str(finished.error)
    assert (finished.done, entry, keeping.state.kept()) == ((), None, [])
    assert finished.next_steps[0].startswith("Nothing was changed.")
    assert project.snapshot() == before
    assert not list((keeping.state.folder / "kept").glob("*"))


def test_a_disk_that_takes_nothing_takes_all_back(
    make: Make, vendor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, keeping = make(vendor, shop(NOTE), *ROWS)
    before = project.snapshot()

    def full(writer: Writer, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Writer, "_write", full)
        finished, entry = keeping.roll_back("0001_initial")
    assert "There is no room left in" in str(finished.error)
    assert (finished.done, entry) == ((), None)
    assert project.snapshot() == before


def test_a_run_that_fails_later_keeps_nothing(make: Make, trial: str) -> None:
    broken = "def back(apps, editor):\n    raise ValueError('no')\n\n\n"
    project, keeping = make(trial, shop(python(), NOTE, before=broken), *ROWS)
    finished, entry = keeping.roll_back("0001_initial")
    assert "ValueError: no" in str(finished.error)
    assert (finished.taken_back, entry, keeping.state.kept()) == (True, None, [])
    assert project.query("SELECT count(*) FROM shop_item WHERE note IS NOT NULL") == [(5,)]


def test_of_a_run_that_fails_later_the_steps_that_stand_are_kept(make: Make) -> None:
    broken = "def back(apps, editor):\n    raise ValueError('no')\n\n\n"
    steps = [python(), NOTE]
    _project, keeping = make("sqlite", shop(*steps, before=broken, loose=[2]), *ROWS)
    finished, entry = keeping.roll_back("0001_initial")
    assert [one.name for one in finished.done] == ["0003_step"]
    assert entry is not None
    assert (entry.steps, entry.certain) == (("shop.0003_step",), True)


def test_rows_are_the_users_own_and_are_deleted_for_good(make: Make) -> None:
    _project, keeping = make("sqlite", shop(NOTE), *ROWS)
    entry = keeping.kept("0001_initial")
    folder = keeping.state.folder / "kept" / entry.id
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert len(os.listdir(folder)) == 2
    keeping.state.delete_kept(entry)
    assert keeping.state.kept() == []
    assert not folder.exists()


def test_a_table_without_a_primary_key_says_that_its_values_cannot_be_kept(make: Make) -> None:
    _project, keeping = make("sqlite", shop(NOTE), *ROWS)
    execute(
        _project,
        "ALTER TABLE shop_item RENAME TO old",
        "CREATE TABLE shop_item AS SELECT * FROM old",
        "DROP TABLE old",
    )
    finished, entry = keeping.roll_back("0001_initial")
    assert "has no primary key" in str(finished.error)
    assert entry is None


def test_read_only_puts_nothing_back(make: Make) -> None:
    _project, keeping = make("sqlite", shop(NOTE), *ROWS)
    entry = keeping.kept("0001_initial")
    keeping.forward()
    keeping.engine.ask(p.OpenProject(read_only=True))
    assert counts(keeping.match(entry)[0]) == {"match": 5}
    with pytest.raises(Refused, match="read-only"):
        keeping.put_back(entry)


def test_only_what_goes_is_kept(make: Make, vendor: str) -> None:
    """A table that the plan itself makes again is empty: there is nothing to keep of it."""
    files = shop(NOTE, 'migrations.DeleteModel("Item")')
    _project, keeping = make(vendor, files)
    finished, entry = keeping.roll_back()
    assert finished.error is None, finished.detail
    assert entry is None
    assert migration_source(ITEM) == files["0001_initial"]
