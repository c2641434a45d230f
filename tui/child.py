"""Runs a command whose output is read as it comes, and which ends with whoever waits for it."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

#: How long a command may take to end once it was asked to.
PATIENCE = 2.0


async def follow(words: Sequence[str], folder: Path, heard: Callable[[str], None]) -> int:
    """Run a command without input, hand on what it prints, and return its exit code.

    Cancelled, it ends the command and all that it started. Raises OSError if it cannot be started.
    """
    process = await asyncio.create_subprocess_exec(
        *words,
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")  # a read may end within a character
    try:
        if process.stdout is not None:
            while data := await process.stdout.read(65536):
                heard(decoder.decode(data))
        return await process.wait()
    finally:
        if process.returncode is None:
            await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(process.wait(), PATIENCE)
            return
