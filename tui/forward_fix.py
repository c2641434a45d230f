"""A forward fix instead of a rollback: how it is written, and an empty migration to begin with."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from textual.app import SuspendNotSupported
from textual.content import Content

from djmig_tui.protocol import Plan

from . import editor
from .describe import bullets
from .messages import Where
from .screens.ask import AskScreen
from .text import one_line

if TYPE_CHECKING:
    from .app import DjmigApp

_WHY = (
    "A rollback takes the database back, but not the code that is deployed or the people who use it. "
    "A forward fix goes on from here, and nothing is rolled back."
)
_HOW = (
    "Only the schema is wrong: edit the models, then run makemigrations. That is the whole fix.",
    "Rows must be put right too: y makes an empty migration and opens it; write its operations there.",
    "Then deploy it like any other: m on it, or manage.py migrate.",
)
#: So many operations of the plan are repeated in the question.
_REPEATED = 6
#: So much of what makemigrations says is kept for the sentence.
_TAIL = 4_000


@dataclass(frozen=True)
class Made:
    """What makemigrations did: the new file, or why there is none."""

    path: Path | None
    why_not: str = ""


def name_of_fix(name: str) -> str:
    """Return the name of the new migration: its number is makemigrations' business."""
    words = re.sub(r"\W+", "_", re.sub(r"^\d+_", "", name)).strip("_").lower()
    return f"fix_{words}"[:60].rstrip("_") if words else "forward_fix"


def command(where: Where, app: str, name: str) -> list[str]:
    """Return the words that make the empty migration."""
    words = [*where.command, "makemigrations", app, "--empty", "-n", name, "--scriptable"]
    return words + (["--settings", where.settings] if where.settings else [])


def offer(app: DjmigApp, label: str, name: str, plan: Plan | None = None) -> None:
    """Say how a forward fix of an app is written; on yes, make the migration and open it."""
    fix = name_of_fix(name)
    words = command(app.where, label, fix)
    lines = [Content(_WHY), *bullets(_HOW, "→"), *_to_put_right(plan)]
    lines += [Content.assemble(("$ ", "$primary"), one_line(shlex.join(words), 500))]

    def answered(yes: bool | None) -> None:
        if yes:
            _make_and_edit(app, words)

    title = f"Write a forward fix for {one_line(label)} instead of rolling back?"
    app.push_screen(AskScreen(title, lines, "Make it and edit it"), answered)


def _to_put_right(plan: Plan | None) -> Iterable[Content]:
    if plan is None:
        return []
    words = [f"{step.app}.{step.name}: {one}" for step in plan.steps for one in step.operations]
    more = [f"and {len(words) - _REPEATED} more"] if len(words) > _REPEATED else []
    return [Content("What the rollback would do, and the fix does by other means:"),
            *bullets([*words[:_REPEATED], *more])]  # fmt: skip


def _make_and_edit(app: DjmigApp, words: list[str]) -> None:
    folder = Path(app.where.cwd or app.where.folder)
    try:
        with app.suspend():
            made = make(words, folder)
    except SuspendNotSupported:
        app.say(f"This terminal cannot be lent; run it yourself: {shlex.join(words)}", "warning")
        return
    app.session.note(shlex.join(words), "made" if made.path else "failed", manage=False)
    if made.path is None:
        app.say(made.why_not, "error")
    elif made.path.is_file():
        editor.edit(app, made.path, os.environ)
        app.say(f"Made {made.path}. Next: write its operations, then m on it migrates.")
    else:
        app.say(f"Made {made.path}, which is not on this machine; edit it there.")


def make(words: list[str], folder: Path) -> Made:
    """Run makemigrations and return the file it names. What it says is shown as it comes."""
    try:
        process = subprocess.Popen(
            words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="backslashreplace"
        )
    except OSError as error:
        return Made(None, f"{words[0]} cannot be started: {error.strerror or error}.")
    said = _shown(process.stdout)
    code = process.wait()
    paths = [line.strip() for line in said.splitlines() if line.strip().endswith(".py")]
    if code == 0 and paths:
        return Made(folder / paths[-1])
    last = next((line for line in reversed(said.splitlines()) if line.strip()), "it said nothing")
    return Made(None, f"makemigrations made no file (exit code {code}): {one_line(last, 300)}")


def _shown(stream: IO[str] | None) -> str:
    """Pass on to the terminal what comes, and return the end of it."""
    said = ""
    for line in stream or ():
        said = (said + line)[-_TAIL:]
        if sys.__stderr__ is not None:
            sys.__stderr__.write(line)
            sys.__stderr__.flush()
    return said
