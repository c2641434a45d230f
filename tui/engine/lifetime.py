"""From the start of an engine to its end: who waits for it, how it is closed, what is told when it dies."""

from __future__ import annotations

import asyncio
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress

from djmig_tui import wire

from . import starting
from .connection import Connection
from .errors import EngineEnded
from .process import Spawned

#: Told what the project printed so far, when it takes long to start.
OnWaiting = Callable[[str], None]

#: After how long somebody is told, and after how long it is given up, in seconds.
TELL_AFTER = 10.0
GIVE_UP_AFTER = 120.0
#: How long an engine may take to end by itself, in seconds.
CLOSE_WITHIN = 5.0
#: How long the last words of a dead process are waited for: a child may hold its pipes open.
LAST_WORDS = 0.5


async def started(spawned: Spawned, on_waiting: OnWaiting | None = None) -> None:
    """Wait until the engine is there. Raises `StartFailed`; ends the process if it is given up."""
    loop = asyncio.get_running_loop()
    settled = asyncio.Event()
    spawned.on_settled(lambda: _from_thread(loop, settled.set))
    begun = loop.time()
    told = None
    try:
        while not settled.is_set():
            waited = loop.time() - begun
            if waited >= GIVE_UP_AFTER:
                raise starting.too_long(spawned.launch, waited, spawned.output())
            if waited >= TELL_AFTER and on_waiting is not None and spawned.output() != told:
                told = spawned.output()
                on_waiting(told)
            pause = 1.0 if waited >= TELL_AFTER else TELL_AFTER - waited
            with suppress(TimeoutError, asyncio.TimeoutError):
                await asyncio.wait_for(settled.wait(), min(pause, GIVE_UP_AFTER - waited))
    except BaseException:
        spawned.kill()
        raise
    if spawned.failure is not None:
        raise spawned.failure


class Lifetime:
    """The pipes of an engine that is there, and its end."""

    def __init__(self, spawned: Spawned, on_ended: Callable[[str], None]) -> None:
        self._spawned = spawned
        self._on_ended = on_ended
        self._exited = asyncio.Event()
        self._closing = False
        self._tasks: list[asyncio.Task[None]] = []
        self._transports: list[asyncio.BaseTransport] = []

    async def open(self, connection: Connection) -> None:
        """Give `connection` its pipes; it reads until the engine ends."""
        loop = asyncio.get_running_loop()
        attempt = self._spawned.attempt
        connection.expect(self._spawned.ahead)
        reader = asyncio.StreamReader(limit=wire.MAX_LINE)
        reader.feed_data(attempt.take_unread())
        reading, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), attempt.output
        )
        writing, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, attempt.input)
        self._transports = [writing, reading]
        connection.write = writing.write
        threading.Thread(target=self._wait, args=(loop,), name="djmig-tui wait", daemon=True).start()
        self._tasks = [asyncio.create_task(self._run(connection, reader))]

    async def close(self, *, kill: bool = True) -> None:
        """End the engine: by the end of its input, then by force if it does not listen."""
        self._closing = True
        for transport in self._transports[:1]:
            transport.close()
        try:
            await asyncio.wait_for(self._exited.wait(), CLOSE_WITHIN)
        except (TimeoutError, asyncio.TimeoutError):
            if not kill:
                return
            self._spawned.kill()
        await asyncio.gather(*self._tasks)

    def output(self) -> str:
        """Return the end of what the project printed."""
        return self._spawned.output()

    def log(self, line: bytes) -> None:
        """Put a line of our own among what the project prints."""
        self._spawned.attempt.errors.add(line)

    async def _run(self, connection: Connection, reader: asyncio.StreamReader) -> None:
        reading = asyncio.create_task(connection.read(reader))
        exiting = asyncio.create_task(self._exited.wait())
        await asyncio.wait({reading, exiting}, return_when=asyncio.FIRST_COMPLETED)
        # What was written just before the end is still to be read.
        await asyncio.wait({reading}, timeout=LAST_WORDS)
        if not reading.done():
            reading.cancel()
        exiting.cancel()
        why = reading.result() if reading.done() and not reading.cancelled() else "The engine ended."
        how, tail = await asyncio.to_thread(self._last_words)
        connection.end(EngineEnded(f"{why.rstrip('.')}{how}.", tail))
        for transport in self._transports:
            transport.close()
        if not (self._closing or connection.last):
            self._on_ended(tail)

    def _last_words(self) -> tuple[str, str]:
        process = self._spawned.attempt.process
        try:
            code = process.wait(LAST_WORDS)
        except subprocess.TimeoutExpired:
            self._spawned.kill()  # it closed its end of the channel: nobody can talk to it any more
            return "", self._spawned.output(LAST_WORDS)
        how = f" (signal {-code})" if code < 0 else f" (exit code {code})"
        return how, self._spawned.output(LAST_WORDS)

    def _wait(self, loop: asyncio.AbstractEventLoop) -> None:
        self._spawned.attempt.process.wait()
        _from_thread(loop, self._exited.set)


def _from_thread(loop: asyncio.AbstractEventLoop, callback: Callable[[], object]) -> None:
    with suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits any more
        loop.call_soon_threadsafe(callback)
