"""The README is true: its commands, its keys, its links."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest

from tui import cli
from tui.actions import key_table
from tui.headless import COMMANDS
from tui.options import parse

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

TRY_IT = 'python3 -m venv .venv && .venv/bin/pip install ".[demo]" && .venv/bin/djmig-tui --demo'
WORK_ON_IT = 'python3 -m venv .venv && .venv/bin/pip install -e ".[dev]" && .venv/bin/pytest'

#: Every line that starts our program, in a block of shell or in `code`.
TYPED = re.findall(r"^djmig-tui.*$", README, re.MULTILINE) + re.findall(r"`(djmig-tui[^`]*)`", README)
#: What stands for something in a usage line.
MEANT = {"APP": "store", "NAME": "0002", "TARGET": "0002", "F": "abc", "[": "", "]": ""}


def typed(line: str) -> list[str]:
    """Return a line of the README as a user would type it, with what is optional."""
    words = re.sub(r"[A-Z]+|[][]", lambda found: MEANT.get(found[0], found[0]), line)
    return shlex.split(words, comments=True)[1:]


def test_the_first_sentence_is_what_the_package_says_of_itself() -> None:
    assert README.split("\n\n")[1] == PROJECT["description"]


def test_there_are_two_commands_for_a_fresh_machine() -> None:
    lines = [line for line in README.splitlines() if line.startswith("python3 ")]
    assert lines == [TRY_IT, WORK_ON_IT]
    assert WORK_ON_IT in CONTRIBUTING


@pytest.mark.parametrize("line", sorted(set(TYPED)))
def test_what_it_tells_to_type_is_understood(line: str) -> None:
    if line not in {"djmig-tui --help", "djmig-tui --version"}:
        parse(typed(line))


def test_every_command_for_scripts_is_there() -> None:
    assert {words[0] for words in map(typed, TYPED) if words and words[0][0].isalpha()} == set(COMMANDS)


def test_the_exit_codes_are_those_of_the_program() -> None:
    assert (cli.FAILED, cli.USAGE) == (1, 2)
    assert "Exit codes: 0 done, 1 refused or failed" in README
    assert "2 wrong usage." in README


def test_the_key_table_is_made_of_the_actions() -> None:
    make = 'python -c "from tui.actions import key_table; print(key_table())"'
    assert key_table() in README, f"Put this into the README: {make}"


@pytest.mark.parametrize("text", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"])
def test_what_it_points_to_is_there(text: str) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", text)
    links += re.findall(r"`((?:tests|tui|djmig_tui|sample_site|\.ci)/[\w./-]*)`", text)
    missing = [link for link in links if not link.startswith("https://") and not (ROOT / link).exists()]
    assert missing == []
