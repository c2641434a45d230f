"""The engine's SQL against sqlmigrate in process: migration by migration, and a whole project in one pass."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from djmig_tui import protocol as p
from tests.benchmarks.subjects import engine, keys_of, project_of
from tests.benchmarks.table import Row
from tests.benchmarks.timing import Samples, percentile, seconds, seconds_of
from tests.lockstep import django
from tests.projects import SampleProject

P95_WITHIN = 0.05
WORST_AT_MOST = 1.1
ONE_PASS_AT_MOST = 0.1

Key = tuple[str, str]


class Pass:
    """What it took to render migrations, round after round."""

    def __init__(self) -> None:
        self.ours: dict[Key, Samples] = defaultdict(Samples)
        self.django: dict[Key, Samples] = defaultdict(Samples)
        #: From an engine that has loaded nothing to the last answer, and the same of Django's process.
        self.ours_whole, self.django_whole = Samples(), Samples()


def rows(folder: Path, size: int, rounds: Iterator[int], sample: int | None) -> list[Row]:
    """Measure every migration of a project of `size`, or a `sample` of them, and say it in rows."""
    project = project_of(folder / f"sql{size}_{sample}", size)
    taken = Pass()
    for number in rounds:
        kept = taken if number else Pass()  # the first one warms everything
        _one_round(project, sample if number or sample else min(size, 20), kept)
    found = _each(size, taken, sample)
    return found if sample else [*found, _whole(size, taken)]


def _one_round(project: SampleProject, sample: int | None, taken: Pass) -> None:
    with engine(project) as ours, django(project) as theirs:
        loading, history = ours.timed("load_history", p.LoadHistory())
        keys = keys_of(history)
        if sample:
            keys = random.Random(1).sample(keys, min(sample, len(keys)))
        theirs.call("showmigrations", keys[0][0])  # what is imported once is not the first one's to pay
        whole_ours, whole_django = loading, 0.0
        for app, name in keys:
            took, _ = ours.timed("render_sql", p.RenderSql("default", app, name))
            taken.ours[app, name].add(took)
            whole_ours += took
            took = seconds_of(lambda app=app, name=name: theirs.call("sqlmigrate", app, name, backwards=True))  # type: ignore[misc]
            taken.django[app, name].add(took)
            whole_django += took
        taken.ours_whole.add(whole_ours)
        taken.django_whole.add(whole_django)


def _each(size: int, taken: Pass, sample: int | None) -> list[Row]:
    ours = {key: samples.median for key, samples in taken.ours.items()}
    django = {key: samples.median for key, samples in taken.django.items()}
    which = f"{size:,}" + (f", {len(ours)} of them" if sample else "")
    p95 = percentile(list(ours.values()), 0.95)
    worst = max(ours, key=lambda key: ours[key])
    return [
        Row(
            what=f"engine: reverse SQL of one, {which}",
            to_reach=f"p95 ≤ {seconds(P95_WITHIN)} at 1,000",
            measured=_quantiles(list(ours.values())),
            django=f"sqlmigrate {_quantiles(list(django.values()))}",
            ratio=p95 / percentile(list(django.values()), 0.95),
            reached=p95 <= P95_WITHIN if size == 1000 else None,
        ),
        Row(
            what=f"engine: reverse SQL of our worst, {which}",
            to_reach=f"≤ {WORST_AT_MOST} x sqlmigrate",
            measured=taken.ours[worst].spread(seconds),
            django=f"sqlmigrate {taken.django[worst].spread(seconds)}",
            ratio=ours[worst] / django[worst],
            reached=ours[worst] <= WORST_AT_MOST * django[worst],
        ),
    ]


def _whole(size: int, taken: Pass) -> Row:
    ratio = taken.ours_whole.median / taken.django_whole.median
    return Row(
        what=f"engine: load, then every reverse SQL, {size:,}",
        to_reach=f"≤ {ONE_PASS_AT_MOST} x sqlmigrate each",
        measured=taken.ours_whole.spread(seconds),
        django=f"sqlmigrate each {taken.django_whole.spread(seconds)}",
        ratio=ratio,
        reached=ratio <= ONE_PASS_AT_MOST,
    )


def _quantiles(values: list[float]) -> str:
    return f"p50 {seconds(percentile(values, 0.5))}, p95 {seconds(percentile(values, 0.95))}"
