"""The requests that follow from what was shown or kept: all that it was goes into each."""

from __future__ import annotations

from djmig_tui.protocol import FORWARDS, MeasurePlan, Plan, PreviewPlan, RehearsePlan, RestoreFile, RunPlan

from .store import TrashEntry


def preview(plan: Plan) -> PreviewPlan:
    """Return the question that the plan answers."""
    return PreviewPlan(plan.database, plan.intent, plan.app, plan.name, plan.keys)


def measure(plan: Plan) -> MeasurePlan:
    """Return the question how many rows there are in it."""
    return MeasurePlan(plan.database, plan.intent, plan.app, plan.name, plan.fingerprint, plan.keys)


def rehearse(plan: Plan, *, consent: bool, on: str | None = None) -> RehearsePlan:
    """Return the request to run it and take it back; `consent` is the own yes to the code in it.

    `on` says where, if that was chosen.
    """
    return RehearsePlan(
        plan.database, plan.intent, plan.app, plan.name, plan.fingerprint, consent, keys=plan.keys, on=on
    )


def run(plan: Plan) -> RunPlan:
    """Return the request to run it, with the losses that were shown."""
    return RunPlan(
        plan.database,
        plan.intent,
        plan.app,
        plan.name,
        plan.fingerprint,
        accepted=plan.loss,
        counted=plan.counted,
        keys=plan.keys,
    )


def put_back(entry: TrashEntry) -> RestoreFile:
    """Return the request to put a removed file back, and max_migration.txt with it."""
    return RestoreFile(
        entry.app,
        entry.name,
        entry.path,
        entry.content,
        entry.mode,
        entry.max_migration,
        entry.max_migration_after,
    )


def action_of(plan: Plan) -> str:
    """Return what running the plan is called in the journal."""
    return "migrate" if plan.intent in FORWARDS else "rollback"
