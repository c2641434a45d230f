"""What starting over would do, what stands against it, and its steps on the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from djmig_tui import protocol as p
from tests.driver import Driver, driving
from tests.engine.small import execute, migrate
from tests.projects import SampleProject, make_app, make_project, migration_source
from tui.engine.errors import Refused, Stale

Made = tuple[SampleProject, Driver]
Make = Callable[..., Made]

ID = '("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"))'
ITEM = f'migrations.CreateModel("Item", [{ID}, ("name", models.CharField(max_length=20))])'
NOTE = 'migrations.AddField("item", "note", models.CharField(default="", max_length=20))'
ONE_WAY = "migrations.RunPython(migrations.RunPython.noop)"
ORDER = f'migrations.CreateModel("Order", [{ID}, ("item", models.ForeignKey("shop.item", models.CASCADE))])'
MODELS = """\
from django.db import models


class Item(models.Model):
    name = models.CharField(max_length=20)
    note = models.CharField(default="", max_length=20)
"""
ORDERS = """\
from django.db import models


class Order(models.Model):
    item = models.ForeignKey("shop.Item", models.CASCADE)
"""
SHOP = {
    "0001_initial": migration_source(ITEM),
    "0002_note": migration_source(NOTE, needs=[("shop", "0001_initial")]),
}


def orders(needs: str = "0001_initial") -> dict[str, str]:
    return {"0001_initial": migration_source(ORDER, needs=[("shop", needs)])}


@contextmanager
def making(tmp_path: Path, vendor: str) -> Iterator[Make]:
    """Make a migrated project with DEBUG on, shop and perhaps further apps, and its engine."""
    with ExitStack() as stack:

        def make(
            shop: dict[str, str] = SHOP, *, orders: dict[str, str] | None = None, debug: bool = True
        ) -> Made:
            project = make_project(tmp_path, {}, vendor)
            stack.callback(project.drop)
            make_app(project.folder, "shop", shop, MODELS)
            if orders is not None:
                make_app(project.folder, "orders", orders, ORDERS)
            with (project.folder / "config" / "settings.py").open("a") as settings:
                settings.write(f"DEBUG = {debug}\n")
            project.migrate_all()
            engine = stack.enter_context(driving(project))
            engine.ask(p.OpenProject())
            return project, engine

        yield make


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Make projects on SQLite, where the vendor makes no difference."""
    with making(tmp_path, "sqlite") as make:
        yield make


@pytest.fixture
def make_on(tmp_path: Path, vendor: str) -> Iterator[Make]:
    """Make projects on each vendor in turn."""
    with making(tmp_path, vendor) as make:
        yield make


def preview(engine: Driver, kind: str = p.RESET_APP, app: str | None = "shop") -> p.ResetPlan:
    plan: p.ResetPlan = engine.ask(p.PreviewReset("default", kind, app))
    return plan


def actions(plan: p.ResetPlan) -> list[str]:
    return [step.action for step in plan.steps]


def delete(engine: Driver, keys: Sequence[str], kind: str) -> p.MigrationFiles:
    files: p.MigrationFiles = engine.ask(p.ReadFiles("default", tuple(keys)))
    hashes = tuple(p.FileHash(each.app, each.name, each.sha256) for each in files.files)
    deleted = engine.ask(p.DeleteFiles("default", kind, hashes))
    assert deleted.paths == tuple(each.path for each in files.files)
    return files


def test_an_app_goes_to_zero_before_its_files_go_and_others_come_back_with_it(make: Make) -> None:
    project, engine = make(orders=orders())
    plan = preview(engine)
    assert plan.blockers == ()
    assert actions(plan) == [p.RESET_UNDO, p.RESET_REMOVE, p.RESET_MAKE, p.RESET_MIGRATE]
    undo, remove, made, again = plan.steps
    assert undo.keys == ("shop.0002_note", "orders.0001_initial", "shop.0001_initial")
    assert "orders.0001_initial" in undo.words
    assert remove.keys == ("shop.0001_initial", "shop.0002_note")
    assert made.words == "python manage.py makemigrations shop"
    assert again.keys == ("orders.0001_initial",)
    assert {loss.table for loss in plan.loss} == {"orders_order", "shop_item"}
    assert plan.files == tuple(
        str(project.folder / "shop" / "migrations" / f"{name}.py") for name in ("0001_initial", "0002_note")
    )


def test_the_whole_way_leaves_one_new_migration_and_its_tables(make_on: Make) -> None:
    project, engine = make_on(orders=orders())
    plan = preview(engine)
    engine.run(engine.plan(p.ZERO, "shop"))
    delete(engine, plan.steps[1].keys, p.RESET_APP)
    made = engine.ask(p.MakeMigrations("default", ("shop",)))
    assert made.keys == ("shop.0001_initial",)
    with driving(project) as fresh:
        migrate(fresh)
        assert [
            one.name for app in fresh.history().apps if app.label == "shop" for one in app.migrations
        ] == ["0001_initial"]
        assert fresh.ask(p.VerifySchema("default")).differences == ()


def test_what_cannot_be_undone_is_dropped_behind_a_second_gate(make_on: Make) -> None:
    one_way = {**SHOP, "0003_code": migration_source(ONE_WAY, needs=[("shop", "0002_note")])}
    project, engine = make_on(one_way)
    plan = preview(engine)
    assert actions(plan)[0] == p.RESET_DROP
    assert "shop.0003_code cannot be undone" in plan.gate
    assert [(loss.table, loss.kind) for loss in plan.loss] == [("shop_item", "drop table")]
    assert any("shop.0003_code runs code (RunPython)" in note for note in plan.notes)
    dropped = engine.ask(p.DropTables("default", "shop", plan.fingerprint))
    assert dropped.tables == ("shop_item",)
    assert not [key for key in project.records() if key[0] == "shop"]
    with pytest.raises(Stale):
        engine.ask(p.DropTables("default", "shop", plan.fingerprint))


def test_tables_that_others_stand_on_are_not_dropped(make: Make) -> None:
    one_way = {**SHOP, "0003_code": migration_source(ONE_WAY, needs=[("shop", "0002_note")])}
    _, engine = make(one_way, orders=orders())
    plan = preview(engine)
    assert p.RESET_DROP not in actions(plan)
    assert "orders.0001_initial stands on them." in " ".join(plan.blockers)
    with pytest.raises(Refused, match="stands on them"):
        engine.ask(p.DropTables("default", "shop", plan.fingerprint))


def test_its_tables_are_not_dropped_where_a_way_back_exists(make: Make) -> None:
    _, engine = make()
    with pytest.raises(Refused, match="can be taken back to zero"):
        engine.ask(p.DropTables("default", "shop", preview(engine).fingerprint))


def test_who_depends_on_a_file_that_is_not_made_again_blocks_it(make: Make) -> None:
    _, engine = make(orders=orders("0002_note"))
    plan = preview(engine)
    assert plan.blockers == (
        "orders.0001_initial depends on shop.0002_note, which would not be there again.",
    )
    assert "reset the whole project" in plan.ways_out[0]
    assert preview(engine, p.RESET_PROJECT, None).blockers == ()


def test_apps_that_point_at_each_other_are_reset_together_only(make: Make) -> None:
    _, engine = make(orders=orders())
    plan = preview(engine, p.RESET_APP, "orders")
    assert plan.blockers == ()
    back = 'migrations.AddField("item", "last", models.ForeignKey("orders.order", models.CASCADE, null=True))'
    project = engine.project
    folder = project.folder / "shop"
    source = migration_source(back, needs=[("shop", "0002_note"), ("orders", "0001_initial")])
    (folder / "migrations" / "0003_last.py").write_text(source)
    (folder / "models.py").write_text(
        MODELS + '    last = models.ForeignKey("orders.Order", models.CASCADE, null=True, related_name="+")\n'
    )
    with driving(project) as fresh:
        (blocker,) = preview(fresh, p.RESET_APP, "orders").blockers
        assert blocker.startswith("orders points at shop, and shop.0003_last depends on orders:")


def test_records_are_exchanged_only_if_the_schema_agrees_with_what_was_made(make_on: Make) -> None:
    project, engine = make_on()
    execute(project, "INSERT INTO shop_item (name, note) VALUES ('one', 'two')")
    plan = preview(engine, p.RESET_KEEPING)
    assert actions(plan) == [p.RESET_REMOVE, p.RESET_MAKE, p.RESET_RECORD]
    delete(engine, plan.steps[0].keys, p.RESET_KEEPING)
    assert engine.ask(p.MakeMigrations("default", ("shop",))).keys == ("shop.0001_initial",)
    with driving(project) as fresh:
        found = fresh.ask(p.VerifySchema("default", "shop", assume=("shop.0001_initial",)))
        assert (found.differences, found.half_done) == ((), ())
        changed = fresh.ask(
            p.ChangeRecords("default", plan.steps[2].keys, plan.steps[2].keys, ("shop.0001_initial",))
        )
        assert changed.records == ("shop.0001_initial",)
    assert project.query("SELECT name, note FROM shop_item") == [("one", "two")]
    assert [key for key in project.records() if key[0] == "shop"] == [("shop", "0001_initial")]


def test_records_that_changed_meanwhile_are_left_alone(make: Make) -> None:
    project, engine = make()
    before = project.records()
    with pytest.raises(Stale):
        engine.ask(p.ChangeRecords("default", ("shop.0001_initial",), ("shop.0001_initial",)))
    assert project.records() == before


def test_files_of_what_is_applied_stay_unless_the_tables_are_kept(make: Make) -> None:
    _, engine = make()
    with pytest.raises(Refused, match="is applied on 'default'"):
        delete(engine, ["shop.0001_initial"], p.RESET_APP)
    with pytest.raises(Refused, match="'anything' is no reset"):
        delete(engine, ["shop.0001_initial"], "anything")


def test_the_files_of_a_reset_go_all_or_none_and_come_back_byte_for_byte(make: Make) -> None:
    project, engine = make()
    folder = project.folder / "shop" / "migrations"
    before = {path.name: path.read_bytes() for path in folder.glob("*.py")}
    files = engine.ask(p.ReadFiles("default", ("shop.0001_initial", "shop.0002_note"))).files
    hashes = [p.FileHash(each.app, each.name, each.sha256) for each in files]
    wrong = p.FileHash("shop", "0002_note", "0" * 64)
    with pytest.raises(Stale):
        engine.ask(p.DeleteFiles("default", p.RESET_KEEPING, (hashes[0], wrong)))
    assert {path.name for path in folder.glob("*.py")} == set(before)
    engine.ask(p.DeleteFiles("default", p.RESET_KEEPING, tuple(hashes)))
    assert {path.name for path in folder.glob("*.py")} == {"__init__.py"}
    back = tuple(p.RestoreFile(each.app, each.name, each.path, each.content, each.mode) for each in files)
    assert engine.ask(p.RestoreFiles(back)).paths == tuple(each.path for each in files)
    assert {path.name: path.read_bytes() for path in folder.glob("*.py")} == before
    with pytest.raises(Refused, match="is not written over"):
        engine.ask(p.RestoreFiles(back))


def test_nothing_starts_over_where_debug_is_off(make: Make) -> None:
    _, engine = make(debug=False)
    for kind, app in ((p.RESET_APP, "shop"), (p.RESET_KEEPING, "shop"), (p.RESET_PROJECT, None)):
        assert "DEBUG is off: a reset is for development only." in preview(engine, kind, app).blockers
    with pytest.raises(Refused, match="DEBUG is off"):
        engine.ask(p.ChangeRecords("default", (), (), ("shop.0009_x",)))
    with pytest.raises(Refused, match="DEBUG is off"):
        delete(engine, ["shop.0002_note"], p.RESET_KEEPING)


def test_what_cannot_be_meant_is_refused_with_a_sentence(make: Make) -> None:
    _, engine = make()
    with pytest.raises(Refused, match="There is no app 'nowhere'"):
        preview(engine, p.RESET_APP, "nowhere")
    with pytest.raises(Refused, match="one app, or the project"):
        preview(engine, p.RESET_APP, None)


def test_a_broken_file_does_not_keep_an_app_from_starting_over(make: Make) -> None:
    project, _ = make()
    (project.folder / "shop" / "migrations" / "0002_note.py").write_text("class Migration(\n")
    with driving(project) as fresh:
        plan = preview(fresh)
        assert plan.blockers == ()
        assert actions(plan)[:3] == [p.RESET_UNDO, p.RESET_FORGET, p.RESET_REMOVE]
        assert plan.steps[1].keys == ("shop.0002_note",)
        assert any("shop.0002_note cannot be read" in note for note in plan.notes)


def test_a_table_that_is_missing_is_found_before_the_first_step(make: Make) -> None:
    project, engine = make(orders=orders())
    execute(project, "DROP TABLE orders_order", "DROP TABLE shop_item")
    plan = preview(engine)
    assert "orders.0001_initial stands on them." in " ".join(plan.blockers)
    assert "shop_item is missing: it is the table of shop.Item" in plan.blockers[0]
    plan = preview(engine, app="orders")
    assert plan.blockers == ()
    assert "orders_order is missing" in plan.gate
    assert engine.ask(p.DropTables("default", "orders", plan.fingerprint)).tables == ()
    assert not [key for key in project.records() if key[0] == "orders"]


def test_what_would_be_undone_and_not_applied_again_over_rows_is_refused(make: Make) -> None:
    key = 'migrations.AddField("order", "item", models.ForeignKey("shop.item", models.CASCADE{}))'
    first = migration_source(
        'migrations.CreateModel("Order", [("id", models.BigAutoField(primary_key=True))])'
    )
    needs = [("orders", "0001_initial"), ("shop", "0001_initial")]
    second = migration_source(key.format(""), needs=needs)
    project, engine = make(orders={"0001_initial": first, "0002_item": second})
    assert preview(engine).blockers == ()
    execute(
        project,
        "INSERT INTO shop_item (name, note) VALUES ('one', 'two')",
        "INSERT INTO orders_order (item_id) VALUES (1)",
    )
    (blocker,) = preview(engine).blockers
    assert blocker.startswith("orders.0002_item would be undone and could not be applied again:")
    path = project.folder / "orders" / "migrations" / "0002_item.py"
    path.write_text(migration_source(key.format(", null=True"), needs=needs))
    with driving(project) as fresh:
        assert preview(fresh).blockers == ()


def test_what_makemigrations_would_also_write_or_fail_at_is_told_before_the_files_go(make: Make) -> None:
    project, _ = make(orders=orders())
    with (project.folder / "shop" / "models.py").open("a") as models:
        models.write("    later = models.CharField(max_length=20)\n")
    with driving(project) as fresh:
        (blocker,) = preview(fresh, app="orders").blockers
        assert blocker.startswith("makemigrations orders would also write a migration of shop")
        assert preview(fresh).blockers == (), "what starts over itself may have changed in any way"
    (project.folder / "shop" / "migrations" / "0002_note.py").write_text("class Migration(\n")
    with driving(project) as fresh:
        (blocker,) = preview(fresh, app="orders").blockers
        assert blocker.startswith("shop.0002_note cannot be read, so makemigrations would fail:")
