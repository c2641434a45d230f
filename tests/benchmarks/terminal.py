"""The real program in a pseudo-terminal, with the moment at which each of its frames arrived."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import shutil
import struct
import subprocess
import termios
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import pyte

from tests.benchmarks.subjects import DEADLINE
from tests.end_to_end.program import Program
from tests.projects import SampleProject

LINES, COLUMNS = 36, 120

#: Seconds without a byte after which what was written is read, and after which the screen is at rest.
QUIET, REST = 0.03, 0.15

_ASKS_FOR_SYNC, _HAS_SYNC, _FRAME_END = b"\x1b[?2026$p", b"\x1b[?2026;2$y", b"\x1b[?2026l"

#: What must stand on the screen, given its lines.
Condition = Callable[[list[str]], bool]


class Installed:
    """djmig-tui with a home and a state folder of the benchmark's own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._program = Program(folder)
        self._state = folder / "home" / ".local" / "state"

    def open(self, project: SampleProject) -> Terminal:
        """Start it in the project's folder."""
        environ = self._program.environment(project.env)
        return Terminal(self._program.command(), project.folder, environ)

    def forget(self) -> None:
        """Empty the state folder, as before the first use."""
        shutil.rmtree(self._state, ignore_errors=True)

    def remembers(self) -> bool:
        """Return whether a last-known tree is kept, whole."""
        return any(path.name.startswith("tree-") for path in self._state.rglob("*.json.z"))


class Terminal:
    """A program, what it wrote, and when."""

    def __init__(self, command: list[str], folder: Path, environ: dict[str, str]) -> None:
        self._screen = pyte.Screen(COLUMNS, LINES)
        self._stream = pyte.ByteStream(self._screen)
        self._unread: deque[tuple[float, bytes]] = deque()
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        self._fd = ours
        #: From when on moments are counted: the start, or the last key.
        self.since = time.perf_counter()
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=environ,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._fd)

    @property
    def lines(self) -> list[str]:
        """What stands on the screen."""
        return list(self._screen.display)

    def press(self, keys: str) -> None:
        """Type `keys` and count from here."""
        self._interpret(None)
        self.since = time.perf_counter()
        os.write(self._fd, keys.encode())

    def wait_for(self, condition: Condition, what: str) -> float:
        """Return after how many seconds the first whole frame arrived on which `condition` holds."""
        deadline = time.monotonic() + DEADLINE
        while True:
            at = self._interpret(condition)
            if at is not None:
                return at - self.since
            late = time.monotonic() > deadline or self._process.poll() is not None
            if not self._collect(QUIET) and late:
                raise AssertionError(f"waited in vain for {what}:\n" + "\n".join(self.lines))

    def wait_until(self, done: Callable[[], bool], what: str) -> None:
        """Wait for something that does not stand on the screen."""
        deadline = time.monotonic() + DEADLINE
        while not done():
            self._collect(QUIET)
            assert time.monotonic() < deadline, f"waited in vain for {what}"

    def rest(self) -> None:
        """Wait until nothing was written for a moment."""
        while self._collect(REST):
            pass
        self._interpret(None)

    def quit(self) -> None:
        """Leave by the front door."""
        self.press("q")
        self.wait_until(lambda: self._process.poll() is not None, "the program's end")

    def memory(self) -> float:
        """Return the resident set of the program, without its engine, in bytes."""
        done = subprocess.run(
            ["ps", "-o", "rss=", "-p", str(self._process.pid)], capture_output=True, text=True, check=True
        )
        return 1024.0 * int(done.stdout)

    def _collect(self, quiet: float) -> bool:
        """Keep what is written until nothing comes for `quiet` seconds; say whether anything came."""
        came = False
        while select.select([self._fd], [], [], quiet)[0]:
            try:
                data = os.read(self._fd, 65536)
            except OSError:  # Linux: the program has gone
                data = b""
            if not data:
                self._process.wait(DEADLINE)
                return came
            came = True
            self._unread.append((time.perf_counter(), data))
            if _ASKS_FOR_SYNC in data:
                os.write(self._fd, _HAS_SYNC)
        return came

    def _interpret(self, condition: Condition | None) -> float | None:
        """Draw what was written, frame by frame, up to the first one that fits; return when it came."""
        while self._unread:
            at, data = self._unread.popleft()
            frame, end, rest = data.partition(_FRAME_END)
            self._stream.feed(frame + end)
            if rest:
                self._unread.appendleft((at, rest))
            if end and condition is not None and condition(self.lines):
                return at
        return None
