"""From the start to the tree: at the first use, with the tree of last time, and the engine's part of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from djmig_tui import protocol as p
from tests.benchmarks.subjects import engine, manage, project_of
from tests.benchmarks.table import Row
from tests.benchmarks.terminal import Installed
from tests.benchmarks.timing import Samples, seconds
from tests.projects import SampleProject

#: Size → how many times as long as showmigrations, and how many seconds more, is promised.
PROMISES = {20: (1.0, 0.1), 600: (1.0, 0.0), 5000: (0.5, 0.0)}
REMEMBERED_WITHIN = 0.25

STALE = "as of last time"


def marked(lines: list[str]) -> bool:
    """Whether any marks of migrations are on screen."""
    return any("[X]" in line for line in lines)


def live(lines: list[str]) -> bool:
    """Whether the marks on screen are those that the engine gave."""
    return marked(lines) and not any(STALE in line for line in lines)


def settled(lines: list[str]) -> bool:
    """Whether the whole history is there: the status line names the settings again."""
    return live(lines) and "config.settings" in lines[0]


def rows(folder: Path, size: int, rounds: Iterator[int]) -> list[Row]:
    """Measure a project of `size` migrations, and say it in rows."""
    project = project_of(folder / f"start{size}", size)
    installed = Installed(folder / f"start{size}" / "installed")
    taken: dict[str, Samples] = defaultdict(Samples)
    for number in rounds:
        found = _one_round(project, installed)
        if number:  # the first one warms everything
            for name, value in found.items():
                taken[name].add(value)
    return _rows(size, taken)


def _one_round(project: SampleProject, installed: Installed) -> dict[str, float]:
    found = {}
    installed.forget()
    with installed.open(project) as terminal:
        found["empty"] = terminal.wait_for(live, "the live tree")
        terminal.wait_for(settled, "the whole history")
        terminal.wait_until(installed.remembers, "the tree to be kept")
        terminal.quit()
    found["django"] = manage(project, "showmigrations").seconds
    with installed.open(project) as terminal:
        found["remembered"] = terminal.wait_for(marked, "the tree of last time")
        # Where the engine is faster than we are, the first tree is the live one.
        found["known"] = (
            found["remembered"] if live(terminal.lines) else terminal.wait_for(live, "the live tree")
        )
        terminal.quit()
    with engine(project) as ours:
        ours.ask("scan_history", p.ScanHistory())
        found["scan"] = ours.alive_for
        ours.ask("load_history", p.LoadHistory())
        found["load"] = ours.alive_for
    return found


def _rows(size: int, taken: dict[str, Samples]) -> list[Row]:
    django = taken["django"].median
    factor, more = PROMISES.get(size, (1.0, 0.0))
    promise = f"≤ showmigrations + {seconds(more)}" if more else f"≤ {factor:g} x showmigrations"

    def row(what: str, name: str, to_reach: str = "", limit: float | None = None) -> Row:
        mine = taken[name].median
        return Row(
            what=f"{what}, {size:,}",
            to_reach=to_reach,
            measured=taken[name].spread(seconds),
            django=f"showmigrations {taken['django'].spread(seconds)}",
            ratio=mine / django,
            reached=None if limit is None else mine <= limit,
        )

    limit = factor * django + more
    return [
        row("start → live tree, first use", "empty", promise, limit),
        row("start → live tree, known before", "known", promise, limit),
        row(
            "start → a tree, last-known or live",
            "remembered",
            f"≤ {seconds(REMEMBERED_WITHIN)}",
            REMEMBERED_WITHIN,
        ),
        row("engine alone: spawn → first history", "scan"),
        row("engine alone: spawn → whole history", "load"),
    ]
