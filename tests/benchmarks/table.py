"""One row for each promise, and the table that is printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A line of the table: `ratio` is ours divided by Django's, `reached` None where nothing was promised."""

    what: str
    to_reach: str
    measured: str
    django: str = ""
    ratio: float | None = None
    reached: bool | None = None

    def cells(self) -> tuple[str, ...]:
        """Return the columns as they are printed."""
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        reached = {True: "yes", False: "NO", None: ""}[self.reached]
        return (self.what, self.to_reach, self.measured, self.django, ratio, reached)


HEADINGS = ("what", "to reach", "measured", "Django's own", "ratio", "reached")


def rendered(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table that is also readable as it is."""
    lines = [HEADINGS, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    rule = tuple("-" * width for width in widths)
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in (lines[0], rule, *lines[1:])
    )
