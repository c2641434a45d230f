"""`python -m tests.benchmarks.large_table [ROWS]`: the answer in rows on a large PostgreSQL table.

Makes a table of ROWS rows (10 million unless told), asks for the plan of a rollback that drops one
column, narrows another and adds a constraint again, and prints how long the plan, the first counted
rows and the whole answer took. The database is dropped afterwards.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from djmig_tui import protocol as p
from tests.driver import Driver, driving
from tests.projects import make_project
from tests.servers import connect

FIRST = """from django.db import migrations, models


class Migration(migrations.Migration):
    operations = [
        migrations.CreateModel(
            name="Book",
            fields=[
                ("id", models.BigAutoField(primary_key=True)),
                ("title", models.CharField(max_length=20)),
                ("code", models.IntegerField(null=True)),
            ],
            options={"constraints": [models.UniqueConstraint(fields=["code"], name="one_code")]},
        ),
    ]
"""
SECOND = """from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [
        migrations.AddField("book", "pages", models.IntegerField(null=True)),
        migrations.AlterField("book", "title", models.CharField(max_length=90)),
        migrations.RemoveConstraint("book", "one_code"),
    ]
"""
FILL = """INSERT INTO shop_book (title, code, pages)
SELECT 'title ' || n, n, CASE WHEN n % 2 = 0 THEN n END FROM generate_series(1, {rows}) n"""


def main(rows: int) -> None:
    """Measure once cold, right after filling, and three times warm."""
    with tempfile.TemporaryDirectory() as folder:
        files = {"0001_initial": FIRST, "0002_second": SECOND}
        project = make_project(Path(folder), {"shop": files}, "postgresql")
        try:
            project.migrate_all()
            connection = connect("postgresql", project.databases["default"])
            started = time.perf_counter()
            connection.execute(FILL.format(rows=rows))
            connection.execute("ANALYZE shop_book")
            connection.close()
            print(f"{rows:,} rows made in {time.perf_counter() - started:.1f} s")
            with driving(project) as engine:
                for attempt in range(4):
                    print(f"{'first' if attempt == 0 else 'again'}: {measure(engine)}")
        finally:
            project.drop()


def measure(engine: Driver) -> str:
    """Return what one look at the plan took, in words."""
    started = time.perf_counter()
    plan = engine.plan(p.BACK_TO, "shop", "0001_initial")
    shown = time.perf_counter() - started
    request = p.MeasurePlan(plan.database, plan.intent, plan.app, plan.name, plan.fingerprint)
    first: list[float] = []

    def heard(progress: p.Progress) -> None:
        first.append(time.perf_counter() - started)

    counted: p.Plan = engine.wait(engine.engine.measure_plan(request, on_progress=heard))
    whole = time.perf_counter() - started
    answers = [(loss.column, loss.rows, loss.exact) for loss in counted.loss]
    failures = [(failure.column, failure.rows) for failure in counted.failures]
    return (
        f"plan {shown:.3f} s, first rows {first[0] if first else whole:.3f} s, whole answer {whole:.3f} s; "
        f"{counted.verdict}, losses {answers}, failures {failures}"
    )


if __name__ == "__main__":
    main(int(sys.argv[1].replace("_", "")) if len(sys.argv) > 1 else 10_000_000)
