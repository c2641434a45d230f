"""Makes a PostgreSQL database a copy of another: by the server where nobody is connected, else by a dump."""

import subprocess
from typing import Any

from django.db import Error

from .. import databases
from ..errors import FailedError
from . import tools_postgresql as tools
from .create_postgresql import create_like

#: How long the dump may wait for a lock, in milliseconds.
LOCK_TIMEOUT = 5000
#: How often the server looks whether we are still there, in milliseconds.
CHECK_INTERVAL = 250

_IN_USE = "55006"
#: Whether anything is there for which the server would wait before it copies; not only clients.
_SOMEBODY = (
    "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = %s AND pid <> %s"
    " AND coalesce(backend_type, '') <> 'autovacuum worker')"
    " OR EXISTS (SELECT 1 FROM pg_prepared_xacts WHERE database = %s)"
)


def elsewhere(connection: Any, database: str = "postgres") -> Any:
    """Return a connection to another database of the server, which may write and commits by itself."""
    other = connection.copy(connection.alias)
    other.settings_dict.update(NAME=database, AUTOCOMMIT=True)
    try:
        other.connect()
        with other.cursor() as cursor:
            cursor.execute("SET default_transaction_read_only = off")
    except BaseException:
        databases.discard(other)
        raise
    return other


def create(cursor: Any, name: str, live: str, own: int) -> bool:
    """Create the database `name` like `live`; return whether the content is there too.

    The server copies that only while nobody is connected, and keeps newcomers waiting meanwhile.
    `own` is a session of ours that has just been closed: the server may take a moment to see that.
    """
    # Should we be killed, the server is to give up too (PostgreSQL 14 and newer, on Linux).
    cursor.execute(
        "SELECT set_config(name, '%d', false) FROM pg_settings"
        " WHERE name = 'client_connection_check_interval' AND version() LIKE '%%linux%%'" % CHECK_INTERVAL
    )
    cursor.execute(_SOMEBODY, [live, own, live])
    if not cursor.fetchone()[0]:
        try:
            create_like(cursor, name, live, template=live)
        except Error as error:  # somebody came in this moment
            cause = error.__cause__
            if getattr(cause, "sqlstate", getattr(cause, "pgcode", None)) != _IN_USE:
                raise
        else:
            return True
    create_like(cursor, name, live)
    return False


def fill(connection: Any, name: str, size: int, call: Any) -> None:
    """Load a dump of the database of `connection`, which keeps nobody from working in it, into `name`.

    Who owns what is kept, as it decides what a step may do. Raises `FailedError`.
    """
    missing = tools.why_not(connection)
    if missing is not None:
        raise FailedError(missing)
    patience = "--lock-wait-timeout=%d" % LOCK_TIMEOUT
    options = ("--format=custom", "--compress=0", "--no-subscriptions", patience)
    dumping = tools.command(connection, "pg_dump", *options)
    loading = tools.command(connection, "pg_restore", "--exit-on-error", database=name)
    env = tools.environment(connection)
    databases.discard(connection)
    with tools.at_work(dumping, env, stdout=subprocess.PIPE) as dump, tools.at_work(
        loading, env, stdin=subprocess.PIPE
    ) as load:
        source, target = dump.process.stdout, load.process.stdin
        assert source is not None  # noqa: S101 -- they were asked for
        assert target is not None  # noqa: S101
        done = 0
        try:
            for block in iter(lambda: source.read(tools.BLOCK), b""):
                target.write(block)
                done += len(block)
                call.progress(0, 0, "Copying the database: %d of about %d MB" % (done >> 20, size >> 20))
            target.close()
        except BrokenPipeError:
            load.end()  # its own words
            raise
        dump.end()
        load.end()
    _analyze(connection, name)


def _analyze(connection: Any, name: str) -> None:
    """Gather the statistics, which a dump does not have: without them a query can take for ever."""
    copy = elsewhere(connection, name)
    try:
        with copy.cursor() as cursor:
            cursor.execute("ANALYZE")
    finally:
        databases.discard(copy)
