"""`take-back` on a real project: what was undone comes back, unless somebody else migrated meanwhile."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.end_to_end.program import Program
from tests.end_to_end.test_headless import CREATE, SLOW
from tests.projects import SampleProject, make_project


def journal(program: Program) -> list[dict[str, object]]:
    (path,) = program.state.glob("*/journal.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.timeout(180)
def test_a_rollback_is_taken_back_and_done_again_and_not_after_somebody_else(
    program: Program, ready_site: SampleProject
) -> None:
    folder, env = ready_site.folder, ready_site.env
    applied = ready_site.applied("store")
    assert program.run(folder, env, "rollback", "store", "0003", "--yes", "--accept-loss").code == 0

    shown = program.run(folder, env, "take-back")
    assert shown.code == 1
    assert "It takes back the rollback of" in shown.out
    assert "do not come back by this" in shown.out
    assert "apply store.0004_add_discount_field" in shown.out
    assert ready_site.applied("store") == applied[:-1]

    ran = program.run(folder, env, "take-back", "--yes", "--json")
    assert ran.code == 0, ran
    assert ran.data["takes_back"]["action"] == "rollback"
    assert ran.data["done"] == [{"app": "store", "name": "0004_add_discount_field"}]
    assert ready_site.applied("store") == applied

    ran = program.run(folder, env, "take-back", "--redo", "--yes", "--accept-loss", "--json")
    assert ran.code == 0, ran
    assert ready_site.applied("store") == applied[:-1]
    assert [line["takes_back"] != "" for line in journal(program)] == [False] * 2 + [True] * 4

    ready_site.manage("migrate", "store")
    refusal = program.refused(folder, env, "take-back", "--yes", code=1)
    assert "are not what the rollback of" in refusal
    assert "store.0004_add_discount_field was applied" in refusal


def test_a_removed_file_is_put_back_and_removed_again(program: Program, ready_site: SampleProject) -> None:
    folder, env = ready_site.folder, ready_site.env
    for alias in ready_site.databases:
        ready_site.manage("migrate", "store", "0003", "--database", alias)
    path = folder / "store" / "migrations" / "0004_add_discount_field.py"
    content = path.read_bytes()
    assert program.run(folder, env, "remove", "store", "0004", "--yes").code == 0
    assert program.run(folder, env, "take-back").code == 1
    assert not path.exists()
    ran = program.run(folder, env, "take-back", "--yes", "--json")
    assert (ran.code, ran.data["done"]) == (0, [str(path)])
    assert path.read_bytes() == content
    ran = program.run(folder, env, "take-back", "--redo", "--yes", "--json")
    assert (ran.code, ran.data["done"]) == (0, [str(path)])
    assert not path.exists()


def test_a_run_that_was_killed_has_no_end_and_the_next_look_says_what_stands(
    program: Program, tmp_path: Path
) -> None:
    project = make_project(tmp_path, {"shop": {"0001_initial": CREATE, "0002_slow": SLOW}})
    project.migrate_all()
    witness = tmp_path / "witness"
    os.mkfifo(witness)
    running = subprocess.Popen(
        program.command("rollback", "shop", "0001", "--yes", "--accept-loss"),
        cwd=project.folder,
        env=program.environment({**project.env, "WITNESS": str(witness)}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    witness.read_text()  # returns once the step is under way
    running.send_signal(signal.SIGKILL)
    running.wait(30)
    assert [(line["outcome"], line["steps"]) for line in journal(program)] == [
        ("started", ["shop.0002_slow"])
    ]
    listed = program.run(project.folder, project.env, "list", "--json").data
    (problem,) = listed["problems"]
    assert problem["kind"] == "interrupted"
    assert "by the records none of its 1 step is undone" in problem["message"]
    assert project.applied("shop") == ["0001_initial", "0002_slow"]


def test_the_last_run_is_undone_over_apps_by_the_journal_and_by_pauses(
    program: Program, ready_site: SampleProject
) -> None:
    folder, env = ready_site.folder, ready_site.env
    assert program.run(folder, env, "rollback", "store", "0003", "--yes", "--accept-loss").code == 0
    assert program.run(folder, env, "migrate", "--yes").code == 0
    ran = program.run(folder, env, "plan", "--last-run", "--json")
    assert ran.code == 0, ran
    assert [step["name"] for step in ran.data["steps"]] == ["0004_add_discount_field"]
    ran = program.run(folder, env, "rollback", "--last-run", "--yes", "--accept-loss")
    assert ran.code == 0, ran
    assert "It undoes 1 migration of 1 app applied at" in ran.out
    assert "The journal has this run" in ran.out
    assert "0004_add_discount_field" not in ready_site.applied("store")
