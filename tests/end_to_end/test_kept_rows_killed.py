"""Killed while a rollback streams the rows that it drops: the database is as it was, nothing is claimed."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import need_server
from tests.end_to_end.program import SECONDS, Program
from tests.engine.small import add, execute, project_of, shop
from tests.engine.test_kept_many import FILL
from tests.projects import SampleProject
from tests.protocol.waiting import alive, wait_for
from tests.servers import SERVERS

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.skipif(
        not Path("/proc/self/task").exists(), reason="Only Linux tells whose child the engine is."
    ),
]

#: So many that the kill comes while they are read.
ROWS = 60_000
ROLLBACK = ("rollback", "shop", "0001", "--yes", "--accept-loss", "--keep-rows=1GB")


@pytest.fixture(params=["sqlite", *(pytest.param(vendor, marks=pytest.mark.long) for vendor in SERVERS)])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SampleProject]:
    """One app with a column to drop, and many rows."""
    need_server(request.param)
    with project_of(tmp_path, shop(add("a")), request.param) as project:
        project.migrate_all()
        execute(project, FILL[request.param].format(ROWS))
        yield project


@pytest.mark.parametrize("whom", ["interface", "engine"])
def test_nothing_is_lost_by_a_kill_while_rows_are_kept(
    program: Program, project: SampleProject, whom: str
) -> None:
    before = project.snapshot()
    rollback = (*ROLLBACK, "--confirm", project.databases["default"])
    running = program.start(
        project.folder, project.env, *rollback, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        wait_for(lambda: _streamed(program) > 0 or running.poll() is not None, SECONDS)
        assert running.poll() is None, running.communicate()
        engine = _child(running.pid)
        os.kill(engine if whom == "engine" else running.pid, signal.SIGKILL)
        _out, said = running.communicate(timeout=60)
    finally:
        running.kill()
        running.wait()
    assert running.returncode != 0
    assert "Traceback" not in said
    wait_for(lambda: not alive(engine))
    assert project.snapshot() == before
    listed = program.run(project.folder, project.env, "kept", "--json").data["kept"]
    assert [part for each in listed for part in each["parts"] if part["column"] == "a"] == []

    # Whoever does it again finds all in order, and nothing of the first try is in the way.
    back = program.run(project.folder, project.env, *rollback, "--json")
    assert (back.code, back.data["error"]) == (0, None)
    assert program.run(project.folder, project.env, "migrate", "--yes").code == 0
    done = program.run(project.folder, project.env, "kept", "put-back", back.data["kept"], "--yes", "--json")
    assert (done.code, done.data["put_back"]) == (0, ROWS)
    assert project.query("SELECT count(*) FROM shop_item WHERE a = 5000000 + id") == [(ROWS,)]


def _streamed(program: Program) -> int:
    """Return how much of the rows of a part has arrived."""
    for path in program.state.glob("*/kept/*/part"):
        try:
            return path.stat().st_size
        except OSError:
            return 0
    return 0


def _child(pid: int) -> int:
    """Return the engine that the program has started."""
    found = Path(f"/proc/{pid}/task").glob("*/children")
    (engine,) = {int(child) for path in found for child in path.read_text().split()}
    return engine
