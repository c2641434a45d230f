"""The prediction, fails or loses these rows, against what really happens to random rollbacks on a copy."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from djmig_tui import protocol as p
from tests.driver import driving
from tests.engine.predicted import DEFAULTS, Case, Field, Maker, Model, value
from tests.projects import SampleProject, make_project
from tests.servers import connect

EXACT, CONSERVATIVE, WRONG = "exact", "conservative", "wrong"


@dataclass
class Outcome:
    """What happened to one case."""

    case: Case
    plan: p.Plan
    failed: bool
    words: str  # what Django printed
    lost: Counter[str]  # kind → rows, found from the database before and after


def play(tmp_path: Path, vendor: str, seed: int, favour: str = "") -> Outcome:
    """Make a project from `seed`, fill it, ask for the prediction, and roll a copy back."""
    chance = random.Random(seed)
    case = Maker(chance, favour).case()
    project = make_project(tmp_path, {"shop": case.files}, vendor, name=f"case{seed}")
    try:
        project.manage("migrate", "shop", "-v", "0")
        fill(project, case, chance)
        with driving(project) as engine:
            plan = engine.plan(p.BACK_TO, "shop", "0001_initial")
            asked = p.MeasurePlan(plan.database, plan.intent, plan.app, plan.name, plan.fingerprint)
            plan = engine.ask(asked)
        before = held(project, case.end)
        done = project.manage("migrate", "shop", "0001_initial", "-v", "0", check=False)
        failed = done.returncode != 0
        lost: Counter[str] = Counter()
        if not failed:
            lost = losses(case, before, held(project, case.start))
        return Outcome(case, plan, failed, done.stderr[-300:], lost)
    finally:
        project.drop()


def fill(project: SampleProject, case: Case, chance: random.Random) -> None:
    """Insert rows into every table of the last state; a row that a constraint refuses is left out."""
    with connect_for_writing(project) as connection:
        for model in case.end.values():
            for number in range(chance.choice([0, 1, 3, 6])):
                insert(project.vendor, connection, model, number + 1, chance)


def connect_for_writing(project: SampleProject) -> Any:
    if project.vendor == "sqlite":
        import sqlite3

        connection = sqlite3.connect(project.databases["default"], isolation_level=None)
        sqlite3.register_adapter(type(value(Field(0, "decimal", 6), random.Random(1))), str)
        return connection
    return connect(project.vendor, project.databases["default"])


def insert(vendor: str, connection: Any, model: Model, number: int, chance: random.Random) -> None:
    columns = ["id", *model.fields]
    values = [number, *(value(made, chance) for made in model.fields.values())]
    quote, mark = ("`", "%s") if vendor == "mysql" else ('"', "?" if vendor == "sqlite" else "%s")
    names = ", ".join(f"{quote}{column}{quote}" for column in columns)
    marks = ", ".join([mark] * len(columns))
    sql = f"INSERT INTO {quote}{model.table}{quote} ({names}) VALUES ({marks})"
    try:
        connection.cursor().execute(sql, values)
    except Exception as error:
        refused = "ntegrity" in type(error).__name__ or "Violation" in type(error).__name__
        if not refused and error.args[0] != 4025:  # MariaDB's number for a check that is not met
            raise


def held(project: SampleProject, models: dict[int, Model]) -> dict[int, dict[Any, dict[int, Any]]]:
    """Return model → id → field → value, by identities that survive renames."""
    found: dict[int, dict[Any, dict[int, Any]]] = {}
    for key, model in models.items():
        quote = "`" if project.vendor == "mysql" else '"'
        names = ", ".join(f"{quote}{name}{quote}" for name in ["id", *model.fields])
        keys = [made.key for made in model.fields.values()]
        rows = project.query(f"SELECT {names} FROM {quote}{model.table}{quote}")
        found[key] = {row[0]: dict(zip(keys, row[1:], strict=True)) for row in rows}
    return found


def losses(case: Case, before: dict[int, Any], after: dict[int, Any]) -> Counter[str]:
    """Return how many rows of tables, and values of columns, are not there any more or are others."""
    lost: Counter[str] = Counter()
    for key, rows in before.items():
        if key not in case.start:
            lost["drop table"] += len(rows)
            continue
        fields = {made.key: made for made in case.end[key].fields.values()}
        kept = {made.key for made in case.start[key].fields.values()}
        for identity, row in rows.items():
            for number, held_ in row.items():
                if number not in kept:
                    lost["drop column"] += gone(fields[number], held_)
                elif not same(held_, after[key][identity][number]):
                    lost["alter column"] += 1
    return lost


def gone(made: Field, held_: Any) -> bool:
    """Return whether a value of a dropped column is more than its default."""
    if held_ is None:
        return False
    if made.default is None:
        return True
    default = {"'x'": "x", "7": 7, "Decimal('1.50')": 1.5, "False": 0}[DEFAULTS[made.kind]]
    return bool((float(held_) if made.kind == "decimal" else held_) != default)


def same(one: Any, other: Any) -> bool:
    if isinstance(one, str) or one is None or other is None:
        return bool(one == other)
    return float(one) == float(other)


def judge(plan: p.Plan, outcome: Outcome) -> str:
    """Return whether `plan` said what happened, more than happened, or less: that would be wrong."""
    if outcome.failed:
        return EXACT if plan.verdict == p.FAILS else CONSERVATIVE if plan.verdict == p.UNKNOWN else WRONG
    if plan.verdict == p.FAILS:
        return WRONG  # it told the user that rows are in the way, and they were not
    told = Counter(dict.fromkeys(("drop table", "drop column", "alter column"), 0))
    for loss in plan.loss:
        told[loss.kind] += loss.rows or 0
    uncounted = any(loss.rows is None or not loss.exact for loss in plan.loss)
    less = any(told[kind] < rows for kind, rows in outcome.lost.items())
    if plan.verdict == p.SAFE:
        return WRONG if +outcome.lost else EXACT
    if less and not uncounted:
        return WRONG if plan.verdict == p.LOSES else CONSERVATIVE
    if plan.verdict == p.UNKNOWN or uncounted or +told != +outcome.lost:
        return CONSERVATIVE
    return EXACT


def edges(outcome: Outcome) -> Counter[str]:
    """Return which rows of the table of sharp edges had rows that made them fail or lose."""
    seen: Counter[str] = Counter()
    for failure in outcome.plan.failures:
        if failure.rows:
            words = failure.message
            seen["5"] += "comes back NOT NULL" in words
            seen["6"] += "NULL where NOT NULL" in words
            seen["7"] += "longer than" in words or "outside of" in words or "or more" in words
            seen["9"] += "unique" in words or "constraint" in words or "check" in words
    for loss in outcome.plan.loss:
        if loss.rows:
            seen["8"] += loss.kind != "alter column"
            seen["6"] += loss.kind == "alter column"
    return seen


def collect(tmp_path: Path, vendor: str, examples: int, favoured: str = "") -> list[Outcome]:
    """Play `examples` random cases; stop at the first wrong one, which is then reported by its seed."""
    outcomes: list[Outcome] = []

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.integers(min_value=0, max_value=10**9))
    def check(seed: int) -> None:
        favour = favoured[seed % len(favoured)] if favoured else ""
        outcome = play(tmp_path / f"{vendor}{len(outcomes)}", vendor, seed, favour)
        outcomes.append(outcome)
        assert judge(outcome.plan, outcome) != WRONG, (
            f"seed {seed}: said {outcome.plan.verdict}: {outcome.plan.why}; "
            f"failed={outcome.failed} {outcome.words} lost={dict(outcome.lost)}"
        )

    check()
    return outcomes


def report(outcomes: list[Outcome], vendor: str, say: Callable[[str], None]) -> None:
    counted = Counter(judge(outcome.plan, outcome) for outcome in outcomes)
    verdicts = Counter(outcome.plan.verdict for outcome in outcomes)
    rows: Counter[str] = Counter()
    for outcome in outcomes:
        rows += edges(outcome)
    say(
        f"{vendor}: {len(outcomes)} rollbacks; {dict(counted)}; verdicts {dict(verdicts)}; edges {dict(rows)}"
    )


@pytest.mark.timeout(900)
@pytest.mark.parametrize("long", [False, pytest.param(True, marks=pytest.mark.long)], ids=["ci", "long"])
def test_what_is_predicted_is_what_happens(
    vendor: str, tmp_path: Path, long: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    numbers = {"sqlite": (30, 200), "postgresql": (20, 200), "mysql": (10, 50)}
    examples = numbers[vendor][long]
    # SQLite keeps what is too long, and few rows are in the way of what a constraint was.
    favoured = {"sqlite": "95698", "postgresql": "9569789", "mysql": "956789"}[vendor]
    outcomes = collect(tmp_path, vendor, examples, favoured if long else "")
    with capsys.disabled():
        report(outcomes, vendor, print)
    unknown = sum(outcome.plan.verdict == p.UNKNOWN for outcome in outcomes)
    if vendor != "mysql":  # there a NOT NULL column is filled with what its type implies
        assert unknown <= 0.1 * len(outcomes)
    total: Counter[str] = Counter()
    for outcome in outcomes:
        total += edges(outcome)
    least = (20 if vendor != "mysql" else 5) if long else 1
    wanted = {"sqlite": "5689", "postgresql": "56789", "mysql": "89" if long else "8"}[vendor]
    assert all(total[edge] >= least for edge in wanted), total
    always_safe = [judge(replace(each.plan, verdict=p.SAFE, loss=()), each) for each in outcomes]
    assert WRONG in always_safe, "a mutant that always says safe must be caught"
