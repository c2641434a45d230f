"""What stands against starting over is said before the first step, where it can be known by then."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from djmig_tui import protocol as p
from tests.conftest import need_server
from tests.driver import driving
from tests.engine.small import execute
from tests.engine.test_reset import ID, ONE_WAY, SHOP, Make, actions, making, orders, preview
from tests.projects import migration_source
from tests.servers import query
from tui.engine.errors import Refused

ONE_WAY_SHOP = {**SHOP, "0003_code": migration_source(ONE_WAY, needs=[("shop", "0002_note")])}


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Make projects on SQLite, where the vendor makes no difference."""
    with making(tmp_path, "sqlite") as make:
        yield make


@pytest.fixture
def make_on_mysql(tmp_path: Path) -> Iterator[Make]:
    """Make projects on MySQL or MariaDB."""
    need_server("mysql")
    with making(tmp_path, "mysql") as make:
        yield make


def test_mysql_does_not_drop_tables_that_others_point_at(make_on_mysql: Make) -> None:
    project, engine = make_on_mysql(ONE_WAY_SHOP)
    allowed = preview(engine)
    assert allowed.blockers == ()
    execute(
        project,
        "CREATE TABLE by_hand (id bigint, item_id bigint, FOREIGN KEY (item_id) REFERENCES shop_item (id))",
    )
    plan = preview(engine)
    assert plan.blockers == ("by_hand points at shop_item, which would be dropped.",)
    assert "Drop these foreign keys or tables first" in plan.ways_out[0]
    with pytest.raises(Refused, match="by_hand points at shop_item"):
        engine.ask(p.DropTables("default", "shop", allowed.fingerprint))
    assert project.query("SELECT count(*) FROM shop_item") == [(0,)]


def test_what_stands_on_a_file_that_cannot_be_read_is_found(make: Make) -> None:
    project, _ = make(orders=orders())
    (project.folder / "shop" / "migrations" / "0001_initial.py").write_text("import nowhere\n")
    with driving(project) as fresh:
        plan = preview(fresh)
        assert p.RESET_DROP not in actions(plan)
        assert "orders.0001_initial stands on them." in " ".join(plan.blockers)


def test_files_that_would_not_go_are_told_before_the_rows_are_gone(make: Make) -> None:
    project, _ = make()
    folder = project.folder / "shop" / "migrations"
    elsewhere = project.folder.parent / "elsewhere"
    folder.rename(elsewhere)
    folder.symlink_to(elsewhere)
    with driving(project) as fresh:
        for kind, app in ((p.RESET_APP, "shop"), (p.RESET_KEEPING, "shop"), (p.RESET_PROJECT, None)):
            (blocker,) = preview(fresh, kind, app).blockers
            assert "0001_initial.py is reached through a symlink" in blocker
    folder.unlink()
    elsewhere.rename(folder)
    installed = project.folder / "site-packages" / "shop_history"
    folder.rename(folder.with_name("unused"))
    installed.parent.mkdir()
    folder.with_name("unused").rename(installed)
    with (project.folder / "config" / "settings.py").open("a") as settings:
        settings.write(
            "import sys\nsys.path.append('site-packages')\nMIGRATION_MODULES = {'shop': 'shop_history'}\n"
        )
    with driving(project) as fresh:
        (blocker,) = preview(fresh).blockers
        assert "shop_history/0001_initial.py belongs to an installed package" in blocker


def test_a_folder_that_cannot_be_written_to_is_told_before_the_rows_are_gone(make: Make) -> None:
    project, engine = make()
    folder = project.folder / "shop" / "migrations"
    folder.chmod(0o555)
    if os.access(folder, os.W_OK):
        pytest.skip("This user may write everywhere.")
    try:
        (blocker,) = preview(engine).blockers
    finally:
        folder.chmod(0o755)
    assert blocker.startswith(f"{folder} cannot be written to:")


def test_tables_that_no_migration_makes_again_keep_the_project_from_starting_over(make: Make) -> None:
    project, _ = make()
    loose = project.folder / "loose"
    loose.mkdir()
    (loose / "__init__.py").write_text("")
    (loose / "models.py").write_text(
        "from django.db import models\n\n\nclass Thing(models.Model):\n    n = models.IntegerField()\n"
    )
    with (project.folder / "config" / "settings.py").open("a") as settings:
        settings.write("INSTALLED_APPS += ['loose']\n")
    with driving(project) as fresh:
        assert preview(fresh, p.RESET_PROJECT, None).blockers == ()
    project.manage("migrate", "--run-syncdb")
    with driving(project) as fresh:
        plan = preview(fresh, p.RESET_PROJECT, None)
        (blocker,) = plan.blockers
        assert blocker.startswith(
            "loose has no migrations: its tables on default (loose_thing) would be gone"
        )
        assert "migrate --run-syncdb" in plan.ways_out[0]
        assert preview(fresh).blockers == ()


@pytest.mark.parametrize("vendor", ["postgresql", "mysql"])
def test_one_database_under_two_aliases_is_not_made_anew_twice(tmp_path: Path, vendor: str) -> None:
    need_server(vendor)
    with making(tmp_path, vendor) as make:
        project, _ = make()
        with (project.folder / "config" / "settings.py").open("a") as settings:
            settings.write("DATABASES['again'] = {**DATABASES['default']}\n")
        with driving(project) as fresh:
            fresh.ask(p.OpenProject())
            (blocker,) = preview(fresh, p.RESET_PROJECT, None).blockers
            assert blocker.startswith("'default' and 'again' are the same database")
            assert preview(fresh, p.RESET_KEEPING).blockers == ()


def test_one_file_under_two_aliases_starts_over_as_ever(make: Make) -> None:
    project, _ = make()
    with (project.folder / "config" / "settings.py").open("a") as settings:
        settings.write("DATABASES['again'] = {**DATABASES['default']}\n")
    with driving(project) as fresh:
        assert preview(fresh, p.RESET_PROJECT, None).blockers == ()


@pytest.fixture
def nobody() -> Iterator[str]:
    """A user of PostgreSQL who may log in, and create databases, and no more."""
    need_server("postgresql")
    name = f"djmig_test_{uuid.uuid4().hex[:8]}"
    query("postgresql", None, f"CREATE ROLE {name} LOGIN CREATEDB PASSWORD 'secret'")
    yield name
    query("postgresql", None, f"DROP ROLE {name}")


def test_a_backup_that_this_user_could_not_put_back_is_told_first(tmp_path: Path, nobody: str) -> None:
    with making(tmp_path, "postgresql") as make:
        project, _ = make()
        name = project.databases["default"]
        query("postgresql", name, f"ALTER DATABASE {name} OWNER TO {nobody}")
        query("postgresql", name, f"GRANT SELECT, UPDATE ON ALL TABLES IN SCHEMA public TO {nobody}")
        query("postgresql", name, "CREATE EXTENSION citext")  # trusted: its owner may make it again
        with (project.folder / "config" / "settings.py").open("a") as settings:
            settings.write(f"DATABASES['default'].update(USER={nobody!r}, PASSWORD='secret')\n")
        with driving(project) as fresh:
            assert preview(fresh).blockers == ()
            query("postgresql", name, "CREATE EXTENSION dblink")
            for kind, app in ((p.RESET_APP, "shop"), (p.RESET_PROJECT, None)):
                (blocker,) = preview(fresh, kind, app).blockers
                assert blocker.startswith("This user may not create what is installed on default (dblink)")
            assert preview(fresh, p.RESET_KEEPING).blockers == ()


TAG = f"""\
migrations.CreateModel("Tag", [{ID}, ("items", models.ManyToManyField("shop.item"))])"""
TAGGED = {**SHOP, "0003_tag": migration_source(TAG, needs=[("shop", "0002_note")])}


@pytest.mark.parametrize("one_way", [False, True])
def test_a_table_whose_model_was_deleted_is_dropped_too_and_never_forgotten(
    tmp_path: Path, vendor: str, one_way: bool
) -> None:
    code = {"0004_code": migration_source(ONE_WAY, needs=[("shop", "0003_tag")])}
    with making(tmp_path, vendor) as make:
        project, engine = make({**TAGGED, **(code if one_way else {})})
        links, tags = preview(engine, p.RESET_KEEPING).blockers
        assert links.startswith("shop_tag_items on default is the table of no model any more")
        assert tags.startswith("shop_tag on default is the table of no model any more")
        plan = preview(engine)
        assert plan.blockers == ()
        if one_way:
            assert actions(plan)[0] == p.RESET_DROP
            tables = ("shop_tag_items", "shop_item", "shop_tag")
            assert tuple(loss.table for loss in plan.loss) == tables
            assert engine.ask(p.DropTables("default", "shop", plan.fingerprint)).tables == tables
            assert "shop_" not in project.schema()


def test_a_table_that_another_app_took_over_is_not_dropped(make: Make) -> None:
    tagged = {**TAGGED, "0004_code": migration_source(ONE_WAY, needs=[("shop", "0003_tag")])}
    project, _ = make(tagged, orders={"0001_initial": migration_source()})
    (project.folder / "orders" / "models.py").write_text(
        "from django.db import models\n\n\nclass Tag(models.Model):\n"
        "    class Meta:\n        db_table = 'shop_tag'\n        managed = False\n"
    )
    with driving(project) as fresh:
        assert [loss.table for loss in preview(fresh).loss] == ["shop_tag_items", "shop_item"]


def test_tables_are_not_kept_of_an_app_without_models(make: Make) -> None:
    project, _ = make()
    (project.folder / "shop" / "models.py").write_text("")
    with driving(project) as fresh:
        assert preview(fresh, p.RESET_KEEPING).blockers == (
            "shop has no models any more: no migration would be made anew.",
            "shop_item on default is the table of no model any more: it would be forgotten with its rows.",
        )
