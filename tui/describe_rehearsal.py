"""Says in words what a rehearsal found, and that nothing was changed by it."""

from __future__ import annotations

from textual.content import Content

from djmig_tui.protocol import Plan, Rehearsal

from .describe import bullets, section, stack
from .describe_sessions import session_lines
from .text import clean, count, one_line, sentence

NOTHING_RUN = "Nothing was run, and nothing was changed."


def describe_rehearsal(plan: Plan, rehearsal: Rehearsal) -> Content:
    """Return the answer first, then what the database says, then what is left of it: nothing."""
    says = [Content(clean(sentence(rehearsal.error)))] if rehearsal.error else []
    return stack(
        _headline(plan, rehearsal),
        Content(),
        section("The database says", says),
        section("Who holds the lock", session_lines(rehearsal.blocked_by)),
        section("What is left of it", [Content(_left(rehearsal))]),
        section("Why there", [Content(one_line(rehearsal.why_there, 600))] if rehearsal.why_there else []),
        section("To know", bullets(rehearsal.notes, "▲", "$warning")),
        section(
            "Not rehearsed: a run calls it after its commit", bullets(rehearsal.left_out, "▲", "$warning")
        ),
        section("Next", [Content.assemble(("→ ", "$success"), _next(rehearsal))]),
    )


def _headline(plan: Plan, rehearsal: Rehearsal) -> Content:
    if rehearsal.works:
        steps = count(len(plan.steps), "step")
        return Content.styled(f"✔ It works: {steps} in {rehearsal.seconds:.1f} s.", "bold $success")
    if rehearsal.cannot:
        return Content.styled(f"■ {one_line(sentence(rehearsal.cannot), 600)}", "bold $warning")
    return Content.styled(f"✖ It fails{_place(plan, rehearsal)}.", "bold $error")


def _place(plan: Plan, rehearsal: Rehearsal) -> str:
    failed = rehearsal.failed_step
    if failed is None:
        return " before its first step"
    keys = [(step.app, step.name) for step in plan.steps]
    key = (failed.app, failed.name)
    place = f" at step {keys.index(key) + 1} of {len(keys)}," if key in keys else " at"
    operation = rehearsal.failed_operation
    what = f", in the operation: {one_line(operation, 300)}" if operation else ""
    return f"{place} {one_line(f'{failed.app}.{failed.name}')}{what}"


def _left(rehearsal: Rehearsal) -> str:
    if not rehearsal.where:
        return NOTHING_RUN
    return f"Nothing was changed: it ran {one_line(rehearsal.where)}."


def _next(rehearsal: Rehearsal) -> str:
    if rehearsal.works:
        return "Esc leads back to the plan; R there runs it for real."
    if rehearsal.copy_instead:
        return "o rehearses it on a copy of the database, for which nobody waits; Esc leads back to the plan."
    if rehearsal.cannot:
        return "Esc leads back to the plan, which says what is known without a rehearsal."
    return "Esc leads back to the plan. Mend the cause first: a real run would fail in the same place."
