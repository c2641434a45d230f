"""Answers the engine, which waits in the middle of a run until the rows that it drops are kept."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from djmig_tui import protocol, wire

from .api import OnKeep
from .errors import EngineEnded

Write = Callable[[bytes], None]

_NOBODY = "Nobody is there to keep the rows."


class Answering:
    """Has rows kept one after the other, off the loop: a disk may be slow. Each is answered."""

    def __init__(self) -> None:
        self._last: asyncio.Task[None] | None = None

    def answer(self, id: int, rows: protocol.KeepRows, on_keep: OnKeep | None, write: Write) -> None:
        """Have `rows` kept after those that came before them, and `write` how that went."""
        before = self._last

        async def keep() -> None:
            if before is not None:
                await asyncio.wait([before])
            params = {"id": id, "number": rows.number, "error": await _kept(rows, on_keep)}
            with contextlib.suppress(EngineEnded):
                write(wire.encode({"jsonrpc": "2.0", "method": protocol.KEPT, "params": params}))

        self._last = asyncio.ensure_future(keep())


async def _kept(rows: protocol.KeepRows, on_keep: OnKeep | None) -> str:
    """Have rows kept; return why they are not, "" if they are."""
    if on_keep is None:
        return _NOBODY
    try:
        await asyncio.to_thread(on_keep, rows)
    except Exception as failed:  # noqa: BLE001 -- whatever it is, the run must hear that it failed
        return str(failed) or repr(failed)
    return ""
