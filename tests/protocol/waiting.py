"""Waiting for a condition with a deadline, where nothing tells about it."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable

#: Long enough for a machine under load; a test that needs all of it fails.
DEADLINE = 20.0


async def until(condition: Callable[[], object], within: float = DEADLINE) -> float:
    """Wait until `condition` holds and return how long that took; fail after `within` seconds."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < within, f"did not happen within {within} s"
        await asyncio.sleep(0.01)
    return time.monotonic() - begun


def wait_for(condition: Callable[[], object], within: float = DEADLINE) -> None:
    """Wait as `until` does, where there is no loop."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < within, f"did not happen within {within} s"
        time.sleep(0.005)


def alive(pid: int) -> bool:
    """Return whether the process runs (one that only waits to be collected does not)."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False  # it ended between opening and reading
    except FileNotFoundError:
        pass  # it ended, or this system has no /proc
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
