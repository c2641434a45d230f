"""What differs between databases, one module a vendor, and the care of connections.

Modes hold for the whole process: looking, where every connection is made read-only by the database
itself; writing, which only a confirmed action enters; and rehearsing, where at most the copy of one
database may be written. A connection never passes from one to another: it is closed, and the next
one opened in the other mode.
"""

import contextlib
import sys
import time
import weakref
from importlib import import_module
from typing import Any, Callable, Dict, Iterator, Optional

from django.db import connections
from django.db.backends.signals import connection_created

from ..errors import FailedError, Refusal, first_error

_open: "weakref.WeakSet[Any]" = weakref.WeakSet()
#: What is done to each connection from its first moment: None while writing.
_tame: Optional[Callable[[Any], None]] = None
#: Alias → what `file` of its vendor said when its connection was opened for looking.
_files: Dict[str, Any] = {}

_VENDORS = {"sqlite": ".sqlite", "postgresql": ".postgresql", "mysql": ".mysql"}

#: Alias → when its connection was last used for looking.
_used: Dict[str, float] = {}
#: Seconds after which a connection is asked whether it still stands before it is used.
UNASKED = 1.0


def vendor(connection: Any) -> Any:
    """Return the module for the database behind `connection`.

    Each module has ``make_read_only(connection)``, ``missing(settings) -> bool``,
    ``file(settings)``, which changes when the file behind a database does, ``identity(connection)``,
    the same for two aliases of one database, ``cancel(connection)``, ``transaction(connection)``,
    ``between_steps(connection)`` and
    ``one_transaction_why_not(connection) -> Optional[str]``. A backend of another vendor gets
    the `unknown` module, which promises nothing.
    """
    return import_module(_VENDORS.get(connection.vendor, ".unknown"), __name__)


def peers(connection: Any) -> Any:
    """Return the module that knows of other sessions on the database behind `connection`.

    Each has ``sessions(connection)``, ``blocking(connection, session_id)`` and
    ``waited_for_lock(error)``; where `BESIDE` is true also ``session_id(connection)``,
    ``claim(connection)``, ``claimed_by(connection)`` and ``end(connection, session_id)``, for a
    second connection beside that of a run.
    """
    name = connection.vendor if connection.vendor in _VENDORS else "unknown"
    return import_module(".peers_" + name, __name__)


def trial(connection: Any) -> Any:
    """Return the module that knows how a plan is rehearsed on the database behind `connection`.

    There is one for each vendor whose `one_transaction_why_not` has no objection. Each has `WHERE`,
    `LIMIT` in seconds or None, `COPY`, which says that it is not the database itself,
    `notes`, which is what is to be told afterwards,
    ``prepared(connection, others, call)``, ``begin(connection, runs_code)``,
    ``last_checks(connection)``, ``schema(connection)``, ``ended_transaction(error)`` and
    ``out_of_time(error)``. Where it is the database itself there are also ``on_copy()``, the same
    again for a copy, ``copy_why_not(connection, others)`` and ``sweep(connection)``.
    """
    return import_module(".trial_" + connection.vendor, __name__)


def dumper(connection: Any) -> Any:
    """Return the module that backs up and restores databases like that behind `connection`.

    Each has `FORMAT`, ``means(connection)``, ``dump(connection, write, call)``, which
    hands every byte to `write`, checked to its end, and returns the rows of every table,
    ``count(connection, call)``, ``check(path, connection)``, ``preview(connection)``, a `Way`,
    ``restore(connection, path, request, call)``, ``recreate(connection, end_others, call)``, and for what
    a restore keeps of the database it replaced ``kept(connection)``, ``drop_kept(connection, name)`` and
    ``swap_kept(connection, name, request, call)``.
    """
    name = connection.vendor if connection.vendor in _VENDORS else "unknown"
    return import_module(".dump_" + name, __name__)


def make_read_only(connection: Any) -> None:
    """Have the database itself refuse every write on `connection`."""
    vendor(connection).make_read_only(connection)


def _created(sender: Any, connection: Any, **kwargs: Any) -> None:
    _open.add(connection)
    if _tame is not None:
        _tame(connection)


def watch_connections() -> None:
    """Make every connection read-only from its first moment. Called once, before any is opened."""
    global _tame  # noqa: PLW0603 -- one mode for the whole process is the point
    _tame = make_read_only
    connection_created.connect(_created, dispatch_uid="djmig-tui", weak=False)
    for settings in connections.settings.values():
        # Connections of ours are thrown away, and a pool would wait for each of them to come back.
        settings.get("OPTIONS", {}).pop("pool", None)


def looking(alias: str) -> Any:
    """Return the read-only connection of `alias`, opened.

    For a SQLite file that does not exist, which connecting would create, it is an empty database
    in memory: SQL can be rendered, and nothing is created by looking (EDGES 30).
    Raises `FailedError` with the database's own words when it cannot be reached, and `Refusal`
    for an unknown alias.
    """
    check_alias(alias)
    connection = connections[alias]
    file = vendor(connection).file(connection.settings_dict)
    if connection.connection is not None and (file != _files.get(alias) or _was_cut_off(connection)):
        discard(connection)  # the SQLite file came, went or was replaced, or the server was restarted
    try:
        if connection.connection is None:
            _connect(connection)
            _files[alias] = file
    except Exception as error:  # drivers raise their own classes for a refused connection
        discard(connection)
        raise FailedError(unreachable(alias, error), kind=type(error).__name__) from error
    return connection


def _was_cut_off(connection: Any) -> bool:
    """Return whether the server ended a connection that was not used for a while."""
    now = time.monotonic()
    idle, _used[connection.alias] = now - _used.get(connection.alias, 0.0), now
    return idle > UNASKED and not connection.is_usable()


def _connect(connection: Any) -> None:
    real = connection.settings_dict
    if missing(connection.alias):
        connection.settings_dict = dict(real, NAME=":memory:")
    try:
        connection.ensure_connection()
    finally:
        connection.settings_dict = real


def missing(alias: str) -> bool:
    """Return whether connecting to `alias` would create its database."""
    connection = connections[alias]
    return bool(vendor(connection).missing(connection.settings_dict))


def refuse_missing(alias: str) -> None:
    """Raise `FailedError` if connecting to `alias` would create its database."""
    if missing(alias):
        raise FailedError("The database %s is not there." % settings_of(alias)["NAME"])


def settings_of(alias: str) -> Any:
    """Return the entry of DATABASES behind `alias`, with Django's defaults filled in."""
    return connections[alias].settings_dict


def check_alias(alias: str) -> None:
    """Raise `Refusal`, with the aliases there are, if `alias` is not one of them."""
    if alias not in connections.settings:
        raise Refusal(
            "There is no database alias %r in DATABASES; there are: %s."
            % (alias, ", ".join(sorted(connections.settings)))
        )


def unreachable(alias: str, error: BaseException) -> str:
    """Return the sentence for a database that could not be asked."""
    words = str(first_error(error)).strip().splitlines() or [type(error).__name__]
    return "The database %r cannot be reached: %s Start it or check DATABASES, then look again." % (
        alias,
        " ".join(line.strip() for line in words).rstrip(".") + ".",
    )


def discard(connection: Any) -> None:
    """Throw the raw connection away, whatever state it is in.

    Django's own bookkeeping may believe that an atomic block is still open (EDGES 51), so the
    raw connection is rolled back and closed first, and the wrapper told afterwards.
    """
    raw = connection.connection
    if raw is not None:
        for step in (raw.rollback, raw.close):
            try:
                step()
            except Exception as error:  # noqa: BLE001 -- a dead connection fails in any of its driver's ways
                _log("while closing", connection, error)
    connection.connection = None
    connection.in_atomic_block = False
    connection.savepoint_ids = []
    connection.atomic_blocks = []
    connection.needs_rollback = False
    connection.closed_in_transaction = False
    connection.run_on_commit = []
    connection.run_commit_hooks_on_set_autocommit_on = False


def discard_all() -> None:
    """Throw every open connection of this thread away."""
    for connection in connections.all(initialized_only=True):
        discard(connection)


@contextlib.contextmanager
def writing(alias: str) -> Iterator[Any]:
    """Yield the connection of `alias` with writing allowed; every connection is fresh, before and after."""
    check_alias(alias)
    with _mode(None):
        yield connections[alias]


@contextlib.contextmanager
def rehearsing(tame: Callable[[Any], None]) -> Iterator[None]:
    """Have `tame` called with each new connection, whatever thread opens it, and none left from before."""
    with _mode(tame):
        yield


@contextlib.contextmanager
def _mode(tame: Optional[Callable[[Any], None]]) -> Iterator[None]:
    global _tame  # noqa: PLW0603 -- one mode for the whole process is the point
    discard_all()
    before, _tame = _tame, tame
    try:
        yield
    finally:
        _tame = before
        discard_all()


def beside(connection: Any) -> Any:
    """Return a second connection to the same database, opened, that every thread may use.

    It is not one of those that `cancel_all` cancels. Raises what the driver raises.
    """
    second = connection.copy(connection.alias)
    second.inc_thread_sharing()
    second.connect()
    _open.discard(second)
    return second


def spare(connection: Any) -> None:
    """Take `connection` out of those that `cancel_all` cancels."""
    _open.discard(connection)


def cancel_all() -> None:
    """Cancel whatever statement runs on any connection. Called from the reader thread."""
    for connection in list(_open):
        if connection.connection is not None:
            try:
                vendor(connection).cancel(connection)
            except Exception as error:  # noqa: BLE001 -- the statement may have ended meanwhile, in any driver's way
                _log("while cancelling on", connection, error)


def _log(doing: str, connection: Any, error: BaseException) -> None:
    sys.stderr.write("djmig-tui: %s %s: %s\n" % (doing, connection.alias, error))
