"""Django's own commands in one process of a project, one at a time: what ours is compared with."""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.sample_project import SampleProject

#: Reads one JSON list of arguments a line, answers with what the command printed or raised.
LOOP = """
import io, json, os, sys
lines = os.fdopen(os.dup(0))
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # for migrations that ask something
from django.core.management import call_command
from django.db import connections
for line in lines:
    out = io.StringIO()
    try:
        name, args, options = json.loads(line)
        call_command(name, *args, stdout=out, no_color=True, **options)
        answer = {"out": out.getvalue()}
    except Exception as error:
        answer = {"out": out.getvalue(), "error": type(error).__name__ + ": " + str(error)}
    connections.close_all()
    sys.stdout.write("ANSWER " + json.dumps(answer) + "\\n")
    sys.stdout.flush()
"""


class Django:
    """A process that runs management commands."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def call(self, name: str, *args: str, **options: Any) -> dict[str, str]:
        """Return what the command printed as "out", and what it raised as "error"."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([name, args, options]) + "\n")
        self._process.stdin.flush()
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            select.select([self._process.stdout], [], [], 90)
            line = self._process.stdout.readline()
            assert line, "Django's process ended"
            if line.startswith("ANSWER "):
                answer: dict[str, str] = json.loads(line[len("ANSWER ") :])
                return answer
        raise AssertionError(f"no answer to {name} {args} in time")

    def plan(self, *args: str, **options: Any) -> list[tuple[str, list[str]]]:
        """Return the steps of `migrate ARGS --plan` with their operations."""
        answer = self.call("migrate", *args, plan=True, **options)
        assert "error" not in answer, answer
        steps: list[tuple[str, list[str]]] = []
        for line in answer["out"].splitlines()[1:]:
            if line.startswith("    "):
                steps[-1][1].append(line[4:])
            elif not line.startswith("  "):
                steps.append((line, []))
        return steps


@contextmanager
def django(project: SampleProject) -> Iterator[Django]:
    """Yield a process of `project` that runs Django's own commands."""
    process = subprocess.Popen(
        [project.python, "manage.py", "shell", "-v", "0", "-c", LOOP],
        cwd=project.folder,
        env=project.env or dict(os.environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield Django(process)
    finally:
        process.kill()
        process.communicate()
