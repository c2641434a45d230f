"""Starts stub engines and ends every one of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.protocol import stubs
from tui.engine.bundle import Sources
from tui.engine.client import Client, connect
from tui.engine.discover import Launch
from tui.engine.process import Spawned, spawn

Start = Callable[..., Awaitable[Client]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Start a stub engine and connect to it; as often as a test likes."""
    spawned: list[Spawned] = []
    clients: list[Client] = []

    async def start(launch: Launch | None = None, sources: Sources | None = None) -> Client:
        spawned.append(spawn(launch or stubs.launch(tmp_path / "project"), sources or stubs.sources()))
        clients.append(await connect(spawned[-1]))
        return clients[-1]

    yield start
    for client in clients:
        await client.close()
    for one in spawned:
        one.kill()
