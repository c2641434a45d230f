"""Runs commands on the fake engine, as if they had been typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.interface.fake_engine import FakeEngine
from tui import headless
from tui.options import parse
from tui.state import State

Run = Callable[..., "Ran"]


class Ran:
    """What one command printed, and its exit code."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def data(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "state")


@pytest.fixture
def run(engine: FakeEngine, state: State, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*typed: str) -> Ran:
        async def connect() -> FakeEngine:
            engine.closed = False
            engine.gate.set()
            return engine

        code = headless.run(connect, parse(typed), state)
        assert engine.closed, "every command ends its engine"
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return run
