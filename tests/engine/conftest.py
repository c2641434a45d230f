"""Fixtures of the engine's tests: the vendors on which a plan can be rehearsed."""

from __future__ import annotations

import pytest

from tests.conftest import need_server


@pytest.fixture(params=["sqlite", "postgresql"])
def trial(request: pytest.FixtureRequest) -> str:
    """Each vendor in turn that takes a schema change back."""
    need_server(request.param)
    name: str = request.param
    return name


@pytest.fixture
def postgresql() -> str:
    """The name of the vendor, where there is a server."""
    need_server("postgresql")
    return "postgresql"
