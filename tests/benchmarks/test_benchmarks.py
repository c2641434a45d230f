"""The benchmarks come out whole at a small size. What they show is not asserted: no clock is trusted here."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.benchmarks import interface
from tests.benchmarks.__main__ import measure
from tests.benchmarks.table import HEADINGS, rendered

EXPECTED = (
    r"start → live tree, first use, 20",
    r"start → live tree, known before, 20",
    r"start → a tree, last-known or live, 20",
    r"engine alone: spawn → first history, 20",
    r"engine alone: spawn → whole history, 20",
    r"cursor half a page on → reverse SQL drawn, 20",
    r"cursor to the next line → reverse SQL drawn, 20",
    r"interface memory after \d+ moves, 20",
    r"engine: reverse SQL of one, 20",
    r"engine: reverse SQL of our worst, 20",
    r"engine: load, then every reverse SQL, 20",
    r"journal opened, 20 entries",
    r"plan of a rollback \(median \d+, most \d+ steps\), 20",
    r"rollback of 20 steps: time",
    r"rollback of 20 steps: time in process",
    r"rollback of 20 steps: peak memory",
)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.skipif(not hasattr(os, "wait4"), reason="peaks of memory are told by wait4")
def test_every_row_comes_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interface, "MOVES", 6)
    rows = measure(tmp_path, rounds=1, sizes=[20])
    assert len(rows) == len(EXPECTED)
    for row, expected in zip(rows, EXPECTED, strict=True):
        assert re.fullmatch(expected, row.what)
        assert re.match(r"(p50 )?\d", row.measured), row
        if "memory after" not in row.what and "journal" not in row.what:
            assert re.search(r"\d (ms|s|MB)", row.django), row
            assert row.ratio is not None
            assert row.ratio > 0, row
    lines = rendered(rows).splitlines()
    assert len(lines) == len(rows) + 2
    assert [cell.strip() for cell in lines[0].strip("|").split("|")] == list(HEADINGS)
