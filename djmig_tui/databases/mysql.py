"""MySQL and MariaDB: every DDL statement commits by itself, so a run goes step by step."""

import contextlib
from typing import Any, Callable, Dict, Iterator, Optional, Sequence, TypeVar

#: How long a statement of a run may wait for a lock, in seconds.
LOCK_TIMEOUT = 5

T = TypeVar("T")


def make_read_only(connection: Any) -> None:
    """Have the server itself refuse every write of this session."""
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION TRANSACTION READ ONLY")
        cursor.execute(
            "SET SESSION lock_wait_timeout = LEAST(@@SESSION.lock_wait_timeout, %d)" % LOCK_TIMEOUT
        )


def missing(settings: Dict[str, Any]) -> bool:
    """Connecting never creates a database."""
    return False


def file(settings: Dict[str, Any]) -> None:
    """There is no file that could be swapped below a connection."""


def identity(connection: Any) -> Optional[str]:
    """Return what two aliases of one database have in common: names and addresses may differ."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@hostname, @@port, @@datadir, DATABASE()")
        return " ".join(str(each) for each in cursor.fetchone())


def cancel(connection: Any) -> None:
    """Kill the statement under way, over a second connection: this one is busy."""
    thread = connection.connection.thread_id()
    other = connection.get_new_connection(connection.get_connection_params())
    try:
        other.cursor().execute("KILL QUERY %d" % thread)
    finally:
        other.close()


def limited(connection: Any, seconds: float, work: Callable[[Any], T]) -> Optional[T]:
    """Return what `work` returns for a cursor, None if it took longer than `seconds`."""
    variable, value = "max_execution_time", str(int(seconds * 1000))
    if connection.mysql_is_mariadb:
        variable, value = "max_statement_time", str(seconds)
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION %s = %s" % (variable, value))
        try:
            return work(cursor)
        except Exception as error:
            if error.args and error.args[0] in {1969, 3024}:  # each server's "took too long"
                return None
            raise
        finally:
            cursor.execute("SET SESSION %s = DEFAULT" % variable)


def estimate(connection: Any, table: str) -> Optional[int]:
    """Return the engine's idea of how many rows `table` has, None if it has none."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_rows FROM information_schema.tables"
            " WHERE table_schema = DATABASE() AND table_name = %s",
            [table],
        )
        row = cursor.fetchone()
    return None if row is None or row[0] is None else int(row[0])


def estimate_values(connection: Any, table: str, column: str) -> Optional[int]:
    """Nothing is known of a column's values without counting them."""
    return None


def one_transaction_why_not(connection: Any) -> Optional[str]:
    """Return why the whole plan cannot be one transaction."""
    return "%s commits at every schema change" % connection.display_name


@contextlib.contextmanager
def transaction(connection: Any) -> Iterator[None]:
    """There is no transaction around a schema change here."""
    yield


def guard(connection: Any, one_transaction: bool) -> None:
    """Do not wait for a metadata lock for ever."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@SESSION.lock_wait_timeout")
        if cursor.fetchone()[0] > LOCK_TIMEOUT:
            cursor.execute("SET SESSION lock_wait_timeout = %d" % LOCK_TIMEOUT)


def hold(connection: Any, tables: Sequence[str]) -> None:
    """MariaDB and MySQL commit at every schema change, and such a lock would end there."""


def between_steps(connection: Any) -> None:
    """Nothing is pending: each step has committed."""
