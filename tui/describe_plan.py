"""Says in words what a plan would do, in the order in which a careful reader asks."""

from __future__ import annotations

from collections.abc import Iterable

from textual.content import Content

from djmig_tui.protocol import Plan, RunFinished, Step

from .describe import bullets, heading, loss_lines, section, stack, verdict
from .nodes import MARKS, NOT_APPLIED
from .text import clean, count, one_line, sentence

_MUTED = "$foreground 60%"
_NO_COMMAND = "No manage.py command does exactly this; djmig-tui runs the steps itself."


def describe_plan(plan: Plan) -> Content:
    """Return everything about a plan but its title, its verdict and its SQL."""
    irreversible = [
        f"{step.app}.{step.name}" for step in plan.steps if step.backwards and not step.reversible
    ]
    failures = [
        f"{one.message} ({'rows not counted' if one.rows is None else count(one.rows, 'row')})"
        for one in plan.failures
    ]
    transaction = "One transaction" if plan.one_transaction else "Step by step"
    return stack(
        section("Why", bullets(sentence(reason) for reason in plan.why) if len(plan.why) > 1 else []),
        section("What blocks it", bullets(plan.blockers, "■", "$error")),
        section("Ways out", bullets(plan.ways_out, "→", "$success")),
        section("What will fail", bullets(failures, "✖", "$error")),
        section("Cannot be undone", bullets(irreversible, "⊘", "$error")),
        section("What is lost", loss_lines(plan.loss)),
        section(f"{count(len(plan.steps), 'step')}, in this order", _steps(plan)),
        section(transaction, [Content(one_line(sentence(plan.transaction_why), 500))] if plan.steps else []),
        section("Worth knowing", bullets(plan.notes, "▲", "$warning")),
        heading("The same by hand"),
        [Content.assemble(("$ ", "$primary"), one_line(line, 1000)) for line in plan.commands]
        or [Content.styled(_NO_COMMAND, _MUTED)],
    )


def _steps(plan: Plan) -> Iterable[Content]:
    marks = {(one.app, one.name): (one.before, one.after) for one in plan.marks}
    for number, step in enumerate(plan.steps, 1):
        yield _step(number, step, marks.pop((step.app, step.name), None))
        for operation in step.operations:
            yield Content.styled(f"      {one_line(operation, 300)}", "$foreground 75%")
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


def what_it_takes(plan: Plan) -> list[Content]:
    """Return the lines that the second question shows: what is lost, and what is not known."""
    return loss_lines(plan.loss) or [verdict_line(plan)]


def describe_end(plan: Plan, finished: RunFinished) -> Content:
    """Return how a run ended: what stands, what went wrong, what comes next."""
    done = [
        Content.assemble(
            ("✔ ", "$success"), "undone " if step.backwards else "applied ", one_line(f"{one.app}.{one.name}")
        )
        for one in finished.done
        for step in plan.steps
        if (step.app, step.name) == (one.app, one.name)
    ]
    nothing = [Content("Nothing: the database is as it was.")]
    wrong = []
    if finished.error:
        failed = finished.failed_step
        where = f"{failed.app}.{failed.name}: " if failed else ""
        wrong.append(Content.assemble(("✖ ", "bold $error"), clean(sentence(where + finished.error))))
    if finished.post_migrate_error:
        wrong.append(
            Content.assemble(
                ("▲ ", "$warning"),
                "The plan ran; a post_migrate handler failed afterwards: ",
                clean(sentence(finished.post_migrate_error)),
            )
        )
    return stack(
        _headline(plan, finished),
        Content(),
        section("What went wrong", wrong),
        section("What stands now", done or nothing),
        section("Next", bullets(finished.next_steps, "→", "$success")),
    )


def _headline(plan: Plan, finished: RunFinished) -> Content:
    took = f" after {finished.seconds:.1f} s"
    if finished.error:
        end = "everything was taken back" if finished.taken_back else "it stands as listed below"
        return Content.styled(f"✖ Failed{took}: {end}.", "bold $error")
    if finished.stopped:
        end = "everything was taken back" if finished.taken_back else "it stands as listed below"
        return Content.styled(f"■ Stopped{took}: {end}.", "bold $warning")
    steps = count(len(finished.done), "step")
    return Content.styled(f"✔ Done: {steps} in {finished.seconds:.1f} s.", "bold $success")
