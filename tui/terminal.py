"""Lends the terminal to a command, so that it can ask its own questions, and takes it back."""

from __future__ import annotations

import contextlib
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

if TYPE_CHECKING:
    from .app import DjmigApp

#: What shells say of a command that is not there.
NOT_FOUND = 127


def lend(app: DjmigApp, words: Sequence[str], folder: Path) -> int | None:
    """Suspend the interface while the command runs in the terminal; return its exit code.

    None: this terminal cannot be lent, and nothing was run; the user is told what to type.
    """
    try:
        with app.suspend():
            return run_here(words, folder)
    except SuspendNotSupported:
        app.say(f"This terminal cannot be lent; run it yourself: {shlex.join(words)}", "warning")
        return None


def run_here(words: Sequence[str], folder: Path) -> int:
    """Run a command in the terminal as it is. Where it failed, its last words stay until Enter."""
    _say(f"\n$ {shlex.join(words)}\n")
    try:
        with _deaf_to_interrupts():
            code = subprocess.call(list(words), cwd=folder)
        why = f"It ended with code {code}."
    except OSError as error:
        code, why = NOT_FOUND, f"{words[0]} cannot be started: {error.strerror or error}."
    if code:
        _wait_for_enter(f"\ndjmig-tui: {why} Press Enter to go back.")
    return code


@contextlib.contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Leave ^C to the command: the terminal sends it to us as well."""
    # A handler and not SIG_IGN: what is ignored stays ignored in the command.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _wait_for_enter(words: str) -> None:
    _say(words)
    if sys.__stdin__ is not None:
        with contextlib.suppress(OSError, KeyboardInterrupt):  # ^C is a way to go back too
            sys.__stdin__.readline()


def _say(words: str) -> None:
    if sys.__stdout__ is not None:
        sys.__stdout__.write(words)
        sys.__stdout__.flush()
