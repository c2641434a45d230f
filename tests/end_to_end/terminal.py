"""The real program in a pseudo-terminal: press keys, read the screen, wait for what must appear."""

from __future__ import annotations

import termios
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pexpect
import pyte

from tests.end_to_end.program import Program

#: Seconds in which anything must have appeared.
DEADLINE = 30


class Terminal:
    """A terminal of a given size with djmig-tui running in it."""

    def __init__(
        self, program: Program, folder: Path, env: Mapping[str, str], *typed: str, columns: int, lines: int
    ) -> None:
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        #: All that the program wrote.
        self.written = b""
        command, *arguments = program.command(*typed)
        self._child = pexpect.spawn(
            command,
            arguments,
            cwd=str(folder),
            env=program.environment({**env, "COLUMNS": str(columns), "LINES": str(lines)}),
            dimensions=(lines, columns),
            timeout=DEADLINE,
        )
        self.settings_before = self._settings()

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.close(force=True)

    @property
    def pid(self) -> int:
        """The program's process."""
        return int(self._child.pid)

    @property
    def text(self) -> str:
        """What is on the screen."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    def wait_for(self, *needles: str, without: str | None = None) -> None:
        """Read until all of `needles` are on the screen, and `without` is not."""

        def there() -> bool:
            text = self.text
            return all(needle in text for needle in needles) and (without is None or without not in text)

        self.wait_until(there, f"{needles} (without {without!r})")

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        """Read until `condition` holds. What the screen shows is in the failure."""
        deadline = time.monotonic() + DEADLINE
        while not condition():
            in_time = time.monotonic() < deadline and (self._read() or self._child.isalive())
            assert in_time or condition(), f"waited in vain for {what}; the screen:\n{self.text}"

    def press(self, keys: str) -> None:
        """Type `keys`."""
        self._child.send(keys)

    @property
    def heading(self) -> str:
        """The first line of the main screen's right pane: what the cursor is on."""
        return self._screen.display[2].rpartition("││")[2].strip("│ ")

    def move_to(self, heading: str, key: str = "j") -> None:
        """Press `key` until the cursor is on what has this heading."""
        # That the first heading comes is no move.
        self.wait_until(lambda: bool(self.heading), "what the cursor is on")
        self.finish_frame()
        for _ in range(60):
            before = self.heading
            if before == heading:
                return
            self.press(key)
            self.wait_until(lambda before=before: self.heading != before, f"a move towards {heading}")  # type: ignore[misc]
            self.finish_frame()
        raise AssertionError(f"{heading} was not reached; the screen:\n{self.text}")

    def ended(self) -> int:
        """Wait for the end and return the exit code, or the negative number of the signal."""
        deadline = time.monotonic() + DEADLINE
        while self._child.isalive():
            assert time.monotonic() < deadline, f"still running; the screen:\n{self.text}"
            self._read()
        self._read()
        if self._child.exitstatus is not None:
            return int(self._child.exitstatus)
        return -int(self._child.signalstatus)

    def is_restored(self) -> bool:
        """Whether the shell would find its terminal as it was: its own screen, cursor, echo, no mouse."""
        for on, off in (
            (b"\x1b[?1049h", b"\x1b[?1049l"),  # the other screen
            (b"\x1b[?25l", b"\x1b[?25h"),  # no cursor
            (b"\x1b[?1000h", b"\x1b[?1000l"),  # the mouse
            (b"\x1b[?2004h", b"\x1b[?2004l"),  # marked pastes
        ):
            if self.written.rfind(on) > self.written.rfind(off):
                return False
        return bool(self._settings() == self.settings_before)

    def _settings(self) -> Any:
        return termios.tcgetattr(self._child.child_fd)[:4]

    def finish_frame(self) -> None:
        """Read on until nothing more comes: a heading may be drawn in pieces."""
        deadline = time.monotonic() + DEADLINE
        while self._read() and time.monotonic() < deadline:
            pass

    def _read(self) -> bool:
        try:
            data = self._child.read_nonblocking(65536, timeout=0.05)
        except (pexpect.TIMEOUT, pexpect.EOF):
            return False
        self.written += data
        self._stream.feed(data)
        return True
