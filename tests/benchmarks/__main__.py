"""`python -m tests.benchmarks [--rounds N] [--sizes N…] [--only GROUP…]`: measure, then print one table."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import django
import textual

from tests.benchmarks import interface, journal, plans, rollbacks, sql, start
from tests.benchmarks.table import Row, rendered
from tests.benchmarks.timing import Samples, fixed_work, seconds, seconds_of, wait_for_quiet

Rows = Callable[[Path, int, Iterator[int]], list[Row]]

#: Group → what measures it, at which sizes, in at most how many rounds (None: as many as asked for).
#: A rollback's size is its number of steps.
GROUPS: dict[str, Sequence[tuple[Rows, tuple[int, ...], int | None]]] = {
    "start": [(start.rows, (20, 600, 5000), None)],
    "interface": [(interface.rows, (1000, 5000), 2)],
    "sql": [
        (partial(sql.rows, sample=None), (200,), 3),
        (partial(sql.rows, sample=None), (1000,), 1),
        (partial(sql.rows, sample=60), (5000,), 2),
    ],
    "journal": [(journal.rows, (10_000,), None)],
    "plan": [(plans.rows, (1000, 5000), 3)],
    "rollback": [(rollbacks.rows, (50, 300), None)],
}


@dataclass
class Noise:
    """How long the same work takes from one round to the next."""

    patience: float = 0.0
    taken: Samples = field(default_factory=Samples)

    def rounds(self, number: int) -> Iterator[int]:
        """Count round 0, which is thrown away, and `number` more; wait and look around before each."""
        for each in range(number + 1):
            wait_for_quiet(self.patience)
            self.taken.add(min(seconds_of(fixed_work) for _ in range(3)))
            yield each


def measure(
    folder: Path, rounds: int, sizes: Sequence[int] = (), only: Sequence[str] = (), noise: Noise | None = None
) -> list[Row]:
    """Return the rows of the table. `sizes` replaces those of every group."""
    noise = noise or Noise()
    rows = []
    for group, parts in GROUPS.items():
        if only and group not in only:
            continue
        for number, (measured, own, most) in enumerate(parts[:1] if sizes else parts):
            for size in sizes or own:
                place = folder / f"{group}{number}_{size}"
                place.mkdir()
                begun = time.perf_counter()
                rows += measured(place, size, noise.rounds(min(rounds, most or rounds)))
                print(f"{group} {size:,}: {time.perf_counter() - begun:.0f} s", file=sys.stderr)
    return rows


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count; slow groups take fewer")
    parser.add_argument("--sizes", type=int, nargs="+", default=(), help="sizes in place of each group's own")
    parser.add_argument("--only", choices=GROUPS, nargs="+", default=(), help="groups to measure")
    parser.add_argument(
        "--patience",
        type=float,
        default=30.0,
        help="seconds to wait before a round for the machine to be idle",
    )
    options = parser.parse_args()
    noise = Noise(options.patience)
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(Path(folder), options.rounds, options.sizes, options.only, noise)
    print(
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, Django {django.get_version()}, "
        f"Textual {textual.__version__}, SQLite.\n"
        f"Noise: the same work took {noise.taken.spread(seconds)} before each round. "
        "Figures: median (least-most); ratio: ours / Django's.\n"
    )
    print(rendered(rows))


if __name__ == "__main__":
    main()
