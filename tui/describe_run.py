"""Says in words how a run ended: what stands, what went wrong, who was in the way, what comes next."""

from __future__ import annotations

from textual.content import Content

from djmig_tui.protocol import APPLY_THESE, FORWARD, Plan, RunFinished

from .describe import bullets, section, stack
from .describe_sessions import session_lines
from .text import clean, count, one_line, sentence


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
    return stack(
        _headline(plan, finished),
        Content(),
        section("What went wrong", _wrong(finished)),
        section("Who holds the lock", session_lines(finished.blocked_by)),
        section("What stands now", done or nothing),
        section("Next", bullets([*finished.next_steps, *_offers(plan, finished)], "→", "$success")),
    )


def _wrong(finished: RunFinished) -> list[Content]:
    wrong = []
    if finished.error:
        failed = finished.failed_step
        where = f"{failed.app}.{failed.name}: " if failed else ""
        if finished.error.startswith(where):
            where = ""
        wrong.append(Content.assemble(("✖ ", "bold $error"), clean(sentence(where + finished.error))))
        if finished.failed_operation:
            wrong.append(Content(f"  in the operation: {one_line(finished.failed_operation, 300)}"))
    if finished.post_migrate_error:
        wrong.append(
            Content.assemble(
                ("▲ ", "$warning"),
                "The plan ran; a post_migrate handler failed afterwards: ",
                clean(sentence(finished.post_migrate_error)),
            )
        )
    return wrong


def _offers(plan: Plan, finished: RunFinished) -> list[str]:
    """Return what a key does about it."""
    offers = []
    failed = finished.failed_step
    if failed is not None and plan.intent in (FORWARD, APPLY_THESE) and not finished.blocked_by:
        key = one_line(f"{failed.app}.{failed.name}")
        offers.append(f"e on {key} edits it; or d removes it: mend the models, and M makes it anew.")
    elif finished.done and not finished.error and any(step.backwards for step in plan.steps):
        offers.append("M shows what makemigrations would make, and runs it in this terminal.")
    if finished.blocked_by:
        offers.append("r tries again, with the same plan.")
    if (finished.error or finished.stopped) and not finished.taken_back:
        offers.append("V compares the schema with the records, and shows which operations are in.")
    return offers


def _headline(plan: Plan, finished: RunFinished) -> Content:
    took = f" after {finished.seconds:.1f} s"
    end = "everything was taken back" if finished.taken_back else "it stands as listed below"
    if finished.error:
        return Content.styled(f"✖ Failed{took}: {end}.", "bold $error")
    if finished.stopped:
        return Content.styled(f"■ Stopped{took}: {end}.", "bold $warning")
    steps = count(len(finished.done), "step")
    return Content.styled(f"✔ Done: {steps} in {finished.seconds:.1f} s.", "bold $success")
