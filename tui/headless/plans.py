"""`djmig-tui plan`, `rollback` and `migrate`: preview an intent and, on a plain yes, run it."""

from __future__ import annotations

from djmig_tui.protocol import (
    BACK_TO,
    BLOCKED,
    FORWARD,
    UNDO,
    ZERO,
    Plan,
    PreviewPlan,
    Project,
    Rehearsal,
    RunFinished,
    to_wire,
)

from .. import asking
from ..kept_rows import RowsKept
from ..options import ZERO as TYPED_ZERO
from ..recording import run_recorded
from ..taking_back import Errand
from ..text import sentence
from .answer import DONE, FAILED, Answer, CommandError, lines
from .backups import back_up_before, without_backup
from .consent import why_not_run
from .kept import afterwards, beforehand, keeping
from .last_run import last_run
from .names import find_app, find_migration
from .plan_text import finished_text, plan_text, rehearsal_error, rehearsal_text
from .session import Session, database_problem


async def show_plan(session: Session) -> Answer:
    """Answer with what going to the target would do, in the direction that Django would choose."""
    await session.project()
    if session.options.last_run:
        request, errand = await last_run(session)
        plan = await _counted_plan(session, request)
        return Answer(_plan_data(plan), lines(*errand.notes) + plan_text(plan))
    plan = await _counted_plan(session, await _intent(session))
    return Answer(_plan_data(plan), plan_text(plan, without_backup(session, plan)))


async def _counted_plan(session: Session, request: PreviewPlan) -> Plan:
    plan = await session.engine.preview_plan(request)
    if not plan.steps:
        return plan
    return await session.engine.measure_plan(asking.measure(plan), session.on_progress)


async def roll_back(session: Session) -> Answer:
    """Roll back to the target, or say why not."""
    project = await session.project()
    if session.options.last_run:
        return await run_intent(session, project, *await last_run(session))
    return await run_intent(session, project, await _intent(session))


async def migrate(session: Session) -> Answer:
    """Migrate to the target, an app's latest, or everything, or say why not."""
    project = await session.project()
    return await run_intent(session, project, await _intent(session))


async def run_intent(
    session: Session, project: Project, request: PreviewPlan, errand: Errand | None = None
) -> Answer:
    """Show the plan of an intent and, where all consents were given, run it. `errand` says what it is for."""
    errand = errand or Errand()
    plan = await _counted_plan(session, request)
    kept = keeping(session, project, plan)
    text = lines(*errand.notes) + plan_text(plan, without_backup(session, plan)) + beforehand(kept)
    rehearsal: Rehearsal | None = None
    if session.options.rehearse and plan.steps and plan.verdict != BLOCKED:
        rehearsal = await _rehearse(session, plan)
        text += "\n" + rehearsal_text(rehearsal)
        if not rehearsal.works:
            error = rehearsal_error(rehearsal)
            data = _run_data(plan, None, error, rehearsal)
            return Answer(data, text, error, detail=rehearsal.detail, code=FAILED)
        if not session.options.yes:
            return Answer(_run_data(plan, None, None, rehearsal), text)
    refusal = why_not_run(session.options, project, plan, rehearsed=rehearsal is not None)
    if refusal:
        return Answer(_run_data(plan, None, refusal, rehearsal), text, refusal, code=FAILED)
    if not plan.steps:
        return Answer(_run_data(plan, None, None), text)
    backup = await back_up_before(session, project, plan)
    finished = await _run_confirmed(session, plan, errand.takes_back, backup.id if backup else "", kept)
    wrong = _what_went_wrong(finished)
    made = lines(f"Made the backup {backup.id}: {backup.path}") if backup else ""
    return Answer(
        {
            **_run_data(plan, finished, wrong, rehearsal),
            "backup": backup.path if backup else None,
            "kept": kept.entry.id if kept and kept.entry else None,
        },
        text + "\n" + made + finished_text(plan, finished) + afterwards(kept),
        wrong,
        detail=finished.detail,
        code=FAILED if wrong else DONE,
    )


async def _rehearse(session: Session, plan: Plan) -> Rehearsal:
    """Rehearse the plan; `--rehearse` is the user's own yes to the code in it, as its help says."""
    asked = asking.rehearse(plan, consent=True, on=session.options.rehearse_on)
    rehearsal = await session.engine.rehearse_plan(asked, session.on_progress)
    await session.renew()
    return rehearsal


async def _run_confirmed(
    session: Session, plan: Plan, takes_back: str, backup: str, kept: RowsKept | None
) -> RunFinished:
    with session.run_under_way():
        return await run_recorded(
            session.engine,
            session.state.log,
            plan,
            session.on_progress,
            takes_back=takes_back,
            backup=backup,
            kept=kept,
        )


async def _intent(session: Session) -> PreviewPlan:
    """Return what is asked for. Raises `CommandError` for a direction that the command does not have."""
    options = session.options
    if options.app is None:
        return PreviewPlan(options.database, FORWARD)
    history = await session.history()
    problem = database_problem(history)
    if problem:
        raise CommandError(problem)
    app = find_app(history, options.app)
    if options.name is None:
        return PreviewPlan(options.database, FORWARD, app.label)
    if options.name == TYPED_ZERO:
        return PreviewPlan(options.database, ZERO, app.label)
    target = find_migration(app, options.name)
    if options.undo:
        intent = UNDO
    elif options.command == "migrate" or (options.command == "plan" and not target.applied):
        intent = FORWARD
    else:
        intent = BACK_TO
    if not target.applied and intent in (UNDO, BACK_TO):
        raise CommandError(
            f"{app.label}.{target.name} is not applied, so there is nothing to roll back to it. "
            f"To apply it: djmig-tui migrate {app.label} {target.name}."
        )
    return PreviewPlan(options.database, intent, app.label, target.name)


def _plan_data(plan: Plan) -> dict[str, object]:
    data: dict[str, object] = to_wire(plan)
    return data


def _run_data(
    plan: Plan, finished: RunFinished | None, error: str | None, rehearsal: Rehearsal | None = None
) -> dict[str, object]:
    data = _plan_data(plan)
    data["done"] = to_wire(finished.done) if finished else []
    rehearsed = rehearsal is not None and rehearsal.cannot is None
    data.update(rehearsed=rehearsed, rehearsal=to_wire(rehearsal), backup=None, error=error)
    if finished:
        data.update(
            stopped=finished.stopped,
            taken_back=finished.taken_back,
            next_steps=to_wire(finished.next_steps),
            seconds=finished.seconds,
            blocked_by=to_wire(finished.blocked_by),
        )
    return data


def _what_went_wrong(finished: RunFinished) -> str | None:
    """Return one sentence on what did not go as planned and what stands, or None."""
    if finished.error or finished.stopped:
        what = sentence(finished.error or "Stopped on request.")
        if not finished.done and finished.failed_step and not finished.taken_back:
            return " ".join([what, *finished.next_steps])  # half a step may stand: the engine knows
        if not finished.done:
            return f"{what} Nothing was changed."
        stands = ", ".join(f"{done.app}.{done.name}" for done in finished.done)
        return f"{what} Done before that, and it stands: {stands}."
    if finished.post_migrate_error:
        return f"The plan ran and stands; a post_migrate handler failed: {finished.post_migrate_error}"
    return None
