"""Runs a command of the project's own on this machine: a dump out of it, or a backup into it."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from .engine.errors import Failed
from .engine.tail import Tail
from .text import clean, one_line

#: How long a command that is given up may take to end by itself, in seconds.
GRACE = 5.0

_AT_ONCE = 256 * 1024
_LOOK_EVERY = 0.2
_WHERE = "[tool.djmig-tui.backup] in pyproject.toml"


async def read_from(words: Sequence[str], folder: Path, on_output: Callable[[bytes], None]) -> None:
    """Run a command and hand on what it writes to its stdout. Raises `Failed` unless it ends well."""
    await _run(words, folder, None, on_output)


async def feed(words: Sequence[str], folder: Path, path: Path, on_fed: Callable[[int], None]) -> None:
    """Run a command with a file as its stdin. Raises `Failed` unless it ends well."""
    with path.open("rb") as file:
        watching = asyncio.ensure_future(_watch(file, on_fed))
        try:
            await _run(words, folder, file, lambda _: None)
        finally:
            watching.cancel()


async def _watch(file: IO[bytes], on_fed: Callable[[int], None]) -> None:
    while True:
        await asyncio.sleep(_LOOK_EVERY)
        on_fed(os.lseek(file.fileno(), 0, os.SEEK_CUR))  # the command reads by the same position


async def _run(
    words: Sequence[str], folder: Path, file: IO[bytes] | None, on_output: Callable[[bytes], None]
) -> None:
    try:
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.DEVNULL if file is None else file,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=folder,
            start_new_session=True,  # its children end with it, and Ctrl-C is ours to pass on
        )
    except OSError as error:
        raise Failed(
            f"{one_line(words[0])} cannot be started: {error.strerror}. Correct {_WHERE}."
        ) from error
    tail = Tail()
    draining = asyncio.ensure_future(_each(process.stderr, tail.add))
    try:
        await _each(process.stdout, on_output)
        code = await process.wait()
        await draining
    except BaseException:
        await _end(process)
        raise
    finally:
        draining.cancel()
    if code:
        raise _failed(words, code, tail.text())


async def _each(stream: asyncio.StreamReader | None, hear: Callable[[bytes], None]) -> None:
    while stream is not None and (data := await stream.read(_AT_ONCE)):
        hear(data)


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a command that is given up, and all that it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(process.wait(), GRACE)
            return


def _failed(words: Sequence[str], code: int, said: str) -> Failed:
    text = clean(said, strip_ansi=True).strip()
    last = one_line(text.splitlines()[-1], 300) if text else "it said nothing"
    how = f"exit code {code}" if code > 0 else f"signal {-code}"
    return Failed(f"{one_line(shlex.join(words), 120)} failed ({how}): {last}", text)
