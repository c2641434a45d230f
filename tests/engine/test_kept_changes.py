"""Values that a step changes, by an AlterField, are kept and put back as those are that it drops."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.conftest import need_server
from tests.driver import driving
from tests.engine.keeping import Keeping, counts
from tests.engine.small import execute, project_of, shop
from tests.projects import SampleProject

Made = tuple[SampleProject, Keeping]
Make = Callable[..., Made]

WIDE = 'migrations.AlterField("item", "name", models.TextField(null=True))'
PRICE = [
    'migrations.AddField("item", "price", models.DecimalField(max_digits=6, decimal_places=2, null=True))',
    'migrations.AlterField("item", "price", models.DecimalField(max_digits=8, decimal_places=4, null=True))',
]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Make a migrated project with rows, and what keeps its rows."""
    with ExitStack() as stack:

        def make(vendor: str, files: dict[str, str], *rows: str) -> Made:
            project = stack.enter_context(project_of(tmp_path, files, vendor))
            project.migrate_all()
            execute(project, *rows)
            return project, Keeping(stack.enter_context(driving(project)), tmp_path)

        yield make


def names(project: SampleProject) -> list[tuple[int, str | None]]:
    return project.query("SELECT id, name FROM shop_item ORDER BY id")


def test_nulls_that_became_the_default_are_null_again(make: Make, vendor: str) -> None:
    rows = [
        f"INSERT INTO shop_item (id, name) VALUES ({number}, {name})"
        for number, name in enumerate(("NULL", "'two'", "NULL", "NULL", "''"), 1)
    ]
    project, keeping = make(vendor, shop(WIDE), *rows)
    entry = keeping.kept("0001_initial")
    assert [(part.column, part.rows) for part in entry.parts] == [("name", 3)]
    assert names(project) == [(1, ""), (2, "two"), (3, ""), (4, ""), (5, "")]
    keeping.forward()
    execute(project, "UPDATE shop_item SET name = 'mine' WHERE id = 3", "DELETE FROM shop_item WHERE id = 4")
    (matched,) = keeping.match(entry)
    assert counts(matched) == {"match": 1, "changed": 1, "gone": 1}
    assert keeping.put_back(entry) == (matched,)
    assert names(project) == [(1, None), (2, "two"), (3, "mine"), (5, "")]
    assert counts(keeping.put_back(entry)[0]) == {"there": 1, "changed": 1, "gone": 1}


def test_texts_that_were_cut_are_whole_again_unless_they_were_changed(make: Make, postgresql: str) -> None:
    long, other = "twenty characters and more", "another one that is too long for it"
    rows = [
        f"INSERT INTO shop_item (id, name) VALUES ({number}, '{name}')"
        for number, name in enumerate((long, other, "short", other), 1)
    ]
    project, keeping = make(postgresql, shop(WIDE), *rows)
    entry = keeping.kept("0001_initial")
    assert [(part.column, part.rows, part.became) for part in entry.parts] == [("name", 3, True)]
    assert names(project)[0] == (1, long[:20])
    keeping.forward()
    execute(project, "UPDATE shop_item SET name = 'mine' WHERE id = 2")
    assert [counts(part) for part in keeping.put_back(entry)] == [{"match": 2, "changed": 1}]
    assert names(project) == [(1, long), (2, "mine"), (3, "short"), (4, other)]
    assert [counts(part) for part in keeping.match(entry)] == [{"there": 2, "changed": 1}]


@pytest.mark.parametrize("server", ["postgresql", "mysql"])
def test_numbers_that_were_rounded_have_all_their_places_again(make: Make, server: str) -> None:
    need_server(server)
    rows = [
        f"INSERT INTO shop_item (id, name, price) VALUES ({number}, 'x', {price})"
        for number, price in enumerate(("1.2345", "1.2300", "NULL", "-7.9999"), 1)
    ]
    project, keeping = make(server, shop(*PRICE), *rows)
    before = project.rows()
    entry = keeping.kept("0002_step")
    assert [(part.column, part.rows, part.became) for part in entry.parts] == [("price", 2, True)]
    keeping.forward()
    assert project.rows() != before
    assert [counts(part) for part in keeping.put_back(entry)] == [{"match": 2}]
    assert project.rows()["shop_item"] == before["shop_item"]


def test_texts_that_became_numbers_have_their_zeros_and_spaces_again(make: Make, postgresql: str) -> None:
    steps = [
        'migrations.AddField("item", "code", models.IntegerField(null=True))',
        'migrations.AlterField("item", "code", models.CharField(max_length=20, null=True))',
    ]
    rows = [
        f"INSERT INTO shop_item (id, name, code) VALUES ({number}, 'x', {code})"
        for number, code in enumerate(("'007'", "' 8 '", "'9'", "NULL"), 1)
    ]
    project, keeping = make(postgresql, shop(*steps), *rows)
    before = project.rows()["shop_item"]
    entry = keeping.kept("0002_step")
    assert [(part.column, part.rows, part.became) for part in entry.parts] == [("code", 2, True)]
    keeping.forward()
    assert [counts(part) for part in keeping.put_back(entry)] == [{"match": 2}]
    assert project.rows()["shop_item"] == before


def test_a_column_that_is_changed_and_then_dropped_comes_back_whole(make: Make, vendor: str) -> None:
    """Backwards the change comes before the drop: every value is kept, as it was before both."""
    steps = [
        'migrations.AddField("item", "note", models.CharField(max_length=20, default="none"))',
        'migrations.AlterField("item", "note", models.CharField(max_length=20, null=True, default="none"))',
    ]
    rows = [
        f"INSERT INTO shop_item (id, name, note) VALUES ({number}, 'x', {note})"
        for number, note in enumerate(("NULL", "'two'", "'none'"), 1)
    ]
    project, keeping = make(vendor, shop(steps), *rows)
    before = project.rows()["shop_item"]
    entry = keeping.kept("0001_initial")
    keeping.forward()
    assert [counts(part) for part in keeping.put_back(entry)] == [{"match": 2}]
    assert project.rows()["shop_item"] == before
