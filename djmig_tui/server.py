"""The engine's main loop: which module answers what, one request after another, until EOF.

A reader thread owns the pipe; the main thread runs requests, because Django's connections belong
to the thread that opened them and because only the main thread can be interrupted.
"""

import os
import sys
import threading
import time
import traceback
from importlib import import_module
from typing import Any, Callable, Dict, List, Optional

from . import errors, protocol, wire
from .calls import Call, Calls
from .channel import Channel
from .interrupts import Interrupts, single_threaded

#: Method → "module:function" of the engine, imported when it is first asked for: the first tree
#: must not wait for the rest.
TABLE: Dict[str, str] = {
    "open_project": "project:open_project",
    "scan_history": "history:scan_history",
    "load_history": "history:load_history",
    "render_sql": "sql:render_sql",
    "show_migration": "detail:show_migration",
    "preview_plan": "plan:preview_plan",
    "measure_plan": "measuring:measure_plan",
    "rehearse_plan": "rehearse:rehearse_plan",
    "run_plan": "run:run_plan",
    "list_sessions": "sessions:list_sessions",
    "verify_schema": "verify:verify_schema",
    "read_file": "reading:read_file",
    "preview_removal": "removals:preview_removal",
    "delete_file": "files:delete_file",
    "restore_file": "files:restore_file",
    "check_backup": "backup:check_backup",
    "make_backup": "backup:make_backup",
    "count_tables": "backup:count_tables",
    "begin_upload": "uploads:begin_upload",
    "send_chunk": "uploads:send_chunk",
    "drop_upload": "uploads:drop_upload",
    "preview_restore": "restore:preview_restore",
    "restore_backup": "restore:restore_backup",
    "list_kept": "restore:list_kept",
    "drop_kept": "restore:drop_kept",
    "swap_kept": "restore:swap_kept",
    "preview_reset": "reset:preview_reset",
    "recreate_database": "restore:recreate_database",
    "read_files": "reset_files:read_files",
    "delete_files": "reset_files:delete_files",
    "restore_files": "files:restore_files",
    "change_records": "reset_actions:change_records",
    "make_migrations": "reset_making:make_migrations",
    "drop_tables": "reset_actions:drop_tables",
    "match_rows": "kept_rows:match_rows",
    "put_rows_back": "kept_rows:put_rows_back",
    "watch": "watch:watch",
}

#: How often what changed behind our back is looked for while nothing is asked, in seconds.
POLL_EVERY = 1.0
#: How long a preview may take to end once the interface is gone, in seconds.
GRACE = 0.7


class Server:
    """Runs the requests that come over one channel."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._interrupts = Interrupts()
        self._calls = Calls(self._interrupt)
        self._single = single_threaded()
        self._session: Any = None
        self._poll_failed = False
        self._gone = False

    def serve(self) -> None:
        """Answer requests until the interface goes away or a handler ends the session."""
        if not self._single:
            threading.Thread(target=self._read_on, name="djmig-tui reader", daemon=True).start()
        while True:
            if self._single:
                self._take(0)
            call, ending = self._calls.next(0 if self._single else POLL_EVERY)
            if ending:
                return
            if call is not None:
                self._attend(call)
                if self._finished:
                    return
            elif not self._single or not self._take(POLL_EVERY):
                self._poll()

    # -- what comes in
    def _read_on(self) -> None:
        while self._take(None) is not None:
            pass

    def _take(self, timeout: Optional[float]) -> Optional[List[bytes]]:
        lines = self._channel.read(timeout)
        if lines is None:
            self._interface_gone()
        for line in lines or ():
            try:
                self._receive(line)
            except Exception:  # noqa: BLE001 -- an engine that stopped listening could not even be ended
                traceback.print_exc()
        return lines

    def _interface_gone(self) -> None:
        if self._gone:
            return
        self._gone = True
        # Prints into a pipe that nobody reads raise; a run must not fail because of that.
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        running = self._calls.close()
        if not self._single and (running is None or running.preview):
            time.sleep(GRACE)
            os._exit(1)  # looking changes nothing, so it can be dropped in the middle of anything

    def _receive(self, line: bytes) -> None:
        try:
            message = wire.decode(line)
        except wire.WireError as error:
            self._channel.fail(None, protocol.PARSE_ERROR, str(error))
            return
        id, method, params = message.get("id"), message.get("method"), message.get("params")
        if method == protocol.CANCEL:
            self._cancel(params.get("id") if isinstance(params, dict) else None)
        elif method == protocol.KEPT and isinstance(params, dict):
            self._calls.heard(params.get("id"), params.get("number"), params.get("error"))
        elif message.get("jsonrpc") != "2.0" or not isinstance(method, str) or not isinstance(id, (int, str)):
            self._channel.fail(None, protocol.INVALID_REQUEST, "Not a request: %.200r" % message)
        elif method not in protocol.METHODS:
            self._channel.fail(id, protocol.METHOD_NOT_FOUND, "The engine has no method %r." % method)
        else:
            self._queue(id, method, params, message.get("priority") == protocol.PREFETCH)

    def _queue(self, id: Any, method: str, params: Any, prefetch: bool) -> None:
        try:
            request: Any = protocol.from_wire(protocol.METHODS[method][0], params)
        except protocol.ProtocolError as error:
            self._channel.fail(id, protocol.INVALID_PARAMS, str(error))
            return
        call = Call(id, method, request, prefetch and method not in protocol.WRITES, self._tell)
        if self._single:
            call.answers.listen = self._take
        self._calls.add(call)

    def _cancel(self, id: Any) -> None:
        call = self._calls.cancel(id)
        if call is not None:
            self._channel.fail(call.id, protocol.CANCELLED, "Cancelled before it began.")

    def _interrupt(self, call: Call) -> None:
        self._interrupts.fire(call)
        databases = sys.modules.get(__package__ + ".databases")
        if databases is not None:
            databases.cancel_all()

    # -- what goes out
    def _tell(self, method: str, params: Any) -> None:
        with self._interrupts.held_off():
            self._channel.notify(method, params)
        if self._single:
            self._take(0)

    def _attend(self, call: Call) -> None:
        outcome = self._outcome(call)
        self._calls.done()
        call.flush()
        if not isinstance(outcome, BaseException):
            self._channel.reply(call.id, outcome, last=self._finished)
        elif call.preview and call.stopping:
            self.discard_connections()
            self._channel.fail(call.id, protocol.CANCELLED, "Cancelled.", last=self._finished)
        else:
            self._fail(call, outcome)

    @property
    def _finished(self) -> bool:
        """Whether a handler said that this process must not go on."""
        return bool(getattr(self._session, "finished", False))

    def _outcome(self, call: Call) -> Any:
        """Return the handler's reply, or what it raised."""
        try:
            handler = _handler(call.method)
            if self._session is None:
                self._session = _module("project").Session()
            return self._interrupts.run(call, lambda: handler(self._session, call.request, call))
        except BaseException as error:  # noqa: BLE001 -- sys.exit() in a migration must not end the engine
            return error

    def _fail(self, call: Call, error: BaseException) -> None:
        first = errors.first_error(error)
        detail = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        if isinstance(error, errors.EngineError):
            data = protocol.ErrorData(error.detail or detail, error.kind or type(first).__name__)
            self._channel.fail(call.id, _code(error), str(error), data, self._finished)
            return
        code = _code(error)
        words = str(first).strip().splitlines() or [""]
        sentence = words[0] if code == protocol.FAILED else "%s: %s" % (type(first).__name__, words[0])
        data = protocol.ErrorData(detail, type(first).__name__)
        self._channel.fail(call.id, code, sentence.rstrip(": "), data, self._finished)

    @staticmethod
    def discard_connections() -> None:
        """Close every connection: an interrupted preview can leave one in the middle of anything."""
        databases = sys.modules.get(__package__ + ".databases")
        if databases is not None:
            databases.discard_all()

    def _poll(self) -> None:
        if self._session is None:
            return
        try:
            for changed in _module("watch").poll(self._session):
                self._channel.notify(protocol.CHANGED, protocol.to_wire(changed))
        except Exception:  # noqa: BLE001 -- looking for changes is a service, not a reason to end
            if not self._poll_failed:
                self._poll_failed = True
                traceback.print_exc()


def _module(name: str) -> Any:
    return import_module("." + name, __package__)


def _handler(method: str) -> Callable[[Any, Any, Call], Any]:
    module, function = TABLE[method].split(":")
    handler: Callable[[Any, Any, Call], Any] = getattr(_module(module), function)
    return handler


def _code(error: BaseException) -> int:
    for kind, code in (
        (errors.Refusal, protocol.REFUSED),
        (errors.StaleError, protocol.STALE),
        (errors.FailedError, protocol.FAILED),
    ):
        if isinstance(error, kind):
            return code
    django_db = sys.modules.get("django.db")
    if django_db is not None and isinstance(errors.first_error(error), django_db.Error):
        return protocol.FAILED
    return protocol.INTERNAL_ERROR


def main(input_fd: int, output_fd: int) -> None:
    """Serve, then end the process whatever threads the project left behind."""
    code = 0
    try:
        Server(Channel(input_fd, output_fd)).serve()
    except BaseException:  # noqa: BLE001 -- an error of ours: said on the way out
        code = 1
        traceback.print_exc()
    uploads = sys.modules.get(__package__ + ".uploads")
    if uploads is not None:
        uploads.drop_all()
    try:
        # SQLite leaves its -wal and -shm beside the file of whoever does not close it.
        Server.discard_connections()
    except Exception:  # noqa: BLE001 -- a project may have done anything to its connections: we end all the same
        traceback.print_exc()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            continue
    os._exit(code)
