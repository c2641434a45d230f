"""Values that a step changes, by an AlterField, are kept and put back as those are that it drops."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import need_server
from tests.engine.keeping import Make, counts, insertions, making
from tests.engine.small import execute, shop
from tests.projects import SampleProject

WIDE = 'migrations.AlterField("item", "name", models.TextField(null=True))'
PRICE = [
    'migrations.AddField("item", "price", models.DecimalField(max_digits=6, decimal_places=2, null=True))',
    'migrations.AlterField("item", "price", models.DecimalField(max_digits=8, decimal_places=4, null=True))',
]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Make a migrated project with rows, and what keeps its rows."""
    with making(tmp_path) as make:
        yield make


def names(project: SampleProject) -> list[tuple[int, str | None]]:
    return project.query("SELECT id, name FROM shop_item ORDER BY id")


def test_nulls_that_became_the_default_are_null_again(make: Make, vendor: str) -> None:
    rows = insertions("name", "NULL", "'two'", "NULL", "NULL", "''")
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
    rows = insertions("name", f"'{long}'", f"'{other}'", "'short'", f"'{other}'")
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
    rows = insertions("price", "1.2345", "1.2300", "NULL", "-7.9999")
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
    rows = insertions("code", "'007'", "' 8 '", "'9'", "NULL")
    project, keeping = make(postgresql, shop(*steps), *rows)
    before = project.rows()["shop_item"]
    entry = keeping.kept("0002_step")
    assert [(part.column, part.rows, part.became) for part in entry.parts] == [("code", 2, True)]
    keeping.forward()
    assert [counts(part) for part in keeping.put_back(entry)] == [{"match": 2}]
    assert project.rows()["shop_item"] == before


def test_of_a_column_that_is_changed_twice_every_value_is_kept(make: Make, postgresql: str) -> None:
    twice = [PRICE[1], PRICE[1].replace("max_digits=8, decimal_places=4", "max_digits=10, decimal_places=6")]
    rows = insertions("price", "1.234567", "1.2345", "1.23", "NULL")
    project, keeping = make(postgresql, shop(PRICE[0], twice), *rows)
    prices = "SELECT id::text, price::text FROM shop_item ORDER BY id"
    before = project.query(prices)
    entry = keeping.kept("0002_step")
    assert [(part.column, part.rows) for part in entry.parts] == [("price", 4)]
    assert [price for _, price in project.query(prices)] == ["1.23", "1.23", "1.23", None]
    keeping.forward()
    # What became of each nobody knows: what most have is taken for that.
    assert [counts(part) for part in keeping.put_back(entry)] == [{"match": 2, "there": 2}]
    assert project.query(prices) == before


def test_a_column_that_is_changed_and_then_dropped_comes_back_whole(make: Make, vendor: str) -> None:
    """Backwards the change comes before the drop: every value is kept, as it was before both."""
    steps = [
        'migrations.AddField("item", "note", models.CharField(max_length=20, default="none"))',
        'migrations.AlterField("item", "note", models.CharField(max_length=20, null=True, default="none"))',
    ]
    rows = insertions("note", "NULL", "'two'", "'none'")
    project, keeping = make(vendor, shop(steps), *rows)
    before = project.rows()["shop_item"]
    entry = keeping.kept("0001_initial")
    keeping.forward()
    assert [counts(part) for part in keeping.put_back(entry)] == [{"match": 2}]
    assert project.rows()["shop_item"] == before
