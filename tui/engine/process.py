"""Starts an engine with nothing but a thread and pipes: before Textual and asyncio are imported."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import threading
from collections.abc import Callable

from . import bundle, stage0, starting
from .discover import Launch, settings_of
from .errors import StartFailed
from .tail import Drain, Tail


class Spawned:
    """An engine that is on its way. `on_settled` tells when it is there, or why it is not.

    A thread sees the start through: it waits for the hello, sends the engine and waits until the
    channel is private. Nothing is written before the hello, because until then a prompt of the
    project may be reading. A project whose `shell` is not Django's is started a second way.
    """

    def __init__(self, launch: Launch, sources: bundle.Sources | None = None) -> None:
        self.launch = launch
        #: What was printed before the channel was ours.
        self.printed = Tail()
        self.stderr: Drain | None = None
        self.failure: StartFailed | None = None
        self._sources = sources
        self._settled = False
        self._abandoned = False
        self._callback: Callable[[], None] | None = None
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._unread = b""
        self._nonce = os.urandom(16).hex()
        try:
            self._popen(stage0.shell_command(launch.command, launch.settings, stage0.stage0(self._nonce)))
        except OSError as error:
            self._settle(starting.not_started(launch, error))
        else:
            threading.Thread(target=self._see_through, name="djmig-tui start", daemon=True).start()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process that runs, once it was possible to start one."""
        if self._process is None:
            raise self.failure or StartFailed("The engine was not started.")
        return self._process

    def on_settled(self, callback: Callable[[], None]) -> None:
        """Have `callback` called once the engine is there or has failed: at once, or by a thread."""
        with self._lock:
            if not self._settled:
                self._callback = callback
                return
        callback()

    def output(self, timeout: float = 0.0) -> str:
        """Return the end of what the project printed, waiting up to `timeout` for the last of it."""
        errors = "" if self.stderr is None else self.stderr.finish(timeout)
        return "\n".join(text for text in (self.printed.text().strip("\n"), errors.strip("\n")) if text)

    def kill(self) -> None:
        """End the process and all that it started, at once."""
        self._abandoned = True
        if self._process is not None and self._process.poll() is None:
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                self._process.kill()

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
            failure = self._two_ways()
        except Exception as error:  # noqa: BLE001 -- whatever it is, somebody waits for the outcome
            failure = StartFailed(f"The engine could not be started: {error}.", self.output())
        self._settle(failure)

    def _two_ways(self) -> StartFailed | None:
        code = self._hand_over("", "")
        if code is None:
            return None
        output = self.output(1.0)
        failure = starting.ended(self.launch, code, output)
        settings = self.launch.settings or settings_of(self.launch.root)
        command = self._without_manage_py()
        if self._abandoned or settings is None or command is None:
            return failure
        if not starting.shell_is_overridden(code, output):
            return failure
        self._popen(command)
        code = self._hand_over(settings, stage0.script_folder(self.launch.command) or ".")
        return None if code is None else starting.ended(self.launch, code, self.output(1.0))

    def _without_manage_py(self) -> list[str] | None:
        code = stage0.stage0(self._nonce)
        command = stage0.python_command(self.launch.command, code)
        if command is None and self.launch.python is not None:
            return [self.launch.python, "-c", code]
        return command

    def _popen(self, command: list[str]) -> None:
        self._process = process = subprocess.Popen(
            command,
            cwd=self.launch.cwd,
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        if process.stderr is not None:
            self.stderr = Drain(process.stderr)
        if self._abandoned:
            self.kill()

    def _hand_over(self, settings: str, folder: str) -> int | None:
        """Send the engine to who says hello. Return None when it is there, else the exit code."""
        ready = os.urandom(16).hex()
        # Packed while the project starts.
        django: dict[str, str | bool] = {
            "settings": settings,
            "folder": folder,
            "asked": self.launch.settings is not None,
        }
        packed = bundle.pack(self._sources or bundle.read_sources(), ready, django if settings else None)
        if self._read_until(stage0.marker(self._nonce)):
            self._write(packed)
            if self._read_until(stage0.marker(ready)):
                return None
        process = self.process
        if process.stdin is not None:
            process.stdin.close()
        return process.wait()

    def _read_until(self, marker: bytes) -> bool:
        """Read up to the marker; keep what came before it for error texts. False at the end."""
        seen, self._unread = self._unread, b""
        while True:
            before, found, after = seen.partition(marker)
            if found:
                self.printed.add(before)
                self._unread = after
                return True
            held = _overlap(seen, marker)
            self.printed.add(seen[: len(seen) - held])
            data = self._read()
            seen = seen[len(seen) - held :] + data
            if not data:
                self.printed.add(seen)
                return False

    def _read(self) -> bytes:
        """Return what comes next, nothing at the end of the stream or of the process."""
        stdout = self.process.stdout
        if stdout is None:
            return b""
        while not select.select([stdout], [], [], 0.5)[0]:
            # A program that the project started may hold the pipe open after it.
            if self.process.poll() is not None and not select.select([stdout], [], [], 0)[0]:
                return b""
        return os.read(stdout.fileno(), 65536)

    def _write(self, data: bytes) -> None:
        stdin = self.process.stdin
        view = memoryview(data)
        try:
            while view and stdin is not None:
                view = view[os.write(stdin.fileno(), view) :]
        except BrokenPipeError:
            return  # it has ended; reading on says how


def spawn(launch: Launch, sources: bundle.Sources | None = None) -> Spawned:
    """Start the engine of `launch` and return at once. `sources` replaces the engine's own in tests."""
    return Spawned(launch, sources)


def _overlap(seen: bytes, marker: bytes) -> int:
    """Return how many of the last bytes of `seen` may be the beginning of `marker`."""
    sizes = range(min(len(seen), len(marker) - 1), 0, -1)
    return next((size for size in sizes if seen.endswith(marker[:size])), 0)


def _environment() -> dict[str, str]:
    environ = dict(os.environ)
    environ["PYTHONDONTWRITEBYTECODE"] = "1"  # looking writes nothing into the project's folder
    environ.pop("__PYVENV_LAUNCHER__", None)  # macOS: it would turn the project's Python into ours
    return environ
