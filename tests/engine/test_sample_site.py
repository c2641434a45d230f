"""The bookshop is what it claims to be, on every vendor: each app holds the one hard case it is there for."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.projects import SampleProject, copy_sample_site, generate

STORE = ["0001_initial", "0002_add_price_to_product", "0003_change_price_field", "0004_add_discount_field"]


def failed(done: subprocess.CompletedProcess[str]) -> str:
    """Return the last line of a command that had to fail."""
    assert done.returncode != 0, done.stdout
    return done.stderr.strip().splitlines()[-1]


@pytest.fixture
def empty_site(vendor: str, tmp_path: Path) -> Iterator[SampleProject]:
    """The bookshop with nothing applied, on each vendor."""
    project = copy_sample_site(tmp_path, vendor)
    yield project
    project.drop()


def test_migrate_applies_everything_and_the_checks_are_clean(empty_site: SampleProject) -> None:
    empty_site.manage("migrate")
    empty_site.manage("migrate", "--database", "archive")
    assert "[ ]" not in empty_site.manage("showmigrations").stdout
    assert "[ ]" not in empty_site.manage("showmigrations", "--database", "archive").stdout
    assert "no issues" in empty_site.manage("check").stdout
    assert "No changes" in empty_site.manage("makemigrations", "--check", "--dry-run").stdout


def test_the_shop_has_rows_in_both_databases(full_vendor_site: SampleProject) -> None:
    rows = full_vendor_site.rows()
    empty = {table for table, there in rows.items() if not there}
    assert empty == {
        "auth_group",
        "auth_group_permissions",
        "auth_user_groups",
        "auth_user_user_permissions",
    }
    assert len(rows["store_product"]) == 12
    assert any("源氏物語" in row for row in rows["store_product"])
    assert any("None" in row for row in rows["store_product"])
    assert full_vendor_site.rows("archive").keys() == {"ledger_entry"}


def test_store_is_the_app_of_the_article(ready_vendor_site: SampleProject) -> None:
    assert ready_vendor_site.applied("store") == STORE
    ready_vendor_site.manage("migrate", "store", "0003")
    assert ready_vendor_site.applied("store") == STORE[:3]
    assert ready_vendor_site.applied("orders"), "orders needs 0003, not 0004"


def test_orders_go_when_the_price_goes(ready_vendor_site: SampleProject) -> None:
    ready_vendor_site.manage("migrate", "store", "0002")
    assert ready_vendor_site.applied("orders") == []
    assert "orders_order" not in ready_vendor_site.rows()
    free = ready_vendor_site.query("SELECT COUNT(*) FROM store_product WHERE price = 0")
    assert free == [(2,)], "books without a price now cost 0.00"


def test_undoing_the_merge_of_authors_leaves_both_branches(ready_site: SampleProject) -> None:
    ready_site.manage("migrate", "authors", "0002_author_born")
    assert ready_site.applied("authors") == [
        "0001_initial",
        "0002_author_biography",
        "0002_author_born",
    ]


def test_reviews_are_applied_as_one_squashed_migration(ready_site: SampleProject) -> None:
    shown = ready_site.manage("showmigrations", "reviews").stdout
    assert "[X] 0001_squashed_0003_review_headline (3 squashed migrations)" in shown
    assert len(ready_site.applied("reviews")) == 4


def test_members_cannot_go_back_behind_the_change_of_data(ready_vendor_site: SampleProject) -> None:
    before = ready_vendor_site.snapshot()
    done = ready_vendor_site.manage("migrate", "members", "0001", check=False)
    assert "IrreversibleError" in failed(done)
    assert ready_vendor_site.snapshot() == before


def test_edge_41_sqlmigrate_runs_the_python_that_loyalty_hides(ready_vendor_site: SampleProject) -> None:
    """Django's own behaviour, which ours must not have: looking at the SQL deletes the rows."""
    assert len(ready_vendor_site.rows()["loyalty_points"]) == 16
    shown = ready_vendor_site.manage("sqlmigrate", "loyalty", "0002", "--backwards").stdout
    assert "(no-op)" in shown
    assert len(ready_vendor_site.rows()["loyalty_points"]) == 8
    assert "0002_welcome_points" in ready_vendor_site.applied("loyalty")


def test_stock_fills_the_rooms_outside_a_transaction(ready_vendor_site: SampleProject) -> None:
    shown = ready_vendor_site.manage("sqlmigrate", "stock", "0002").stdout
    assert "BEGIN" not in shown
    assert "ADD COLUMN" in shown or "CREATE TABLE" in shown
    ready_vendor_site.manage("migrate", "stock", "0001")
    ready_vendor_site.manage("migrate", "stock", "0002")
    assert all("'A'" in row or "'B'" in row or "'C'" in row for row in ready_vendor_site.rows()["stock_item"])


def test_the_way_back_of_vouchers_fails_because_there_are_rows(ready_vendor_site: SampleProject) -> None:
    before = ready_vendor_site.rows()
    done = ready_vendor_site.manage("migrate", "vouchers", "0001", check=False)
    assert "IntegrityError" in failed(done)
    assert ready_vendor_site.rows() == before
    assert "0002_remove_voucher_campaign" in ready_vendor_site.applied("vouchers")


def test_vouchers_go_back_where_there_are_no_rows(empty_site: SampleProject) -> None:
    empty_site.manage("migrate", "vouchers")
    empty_site.manage("migrate", "vouchers", "0001")
    assert empty_site.applied("vouchers") == ["0001_initial"]


def test_newsletter_prints_and_asks_on_its_way_back(ready_site: SampleProject) -> None:
    done = ready_site.manage("migrate", "newsletter", "0001")
    assert "About to withdraw 6 confirmations." in done.stdout
    assert "Type 'keep' to keep them: Nobody there to ask" in done.stdout
    assert not any("True" in row for row in ready_site.rows()["newsletter_subscriber"])


def test_newsletter_takes_keep_for_an_answer(ready_site: SampleProject) -> None:
    before = ready_site.rows()["newsletter_subscriber"]
    ready_site.manage("migrate", "newsletter", "0001", stdin="keep\n")
    assert ready_site.rows()["newsletter_subscriber"] == before


def test_suppliers_have_sql_with_and_without_a_way_back(ready_vendor_site: SampleProject) -> None:
    done = ready_vendor_site.manage("migrate", "suppliers", "0002", check=False)
    assert "IrreversibleError" in failed(done)
    back = ready_vendor_site.manage("sqlmigrate", "suppliers", "0002", "--backwards").stdout
    assert "SET country = 'UK' WHERE country = 'GB'" in back


def test_the_ledger_lives_in_the_archive_only(full_vendor_site: SampleProject) -> None:
    assert "(no-op)" in full_vendor_site.manage("sqlmigrate", "ledger", "0002").stdout
    assert (
        "checked" in full_vendor_site.manage("sqlmigrate", "ledger", "0002", "--database", "archive").stdout
    )
    assert "ledger_entry" not in full_vendor_site.rows()


def test_reports_has_no_migrations(ready_site: SampleProject) -> None:
    assert "(no migrations)" in ready_site.manage("showmigrations", "reports").stdout


@pytest.mark.parametrize(
    "app", ["authors", "contenttypes", "loyalty", "newsletter", "orders", "reviews", "stock", "store"]
)
def test_what_nothing_blocks_goes_back_to_zero(app: str, ready_site: SampleProject) -> None:
    ready_site.manage("migrate", app, "zero")
    assert ready_site.applied(app) == []


def test_the_same_seed_generates_the_same_project(tmp_path: Path) -> None:
    first, second, other = (
        generate(tmp_path / name, 3, 10, seed=seed) for name, seed in (("a", 5), ("b", 5), ("c", 6))
    )
    sources = [
        {
            path.relative_to(made.folder): path.read_text()
            for path in made.folder.glob("app*/migrations/0*.py")
        }
        for made in (first, second, other)
    ]
    assert len(sources[0]) == 30
    assert sources[0] == sources[1] != sources[2]


def test_the_generated_project_goes_back_to_zero_and_comes_again(ready_generated: SampleProject) -> None:
    before = ready_generated.snapshot()
    assert len(before.records) == 200
    labels = sorted({app for app, _ in before.records})
    calls = "; ".join(f"call_command('migrate', {label!r}, 'zero', verbosity=0)" for label in labels)
    ready_generated.run_python(f"from django.core.management import call_command; {calls}")
    assert ready_generated.records() == []
    assert ready_generated.rows() == {}
    ready_generated.migrate_all()
    assert ready_generated.records() == before.records
    assert ready_generated.schema() == before.schema
