"""The import contracts notice what they forbid."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

#: For every contract in turn: a line that breaks it, and the module it is put into.
BREACHES = (
    ("import django", "tui/text.py"),
    ("from djmig_tui import server", "tui/output.py"),
    ("import textual", "djmig_tui/errors.py"),
    ("from ..engine import process", "tui/widgets/bars.py"),
)


def lint(folder: Path) -> str:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=100,
        check=False,
    )
    return done.stdout + done.stderr


def test_every_contract_notices_a_breach(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in ("djmig_tui", "tui"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    assert "4 kept, 0 broken" in lint(tmp_path)
    for line, module in BREACHES:
        with (tmp_path / module).open("a", encoding="utf-8") as source:
            source.write(f"\n{line}\n")
    assert "0 kept, 4 broken" in lint(tmp_path)
