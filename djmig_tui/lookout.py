"""A second connection beside a run: holds the lock of one run at a time, and sees who keeps it waiting."""

import contextlib
import signal
import sys
import threading
import time
from typing import Any, Callable, List, Optional, Tuple

from . import databases
from .errors import Refusal
from .interrupts import single_threaded
from .protocol import DatabaseSession
from .sessions import in_words

#: How often it is asked whether the run waits for a lock, in seconds.
EVERY = 0.2
#: How long after its time is up a session that does not listen is ended, in seconds.
GRACE = 1.0


class Lookout:
    """Watches one run, or one rehearsal, from the side. Does nothing where nothing can be asked."""

    def __init__(self, connection: Any, needed: bool, told: Callable[[str], None]) -> None:
        """`needed`: there is no going on without the lock; `told` hears who is waited for."""
        self.time_is_up = False
        self._connection = connection
        self._peers = databases.peers(connection)
        self._needed = needed
        self._told = told
        self._beside: Any = None
        self._watched = 0
        self._seen: List[DatabaseSession] = []
        self._deadline: Optional[float] = None
        self._expire: Callable[[], None] = lambda: None
        self._over = threading.Event()
        self._thread: Optional[threading.Thread] = None

    def __enter__(self) -> "Lookout":
        """Take the lock. Raises `Refusal` if another run has it, or if it is needed and cannot be had."""
        if not self._peers.BESIDE:
            return self
        self._connection.ensure_connection()  # first: a user may have no more than one
        try:
            self._beside = databases.beside(self._connection)
            claimed = self._peers.claim(self._beside)
        except Exception as error:
            self.close()
            if not self._needed:
                return self
            raise Refusal(
                "A second connection to %r is needed beside this, and could not be had: %s"
                % (self._connection.alias, str(error).strip())
            ) from error
        if not claimed:
            holders = self._peers.claimed_by(self._beside)
            self.close()
            raise Refusal(
                "Another djmig-tui is at work on this database%s. Wait until it has ended, then look again."
                % "".join(": " + in_words(each) for each in holders)
            )
        return self

    def __exit__(self, *exception: object) -> None:
        """Give the lock back."""
        self.close()

    def watch(self, deadline: Optional[float] = None, expire: Callable[[], None] = lambda: None) -> None:
        """Watch the connection from here on; `expire` is called once `deadline` has passed."""
        if self._beside is None or single_threaded():
            return
        self._watched = self._peers.session_id(self._connection)
        self._deadline, self._expire = deadline, expire
        self._thread = threading.Thread(target=self._look_on, name="djmig-tui lookout", daemon=True)
        self._thread.start()

    def blockers(self, error: Optional[BaseException]) -> Tuple[DatabaseSession, ...]:
        """Return who held the lock if `error`, or what caused it, is that of a lock not got in time."""
        while error is not None and not self._peers.waited_for_lock(error):
            error = error.__cause__ or error.__context__
        if error is None:
            return ()
        if not self._peers.BESIDE:
            return tuple(self._peers.blocking(self._connection))
        return tuple(self._seen)

    def close(self) -> None:
        """End the watch and the connection; safe to call twice."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._beside is not None:
            databases.discard(self._beside)
            self._beside = None

    # -- the thread
    def _look_on(self) -> None:
        while not self._over.wait(EVERY):
            try:
                self._look()
                self._look_at_the_clock()
            except Exception as error:  # noqa: BLE001 -- its connection may be cut off like the run's: the run tells
                sys.stderr.write("djmig-tui: the lookout ended: %s\n" % error)
                return

    def _look(self) -> None:
        seen = self._peers.blocking(self._beside, self._watched)
        if seen and seen != self._seen:
            self._told("Waiting for a lock: %s" % "; ".join(in_words(each) for each in seen))
        self._seen = seen or self._seen

    def _look_at_the_clock(self) -> None:
        late = 0.0 if self._deadline is None else time.monotonic() - self._deadline
        if late > 0 and not self.time_is_up:
            self.time_is_up = True
            self._expire()
        elif late > GRACE:
            # Python code that listens to nothing: what it holds is let go of without it.
            self._deadline = None
            self._peers.end(self._beside, self._watched)


def interrupt(call: Any) -> None:
    """Stop `call`, a preview, from another thread, in the middle of whatever it does."""
    call.stop()
    databases.cancel_all()
    with contextlib.suppress(OSError):
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
