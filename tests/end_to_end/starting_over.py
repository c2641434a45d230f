"""What tests of resets share: the project, its files, the command, and kills at a write of its record."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import need_server
from tests.end_to_end.program import ROOT, SECONDS, Program
from tests.engine.small import execute
from tests.engine.test_reset import MODELS, ORDERS, SHOP, orders
from tests.projects import SampleProject, make_app, make_project

ROWS = (
    "INSERT INTO shop_item (name, note) VALUES ('one', 'two')",
    "INSERT INTO orders_order (item_id) SELECT id FROM shop_item",
)

BEFORE, AFTER = "before", "after"

#: As `Program`'s own launcher; the command is killed at the given write of the reset's record.
KILLED = """\
import os
import signal
import sys

sys.path[0] = {root!r}
from tui.cli import main
from tui.state import State

writes = [0]


def killed(write):
    def wrapped(*given):
        writes[0] += 1
        if {before} and writes[0] == {number}:
            os.killpg(0, signal.SIGKILL)
        write(*given)
        if writes[0] == {number}:
            os.killpg(0, signal.SIGKILL)

    return wrapped


for name in ("save_reset", "finish_reset"):
    setattr(State, name, killed(getattr(State, name)))
sys.exit(main())
"""


@contextmanager
def shop_and_orders(tmp_path: Path, vendor: str) -> Iterator[SampleProject]:
    """Make two apps, one depending on the other, applied, with rows; DEBUG is on."""
    need_server(vendor)
    project = make_project(tmp_path, {}, vendor)
    make_app(project.folder, "shop", SHOP, MODELS)
    make_app(project.folder, "orders", orders(), ORDERS)
    project.migrate_all()
    execute(project, *ROWS)
    try:
        yield project
    finally:
        project.drop()


def files(project: SampleProject) -> dict[str, str]:
    """Return the migration files with what is in them."""
    found = project.folder.glob("*/migrations/0*.py")
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def names(project: SampleProject) -> list[str]:
    """Return the migration files as app/name.py."""
    return sorted(f"{Path(path).parts[-3]}/{Path(path).name}" for path in files(project))


def state_of(project: SampleProject) -> tuple[object, ...]:
    """Return all that a reset changes, to be compared."""
    return files(project), project.rows(), project.records(), project.schema()


def reset(program: Program, project: SampleProject, *typed: str, code: int = 0) -> str:
    """Run `reset` and return its error, "" if it has none."""
    ran = program.run(project.folder, project.env, "reset", *typed, "--json")
    assert ran.code == code, ran
    error: str = ran.data["error"] or ""
    assert bool(error) is bool(code)
    return error


def killed_at(
    program: Program, project: SampleProject, typed: Sequence[str], number: int, moment: str
) -> bool:
    """Run `reset` and kill it, with its engine, right before or after a write of its record.

    Say whether there was such a write; else it came to its end.
    """
    source = KILLED.format(root=str(ROOT), number=number, before=moment == BEFORE)
    done = launched(program, project, source, typed)
    assert done.returncode in (0, -signal.SIGKILL), done
    return done.returncode != 0


def launched(
    program: Program, project: SampleProject, source: str, typed: Sequence[str]
) -> subprocess.CompletedProcess[str]:
    """Run `reset` by a launcher of its own, whose source this is."""
    launcher = program.launcher.with_name("launcher_of_a_test")
    launcher.write_text(source)
    return subprocess.run(
        [sys.executable, str(launcher), "reset", *typed],
        cwd=project.folder,
        env=program.environment(project.env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        start_new_session=True,
    )


def is_unfinished(program: Program) -> bool:
    """Say whether a reset has begun that is neither finished nor put back."""
    return bool(list(program.state.glob("*/reset.json")))


def steps_done(program: Program) -> int:
    """Return how many steps of the reset under way stand."""
    for path in program.state.glob("*/reset.json"):
        try:
            return int(json.loads(path.read_text()).get("done", 0))
        except (OSError, ValueError):
            return 0
    return 0
