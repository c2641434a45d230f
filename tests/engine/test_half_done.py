"""Migrations that are in the schema by halves are placed, and what is said brings them to an end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from djmig_tui import protocol as p
from tests.driver import Driver, driving
from tests.engine.breaking import execute
from tests.lockstep import Django, django
from tests.projects import SampleProject, make_project, migration_source

Make = Callable[..., "Shop"]

ITEM = (
    'migrations.CreateModel("Item", [("id", models.BigAutoField(primary_key=True)),'
    ' ("name", models.CharField(max_length=60))])'
)
DIES = "def die(apps, editor):\n    raise ValueError('in the middle')"


def add(name: str, field: str = "models.IntegerField(default=0)") -> str:
    return f'migrations.AddField("item", "{name}", {field})'


def step(*operations: str, number: int, before: str = "", atomic: bool = True) -> dict[str, str]:
    """Return one migration of shop, which needs the one before it."""
    names = {1: "0001_initial"}
    needs = [("shop", names.get(number - 1, f"{number - 1:04}_step"))] if number > 1 else []
    source = migration_source(*operations, needs=needs, before=before, atomic=atomic)
    return {names.get(number, f"{number:04}_step"): source}


class Shop:
    """A project with one app, shop, and an engine that looks at it."""

    def __init__(self, project: SampleProject, engine: Driver, django: Django) -> None:
        self.project = project
        self._engine = engine
        self._django = django

    def to(self, *target: str, fake: bool = False) -> None:
        """Migrate shop to where it is said."""
        answer = self._django.call("migrate", "shop", *target, fake=fake)
        assert "error" not in answer, answer

    def dies(self, *target: str) -> None:
        """Migrate shop and see it fail."""
        assert "in the middle" in self._django.call("migrate", "shop", *target)["error"]

    def verified(self) -> p.Verification:
        """Return what verify says."""
        verification: p.Verification = self._engine.ask(p.VerifySchema("default"))
        return verification

    def half_done(self) -> tuple[p.HalfDone, ...]:
        """Return the half-done migrations."""
        return self.verified().half_done

    def agrees(self, tables: int = 1) -> bool:
        """Say whether verify finds nothing at all."""
        return self.verified() == p.Verification("default", checked=tables)

    def follow(self, text: str) -> None:
        """Do what a remedy says: its SQL, then its commands."""
        lines = [line for line in text.splitlines() if not line.startswith(("--", "python"))]
        execute(self.project, *(each for each in "\n".join(lines).split(";") if each.strip()))
        for line in text.splitlines():
            if "python manage.py " in line:
                words = line.split("python manage.py migrate shop ")[1].split()
                assert words[1:] in ([], ["--fake"])
                self.to(words[0], fake=words[1:] == ["--fake"])


@pytest.fixture
def make(vendor: str, tmp_path: Path) -> Iterator[Make]:
    """Make a `Shop` whose first migration makes Item."""
    with ExitStack() as stack:

        def make(*migrations: dict[str, str]) -> Shop:
            files = step(ITEM, number=1)
            for each in migrations:
                files.update(each)
            project = make_project(tmp_path, {"shop": files}, vendor)
            stack.callback(project.drop)
            engine, other = (stack.enter_context(each(project)) for each in (driving, django))
            return Shop(project, engine, other)

        yield make


def places(half_done: p.HalfDone) -> list[tuple[str, bool | None]]:
    return [(each.description, each.done) for each in half_done.operations]


def test_edge_01_a_rollback_that_was_faked_is_seen_and_recorded_again_or_made_true(make: Make) -> None:
    shop = make(step(add("a"), add("b"), number=2), step(add("c"), number=3))
    shop.to("0001")
    before = shop.project.schema()
    shop.to()
    schema = shop.project.schema()
    shop.to("0001", fake=True)
    verification = shop.verified()
    extra = {("extra column", "a"), ("extra column", "b"), ("extra column", "c")}
    assert {(each.kind, each.name) for each in verification.differences} == extra
    second, third = verification.half_done
    assert (second.name, second.recorded) == ("0002_step", False)
    assert places(second) == [("Add field a to item", True), ("Add field b to item", True)]
    assert second.message == "shop.0002_step is not recorded as applied, but all of it is in the schema."
    assert places(third) == [("Add field c to item", True)]
    for each in (second, third):
        shop.follow(each.finish)
    assert shop.project.schema() == schema
    assert shop.agrees()

    shop.to("0001", fake=True)
    for each in reversed(shop.half_done()):
        shop.follow(each.undo)
    assert shop.project.schema() == before
    assert shop.agrees()


def test_a_migration_that_was_faked_forward_is_seen(make: Make) -> None:
    shop = make(step(add("a"), number=2), step(add("b"), number=3))
    shop.to("0001")
    before = shop.project.schema()
    shop.to("0003", fake=True)
    third, second = shop.half_done()
    assert (third.name, second.name) == ("0003_step", "0002_step")
    assert third.message == "shop.0003_step is recorded as applied, but none of it is in the schema."
    assert places(second) == [("Add field a to item", False)]
    for each in (third, second):
        shop.follow(each.undo)
    assert shop.project.schema() == before
    assert shop.agrees()
    shop.to("0002")
    shop.to("0003", fake=True)
    (third,) = shop.half_done()
    shop.follow(third.finish)
    assert shop.agrees()


DIED = [
    ("Add field a to item", True),
    ("Rename field name on item to title", True),
    ("Raw Python operation", None),
    ("Add field b to item", False),
    ("Remove field title from item", False),
]


def test_edge_25_a_migration_that_died_on_its_way_forward_is_undone_or_finished(make: Make) -> None:
    code = "migrations.RunPython(die, migrations.RunPython.noop)"
    operations = (
        add("a", 'models.CharField(default="", max_length=9, db_index=True)'),
        'migrations.RenameField("item", "name", "title")',
        code,
        add("b"),
        'migrations.RemoveField("item", "title")',
    )
    shop = make(step(*operations, number=2, before=DIES, atomic=False))
    shop.dies()
    (half_done,) = shop.half_done()
    assert (half_done.app, half_done.name, half_done.recorded) == ("shop", "0002_step", False)
    assert places(half_done) == DIED
    assert "in the schema already: Add field a to item" in half_done.message
    shop.follow(half_done.undo)
    assert shop.agrees()

    shop.dies()
    (half_done,) = shop.half_done()
    assert "raise ValueError" in half_done.finish  # the Python is shown: only a person can run it
    shop.follow(half_done.finish)
    assert shop.agrees()
    assert "0002_step" in shop.project.applied("shop")


def test_edge_25_a_migration_that_died_on_its_way_back_is_finished_or_undone(make: Make) -> None:
    operations = (add("a"), "migrations.RunPython(migrations.RunPython.noop, die)", add("b"))
    shop = make(step(*operations, number=2, before=DIES, atomic=False))
    shop.to()
    shop.dies("0001")
    assert "0002_step" in shop.project.applied("shop")
    verification = shop.verified()
    (half_done,) = verification.half_done
    assert half_done.recorded
    assert places(half_done) == [
        ("Add field a to item", True),
        ("Raw Python operation", None),
        ("Add field b to item", False),
    ]
    assert [(each.kind, each.name) for each in verification.differences] == [("missing column", "b")]
    assert half_done.message.endswith("not in the schema: Add field b to item.")
    shop.follow(half_done.finish)
    assert shop.agrees()

    shop.dies("0001")
    (half_done,) = shop.half_done()
    shop.follow(half_done.undo)
    assert shop.project.applied("shop") == ["0001_initial"]
    assert shop.agrees()


def test_edge_02_a_step_of_mariadb_dies_half_way_though_it_is_atomic(make: Make, vendor: str) -> None:
    key = 'models.ForeignKey("shop.item", models.CASCADE, null=True)'
    tag = f'migrations.CreateModel("Tag", [("id", models.BigAutoField(primary_key=True)), ("item", {key})])'
    code = "migrations.RunPython(die, migrations.RunPython.noop)"
    shop = make(step(tag, 'migrations.RenameModel("Tag", "Label")', code, add("b"), number=2, before=DIES))
    shop.dies()
    if vendor != "mysql":
        assert shop.agrees()
        return
    verification = shop.verified()
    (half_done,) = verification.half_done
    assert places(half_done) == [
        ("Create model Tag", True),
        ("Rename model Tag to Label", True),
        ("Raw Python operation", None),
        ("Add field b to item", False),
    ]
    assert [(each.kind, each.table) for each in verification.differences] == [("extra table", "shop_label")]
    shop.follow(half_done.finish)
    assert shop.agrees(tables=2)


def test_edge_29_a_record_that_stayed_when_the_schema_went_is_seen(make: Make) -> None:
    shop = make(step(add("a"), number=2))
    shop.to("0001")
    execute(
        shop.project,
        "INSERT INTO django_migrations (id, app, name, applied)"
        " VALUES (77, 'shop', '0002_step', '2024-01-01 00:00:00')",
    )
    (half_done,) = shop.half_done()
    assert (half_done.recorded, places(half_done)) == (True, [("Add field a to item", False)])
    shop.follow(half_done.undo)
    assert shop.agrees()


def test_edge_18_what_a_recorded_migration_needs_is_placed_though_it_is_not_recorded(make: Make) -> None:
    shop = make(step(add("a"), number=2), step(add("b"), number=3))
    shop.to()
    execute(shop.project, "DELETE FROM django_migrations WHERE name = '0002_step'")
    verification = shop.verified()
    (note,) = verification.not_checked
    assert note.startswith("shop.0003_step is recorded, but shop.0002_step, which it needs, is not")
    assert verification.differences == ()
    (half_done,) = verification.half_done
    assert (half_done.name, half_done.recorded) == ("0002_step", False)
    assert places(half_done) == [("Add field a to item", True)]


def test_one_operation_can_be_in_by_halves(make: Make) -> None:
    items = '("items", models.ManyToManyField("shop.item"))'
    tag = f'migrations.CreateModel("Tag", [("id", models.BigAutoField(primary_key=True)), {items}])'
    shop = make(step(tag, number=2))
    shop.to()
    shop.to("0001", fake=True)
    execute(shop.project, "DROP TABLE shop_tag_items")
    (half_done,) = shop.half_done()
    (created,) = half_done.operations
    assert (created.done, created.note) == (False, "partly: the table of shop_tag")
    assert half_done.message == (
        "shop.0002_step is not recorded as applied, but in the schema already:"
        " Create model Tag (partly: the table of shop_tag)."
    )
    assert "only a look at each operation" in half_done.finish


def test_what_is_changed_by_hand_is_not_taken_for_half_done(make: Make) -> None:
    shop = make(step(add("a"), number=2), step(add("b"), number=3), step(add("c"), number=4))
    shop.to("0003")
    execute(
        shop.project, "ALTER TABLE shop_item DROP COLUMN a", "ALTER TABLE shop_item ADD more integer NULL"
    )
    verification = shop.verified()
    assert {(each.kind, each.name) for each in verification.differences} == {
        ("missing column", "a"),
        ("extra column", "more"),
    }
    assert verification.half_done == ()
