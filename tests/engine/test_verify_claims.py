"""What the records claim where migrations hold more than models: SQL by hand, models alone, lost files."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from djmig_tui import protocol as p
from tests.driver import Driver, driving
from tests.engine.breaking import execute
from tests.projects import SampleProject, make_app, make_project, migration_source
from tui.engine.errors import Refused

Made = tuple[SampleProject, Driver]
Make = Callable[..., Made]

ITEM = (
    'migrations.CreateModel("Item", [("id", models.BigAutoField(primary_key=True)),'
    ' ("name", models.CharField(max_length=60)), ("note", models.TextField(null=True))])'
)
APART = "migrations.SeparateDatabaseAndState"


@pytest.fixture
def make(vendor: str, tmp_path: Path) -> Iterator[Make]:
    """Make a migrated project of shop, with Item, a step for each further argument, and its engine."""
    with ExitStack() as stack:

        def make(*steps: str) -> Made:
            files = {"0001_initial": migration_source(ITEM)}
            for number, operation in enumerate(steps, 2):
                needs = [("shop", max(files))]
                files[f"{number:04}_step"] = migration_source(operation, needs=needs)
            project = make_project(tmp_path, {"shop": files}, vendor)
            stack.callback(project.drop)
            project.migrate_all()
            return project, stack.enter_context(driving(project))

        yield make


def verified(engine: Driver, app: str | None = None) -> p.Verification:
    verification: p.Verification = engine.ask(p.VerifySchema("default", app))
    return verification


def test_what_a_migration_made_with_sql_is_not_called_a_difference(make: Make) -> None:
    _, engine = make('migrations.RunSQL("ALTER TABLE shop_item ADD search integer NULL")')
    verification = verified(engine)
    assert (verification.differences, verification.half_done) == ((), ())
    (note,) = verification.not_checked
    assert note == (
        "shop_item.search is there, but shop.Item has no such field."
        " But shop.0002_step has SQL or Python about it."
    )


def test_sql_about_another_column_excuses_nothing(make: Make) -> None:
    project, engine = make("migrations.RunSQL(\"UPDATE shop_item SET name = 'search_more'\")")
    execute(project, "ALTER TABLE shop_item ADD search integer NULL")
    (difference,) = verified(engine).differences
    assert (difference.kind, difference.name) == ("extra column", "search")


def test_a_missing_column_is_never_excused(make: Make) -> None:
    project, engine = make('migrations.RunSQL("UPDATE shop_item SET note = name")')
    execute(project, "ALTER TABLE shop_item DROP COLUMN note")
    (difference,) = verified(engine).differences
    assert (difference.kind, difference.name) == ("missing column", "note")


def test_what_went_from_the_models_alone_may_stay(make: Make) -> None:
    project, engine = make(
        f'{APART}(state_operations=[migrations.RemoveField("item", "note")])',
        'migrations.CreateModel("Old", [("id", models.BigAutoField(primary_key=True))])',
        f'{APART}(state_operations=[migrations.DeleteModel("Old")])',
    )
    verification = verified(engine)
    assert (verification.differences, verification.half_done) == ((), ())
    assert verification.not_checked == tuple(
        f"{what} was taken from the models alone (SeparateDatabaseAndState): it may stay or go."
        for what in ("shop_item.note", "shop_old")
    )
    execute(project, "ALTER TABLE shop_item DROP COLUMN note", "DROP TABLE shop_old")
    assert verified(engine) == p.Verification("default", checked=1)


def test_a_model_that_moved_to_another_app_keeps_its_table(make: Make) -> None:
    project, _ = make()
    moved = "migrations.CreateModel('Item', [('id', models.BigAutoField(primary_key=True)),"
    moved += " ('name', models.CharField(max_length=60)), ('note', models.TextField(null=True))]"
    first = migration_source(f"{APART}(state_operations=[{moved}, options={{'db_table': 'shop_item'}})])")
    make_app(project.folder, "store", {"0001_initial": first})
    gone = migration_source(
        f'{APART}(state_operations=[migrations.DeleteModel("Item")])',
        needs=[("shop", "0001_initial"), ("store", "0001_initial")],
    )
    (project.folder / "shop" / "migrations" / "0002_moved.py").write_text(gone)
    with driving(project) as before:
        unrecorded = verified(before)
    project.migrate_all()
    with driving(project) as after:
        assert verified(after) == p.Verification("default", checked=1)
    assert (unrecorded.differences, unrecorded.half_done) == ((), ())


def test_a_deletion_that_was_faked_leaves_an_extra_table(make: Make) -> None:
    project, engine = make(
        'migrations.CreateModel("Old", [("id", models.BigAutoField(primary_key=True))])',
        'migrations.DeleteModel("Old")',
    )
    execute(project, "CREATE TABLE shop_old (id bigint)")
    verification = verified(engine)
    (difference,) = verification.differences
    assert (difference.kind, difference.table, difference.model) == ("extra table", "shop_old", "old")
    assert difference.message == (
        "shop_old is there, though by the records it should not be: it belongs to shop.0002_step."
    )
    (half_done,) = verification.half_done
    assert (half_done.name, half_done.recorded) == ("0003_step", True)


def test_a_lost_file_is_named_where_there_are_differences(make: Make) -> None:
    project, _ = make('migrations.AddField("item", "more", models.IntegerField(null=True))')
    (project.folder / "shop" / "migrations" / "0002_step.py").unlink()
    with driving(project) as engine:
        verification = verified(engine)
    (difference,) = verification.differences
    assert (difference.kind, difference.name) == ("extra column", "more")
    assert verification.not_checked == (
        "shop.0002_step is recorded as applied, but its file is gone: what it made counts as a difference.",
    )


def test_one_app_is_looked_at_alone(make: Make) -> None:
    project, _ = make()
    other = migration_source(
        "migrations.CreateModel('Shelf', [('id', models.BigAutoField(primary_key=True)),"
        " ('item', models.ForeignKey('shop.item', models.CASCADE))])",
        needs=[("shop", "0001_initial")],
    )
    make_app(project.folder, "store", {"0001_initial": other})
    project.migrate_all()
    execute(project, "ALTER TABLE shop_item DROP COLUMN note", "DROP TABLE store_shelf")
    with driving(project) as engine:
        assert [each.table for each in verified(engine).differences] == ["shop_item", "store_shelf"]
        assert [each.table for each in verified(engine, "shop").differences] == ["shop_item"]
        assert [each.table for each in verified(engine, "store").differences] == ["store_shelf"]
        with pytest.raises(Refused, match="App 'stoer' has no migrations"):
            verified(engine, "stoer")


def test_nothing_is_written_and_a_cancel_leaves_the_engine_usable(make: Make) -> None:
    project, engine = make()
    before = project.snapshot()

    async def cancelled() -> bool:
        asked = asyncio.ensure_future(engine.engine.verify_schema(p.VerifySchema("default")))
        await asyncio.sleep(0)
        asked.cancel()
        try:
            await asked
        except asyncio.CancelledError:
            return True
        return False

    assert engine.wait(cancelled())
    assert verified(engine) == p.Verification("default", checked=1)
    assert project.snapshot() == before


def test_edge_30_a_database_that_is_not_there_is_not_created(tmp_path: Path) -> None:
    project = make_project(tmp_path, {"shop": {"0001_initial": migration_source(ITEM)}})
    with driving(project) as engine:
        assert verified(engine) == p.Verification("default", checked=0)
    assert not Path(project.databases["default"]).exists()


def test_a_fresh_database_with_tables_of_others_agrees(tmp_path: Path) -> None:
    project = make_project(tmp_path, {"shop": {"0001_initial": migration_source(ITEM)}})
    execute(project, "CREATE TABLE others (id integer)")
    with driving(project) as engine:
        assert verified(engine) == p.Verification("default", checked=0)


def test_virtual_tables_and_generated_columns_of_sqlite_are_no_trouble(tmp_path: Path) -> None:
    project = make_project(tmp_path, {"shop": {"0001_initial": migration_source(ITEM)}})
    project.migrate_all()
    execute(project, "CREATE VIRTUAL TABLE words USING fts5(name)", 'CREATE TABLE "odd\'name" (a TEXT, b)')
    with driving(project) as engine:
        assert verified(engine) == p.Verification("default", checked=1)


def test_a_partitioned_table_has_keys_of_its_own(make: Make, vendor: str) -> None:
    if vendor != "postgresql":
        pytest.skip("Only PostgreSQL has partitions that show in the keys.")
    project, engine = make()
    execute(
        project,
        "DROP TABLE shop_item",
        "CREATE TABLE shop_item (id bigint GENERATED BY DEFAULT AS IDENTITY, name varchar(60) NOT NULL,"
        " note text, PRIMARY KEY (id, name)) PARTITION BY HASH (name)",
    )
    verification = verified(engine)
    assert (verification.differences, verification.half_done) == ((), ())
    assert verification.not_checked == (
        "shop_item is partitioned: its primary key and unique constraints were not compared.",
    )
