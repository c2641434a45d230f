"""The engine's end of the pipe: whole lines in, whole lines out, whichever thread writes."""

import os
import select
import threading
from typing import Any, List, Optional

from . import protocol, wire


class Channel:
    """Reads and writes messages on two descriptors that nothing else in the process uses."""

    def __init__(self, input_fd: int, output_fd: int) -> None:
        self._input = input_fd
        self._output = output_fd
        self._buffer = bytearray()
        self._writing = threading.Lock()

    def read(self, timeout: Optional[float] = None) -> Optional[List[bytes]]:
        """Return the lines that came, none after `timeout` seconds, or None at the end of the pipe.

        A line past the limit is cut there: what is left of it cannot be decoded, and is refused.
        """
        if timeout is not None and not select.select([self._input], [], [], timeout)[0]:
            return []
        chunk = os.read(self._input, 65536)
        if not chunk:
            return None
        self._buffer += chunk
        if b"\n" not in chunk:
            if len(self._buffer) > wire.MAX_LINE:
                del self._buffer[wire.MAX_LINE // 2 :]
            return []
        *lines, rest = self._buffer.split(b"\n")
        self._buffer = rest
        return [bytes(line) for line in lines if line.strip()]

    def send(self, message: wire.Message) -> None:
        """Write one message. An interface that is gone is noticed by `read`, not here."""
        line = memoryview(wire.encode(message))
        with self._writing:
            try:
                while line:
                    line = line[os.write(self._output, line) :]
            except OSError:
                return

    def notify(self, method: str, params: Any) -> None:
        """Tell something that nobody asked for."""
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def reply(self, id: Any, result: Any, last: bool = False) -> None:
        """Answer a request with a dataclass of the protocol; `last` says that we end after it."""
        message = {"jsonrpc": "2.0", "id": id, "last": last} if last else {"jsonrpc": "2.0", "id": id}
        try:
            self.send(dict(message, result=protocol.to_wire(result, brief=True)))
        except (wire.WireError, TypeError, ValueError) as error:
            self.fail(id, protocol.INTERNAL_ERROR, "The answer cannot be sent: %s" % error)

    def fail(
        self,
        id: Any,
        code: int,
        sentence: str,
        data: Optional[protocol.ErrorData] = None,
        last: bool = False,
    ) -> None:
        """Answer a request with an error; `last` says that we end after it."""
        error = {"code": code, "message": sentence, "data": protocol.to_wire(data or protocol.ErrorData())}
        message = {"jsonrpc": "2.0", "id": id, "error": error}
        self.send(dict(message, last=last) if last else message)
