"""Says in words what a run kept of what it dropped: the same on the screen and on the command line."""

from __future__ import annotations

from datetime import datetime

from textual.content import Content

from djmig_tui.protocol import KeptPart

from .describe import section, stack
from .state_kept import AGE
from .store import KeptEntry
from .text import count, one_line, size_in_words, when

_MUTED = "$foreground 60%"


def amount(entry: KeptEntry) -> str:
    """Return how much it is."""
    return f"{count(entry.rows, 'row or value', 'rows and values')}, {size_in_words(entry.size)}"


def part_in_words(part: KeptPart) -> str:
    """Return a line on one part: whose it is, and how much."""
    where, what = (part.table, "row") if part.column is None else (f"{part.table}.{part.column}", "value")
    return f"{part.step}: {where} ({count(part.rows, what)})"


def doubt(entry: KeptEntry) -> str:
    """Return why it is not certain that all of it was dropped, "" if it is."""
    return (
        ""
        if entry.certain
        else "its run was cut off, and the records do not tell, or were not asked yet, what it dropped"
    )


def put_back_command(entry: KeptEntry) -> str:
    """Return the command that shows how much of it can be put back."""
    return f"djmig-tui kept put-back {entry.id}"


def rows_line(entry: KeptEntry) -> Content:
    """Return what one run kept on one line."""
    return Content.assemble(
        (when(entry.at), "bold"),
        ("  kept rows  ", "$warning"),
        one_line(entry.database),
        (f"  {size_in_words(entry.size)}", "$accent"),
        ("" if entry.certain else "  not certain", "$warning"),
        (f"  {one_line(entry.reason, 80)}", _MUTED),
    )


def describe_rows(entry: KeptEntry) -> Content:
    """Return what one run kept, until when, and how it is put back."""
    goes = when((datetime.fromisoformat(entry.at) + AGE).isoformat())
    facts = [
        f"kept {when(entry.at)}: {entry.reason}",
        f"of {entry.name}{f' on {entry.host}' if entry.host else ''}",
        amount(entry),
        f"deleted after {AGE.days} days: {goes}",
    ]
    unsure = [f"Not certain: {doubt(entry)}."] if doubt(entry) else []
    return stack(
        section("Rows that a run dropped", [Content(one_line(fact, 300)) for fact in facts]),
        section("Beware", map(Content, unsure)),
        section(
            "To put them back, once it is migrated again",
            [Content.assemble(("$ ", "$primary"), put_back_command(entry))],
        ),
        section("Parts", [Content(one_line(part_in_words(part), 300)) for part in entry.parts]),
    )
