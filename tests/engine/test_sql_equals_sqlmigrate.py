"""Every SQL that is shown equals what `manage.py sqlmigrate` prints, byte for byte, on every vendor."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from djmig_tui import protocol as p
from tests.conftest import need_server
from tests.driver import driving
from tests.projects import SampleProject, generate

#: Runs Django's own command for every migration, both ways, in one process of the project.
DJANGO = """
import io, json, sys
from django.core.management import call_command
for database, app, name, backwards in json.load(open({asked!r})):
    out = io.StringIO()
    try:
        call_command("sqlmigrate", app, name, backwards=backwards, database=database, stdout=out)
        answer = {{"sql": out.getvalue()}}
    except Exception as error:
        answer = {{"error": type(error).__name__}}
    print("ANSWER " + json.dumps(answer))
"""

#: What differs from one moment, or one process, to the next (EDGES 44).
CLOCK = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?(\+00:00)?")
ADDRESS = re.compile(r"0x[0-9a-f]+")


def settled(sql: str) -> str:
    return ADDRESS.sub("<address>", CLOCK.sub("<clock>", sql))


def compare(project: SampleProject, tmp_path: Path, database: str = "default") -> tuple[int, int]:
    """Compare every migration both ways; return how many were equal, and how many neither could print."""
    project.env["PYTHONHASHSEED"] = "0"
    asked, ours = [], []
    with driving(project) as engine:
        for app in engine.history(database).apps:
            for migration in app.migrations:
                for backwards in (False, True):
                    asked.append((database, app.label, migration.name, backwards))
                    ours.append(engine.ask(p.RenderSql(*asked[-1])))
    (tmp_path / "asked.json").write_text(json.dumps(asked))
    # What hides Python is not asked of Django: it would execute it.
    skipped = [sql.error is not None and "would execute" in sql.error for sql in ours]
    keep = [each for each, skip in zip(asked, skipped, strict=True) if not skip]
    (tmp_path / "asked.json").write_text(json.dumps(keep))
    script = DJANGO.format(asked=str(tmp_path / "asked.json"))
    output = project.manage("shell", "-c", script).stdout
    lines = [line[len("ANSWER ") :] for line in output.splitlines() if line.startswith("ANSWER ")]
    answers = iter([json.loads(line) for line in lines])
    assert len(lines) == len(keep)
    equal = neither = 0
    for key, sql, skip in zip(asked, ours, skipped, strict=True):
        if skip:
            continue
        theirs = next(answers)
        if "error" in theirs:
            assert sql.sql is None, key
            assert sql.error, key
            neither += 1
        else:
            assert sql.sql is not None, (key, sql.error)
            assert settled(sql.sql) == settled(theirs["sql"]), key
            equal += 1
    return equal, neither


def test_the_bookshop_on_every_vendor(full_vendor_site: SampleProject, tmp_path: Path) -> None:
    equal, neither = compare(full_vendor_site, tmp_path)
    assert equal > 70
    assert neither >= 2  # the irreversible ones


def test_the_bookshops_second_database(full_vendor_site: SampleProject, tmp_path: Path) -> None:
    equal, _neither = compare(full_vendor_site, tmp_path, "archive")
    assert equal > 70


@pytest.mark.timeout(300)
def test_200_generated_migrations_on_every_vendor(full_generated: SampleProject, tmp_path: Path) -> None:
    equal, neither = compare(full_generated, tmp_path)
    assert (equal, neither) == (400, 0)


def test_generated_migrations_without_a_way_back(vendor: str, tmp_path: Path) -> None:
    need_server(vendor)
    project = generate(tmp_path, 4, 12, vendor, seed=3, irreversible=True)
    try:
        equal, neither = compare(project, tmp_path)
    finally:
        project.drop()
    assert equal + neither == 96
    assert neither > 0
