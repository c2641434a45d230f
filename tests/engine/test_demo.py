"""The demo's project: whole, filled, and waiting at store 0003."""

from __future__ import annotations

import importlib.util
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests import dumps
from tests.projects import SAMPLE_SITE
from tui import demo
from tui.engine.errors import StartFailed

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    made = demo.prepare()
    yield made
    shutil.rmtree(made.parent)


def test_the_demo_leaves_store_at_0003_and_applies_all_the_rest(folder: Path) -> None:
    records = dumps.records_dump("sqlite", str(folder / "db.sqlite3"))
    on_disk = {(path.parent.parent.name, path.stem) for path in SAMPLE_SITE.glob("*/migrations/0*.py")}
    ours = {record for record in records if record[0] not in {"auth", "contenttypes"}}
    assert on_disk - ours == {("store", "0004_add_discount_field")}
    archived = dumps.records_dump("sqlite", str(folder / "archive.sqlite3"))
    assert ("store", "0003_change_price_field") in archived
    assert ("store", "0004_add_discount_field") not in archived  # on no database: its file may be removed


def test_the_demo_has_rows_in_both_databases(folder: Path) -> None:
    rows = dumps.rows_dump("sqlite", str(folder / "db.sqlite3"))
    assert len(rows["store_product"]) == 12
    assert len(rows["orders_order"]) == 8
    assert dumps.rows_dump("sqlite", str(folder / "archive.sqlite3"))["ledger_entry"]


def test_the_demo_looks_deployed_three_times_store_last(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "db.sqlite3")) as connection:
        days = connection.execute(
            "SELECT DISTINCT date(applied) FROM django_migrations ORDER BY 1"
        ).fetchall()
        last = connection.execute(
            "SELECT DISTINCT app FROM django_migrations WHERE date(applied) = ?", days[-1]
        ).fetchall()
    assert len(days) == 3
    assert sorted(last) == [("orders",), ("store",)]


def test_the_demo_ignores_the_settings_of_another_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "somewhere.else")
    monkeypatch.setenv("BOOKSHOP_VENDOR", "postgresql")
    folder = demo.prepare()
    assert (folder / "db.sqlite3").exists()
    shutil.rmtree(folder.parent)


def test_without_django_the_demo_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(StartFailed, match=r"pip install 'djmig-tui\[demo\]'"):
        demo.prepare()


def test_a_demo_that_cannot_be_filled_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(demo, "SCRIPT", "raise SystemExit('no room on the shelf')")
    with pytest.raises(StartFailed) as raised:
        demo.prepare()
    assert "no room on the shelf" in raised.value.detail
    assert list(tmp_path.iterdir()) == []


def test_a_demo_that_cannot_be_written_says_where_to(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(StartFailed, match="TMPDIR names another folder"):
        demo.prepare()


def test_the_wheel_carries_every_file_of_the_bookshop() -> None:
    project = tomllib.loads((SAMPLE_SITE.parent / "pyproject.toml").read_text())
    patterns = project["tool"]["setuptools"]["package-data"]["djmig_tui.sample_site"]
    packed = {path for pattern in patterns for path in SAMPLE_SITE.glob(pattern) if path.is_file()}
    left_over = {"__pycache__", ".mypy_cache", ".ruff_cache"}
    files = {path for path in SAMPLE_SITE.rglob("*") if path.is_file() and not left_over & set(path.parts)}
    files = {path for path in files if path.suffix != ".sqlite3"}
    assert packed == files
    assert SAMPLE_SITE / "store" / "migrations" / "0004_add_discount_field.py" in packed
