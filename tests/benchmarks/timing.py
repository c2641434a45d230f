"""Figures of several rounds: medians with their spread, and how quiet the machine was meanwhile."""

from __future__ import annotations

import hashlib
import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass
class Samples:
    """What was measured round after round."""

    values: list[float] = field(default_factory=list)

    def add(self, value: float) -> None:
        """Keep one more figure."""
        self.values.append(value)

    @property
    def median(self) -> float:
        """The figure in the middle; not a number if there is none."""
        return statistics.median(self.values) if self.values else math.nan

    def spread(self, form: Callable[[float], str]) -> str:
        """Return the median, and least and most in brackets where there are several."""
        if len(self.values) < 2:
            return form(self.median)
        return f"{form(self.median)} ({form(min(self.values))}-{form(max(self.values))})"


def percentile(values: Sequence[float], share: float) -> float:
    """Return the figure that `share` of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def seconds_of(work: Callable[[], object]) -> float:
    """Return how long `work` takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def wait_for_quiet(patience: float) -> None:
    """Wait until at most a tenth of the machine is at work, for up to `patience` seconds; Linux only."""
    deadline = time.monotonic() + patience
    try:
        while time.monotonic() < deadline:
            idle, total = _idle_and_total()
            time.sleep(0.5)
            idle_after, total_after = _idle_and_total()
            if idle_after - idle >= 0.9 * (total_after - total):
                return
    except OSError:
        return


def _idle_and_total() -> tuple[int, int]:
    with open("/proc/stat") as file:
        spent = [int(word) for word in file.readline().split()[1:]]
    return spent[3] + spent[4], sum(spent[:8])


def fixed_work() -> None:
    """Do what takes a few hundredths of a second on any machine, and always the same."""
    digest = hashlib.sha256()
    for number in range(60_000):
        digest.update(b"%d" % number)


def seconds(value: float) -> str:
    """Return a duration as it stands in the table."""
    if value < 0.01:
        return f"{value * 1000:.1f} ms"
    return f"{value * 1000:.0f} ms" if value < 2 else f"{value:.1f} s"


def megabytes(value: float) -> str:
    """Return an amount of memory, in bytes, as it stands in the table."""
    return f"{value / 1_000_000:.0f} MB"
