"""Requests, answers and notifications over one pair of streams: JSON-RPC on asyncio."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from djmig_tui import protocol, wire

from . import errors
from .ahead import Ahead
from .answering import Answering
from .api import OnChunk, OnKeep, OnProgress

T = TypeVar("T")

_ERRORS: dict[int, type[errors.EngineError]] = {
    protocol.REFUSED: errors.Refused,
    protocol.STALE: errors.Stale,
    protocol.CANCELLED: errors.Cancelled,
}


@dataclass(frozen=True)
class Pending:
    """A request that waits for its answer."""

    method: str
    answer: asyncio.Future[Any]
    on_progress: OnProgress | None
    on_chunk: OnChunk | None = None
    on_keep: OnKeep | None = None


class Connection:
    """Sends requests and gives each answer to who waits for it."""

    def __init__(self, on_changed: Callable[[protocol.Changed], None], log: Callable[[bytes], None]) -> None:
        #: The engine said that it ends after this answer: it has done what it was there for.
        self.last = False
        #: Where requests are written to, set once the pipes are open.
        self.write: Callable[[bytes], None] = _closed
        self._on_changed = on_changed
        self._log = log
        self._pending: dict[int, Pending] = {}
        self._last_id = 0
        self._ended: errors.EngineEnded | None = None
        self._answering = Answering()
        #: Number → what was asked ahead, until somebody asks it.
        self._ahead: dict[int, tuple[Ahead, asyncio.Future[Any]]] = {}

    def expect(self, ahead: Sequence[Ahead]) -> None:
        """Take the answers to what was asked ahead; who asks the very same gets them, once."""
        for self._last_id, one in enumerate(ahead, 1):
            answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            answer.add_done_callback(_heard)
            self._ahead[self._last_id] = one, answer
            self._pending[self._last_id] = Pending(one.method, answer, None)

    async def ask(
        self,
        method: str,
        request: object,
        reply: type[T],
        *,
        on_progress: OnProgress | None = None,
        on_chunk: OnChunk | None = None,
        on_keep: OnKeep | None = None,
        prefetch: bool = False,
    ) -> T:
        """Send `request` and return the answer as a `reply`. Cancelling sends the engine a cancel."""
        id, answer = self._send(method, request, (on_progress, on_chunk, on_keep), prefetch)
        try:
            result = await answer
        except asyncio.CancelledError:
            self._cancel(id)
            self._pending.pop(id, None)
            raise
        return _decoded(reply, result)

    def cancel(self, method: str) -> None:
        """Ask the engine to stop the requests of this method; their answers still come."""
        for id, pending in self._pending.items():
            if pending.method == method:
                self._cancel(id)

    def _send(
        self,
        method: str,
        request: object,
        hearers: tuple[OnProgress | None, OnChunk | None, OnKeep | None],
        prefetch: bool,
    ) -> tuple[int, asyncio.Future[Any]]:
        if self._ended is not None:
            raise errors.EngineEnded(str(self._ended), self._ended.detail)
        params = protocol.to_wire(request)
        for id, (one, answer) in self._ahead.items():
            if (one.method, one.params) == (method, params):
                del self._ahead[id]
                if id in self._pending:
                    self._pending[id] = Pending(method, answer, *hearers)
                return id, answer
        self._last_id += 1
        message: wire.Message = {"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params}
        if prefetch:
            message["priority"] = protocol.PREFETCH
        self.write(wire.encode(message))
        answer = asyncio.get_running_loop().create_future()
        self._pending[self._last_id] = Pending(method, answer, *hearers)
        return self._last_id, answer

    def is_pending(self, method: str) -> bool:
        """Return whether a request of this method waits for its answer."""
        return any(pending.method == method for pending in self._pending.values())

    async def read(self, reader: asyncio.StreamReader) -> str:
        """Hand out what comes until the stream ends; return why it ended, as a sentence."""
        while True:
            try:
                line = await reader.readline()
            except ValueError:
                return f"The engine sent a line of more than {wire.MAX_LINE} bytes."
            except OSError as error:
                return f"The pipe to the engine broke: {error}."
            if not line:
                return "The engine ended."
            self._receive(line)

    def end(self, ended: errors.EngineEnded) -> None:
        """Fail all that wait, and whoever asks from here on."""
        self._ended = ended
        pending, self._pending = self._pending, {}
        for request in pending.values():
            if not request.answer.done():
                request.answer.set_exception(errors.EngineEnded(str(ended), ended.detail))
                # Whoever waited may have gone; an answer nobody looks at is not worth a warning.
                request.answer.exception()

    def _cancel(self, id: int) -> None:
        if self._ended is None:
            self.write(wire.encode({"jsonrpc": "2.0", "method": protocol.CANCEL, "params": {"id": id}}))

    def _receive(self, line: bytes) -> None:
        try:
            message = wire.decode(line)
            if "method" in message:
                self._notified(message["method"], message.get("params"))
            else:
                self._answered(message)
        except Exception as error:  # noqa: BLE001 -- whatever comes, the next line may be somebody's answer
            self._log(f"djmig-tui: not understood ({error}): {line[:200]!r}\n".encode())

    def _notified(self, method: object, params: Any) -> None:
        if method == protocol.CHANGED:
            changed = protocol.from_wire(protocol.Changed, params)
            asyncio.get_running_loop().call_soon(self._on_changed, changed)
        elif method == protocol.PROGRESS and isinstance(params, dict):
            pending = self._pending.get(params.get("id", 0))
            progress = protocol.from_wire(protocol.Progress, params.get("progress"))
            if pending is not None and pending.on_progress is not None:
                # Not called here: an error of a widget must not end the reading.
                asyncio.get_running_loop().call_soon(pending.on_progress, progress)
        elif method == protocol.CHUNK and isinstance(params, dict):
            self._came(params.get("id", 0), params.get("data", ""))
        elif method == protocol.KEEP and isinstance(params, dict):
            id = params.get("id", 0)
            pending = self._pending.get(id)
            rows = protocol.from_wire(protocol.KeepRows, params.get("rows"))
            on_keep = pending.on_keep if pending is not None else None
            self._answering.answer(id, rows, on_keep, self.write)

    def _came(self, id: int, data: str) -> None:
        """Hand a chunk on at once: the pipe is not read faster than its bytes can be kept."""
        pending = self._pending.get(id)
        if pending is None or pending.on_chunk is None or pending.answer.done():
            return
        try:
            pending.on_chunk(base64.b64decode(data))
        except Exception as error:  # noqa: BLE001 -- whoever waits for the answer is told: a full disk
            self._cancel(id)
            pending.answer.set_exception(error)

    def _answered(self, message: wire.Message) -> None:
        id = message.get("id")
        if not isinstance(id, int):
            raise protocol.ProtocolError("an answer to no request")
        self.last = self.last or message.get("last") is True
        pending = self._pending.pop(id, None)
        if pending is None or pending.answer.done():
            return  # cancelled meanwhile
        if "result" in message:
            pending.answer.set_result(message["result"])
        else:
            pending.answer.set_exception(_error(message.get("error")))


def _heard(answer: asyncio.Future[Any]) -> None:
    """Look at an answer that perhaps nobody asks for any more, so that its error is not warned about."""
    if not answer.cancelled():
        answer.exception()


def _closed(data: bytes) -> None:
    raise errors.EngineEnded("The engine is not connected.")


def _error(error: Any) -> errors.EngineError:
    if not isinstance(error, dict):
        return errors.Failed("The engine's answer was not understood.", repr(error))
    data = error.get("data")
    detail = data.get("detail", "") if isinstance(data, dict) else ""
    code = error.get("code")
    kind = _ERRORS.get(code, errors.Failed) if isinstance(code, int) else errors.Failed
    return kind(str(error.get("message", "")), str(detail))


def _decoded(reply: type[T], result: Any) -> T:
    try:
        return protocol.from_wire(reply, result)
    except protocol.ProtocolError as error:
        raise errors.Failed(
            f"The engine's answer was not understood: {error}", repr(result)[:10_000]
        ) from error
