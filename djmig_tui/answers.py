"""What the interface answers to a request under way: counted, waited for, and given up at a stop."""

import threading
import time
from typing import Any, Callable, Optional

#: How often a wait looks around, in seconds, where nothing wakes it.
LOOK_EVERY = 0.5


class Answers:
    """The answers that one request waits for. They come from the reader thread, in order."""

    def __init__(self) -> None:
        #: Takes what comes over the pipe, where no thread does.
        self.listen: Optional[Callable[[float], Any]] = None
        self._changed = threading.Condition()
        self._expected = 0
        self._heard = 0
        self._error = ""
        self._over = False

    def expect(self) -> int:
        """Return the number of the next message that is to be answered."""
        self._expected += 1
        return self._expected

    def heard(self, number: int, error: str) -> None:
        """Take an answer; the first error is the one that counts."""
        with self._changed:
            self._heard = max(self._heard, number)
            self._error = self._error or error
            self._changed.notify_all()

    def give_up(self) -> None:
        """Wait for nothing any more."""
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def wait(self, open_ones: int) -> str:
        """Wait until at most so many are unanswered; return the first error, "" if there is none."""
        while self._expected - self._heard > open_ones and not self._error and not self._over:
            if self.listen is not None:
                if self.listen(LOOK_EVERY) is None:
                    time.sleep(LOOK_EVERY)
                continue
            with self._changed:
                if self._expected - self._heard > open_ones and not self._error and not self._over:
                    self._changed.wait(LOOK_EVERY)
        return self._error
