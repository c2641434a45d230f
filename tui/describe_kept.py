"""Says in words what a run kept of what it dropped: the same on the screen and on the command line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from textual.content import Content

from djmig_tui.protocol import KeptDefinition, KeptPart

from .describe import section, stack
from .store import KeptEntry
from .text import clean, count, one_line, size_in_words, when

_MUTED = "$foreground 60%"
_PLURALS = {"index": "indexes"}
_HOW = "Enter counts how much of it can be put back, and asks whether to do it."


def amount(entry: KeptEntry) -> str:
    """Return how much it is."""
    said = []
    if entry.parts:
        said.append(f"{count(entry.rows, 'row or value', 'rows and values')}, {size_in_words(entry.size)}")
    return joined([*said, *kinds(each.kind for each in entry.definitions)])


def kinds(of: Iterable[str]) -> list[str]:
    """Return how many there are of each kind of definition."""
    return [count(number, kind, _PLURALS.get(kind, f"{kind}s")) for kind, number in Counter(of).items()]


def joined(said: Sequence[str]) -> str:
    """Return "one", "one and two", "one, two and three"."""
    return " and ".join([", ".join(said[:-1]), said[-1]]) if len(said) > 1 else "".join(said)


def part_in_words(part: KeptPart) -> str:
    """Return a line on one part: whose it is, and how much."""
    where, what = (part.table, "row") if part.column is None else (f"{part.table}.{part.column}", "value")
    return f"{part.step}: {where} ({count(part.rows, what)})"


def definition_in_words(definition: KeptDefinition) -> str:
    """Return a line on a view, trigger or index: whose step took it along, and what it is on."""
    on = f" on {definition.table}" if definition.table else ""
    return f"{definition.step}: {definition.kind} {definition.name}{on}"


def script(entry: KeptEntry) -> str:
    """Return the statements that make the definitions, as a database's own client takes them."""
    each = [
        "\n".join([f"-- {definition_in_words(one)}", *map(_ended, one.statements)])
        for one in entry.definitions
    ]
    return "\n\n".join(each)


def _ended(statement: str) -> str:
    # A trigger of several statements ends with one, and clients take a semicolon too many.
    whole = statement.rstrip().rstrip(";")
    if ";" in whole and whole.startswith("CREATE DEFINER="):  # the client of MySQL would end it there
        mark = next((each for each in ("//", "$$", "|||") if each not in whole), "||djmig-tui||")
        return f"DELIMITER {mark}\n{whole}{mark}\nDELIMITER ;"
    return f"{whole};"


def doubt(entry: KeptEntry) -> str:
    """Return why it is not certain that all of it was dropped, "" if it is."""
    return (
        ""
        if entry.certain
        else "its run was cut off or failed half-way, and the records do not tell what it dropped"
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


def describe_rows(entry: KeptEntry, age: timedelta, told: Sequence[Content] = ()) -> Content:
    """Return what one run kept, until when by the `age` that is allowed, and how it is put back.

    `told` is what was found out about it last: how much matches, or was put back.
    """
    goes = when((datetime.fromisoformat(entry.at) + age).isoformat())
    facts = [
        f"kept {when(entry.at)}: {entry.reason}",
        f"of {entry.name}{f' on {entry.host}' if entry.host else ''}",
        amount(entry),
        f"deleted after {count(age.days, 'day')}: {goes}",
    ]
    unsure = [f"Not certain: {doubt(entry)}."] if doubt(entry) else []
    return stack(
        told,
        section("What a run dropped", [Content(one_line(fact, 300)) for fact in facts]),
        section("Beware", map(Content, unsure)),
        section("Once it is migrated again", [Content(_HOW)]),
        section("Parts", [Content(one_line(part_in_words(part), 300)) for part in entry.parts]),
        section(
            "Views, triggers and indexes that went along",
            [Content(clean(script(entry)))] if entry.definitions else [],
        ),
    )
