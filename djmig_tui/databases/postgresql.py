"""PostgreSQL: transactional DDL, deferred constraints, locks that wait for ever unless told."""

import contextlib
from typing import Any, Callable, Dict, Iterator, Optional, Sequence, TypeVar

#: How long a statement of a run may wait for a lock, in milliseconds.
LOCK_TIMEOUT = 5000
#: How often the server looks whether we are still there, in milliseconds.
CHECK_INTERVAL = 250

T = TypeVar("T")


def make_read_only(connection: Any) -> None:
    """Have PostgreSQL itself refuse every write of this session, and let no lock keep us for ever."""
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
        cursor.execute(
            "SELECT set_config('lock_timeout', '%d', false) FROM pg_settings"
            " WHERE name = 'lock_timeout' AND setting = '0'" % LOCK_TIMEOUT
        )


def missing(settings: Dict[str, Any]) -> bool:
    """Connecting never creates a PostgreSQL database."""
    return False


def file(settings: Dict[str, Any]) -> None:
    """There is no file that could be swapped below a connection."""


def identity(connection: Any) -> Optional[str]:
    """Return what two aliases of one database have in common: names and addresses may differ."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_postmaster_start_time()::text, oid::text FROM pg_database"
            " WHERE datname = current_database()"
        )
        return " ".join(cursor.fetchone())


def cancel(connection: Any) -> None:
    """Cancel the statement under way; psycopg allows it from any thread."""
    connection.connection.cancel()


def limited(connection: Any, seconds: float, work: Callable[[Any], T]) -> Optional[T]:
    """Return what `work` returns for a cursor, None if it took longer than `seconds`.

    In a transaction of its own, or a savepoint: a statement that is cut off fails all around it.
    """
    from django.db import transaction as django_transaction

    try:
        with django_transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = %d" % int(seconds * 1000))
            cursor.execute("SET LOCAL row_security = off")  # rows that a policy hides: an error, not 0
            result = work(cursor)
            cursor.execute("SET LOCAL statement_timeout = DEFAULT")
            cursor.execute("SET LOCAL row_security = DEFAULT")
            return result
    except Exception as error:
        if getattr(error.__cause__, "sqlstate", getattr(error.__cause__, "pgcode", None)) == "57014":
            return None
        raise


def estimate(connection: Any, table: str) -> Optional[int]:
    """Return the planner's idea of how many rows `table` has, None if it has none."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass(quote_ident(%s))", [table]
        )
        row = cursor.fetchone()
    return None if row is None or row[0] < 0 else int(row[0])


def estimate_values(connection: Any, table: str, column: str) -> Optional[int]:
    """Return the planner's idea of how many rows have a value in `column`, None if it has none."""
    rows = estimate(connection, table)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT null_frac FROM pg_stats WHERE tablename = %s AND attname = %s"
            " AND schemaname = ANY (current_schemas(false))",
            [table, column],
        )
        row = cursor.fetchone()
    return None if rows is None or row is None else int(rows * (1 - row[0]))


def one_transaction_why_not(connection: Any) -> Optional[str]:
    """PostgreSQL rolls DDL back."""
    return None


@contextlib.contextmanager
def transaction(connection: Any) -> Iterator[None]:
    """Hold one transaction for the whole plan."""
    from django.db import transaction as django_transaction

    with django_transaction.atomic(using=connection.alias):
        yield


def guard(connection: Any, one_transaction: bool) -> None:
    """Make a deploy's migrate wait for us, and us not wait for ever, also not when we are dead.

    The lock_timeout in force may be shorter than ours (it is kept then); 0 means none. A server on
    Linux can look whether we are still there while it works for us (PostgreSQL 14 and newer).
    """
    scope = "LOCAL" if one_transaction else "SESSION"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, setting::bigint FROM pg_settings WHERE name = 'lock_timeout'"
            " OR name = 'client_connection_check_interval' AND version() LIKE '%linux%'"
        )
        current = dict(cursor.fetchall())
        if current["lock_timeout"] == 0 or current["lock_timeout"] > LOCK_TIMEOUT:
            cursor.execute("SET %s lock_timeout = %d" % (scope, LOCK_TIMEOUT))
        if current.get("client_connection_check_interval") == 0:
            cursor.execute("SET %s client_connection_check_interval = %d" % (scope, CHECK_INTERVAL))
        if not one_transaction:
            return
        cursor.execute("SELECT to_regclass('django_migrations')")
        if cursor.fetchone()[0] is not None:
            cursor.execute("LOCK TABLE django_migrations IN SHARE ROW EXCLUSIVE MODE")


def hold(connection: Any, tables: Sequence[str]) -> None:
    """Keep others away from `tables`, as far as they are there, so that what is counted stays true.

    With the lock that the schema changes will take anyhow: a weaker one that is raised later can
    end in a deadlock with a reader who wants to write.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT to_regclass(quote_ident(name))::text FROM unnest(%s::text[]) AS name", [list(tables)]
        )
        there = [row[0] for row in cursor.fetchall() if row[0] is not None]
        if there and connection.in_atomic_block:
            cursor.execute("LOCK TABLE %s IN ACCESS EXCLUSIVE MODE" % ", ".join(there))


def between_steps(connection: Any) -> None:
    """Fire the pending trigger events of a step, so that the next one may alter its tables (EDGES 11).

    Afterwards the constraints that start out deferred are deferred again, by name: ALL DEFERRED
    would also defer those that are merely deferrable.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(
            "SELECT DISTINCT quote_ident(n.nspname) || '.' || quote_ident(c.conname) FROM pg_constraint c"
            " JOIN pg_namespace n ON n.oid = c.connamespace WHERE c.condeferred"
            " AND NOT pg_is_other_temp_schema(n.oid)"
        )
        deferred = [row[0] for row in cursor.fetchall()]
        if deferred:
            cursor.execute("SET CONSTRAINTS %s DEFERRED" % ", ".join(deferred))
