"""Says in words what a plan would do, in the order in which a careful reader asks."""

from __future__ import annotations

from collections.abc import Iterable

from textual.content import Content

from djmig_tui.protocol import FAILS, FORWARDS, Database, Failure, Plan, Sessions, SqlPart, Step

from .describe import (
    COUNTING,
    NOT_COUNTED,
    NOT_IN_TIME,
    bullets,
    heading,
    loss_lines,
    section,
    stack,
    verdict,
)
from .describe_sessions import others_on_it
from .nodes import MARKS, NOT_APPLIED
from .taking_back import beforehand
from .text import count, one_line, sentence

_MUTED = "$foreground 60%"
_NO_COMMAND = "No manage.py command does exactly this; djmig-tui runs the steps itself."


def describe_plan(
    plan: Plan,
    *,
    uncounted: str = NOT_COUNTED,
    others: Sessions | None = None,
    database: Database | None = None,
) -> Content:
    """Return everything about a plan but its title, its verdict and its SQL.

    `uncounted` stands where rows are not known; `others` are the other sessions, once they are known.
    """
    irreversible = [
        f"{step.app}.{step.name}" for step in plan.steps if step.backwards and not step.reversible
    ]
    transaction = "One transaction" if plan.one_transaction else "Step by step"
    return stack(
        *_stakes(plan, uncounted),
        section("Cannot be undone", bullets(irreversible, "⊘", "$error")),
        others_on_it(others),
        section("Instead", _instead(plan, database)),
        section(f"{count(len(plan.steps), 'step')}, in this order", _steps(plan)),
        section(transaction, [Content(one_line(sentence(plan.transaction_why), 500))] if plan.steps else []),
        section("Worth knowing", bullets(plan.notes, "▲", "$warning")),
        section("Afterwards", bullets([afterwards] if (afterwards := beforehand(plan)) else [])),
        section("The same by hand", list(_by_hand(plan))),
    )


def _by_hand(plan: Plan) -> Iterable[Content]:
    if plan.steps and not plan.commands:
        yield Content.styled(_NO_COMMAND, _MUTED)
    for line in plan.commands:
        yield Content.assemble(("$ ", "$primary"), one_line(line, 1000))


def describe_cost(plan: Plan, counting: str) -> Content:
    """Return what a plan destroys and where it fails, for those who only look; `counting` is how far."""
    uncounted = COUNTING if counting else NOT_IN_TIME
    needing = [
        f"{step.app}.{step.name}" for step in plan.steps if (step.app, step.name) != (plan.app, plan.name)
    ]
    return stack(
        heading("If this one is undone"),
        verdict_line(plan),
        [Content.styled(one_line(counting), "$accent")] if counting else [],
        Content(),
        *_stakes(plan, uncounted),
        section("What needs it is undone first", bullets(needing)),
        Content.styled("u shows the whole plan; t there rehearses it.", _MUTED),
    )


def _stakes(plan: Plan, uncounted: str) -> list[list[Content]]:
    """Return the sections that a worried person reads first."""
    certain = [_failure(one, uncounted) for one in plan.failures if one.rows]
    possible = [_failure(one, uncounted) for one in plan.failures if not one.rows]
    why = _told_nowhere_else(plan)
    return [
        section("What blocks it", bullets(plan.blockers, "■", "$error")),
        section("Ways out", bullets(plan.ways_out, "→", "$success")),
        section("What will fail", bullets(certain, "✖", "$error")),
        section("What is lost", loss_lines(plan.loss, uncounted)),
        section("What may fail", bullets(possible, "?", "$warning")),
        section("Why", bullets(map(sentence, why)) if why != plan.why[:1] else []),
        section("Only its source tells what it does", bullets(map(_code, plan.code), "λ")),
        section("Goes along", bullets(map(sentence, plan.objects), "▼", "$warning")),
    ]


def _told_nowhere_else(plan: Plan) -> tuple[str, ...]:
    """Return the reasons that no section of their own tells; the first one is beside the verdict too."""
    told = [*plan.blockers, *(one.message for one in plan.failures)]
    for one in plan.loss:
        told += [f"{one.table}.{one.column} goes" if one.column else f"{one.table} goes"]
    told += [part.operation for part in plan.code]
    return tuple(reason for reason in plan.why if not any(words in reason for words in told))


def _failure(failure: Failure, uncounted: str) -> str:
    rows = uncounted if failure.rows is None else count(failure.rows, "row")
    return f"{failure.message} ({rows})"


def _code(part: SqlPart) -> str:
    where = f"  {part.file}" + (f":{part.line}" if part.line else "") if part.file else ""
    return part.operation + where


def _instead(plan: Plan, database: Database | None) -> list[Content]:
    """Return the offer of a forward fix: only where others may be using the database."""
    if database is None or database.local or plan.app is None or plan.intent in FORWARDS:
        return []
    return bullets(
        ["f writes a forward fix: a new migration on top; nothing is rolled back."], "→", "$success"
    )


def _steps(plan: Plan) -> Iterable[Content]:
    marks = {(one.app, one.name): (one.before, one.after) for one in plan.marks}
    for number, step in enumerate(plan.steps, 1):
        yield _step(number, step, marks.pop((step.app, step.name), None))
        for operation in step.operations:
            yield Content.styled(f"      {one_line(operation, 300)}", "$foreground 75%")
        for words, told in (("locks: ", step.lock), ("writes anew: ", ", ".join(step.rewrites))):
            if told:
                yield Content.assemble("      ", (words, "$warning"), one_line(told, 300))
        if step.because:
            yield Content.assemble("      ", ("because ", "$accent"), one_line(sentence(step.because), 300))
    for (app, name), (before, after) in marks.items():
        yield Content.assemble("    ", _mark(before), " → ", _mark(after), f" {one_line(f'{app}.{name}')}")


def _step(number: int, step: Step, marks: tuple[str, str] | None) -> Content:
    before, after = marks or (("applied", "unapplied") if step.backwards else ("unapplied", "applied"))
    flags = (
        ("  ⊘\u00a0irreversible", "bold $error", step.backwards and not step.reversible),
        ("  λ\u00a0runs\u00a0Python", "$accent", step.runs_python),
        ("  not atomic", "$warning", not step.atomic),
        ("  other people's app", "$warning", step.third_party),
    )
    return Content.assemble(
        (f"{number:>3}. ", _MUTED),
        ("undo " if step.backwards else "apply ", "bold"),
        one_line(f"{step.app}."),
        (one_line(step.name), "bold"),
        "  ",
        _mark(before),
        (" → ", _MUTED),
        _mark(after),
        *((text, style) for text, style, carried in flags if carried),
    )


def _mark(name: str) -> Content:
    glyph = MARKS.get(name, NOT_APPLIED)
    return Content.styled(glyph, "$success" if name == "applied" else "$foreground 75%")


def verdict_line(plan: Plan) -> Content:
    """Return the verdict with the worst reason."""
    reason = plan.blockers[0] if plan.blockers else plan.why[0] if plan.why else ""
    return Content.assemble(verdict(plan.verdict), "  ", one_line(sentence(reason), 400))


def what_it_takes(plan: Plan, reasons: Iterable[str] = ()) -> list[Content]:
    """Return the lines that the second question shows: what fails, what is lost, why the name is typed."""
    failing = bullets((_failure(one, NOT_COUNTED) for one in plan.failures if one.rows), "✖", "$error")
    if plan.verdict == FAILS:
        failing += [Content("It is one transaction: when it fails, the database takes all of it back.")]
    stakes = failing + loss_lines(plan.loss)
    return [*(stakes or [verdict_line(plan)]), *bullets(reasons, "▲", "$warning")]
