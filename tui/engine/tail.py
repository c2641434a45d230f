"""Keeps the end of what an engine's project prints, and never lets the pipe fill up."""

from __future__ import annotations

import os
import threading
from typing import IO

#: How much of the output is kept, in bytes: as much as a pipe holds.
KEPT = 64 * 1024


class Tail:
    """The last bytes of a stream. Safe to use from several threads."""

    def __init__(self, size: int = KEPT) -> None:
        self._size = size
        self._bytes = bytearray()
        self._lock = threading.Lock()

    def add(self, data: bytes) -> None:
        """Append `data`, and forget what is too old."""
        with self._lock:
            self._bytes += data
            del self._bytes[: -self._size]

    def text(self) -> str:
        """Return what is kept, with anything undecodable made visible."""
        with self._lock:
            return bytes(self._bytes).decode("utf-8", "backslashreplace")


class Drain(Tail):
    """A tail that is fed by a thread of its own until the stream ends.

    A pipe that nobody reads stalls the writer at 64 KiB, so this starts with the process.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__()
        self._stream = stream  # kept, so that it is not closed, and its number reused, under the thread
        self._thread = threading.Thread(target=self._run, name="djmig-tui stderr", daemon=True)
        self._thread.start()

    def finish(self, timeout: float) -> str:
        """Return the tail once the stream has ended, or after `timeout`: a child may hold it open."""
        self._thread.join(timeout)
        return self.text()

    def _run(self) -> None:
        try:
            while data := os.read(self._stream.fileno(), 65536):
                self.add(data)
        finally:
            self._stream.close()
