"""One process that may become an engine: its pipes, and what it says until it is one."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import IO

from .tail import Drain, Tail

#: Where the project's side finds our pipe, or above: out of the way of what it opens itself.
_FIRST_FD = 60


class Attempt:
    """A command that was started with pipes of ours. Raises `OSError` if it cannot be."""

    def __init__(self, build: Callable[[int], list[str]], cwd: Path, printed: Tail, *, here: bool) -> None:
        self._printed = printed
        self._unread = b""
        if here:
            # A pipe of its own: whatever the project reads from its standard input is at its end.
            child_end, self.input = _private_pipe()
            try:
                self.process = _popen(build(child_end), cwd, stdin=subprocess.DEVNULL, pass_fds=(child_end,))
            except OSError:
                self.input.close()
                raise
            finally:
                os.close(child_end)
        else:
            self.process = _popen(build(0), cwd, stdin=subprocess.PIPE)
            self.input = _stream(self.process.stdin)
        self.output = _stream(self.process.stdout)
        self.errors = Drain(_stream(self.process.stderr))

    def kill(self) -> None:
        """End the process and all that it started, at once."""
        if self.process.poll() is None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                self.process.kill()

    def end(self) -> int:
        """Close the pipe and return the exit code."""
        self.input.close()
        return self.process.wait()

    def write(self, data: bytes) -> None:
        """Write all of `data`; if the process has ended, reading on says how."""
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self.input.fileno(), view) :]
        except BrokenPipeError:
            return

    def read_until(self, marker: bytes) -> bool:
        """Read up to the marker; keep what came before it for error texts. False at the end."""
        seen, self._unread = self._unread, b""
        while True:
            before, found, after = seen.partition(marker)
            if found:
                self._printed.add(before)
                self._unread = after
                return True
            held = _overlap(seen, marker)
            self._printed.add(seen[: len(seen) - held])
            data = self._read()
            seen = seen[len(seen) - held :] + data
            if not data:
                self._printed.add(seen)
                return False

    def has_more(self) -> bool:
        """Say whether something came after the last marker, without waiting for it."""
        return bool(self._unread or select.select([self.output], [], [], 0)[0])

    def take_unread(self) -> bytes:
        """Return, once, what came after the last marker: the first answers may be among it."""
        unread, self._unread = self._unread, b""
        return unread

    def _read(self) -> bytes:
        """Return what comes next, nothing at the end of the stream or of the process."""
        while not select.select([self.output], [], [], 0.5)[0]:
            # A program that the project started may hold the pipe open after it.
            if self.process.poll() is not None and not select.select([self.output], [], [], 0)[0]:
                return b""
        return os.read(self.output.fileno(), 65536)


def _private_pipe() -> tuple[int, IO[bytes]]:
    read, write = os.pipe()
    child_end = fcntl.fcntl(read, fcntl.F_DUPFD_CLOEXEC, _FIRST_FD)
    os.close(read)
    return child_end, open(write, "wb", buffering=0)


def _popen(
    command: list[str], cwd: Path, *, stdin: int, pass_fds: tuple[int, ...] = ()
) -> subprocess.Popen[bytes]:
    environ = dict(os.environ)
    environ["PYTHONDONTWRITEBYTECODE"] = "1"  # looking writes nothing into the project's folder
    environ.pop("__PYVENV_LAUNCHER__", None)  # macOS: it would turn the project's Python into ours
    return subprocess.Popen(
        command,
        cwd=cwd,
        env=environ,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=pass_fds,
        bufsize=0,
        start_new_session=True,
    )


def _stream(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None  # noqa: S101 -- it was asked for as a pipe
    return stream


def _overlap(seen: bytes, marker: bytes) -> int:
    """Return how many of the last bytes of `seen` may be the beginning of `marker`."""
    sizes = range(min(len(seen), len(marker) - 1), 0, -1)
    return next((size for size in sizes if seen.endswith(marker[:size])), 0)
