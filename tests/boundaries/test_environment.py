"""The development environment: pinned by hash, and the same checks before a commit and in CI."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
WANTED = [*PROJECT["dependencies"], *EXTRAS["demo"], *EXTRAS["dev"]]
OURS = {"tests", "tui", "djmig_tui"}
LOCK = (ROOT / "requirements-dev.lock").read_text("utf-8")
#: name==version ; marker, then its hashes
PINNED = re.compile(
    r"^(\S+)==(\S+)(?: ; .+?)? \\(?:\n    --hash=sha256:[0-9a-f]{64}(?: \\)?)+\n",
    re.MULTILINE,
)


def test_every_line_of_the_lock_pins_a_version_by_hash() -> None:
    assert PINNED.sub("", LOCK) == ""  # so no address of an index, a file or a folder either
    assert len(PINNED.findall(LOCK)) > 50


def test_the_lock_has_what_the_project_asks_for() -> None:
    pinned: dict[str, list[str]] = {}
    for name, version in PINNED.findall(LOCK):
        pinned.setdefault(canonicalize_name(re.sub(r"\[.*", "", name)), []).append(version)
    for line in WANTED:
        wanted = Requirement(line)
        if wanted.name != PROJECT["name"]:
            versions = pinned[canonicalize_name(wanted.name)]
            assert all(wanted.specifier.contains(version) for version in versions), line


def test_what_is_imported_is_asked_for() -> None:
    asked = {canonicalize_name(Requirement(line).name) for line in WANTED} | {"rich"}  # it comes with Textual
    providers = packages_distributions()
    for path in [*ROOT.glob("tests/**/*.py"), *ROOT.glob("tui/**/*.py"), *ROOT.glob("djmig_tui/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            for name in {name.split(".")[0] for name in names} - sys.stdlib_module_names - OURS:
                assert {canonicalize_name(each) for each in providers.get(name, [name])} & asked, path


def test_a_commit_is_checked_by_what_ci_runs() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    hooks = [hook for repo in config["repos"] for hook in repo["hooks"]]
    assert {repo["repo"] for repo in config["repos"]} == {"local"}
    assert [hook["entry"] for hook in hooks] == [
        ".venv/bin/ruff check",
        ".venv/bin/ruff format --check",
        ".venv/bin/mypy",
        ".venv/bin/lint-imports",
    ]
    assert ".venv/bin/pre-commit run --all-files" in (ROOT / ".ci" / "run").read_text("utf-8")


def test_ci_says_what_it_does_not_understand() -> None:
    done = subprocess.run(
        ["bash", ".ci/run", "--everything"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == ".ci/run: There is no --everything. Only --all is understood.\n"
