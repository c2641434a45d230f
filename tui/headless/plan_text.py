"""A plan, and how its run ended, in words for people."""

from __future__ import annotations

from collections.abc import Iterator

from djmig_tui.protocol import RESTORE, Failure, Loss, Plan, Rehearsal, RunFinished, Step

from ..taking_back import beforehand
from .answer import lines


def plan_text(plan: Plan, warning: str | None = None) -> str:
    """Return all that a plan says, the title first and the exact commands last.

    `warning` is a sentence that belongs to its verdict.
    """
    if not plan.steps and not plan.blockers and plan.intent != RESTORE:
        return lines(plan.title, "Nothing to do.", *plan.notes)
    return "".join(_plan_lines(plan, warning))


def finished_text(plan: Plan, finished: RunFinished) -> str:
    """Return what stands and what to do next."""
    backwards = {(step.app, step.name): step.backwards for step in plan.steps}
    done = [
        f"{'Undone' if backwards.get((step.app, step.name)) else 'Applied'} {step.app}.{step.name}"
        for step in finished.done
    ]
    if finished.taken_back:
        done = []
    return lines(*done, None if finished.error else f"{finished.seconds:.2f} s", *finished.next_steps)


def _plan_lines(plan: Plan, warning: str | None) -> Iterator[str]:
    yield lines(plan.title, f"Database: {plan.database}", f"Verdict: {plan.verdict}")
    yield _section("", [*plan.why, *([warning] if warning else [])])
    if plan.steps:
        yield "\nSteps, in this order:\n"
        for number, step in enumerate(plan.steps, 1):
            yield _step(number, step)
    yield _section("Blocked", plan.blockers)
    yield _section("Ways out", plan.ways_out)
    yield _section("Lost", [_loss(loss) for loss in plan.loss])
    yield _section("Will fail", [_failure(each) for each in plan.failures])
    yield _section("Goes along", plan.objects)
    yield _section("Notes", [note for note in (plan.transaction_why, *plan.notes) if note])
    yield _section(
        "Afterwards", [afterwards] if (afterwards := beforehand(plan, "djmig-tui take-back")) else []
    )
    yield _section("The same with Django", plan.commands)
    yield f"\nFingerprint: {plan.fingerprint}\n"


def _section(heading: str, items: list[str] | tuple[str, ...]) -> str:
    if not items:
        return ""
    return (f"\n{heading}:\n" if heading else "") + "".join(f"  {item}\n" for item in items)


def _step(number: int, step: Step) -> str:
    verb = "undo" if step.backwards else "apply"
    notes = "" if step.reversible or not step.backwards else " (irreversible)"
    text = f"  {number}. {verb} {step.app}.{step.name}{notes}\n"
    text += "".join(f"       {operation}\n" for operation in step.operations)
    text += f"       because {step.because}\n" if step.because else ""
    text += f"       lock: {step.lock}\n" if step.lock else ""
    return text + (f"       writes anew: {', '.join(step.rewrites)}\n" if step.rewrites else "")


def _loss(loss: Loss) -> str:
    what = f"column {loss.table}.{loss.column}" if loss.column else f"table {loss.table}"
    return f"{what} ({_rows(loss.rows)}{'' if loss.exact or loss.rows is None else ' as of now'})"


def _failure(failure: Failure) -> str:
    return f"{failure.message} ({_rows(failure.rows)})"


def _rows(rows: int | None) -> str:
    if rows is None:
        return "not counted"
    return f"{rows} row{'' if rows == 1 else 's'}"


def rehearsal_text(rehearsal: Rehearsal) -> str:
    """Return how a rehearsal went, with what changed in the schema."""
    if not rehearsal.works:
        return lines("Rehearsal: it does not work.", "Nothing was changed.", *_place(rehearsal))
    text = lines(
        f"Rehearsal: it works, {rehearsal.where}, in {rehearsal.seconds:.2f} s. Nothing was changed.",
        *_place(rehearsal),
    )
    text += lines(
        *(f"Not rehearsed: {each}; a run calls it after its commit." for each in rehearsal.left_out)
    )
    return text + (rehearsal.schema_diff.rstrip("\n") + "\n" if rehearsal.schema_diff else "")


def _place(rehearsal: Rehearsal) -> list[str]:
    return [each for each in (rehearsal.why_there, *rehearsal.notes) if each]


def rehearsal_error(rehearsal: Rehearsal) -> str:
    """Return why a rehearsal did not work, as one sentence, with the way out if there is one."""
    if rehearsal.cannot:
        way_out = " On a copy it can be: --rehearse-on copy." if rehearsal.copy_instead else ""
        return rehearsal.cannot + way_out
    step, operation = rehearsal.failed_step, rehearsal.failed_operation
    where = f" at {step.app}.{step.name}" if step else ""
    return f"The rehearsal failed{where}{f', {operation}' if operation else ''}: {rehearsal.error}"
