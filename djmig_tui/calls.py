"""The requests that wait or run: which is next, what a cancel means for each, and progress."""

import base64
import threading
import time
import traceback
from collections import deque
from typing import Any, Callable, Deque, List, Optional, Tuple

from . import protocol
from .answers import Answers

#: Progress of a preview is sent no more often than this, in seconds.
PROGRESS_EVERY = 0.05
#: How many chunks of kept rows may be unanswered before the next one is sent.
ON_THEIR_WAY = 4


class Call:
    """One request, as its handler sees it."""

    def __init__(
        self, id: Any, method: str, request: Any, prefetch: bool, notify: Callable[[str, Any], None]
    ) -> None:
        self.id = id
        self.method = method
        self.request = request
        self.prefetch = prefetch
        #: Previews may be interrupted anywhere; writes only ask whether they should stop.
        self.preview = method not in protocol.WRITES
        self.interrupted = False
        self.answers = Answers()
        self._notify = notify
        self._lock = threading.Lock()
        self._stopping = False
        self._on_stop: Optional[Callable[[], None]] = None
        self._unsent: Optional[protocol.Progress] = None
        self._sent_at = 0.0

    @property
    def stopping(self) -> bool:
        """Whether this request was cancelled or the interface went away."""
        return self._stopping

    def on_stop(self, callback: Callable[[], None]) -> None:
        """Have `callback` called once, by the reader thread, when this request is asked to stop.

        It is called at once if that has happened already.
        """
        with self._lock:
            if not self._stopping:
                self._on_stop = callback
                return
        callback()

    def stop(self) -> None:
        """Ask the handler to stop."""
        with self._lock:
            self._stopping = True
            callback = self._on_stop
        self.answers.give_up()
        if callback is not None:
            callback()

    def progress(
        self,
        done: int,
        total: int = 0,
        message: str = "",
        plan: Optional[protocol.Plan] = None,
        note: str = "",
    ) -> None:
        """Tell the interface how far this request is. The last one told is never lost."""
        self._unsent = protocol.Progress(done, total, message, plan, note)
        if not self.preview or time.monotonic() - self._sent_at >= PROGRESS_EVERY:
            self.flush()

    def chunk(self, data: bytes) -> None:
        """Send part of an answer that is too long for one line; waits while the interface is slow to read."""
        for start in range(0, len(data), protocol.CHUNK_SIZE):
            part = base64.b64encode(data[start : start + protocol.CHUNK_SIZE]).decode("ascii")
            self._notify(protocol.CHUNK, {"id": self.id, "data": part})

    def keep(
        self,
        data: bytes,
        part: Optional[protocol.KeptPart] = None,
        definitions: Optional[protocol.StepDefinitions] = None,
    ) -> str:
        """Have rows kept by the interface; with `part` or `definitions`, wait until all is on its disk.

        Return why they are not kept, "" if they are or nothing is known yet. Few are on their way at
        any moment, and none is waited for once this request is to stop.
        """
        number = self.answers.expect()
        rows = protocol.KeepRows(number, base64.b64encode(data).decode("ascii"), part, definitions)
        self._notify(protocol.KEEP, {"id": self.id, "rows": protocol.to_wire(rows)})
        return self.answers.wait(ON_THEIR_WAY if part is None and definitions is None else 0)

    def flush(self) -> None:
        """Send the progress that was held back, if any."""
        unsent, self._unsent = self._unsent, None
        if unsent is not None:
            self._sent_at = time.monotonic()
            self._notify(protocol.PROGRESS, {"id": self.id, "progress": protocol.to_wire(unsent)})


class Calls:
    """Requests in the order in which they are to run; shared by the reader and the main thread."""

    def __init__(self, interrupt: Callable[[Call], None]) -> None:
        self._interrupt = interrupt
        self._changed = threading.Condition()
        self._urgent: Deque[Call] = deque()
        self._prefetch: Deque[Call] = deque()
        self._running: Optional[Call] = None
        self._closing = False

    def add(self, call: Call) -> None:
        """Queue a request; one that a person waits for sends a running prefetch away."""
        with self._changed:
            if self._closing:
                return
            (self._prefetch if call.prefetch else self._urgent).append(call)
            running = self._running
            if running is not None and running.prefetch and not call.prefetch:
                self._stop(running)
            self._changed.notify()

    def cancel(self, id: Any) -> Optional[Call]:
        """Stop the request if it runs; return it, taken out of the queue, if it waits."""
        with self._changed:
            for queue in (self._urgent, self._prefetch):
                for call in queue:
                    if call.id == id:
                        queue.remove(call)
                        return call
            if self._running is not None and self._running.id == id:
                self._stop(self._running)
        return None

    def heard(self, id: Any, number: Any, error: Any) -> None:
        """Hand an answer of the interface to the running request, if it is that one's."""
        with self._changed:
            if self._running is not None and self._running.id == id and isinstance(number, int):
                self._running.answers.heard(number, str(error or ""))

    def close(self) -> Optional[Call]:
        """Forget what waits and stop what runs: the interface went away. Return what runs."""
        with self._changed:
            self._closing = True
            self._urgent.clear()
            self._prefetch.clear()
            if self._running is not None:
                self._stop(self._running)
            self._changed.notify()
            return self._running

    def next(self, timeout: float) -> Tuple[Optional[Call], bool]:
        """Return the next request, now running, or None after `timeout`; and whether to end."""
        with self._changed:
            if not (self._urgent or self._prefetch or self._closing):
                self._changed.wait(timeout)
            if self._closing:
                return None, True
            queue = self._urgent or self._prefetch
            self._running = queue.popleft() if queue else None
            return self._running, False

    def done(self) -> None:
        """Say that the running request has ended. Waits for a stop of it that is under way."""
        with self._changed:
            self._running = None

    def waiting(self) -> List[Any]:
        """Return the ids that wait, in the order in which they will run."""
        with self._changed:
            return [call.id for call in (*self._urgent, *self._prefetch)]

    def _stop(self, call: Call) -> None:
        # Under the lock on purpose: the main thread cannot go on to the next request, whose
        # statement would be hit instead, before `done` gets the lock.
        if call.stopping:
            return
        try:
            call.stop()
            if call.preview:
                self._interrupt(call)
        except Exception:  # noqa: BLE001 -- the reader thread must live on, whatever a driver raises
            traceback.print_exc()
