"""Says in words where schema and records disagree, and how to finish or undo what is half done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from textual.content import Content

from djmig_tui.protocol import Difference, HalfDone, Verification

from .describe import bullets, heading, section, stack
from .text import clean, count, one_line, sentence

_MUTED = "$foreground 60%"
#: Whether an operation is in the schema (None: it leaves no trace) → its mark and colour.
_PLACES = {True: ("[x]", "$success"), False: ("[ ]", "$warning"), None: ("[?]", "$accent")}


def describe_verification(verification: Verification) -> Content:
    """Return the answer first, then what is half done, then every difference by app and table."""
    return stack(
        _headline(verification),
        Content(),
        *(_half_done(one) for one in verification.half_done),
        *_differences(verification.differences),
        section("Not told for sure", bullets(map(sentence, verification.not_checked), "?", "$accent")),
        Content.styled("Nothing was changed: the schema was only read.", _MUTED),
    )


def remedies(verification: Verification) -> str:
    """Return how to finish and how to undo what is half done, as one text to copy."""
    parts = []
    for one in verification.half_done:
        for words, text in (("finish", one.finish), ("undo", one.undo)):
            if text:
                parts.append(f"-- To {words} {one.app}.{one.name}:\n{text.strip()}\n")
    return "\n".join(parts)


def headline(found: Verification) -> str:
    """Return the answer in one sentence."""
    looked = f"{count(found.checked, 'table')} looked at"
    if not found.differences and not found.half_done:
        unsure = ", but not everything could be told" if found.not_checked else ""
        return f"{looked}, all agree{unsure}."
    wrong = []
    if found.half_done:
        wrong.append(count(len(found.half_done), "half-done migration"))
    if found.differences:
        wrong.append(count(len(found.differences), "difference"))
    return f"{looked}: {' and '.join(wrong)}."


def _headline(found: Verification) -> Content:
    agree = not found.differences and not found.half_done
    sign, style = ("✔", "bold $success") if agree else ("✖", "bold $error")
    return Content.styled(f"{sign} {headline(found)}", style)


def _half_done(one: HalfDone) -> Iterator[Content]:
    yield heading(f"Half done: {one_line(f'{one.app}.{one.name}')}")
    yield Content(one_line(sentence(one.message), 600))
    for place in one.operations:
        mark, style = _PLACES[place.done]
        note = f"  {one_line(place.note, 300)}" if place.note else ""
        yield Content.assemble((f"  {mark} ", style), one_line(place.description, 300), (note, _MUTED))
    for words, text in (("To finish it:", one.finish), ("To undo it:", one.undo)):
        if text:
            yield Content.styled(words, "bold")
            yield from (Content.styled(f"  {line}", _MUTED) for line in clean(text.strip()).splitlines())
    yield Content()


def _differences(differences: Iterable[Difference]) -> Iterator[list[Content]]:
    in_order = sorted(differences, key=lambda one: (one.app, one.table))
    for (app, table), found in groupby(in_order, key=lambda one: (one.app, one.table)):
        lines = [line for one in found for line in _difference(one)]
        yield section(f"{one_line(app)}: table {one_line(table)}", lines)


def _difference(one: Difference) -> Iterator[Content]:
    words = sentence(one.message) if one.message else f"{one.kind} {one.name}".strip() + "."
    yield Content.assemble(("≠ ", "bold $warning"), one_line(words, 500))
    if one.expected or one.found:
        yield Content.assemble(
            ("    expected ", _MUTED), one_line(one.expected or "nothing", 200),
            (", found ", _MUTED), one_line(one.found or "nothing", 200),
        )  # fmt: skip
