"""The headless commands on the real bookshop: what they print, what they change, what they leave alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.end_to_end.program import Program, contents, names
from tests.projects import SampleProject, make_project, migration_source


def test_list_agrees_with_showmigrations(program: Program, ready_site: SampleProject) -> None:
    ready_site.manage("migrate", "store", "0002")
    data = program.run(ready_site.folder, ready_site.env, "list", "--json").data
    assert data["database"] == "default"
    ours = {
        (app["label"], one["name"]): one["applied"]
        for app in data["apps"]
        for one in app["migrations"]
        if one["replaced_by"] is None
    }
    theirs = {}
    label = ""
    for line in ready_site.manage("showmigrations", "--no-color").stdout.splitlines():
        if line.startswith(" ["):
            theirs[label, line[5:].split(" (")[0]] = line[2] in "X-"
        elif not line.startswith(" "):
            label = line
    assert ours == theirs
    keys = {"name", "applied", "applied_at", "file", "ghost", "reversible", "error"}
    assert all(one.keys() >= keys for app in data["apps"] for one in app["migrations"])


def test_sql_prints_what_sqlmigrate_prints(program: Program, ready_site: SampleProject) -> None:
    for name in ("0001", "0002", "0003", "0004"):
        for ours, theirs in ((("--forward",), ()), ((), ("--backwards",))):
            ran = program.run(ready_site.folder, ready_site.env, "sql", "store", name, *ours)
            assert ran.code == 0
            assert ran.out == ready_site.manage("sqlmigrate", "store", name, *theirs).stdout


def test_plan_has_the_documented_shape(program: Program, ready_site: SampleProject) -> None:
    data = program.run(ready_site.folder, ready_site.env, "plan", "store", "0002", "--json").data
    assert data["database"] == "default"
    assert data["target"] == "store.0002_add_price_to_product"
    assert data["verdict"] == "loses"
    assert data["steps"][0] == data["steps"][0] | {
        "app": "store",
        "name": "0004_add_discount_field",
        "backwards": True,
        "reversible": True,
        "because": None,
    }
    assert {"app": "store", "table": "store_product", "column": "discount"}.items() <= data["loss"][0].items()
    assert data["loss"][0]["rows"] is None or data["loss"][0]["rows"] > 0
    assert data["commands"] == ["python manage.py migrate store 0002_add_price_to_product"]
    assert data["blockers"] == data["failures"] == []
    assert data["fingerprint"]


def test_a_rollback_and_the_way_forward_again(program: Program, ready_site: SampleProject) -> None:
    before = names(ready_site.folder)
    typed = ("rollback", "store", "0003", "--yes", "--accept-loss", "--json")
    ran = program.run(ready_site.folder, ready_site.env, *typed)
    assert ran.code == 0
    assert ran.data["done"] == [{"app": "store", "name": "0004_add_discount_field"}]
    assert (ran.data["rehearsed"], ran.data["backup"], ran.data["error"]) == (False, None, None)
    assert "0004_add_discount_field" not in ready_site.applied("store")
    assert "discount" not in ready_site.schema()

    ran = program.run(ready_site.folder, ready_site.env, "migrate", "store", "--yes", "--json")
    assert ran.code == 0
    assert ran.data["done"] == [{"app": "store", "name": "0004_add_discount_field"}]
    assert "0004_add_discount_field" in ready_site.applied("store")
    assert names(ready_site.folder) == before


def test_a_rollback_says_first_what_it_would_do(program: Program, ready_site: SampleProject) -> None:
    records = ready_site.records()
    shown = program.run(ready_site.folder, ready_site.env, "rollback", "store", "0003", "--json")
    assert shown.code == 1
    assert "--yes --accept-loss" in shown.data["error"]
    assert ready_site.records() == records
    # The plan that was shown is the one that is run.
    tied = ("--yes", "--accept-loss", "--fingerprint", shown.data["fingerprint"])
    assert program.run(ready_site.folder, ready_site.env, "rollback", "store", "0003", *tied).code == 0
    again = program.refused(ready_site.folder, ready_site.env, "rollback", "store", "0002", *tied, code=1)
    assert "changed" in again


def test_the_second_database_is_addressed_by_its_alias(program: Program, ready_site: SampleProject) -> None:
    typed = ("--database", "archive", "rollback", "ledger", "0001", "--yes", "--accept-loss", "--json")
    ran = program.run(ready_site.folder, ready_site.env, *typed)
    assert ran.code == 0, ran
    assert ran.data["database"] == "archive"
    assert ready_site.applied("ledger", "archive") == ["0001_initial"]
    assert len(ready_site.applied("ledger", "default")) > 1


def test_a_file_is_removed_and_comes_back_byte_for_byte(program: Program, ready_site: SampleProject) -> None:
    for alias in ready_site.databases:
        ready_site.manage("migrate", "store", "0003", "--database", alias)
    path = ready_site.folder / "store" / "migrations" / "0004_add_discount_field.py"
    path.write_bytes(path.read_bytes() + b"# caf\xc3\xa9\r\n")
    path.chmod(0o640)
    before = contents(ready_site.folder)

    ran = program.run(ready_site.folder, ready_site.env, "remove", "store", "0004", "--yes", "--json")
    assert ran.code == 0, ran
    assert ran.data["path"] == str(path)
    assert not path.exists()
    assert program.run(ready_site.folder, ready_site.env, "list").out.count("0004_add_discount_field") == 0

    ran = program.run(ready_site.folder, ready_site.env, "restore", "store", "0004", "--yes", "--json")
    assert ran.code == 0, ran
    assert contents(ready_site.folder) == before


def test_restoring_never_overwrites(program: Program, ready_site: SampleProject) -> None:
    for alias in ready_site.databases:
        ready_site.manage("migrate", "store", "0003", "--database", alias)
    path = ready_site.folder / "store" / "migrations" / "0004_add_discount_field.py"
    assert program.run(ready_site.folder, ready_site.env, "remove", "store", "0004", "--yes").code == 0
    path.write_text("# somebody else's\n")
    program.refused(ready_site.folder, ready_site.env, "restore", "store", "0004", "--yes", code=1)
    assert path.read_text() == "# somebody else's\n"
    path.unlink()
    assert program.run(ready_site.folder, ready_site.env, "restore", "store", "0004", "--yes").code == 0


def test_where_prints_the_folder_with_what_outlives_a_run(
    program: Program, ready_site: SampleProject
) -> None:
    where = Path(program.run(ready_site.folder, ready_site.env, "--where").out.strip())
    assert where.parent == program.state
    assert not where.exists(), "looking creates nothing"
    below = program.run(ready_site.folder / "store", ready_site.env, "--where").out.strip()
    assert Path(below) == where
    program.run(ready_site.folder, ready_site.env, "rollback", "store", "0003", "--yes", "--accept-loss")
    _, line = (where / "journal.jsonl").read_text().splitlines()  # its beginning, its end
    entry = json.loads(line)
    assert entry["action"] == "rollback"
    assert entry["command"] == "python manage.py migrate store 0003_change_price_field"


#: Writes, says that it is there, then keeps SQLite busy until it is interrupted.
SLOW = """\
import os
from django.db import migrations


def back(apps, schema_editor):
    apps.get_model("shop", "Thing").objects.create(name="half")
    open(os.environ["WITNESS"], "w").close()
    schema_editor.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1e12) "
        "SELECT count(*) FROM n"
    )


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [migrations.RunPython(migrations.RunPython.noop, back)]
"""

CREATE = """\
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel(
            "Thing", [("id", models.AutoField(primary_key=True)), ("name", models.TextField())]
        )
    ]
"""


def interrupt_until_it_ends(running: subprocess.Popen[str], number: signal.Signals) -> tuple[str, str]:
    """Press Ctrl-C as an impatient user does: the first may come between two statements."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        running.send_signal(number)
        try:
            return running.communicate(timeout=1)
        except subprocess.TimeoutExpired:
            continue
    raise AssertionError("the run did not stop")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_says_what_stands(
    program: Program, tmp_path: Path, number: signal.Signals
) -> None:
    project = make_project(tmp_path, {"shop": {"0001_initial": CREATE, "0002_slow": SLOW}})
    project.migrate_all()
    before = project.snapshot()
    witness = tmp_path / "witness"
    os.mkfifo(witness)
    typed = ("rollback", "shop", "0001", "--yes", "--accept-loss", "--json")
    running = subprocess.Popen(
        program.command(*typed),
        cwd=project.folder,
        env=program.environment({**project.env, "WITNESS": str(witness)}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    witness.read_text()  # returns once the step is under way
    try:
        out, err = interrupt_until_it_ends(running, number)
    finally:
        running.kill()
    assert running.returncode == 1, err
    data = json.loads(out)
    assert data["done"] == []
    assert "Nothing was changed." in data["error"]
    assert project.snapshot() == before


def test_edge_15_two_heads_are_listed_and_can_be_rolled_back(program: Program, tmp_path: Path) -> None:
    one = migration_source(needs=[("shop", "0001_initial")])
    files = {"0001_initial": CREATE, "0002_left": one}
    project = make_project(tmp_path, {"shop": files})
    project.migrate_all()
    (project.folder / "shop" / "migrations" / "0002_right.py").write_text(one)
    data = program.run(project.folder, project.env, "list", "--json").data
    assert "heads" in {problem["kind"] for problem in data["problems"]}
    ran = program.run(project.folder, project.env, "rollback", "shop", "0001_initial", "--yes", "--json")
    assert ran.code == 0, ran
    assert project.applied("shop") == ["0001_initial"]
