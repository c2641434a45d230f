"""The cursor in the real interface: how long until the reverse SQL stands beside it; and the memory of it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.benchmarks.start import settled
from tests.benchmarks.subjects import project_of
from tests.benchmarks.table import Row
from tests.benchmarks.terminal import LINES, Installed, Terminal
from tests.benchmarks.timing import Samples, megabytes, percentile, seconds, seconds_of
from tests.lockstep import Django, django

P95_WITHIN = 0.05
MEMORY_AT_MOST = 80_000_000

HALF_PAGE_DOWN = "\x04"
#: How many times the cursor is moved in one round.
MOVES = 40
#: In every how many moves Django is asked for the same SQL; it takes long.
COMPARED = 4


def heading(lines: list[str]) -> str:
    """Return the first line of the right pane: app and name of what the cursor is on."""
    return lines[2].rpartition("││")[2].strip("│ ")


def body(lines: list[str]) -> str:
    """Return what stands below the tabs of the right pane."""
    return "\n".join(line.rpartition("││")[2] for line in lines[5 : LINES - 2])


class Cursor:
    """Moves through the tree and waits for SQL."""

    def __init__(self, terminal: Terminal, last: str) -> None:
        self._terminal = terminal
        self._last = last
        self.at = ""

    def move(self, key: str) -> float | None:
        """Return how long the SQL took; None on an app, which has none. The last line leads to the first."""
        self._terminal.rest()
        before = heading(self._terminal.lines)
        self._terminal.press("g" if before == self._last else key)

        def drawn(lines: list[str]) -> bool:
            self.at = heading(lines)
            return self.at != before and ("." not in self.at or "--" in body(lines))

        took = self._terminal.wait_for(drawn, f"the SQL after {before}")
        return took if "." in self.at else None


def rows(folder: Path, size: int, rounds: Iterator[int]) -> list[Row]:
    """Measure a project of `size` migrations, and say it in rows."""
    project = project_of(folder / f"interface{size}", size)
    installed = Installed(folder / f"interface{size}" / "installed")
    last = max(path for path in project.folder.glob("app*/migrations/0*.py"))
    far, near, theirs, memory = Samples(), Samples(), Samples(), Samples()
    for number in rounds:
        with installed.open(project) as terminal, django(project) as commands:
            terminal.wait_for(settled, "the whole history")
            if number:
                _walk(Cursor(terminal, f"{last.parts[-3]}.{last.stem}"), commands, (far, near, theirs))
                terminal.rest()
                memory.add(terminal.memory())
            terminal.quit()
    return _rows(size, far, near, theirs, memory)


def _walk(cursor: Cursor, commands: Django, into: tuple[Samples, Samples, Samples]) -> None:
    far, near, theirs = into
    for number in range(MOVES):
        took = cursor.move(HALF_PAGE_DOWN)
        if took is None:
            continue
        far.add(took)
        if number % COMPARED == 0:
            app, _, name = cursor.at.partition(".")
            theirs.add(seconds_of(partial(commands.call, "sqlmigrate", app, name, backwards=True)))
        took = cursor.move("k" if number % 2 else "j")
        if took is not None:
            near.add(took)


def _rows(size: int, far: Samples, near: Samples, theirs: Samples, memory: Samples) -> list[Row]:
    def row(what: str, taken: Samples) -> Row:
        p95 = percentile(taken.values, 0.95)
        return Row(
            what=f"{what}, {size:,}",
            to_reach=f"p95 ≤ {seconds(P95_WITHIN)} at 1,000",
            measured=f"p50 {seconds(taken.median)}, p95 {seconds(p95)}, most {seconds(max(taken.values))}",
            django=f"sqlmigrate in process p50 {seconds(theirs.median)}, "
            f"p95 {seconds(percentile(theirs.values, 0.95))}",
            ratio=p95 / percentile(theirs.values, 0.95),
            reached=p95 <= P95_WITHIN if size == 1000 else None,
        )

    return [
        row("cursor half a page on → reverse SQL drawn", far),
        row("cursor to the next line → reverse SQL drawn", near),
        Row(
            what=f"interface memory after {len(far.values) + len(near.values)} moves, {size:,}",
            to_reach=f"≤ {megabytes(MEMORY_AT_MOST)} at 5,000",
            measured=memory.spread(megabytes),
            reached=memory.median <= MEMORY_AT_MOST if size == 5000 else None,
        ),
    ]
