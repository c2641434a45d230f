"""The end of a long journal: read for `@` and `z`, and what it means found out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from tests.benchmarks.table import Row
from tests.benchmarks.timing import Samples, seconds, seconds_of
from tui.journal import DONE, ROLLBACK, Deed
from tui.logbook import RECENT, Logbook
from tui.private_files import append_line
from tui.state import State

WITHIN = 0.1


def rows(folder: Path, size: int, rounds: Iterator[int]) -> list[Row]:
    """Measure a journal of `size` entries, and say it in rows."""
    state = State(folder)
    lines: list[bytes] = []
    for number in range(size // 2):
        deed = Deed(
            lambda entry: lines.append(json.dumps(asdict(entry)).encode()),
            ROLLBACK,
            "default",
            f"migrate shop {number}",
        )
        deed.begin()
        deed.end(DONE, steps=[f"shop.{number:04}_step"] * 5, records="0" * 16)
    folder.mkdir(parents=True, exist_ok=True)
    append_line(folder / "journal.jsonl", b"\n".join(lines))
    taken = Samples()
    for number in rounds:
        taken_now = seconds_of(lambda: _opened(state))
        if number:
            taken.add(taken_now)
    return [
        Row(
            what=f"journal opened, {size:,} entries",
            to_reach=f"≤ {seconds(WITHIN)}",
            measured=taken.spread(seconds),
            reached=taken.median <= WITHIN,
        )
    ]


def _opened(state: State) -> None:
    """Read what a session does, and draw both conclusions from it: the lines for `@`, the choice of `z`."""
    book = Logbook(state, lambda: None)
    book.take(state.entries(RECENT))
    assert book.choice.undo
    assert book.before
