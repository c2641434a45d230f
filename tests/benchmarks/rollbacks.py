"""A rollback of many steps against `manage.py migrate`: time and peak memory."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from djmig_tui import protocol as p
from tests.benchmarks.subjects import Ours, engine, keys_of, manage
from tests.benchmarks.table import Row
from tests.benchmarks.timing import Samples, megabytes, seconds, seconds_of
from tests.lockstep import django
from tests.projects import SampleProject, generate

TIME_AT_MOST = 1.0
MEMORY_AT_MOST = 0.5
#: From this many steps on the promise about memory holds.
LONG = 300
#: How many migrations stay applied.
KEPT = 10


def rows(folder: Path, steps: int, rounds: Iterator[int]) -> list[Row]:
    """Measure a rollback of so many `steps`, and say it in rows."""
    project = _migrated(folder / f"rollback{steps}", steps)
    backup = folder / f"rollback{steps}" / "before.sqlite3"
    shutil.copyfile(project.databases["default"], backup)
    plan = _plan_of(project)
    taken: dict[str, Samples] = defaultdict(Samples)
    for number in rounds:
        for name, value in _one_round(project, backup, plan).items():
            if number:  # the first one warms everything
                taken[name].add(value)
    return _rows(len(plan.steps), taken)


def _migrated(folder: Path, steps: int) -> SampleProject:
    """Write one app with a few migrations more than are undone, and apply all of them."""
    folder.mkdir()
    project = generate(folder, apps=1, per_app=steps + KEPT)
    del project.env["PYTHONDONTWRITEBYTECODE"]
    project.migrate_all()
    return project


def _plan_of(project: SampleProject) -> p.Plan:
    """Return the rollback to the last migration that is kept."""
    with engine(project) as ours:
        app, name = keys_of(ours.ask("load_history", p.LoadHistory()))[KEPT - 1]
        plan: p.Plan = ours.ask("preview_plan", p.PreviewPlan("default", p.BACK_TO, app, name))
    return plan


def _one_round(project: SampleProject, backup: Path, plan: p.Plan) -> dict[str, float]:
    found = {}
    target = (str(plan.app), str(plan.name))
    shutil.copyfile(backup, project.databases["default"])
    with engine(project) as ours:
        found["ours"] = _run(ours, plan)
        found["ours_peak"] = ours.peak()
    left = project.records()
    shutil.copyfile(backup, project.databases["default"])
    process = manage(project, "migrate", *target)
    assert project.records() == left, "the two did not do the same"
    found["process"], found["process_peak"] = process.seconds, process.peak
    shutil.copyfile(backup, project.databases["default"])
    with django(project) as theirs:
        theirs.call("showmigrations", target[0])
        found["call"] = seconds_of(lambda: theirs.call("migrate", *target, verbosity=0))
    assert project.records() == left, "the two did not do the same"
    return found


def _run(ours: Ours, plan: p.Plan) -> float:
    ours.ask("load_history", p.LoadHistory())
    shown: p.Plan = ours.ask("preview_plan", p.PreviewPlan("default", plan.intent, plan.app, plan.name))
    request = p.RunPlan("default", shown.intent, shown.app, shown.name, shown.fingerprint)
    took, finished = ours.timed("run_plan", request)
    assert len(finished.done) == len(plan.steps), finished.error
    return took


def _rows(steps: int, taken: dict[str, Samples]) -> list[Row]:
    def row(what: str, name: str, theirs: str, called: str, limit: float | None, memory: bool = False) -> Row:
        form = megabytes if memory else seconds
        ratio = taken[name].median / taken[theirs].median
        return Row(
            what=f"rollback of {steps} steps: {what}",
            to_reach="" if limit is None else f"≤ {limit} x Django's",
            measured=taken[name].spread(form),
            django=f"{called} {taken[theirs].spread(form)}",
            ratio=ratio,
            reached=None if limit is None else ratio <= limit,
        )

    limit = MEMORY_AT_MOST if steps >= LONG else None
    return [
        row("time", "ours", "process", "manage.py migrate", TIME_AT_MOST),
        row("time in process", "ours", "call", 'call_command("migrate")', TIME_AT_MOST),
        row("peak memory", "ours_peak", "process_peak", "manage.py migrate", limit, memory=True),
    ]
