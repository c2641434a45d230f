"""Printing for people and for scripts: JSON, sentences, progress; always UTF-8, quiet on a closed pipe."""

from __future__ import annotations

import json
import os
import re
import sys
from typing import TextIO

from djmig_tui.protocol import Progress

#: C0 and C1 controls but for newline and tab: names and messages come from the project, and a
#: terminal would obey them.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def prepare_streams() -> None:
    """Write UTF-8 whatever the locale says, and file names that are not as the bytes they are."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="surrogateescape")


def harmless(text: str) -> str:
    """Return `text` with control characters written out, so that a terminal does not obey them."""
    return _CONTROLS.sub(lambda match: f"\\x{ord(match.group()):02x}", text)


def print_text(text: str) -> None:
    """Write `text` as it is into a pipe or a file, and harmlessly onto a terminal."""
    _write(sys.stdout, harmless(text) if sys.stdout.isatty() else text)


def print_json(data: object) -> None:
    """Write `data` as JSON, with a newline at the end."""
    _write(sys.stdout, json.dumps(data, indent=2) + "\n")


def print_error(sentence: str, detail: str = "") -> None:
    """Write one sentence to stderr; `detail` only if DJMIG_TRACEBACK is set."""
    _write(sys.stderr, f"djmig-tui: {harmless(sentence)}\n")
    if detail and os.environ.get("DJMIG_TRACEBACK"):
        _write(sys.stderr, harmless(detail).rstrip() + "\n")
    elif detail and sys.stderr.isatty():
        _write(sys.stderr, "(Set DJMIG_TRACEBACK=1 to see the details.)\n")


def silence_closed_pipe() -> None:
    """Keep the interpreter's last flush from complaining after a reader such as `head` has gone."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


class ProgressLine:
    """One line on stderr that tells how far a request is; nothing unless stderr is a terminal."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._on = self._stream.isatty()
        self._drawn = False

    def __call__(self, progress: Progress) -> None:
        """Draw `progress` over what was drawn before."""
        if not self._on:
            return
        count = f"{progress.done}/{progress.total} " if progress.total else ""
        words = harmless(progress.message).replace("\n", " ")
        _write(self._stream, f"\r\x1b[K{(count + words)[:79]}")
        self._drawn = True

    def clear(self) -> None:
        """Take the line away before something else is printed."""
        if self._drawn:
            _write(self._stream, "\r\x1b[K")
            self._drawn = False


def _write(stream: TextIO, text: str) -> None:
    stream.write(text)
    stream.flush()
