"""The plan of a rollback against `manage.py migrate --plan`."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from djmig_tui import protocol as p
from tests.benchmarks.subjects import engine, keys_of, manage, project_of
from tests.benchmarks.table import Row
from tests.benchmarks.timing import Samples, percentile, seconds

WITHIN = 0.05
#: How many rollbacks are planned in one round, and how many of them by Django too.
SAMPLE, COMPARED = 60, 3


def rows(folder: Path, size: int, rounds: Iterator[int]) -> list[Row]:
    """Measure a project of `size` migrations, and say it in rows."""
    project = project_of(folder / f"plans{size}", size)
    ours, theirs, steps = Samples(), Samples(), Samples()
    for number in rounds:
        with engine(project) as asked:
            keys = keys_of(asked.ask("load_history", p.LoadHistory()))
            # Another sample each round: what is planned is never asked twice.
            chosen = random.Random(number).sample(keys, min(SAMPLE, len(keys)))
            for place, (app, name) in enumerate(chosen if number else chosen[:1]):
                took, plan = asked.timed("preview_plan", p.PreviewPlan("default", p.BACK_TO, app, name))
                if number:
                    ours.add(took)
                    steps.add(len(plan.steps))
                if number and place < COMPARED:
                    theirs.add(manage(project, "migrate", app, name, "--plan").seconds)
    p95 = percentile(ours.values, 0.95)
    length = f"median {steps.median:.0f}, most {max(steps.values):.0f} steps"
    return [
        Row(
            what=f"plan of a rollback ({length}), {size:,}",
            to_reach=f"≤ {seconds(WITHIN)}",
            measured=f"p50 {seconds(ours.median)}, p95 {seconds(p95)}, most {seconds(max(ours.values))}",
            django=f"migrate --plan, a process: {theirs.spread(seconds)}",
            ratio=ours.median / theirs.median,
            reached=p95 <= WITHIN,
        )
    ]
