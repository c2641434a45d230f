"""Starts an engine with nothing but a thread and pipes: before Textual and asyncio are imported."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence

from . import bundle, stage0, starting
from .ahead import Ahead, lines
from .attempt import Attempt
from .discover import Launch, settings_of
from .errors import StartFailed
from .tail import Tail


class Spawned:
    """An engine that is on its way. `on_settled` tells when it is there, or why it is not.

    A thread sees the start through: it waits for the hello, sends the engine and waits until the
    channel is private. Nothing is written before the hello, because until then a prompt of the
    project may be reading. A project whose `shell` is not Django's is started a second way.
    """

    def __init__(
        self, launch: Launch, sources: bundle.Sources | None = None, ahead: Sequence[Ahead] = ()
    ) -> None:
        self.launch = launch
        #: What the engine is asked before anybody is there to ask.
        self.ahead = ahead
        #: What was printed before the channel was ours.
        self.printed = Tail()
        self.failure: StartFailed | None = None
        self._attempt: Attempt | None = None
        self._sources = sources
        #: Modules that had to go as sources alone, though the other side is on this machine.
        self._not_compiled: set[str] = set()
        self._settled = False
        self._abandoned = False
        self._callback: Callable[[], None] | None = None
        self._lock = threading.Lock()
        self._nonce = os.urandom(16).hex()
        self._here = stage0.runs_here(launch.command)
        try:
            self._try(self._shell, here=self._here)
        except OSError as error:
            self._settle(starting.not_started(launch, error))
        else:
            threading.Thread(target=self._see_through, name="djmig-tui start", daemon=True).start()

    @property
    def attempt(self) -> Attempt:
        """The process that runs, if it was possible to start one."""
        if self._attempt is None:
            raise self.failure or StartFailed("The engine was not started.")
        return self._attempt

    def on_settled(self, callback: Callable[[], None]) -> None:
        """Have `callback` called once the engine is there or has failed: at once, or by a thread."""
        with self._lock:
            if not self._settled:
                self._callback = callback
                return
        callback()

    def has_answered(self) -> bool:
        """Say whether the engine is there and has begun to answer what was asked ahead."""
        return self._settled and self.failure is None and bool(self.ahead) and self.attempt.has_more()

    def output(self, timeout: float = 0.0) -> str:
        """Return the end of what the project printed, waiting up to `timeout` for the last of it."""
        errors = "" if self._attempt is None else self._attempt.errors.finish(timeout)
        return "\n".join(text for text in (self.printed.text().strip("\n"), errors.strip("\n")) if text)

    def kill(self) -> None:
        """End the process and all that it started, at once."""
        self._abandoned = True
        if self._attempt is not None:
            self._attempt.kill()

    def _settle(self, failure: StartFailed | None) -> None:
        with self._lock:
            self.failure = failure
            self._settled = True
            callback = self._callback
        if callback is not None:
            callback()

    # -- the thread
    def _see_through(self) -> None:
        try:
            failure = self._all_ways()
        except Exception as error:  # noqa: BLE001 -- whatever it is, somebody waits for the outcome
            failure = StartFailed(f"The engine could not be started: {error}.", self.output())
        self._settle(failure)
        if failure is None and self._not_compiled:
            bundle.compile_for_the_next()

    def _all_ways(self) -> StartFailed | None:
        code = self._hand_over()
        if code is not None and not self._abandoned and stage0.LOST_PIPE in self.output(1.0):
            # A manage.py that starts another Python passes on no pipe but the standard ones.
            self._here = False
            self._try(self._shell, here=False)
            code = self._hand_over()
        if code is None:
            return None
        output = self.output(1.0)
        failure = starting.ended(self.launch, code, output)
        settings = self.launch.settings or settings_of(self.launch.root)
        if self._abandoned or settings is None or self._python(0) is None:
            return failure
        if not starting.shell_is_overridden(code, output):
            return failure
        self._try(lambda fd: self._python(fd) or [], here=self._here)
        django: bundle.Django = {
            "settings": settings,
            "folder": stage0.script_folder(self.launch.command) or ".",
            "asked": self.launch.settings is not None,
        }
        code = self._hand_over(django)
        return None if code is None else starting.ended(self.launch, code, self.output(1.0))

    def _shell(self, fd: int) -> list[str]:
        return stage0.shell_command(self.launch.command, self.launch.settings, stage0.stage0(self._nonce, fd))

    def _python(self, fd: int) -> list[str] | None:
        code = stage0.stage0(self._nonce, fd)
        command = stage0.python_command(self.launch.command, code)
        if command is None and self.launch.python is not None:
            return [self.launch.python, "-c", code]
        return command

    def _try(self, build: Callable[[int], list[str]], *, here: bool) -> None:
        if self._attempt is not None:
            self._attempt.kill()
        self._attempt = Attempt(build, self.launch.cwd, self.printed, here=here)
        if self._abandoned:
            self._attempt.kill()

    def _hand_over(self, django: bundle.Django | None = None) -> int | None:
        """Send the engine to who says hello. Return None when it is there, else the exit code."""
        ready = os.urandom(16).hex()
        # Packed while the project starts.
        sources, compiled = self._sources or bundle.read_sources(), None
        if self._here and self._sources is None:
            # Elsewhere it is seldom the same Python, and the way there may be a slow one.
            compiled = bundle.read_compiled()
            self._not_compiled = sources.keys() - compiled.keys()
        packed = bundle.pack(sources, ready, django, compiled) + lines(self.ahead)
        attempt = self.attempt
        if attempt.read_until(stage0.marker(self._nonce)):
            attempt.write(packed)
            if attempt.read_until(stage0.marker(ready)):
                return None
        return attempt.end()


def spawn(launch: Launch, sources: bundle.Sources | None = None, ahead: Sequence[Ahead] = ()) -> Spawned:
    """Start the engine of `launch` and return at once; it begins with what is asked `ahead`.

    `sources` replaces the engine's own in tests.
    """
    return Spawned(launch, sources, ahead)
