"""Fixtures that every kind of test may use: vendors, and projects on each of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.projects import SampleProject, clone, copy_sample_site, drop_leftovers, generate
from tests.servers import VENDORS, why_missing

REQUIRE = "DJMIG_REQUIRE_SERVERS"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the long tier too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long tier out, visibly, unless it was asked for."""
    if config.getoption("--long"):
        return
    for item in items:
        if "long" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="the long tier: run with --long"))


@pytest.fixture(scope="session", autouse=True)
def _leave_no_databases() -> Iterator[None]:
    yield
    drop_leftovers()


def need_server(vendor: str) -> None:
    """Skip, with the reason, where the server is missing; fail where it must be there."""
    reason = why_missing(vendor)
    if reason and os.environ.get(REQUIRE) == "1":
        pytest.fail(f"{reason} ({REQUIRE}=1 asks for it.)", pytrace=False)
    if reason:
        pytest.skip(f"{reason} Start it, or see CONTRIBUTING.")


@pytest.fixture(scope="session", params=VENDORS)
def vendor(request: pytest.FixtureRequest) -> str:
    """Each database vendor in turn. Session scope keeps the tests of one vendor together."""
    name: str = request.param
    need_server(name)
    return name


@pytest.fixture
def site(tmp_path: Path) -> SampleProject:
    """The bookshop on SQLite, nothing applied yet: no database file exists."""
    return copy_sample_site(tmp_path)


@pytest.fixture(scope="session")
def _full_site(tmp_path_factory: pytest.TempPathFactory) -> SampleProject:
    return full_site(tmp_path_factory.mktemp("sqlite"), "sqlite")


@pytest.fixture
def ready_site(_full_site: SampleProject, tmp_path: Path) -> SampleProject:
    """The bookshop on SQLite with everything applied and its rows, the test's own copy."""
    return clone(_full_site, tmp_path, "bookshop_site")


@pytest.fixture(scope="session")
def _full_vendor_site(vendor: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SampleProject]:
    project = full_site(tmp_path_factory.mktemp(vendor), vendor)
    yield project
    project.drop()


@pytest.fixture
def ready_vendor_site(_full_vendor_site: SampleProject, tmp_path: Path) -> Iterator[SampleProject]:
    """The same as `ready_site`, on each vendor in turn."""
    project = clone(_full_vendor_site, tmp_path, "bookshop_site")
    yield project
    project.drop()


@pytest.fixture(scope="session")
def full_vendor_site(_full_vendor_site: SampleProject) -> SampleProject:
    """The bookshop with everything applied and its rows, shared: for tests that only look."""
    return _full_vendor_site


@pytest.fixture(scope="session")
def full_generated(vendor: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SampleProject]:
    """10 apps x 20 migrations, all applied and all reversible, shared: for tests that only look."""
    project = generate(tmp_path_factory.mktemp(vendor), vendor=vendor)
    project.migrate_all()
    yield project
    project.drop()


@pytest.fixture
def ready_generated(full_generated: SampleProject, tmp_path: Path) -> Iterator[SampleProject]:
    """A copy of `full_generated` that a test may change."""
    project = clone(full_generated, tmp_path, "generated")
    yield project
    project.drop()


def full_site(folder: Path, vendor: str) -> SampleProject:
    """Return the bookshop with everything applied, and its rows."""
    project = copy_sample_site(folder, vendor)
    project.migrate_all()
    project.fill_rows()
    return project
