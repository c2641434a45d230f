"""The real program as a child process, and what must be true after every one of its runs."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent

#: What the installed script does, without PYTHONPATH: that would reach the project's Python too.
LAUNCHER = """\
import sys

sys.path[0] = {root!r}
from tui.cli import main

sys.exit(main())
"""

SECONDS = 90


@dataclass(frozen=True)
class Ran:
    """How a run ended."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """What --json printed."""
        return json.loads(self.out)


class Program:
    """Runs djmig-tui in a folder, with a home and a state folder of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.launcher = folder / "bin" / "djmig-tui"
        self.launcher.parent.mkdir(parents=True)
        self.launcher.write_text(LAUNCHER.format(root=str(ROOT)))
        self.home = folder / "home"
        self.home.mkdir()

    @property
    def state(self) -> Path:
        """Where the state of all projects is."""
        return self.home / ".local" / "state" / "djmig-tui"

    def command(self, *typed: str) -> list[str]:
        """Return the command line of a run."""
        return [sys.executable, str(self.launcher), *typed]

    def environment(self, env: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of a run in a project that has `env`."""
        ours = {key: value for key, value in env.items() if key != "XDG_STATE_HOME"}
        return {**ours, "HOME": str(self.home), "TERM": "xterm-256color"}

    def run(self, folder: Path, env: Mapping[str, str], *typed: str) -> Ran:
        """Run in `folder`. Whatever was typed, no traceback is shown."""
        done = subprocess.run(
            self.command(*typed),
            cwd=folder,
            env=self.environment(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=SECONDS,
            check=False,
        )
        assert "Traceback" not in done.stdout + done.stderr
        return Ran(done.returncode, done.stdout, done.stderr)

    def start(
        self, folder: Path, env: Mapping[str, str], *typed: str, **kwargs: Any
    ) -> subprocess.Popen[str]:
        """Start a run in `folder` that is to be killed; `kwargs` are those of Popen."""
        return subprocess.Popen(
            self.command(*typed),
            cwd=folder,
            env=self.environment(env),
            stdin=subprocess.DEVNULL,
            **kwargs,
        )

    def refused(self, folder: Path, env: Mapping[str, str], *typed: str, code: int) -> str:
        """Run twice, with and without --json: the same sentence, and nothing in the folder changes."""
        before = contents(folder)
        plain = self.run(folder, env, *typed)
        assert plain.code == code, plain
        assert plain.err.startswith("djmig-tui: ")
        sentence = plain.err.removeprefix("djmig-tui: ").strip()
        assert sentence.endswith((".", "?")) or "djmig-tui -- " in sentence, sentence
        at = typed.index("--") if "--" in typed else len(typed)
        as_json = self.run(folder, env, *typed[:at], "--json", *typed[at:])
        assert as_json.code == code
        assert as_json.data["error"] == sentence
        assert as_json.err == ""
        assert contents(folder) == before
        return sentence


def contents(folder: Path) -> dict[str, tuple[int, str]]:
    """Return every file and folder below `folder` with its mode and a hash of what is in it."""
    found = {}
    for path in sorted(folder.rglob("*")):
        digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[str(path.relative_to(folder))] = (path.lstat().st_mode, digest)
    return found


def names(folder: Path) -> set[str]:
    """Return the names of everything below `folder`."""
    return set(contents(folder))
