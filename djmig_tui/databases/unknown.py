"""A database that we know nothing of: nothing is promised, a run goes step by step as Django does it."""

import contextlib
from typing import Any, Callable, Dict, Iterator, Optional, Sequence, TypeVar

T = TypeVar("T")


def make_read_only(connection: Any) -> None:
    """Nothing that we could ask for; renders are still rolled back."""


def missing(settings: Dict[str, Any]) -> bool:
    """Unknown; connecting is taken to create nothing."""
    return False


def file(settings: Dict[str, Any]) -> None:
    """There is no file that could be swapped below a connection."""


def identity(connection: Any) -> None:
    """Unknown; every alias is taken for a database of its own."""


def cancel(connection: Any) -> None:
    """There is no way that we know of; the Python side is interrupted all the same."""


def limited(connection: Any, seconds: float, work: Callable[[Any], T]) -> Optional[T]:
    """Return what `work` returns for a cursor; no limit that we know of."""
    with connection.cursor() as cursor:
        return work(cursor)


def estimate(connection: Any, table: str) -> Optional[int]:
    """No estimate that we know of."""
    return None


def estimate_values(connection: Any, table: str, column: str) -> Optional[int]:
    """Nothing is known of a column's values without counting them."""
    return None


def one_transaction_why_not(connection: Any) -> Optional[str]:
    """Return why the whole plan is not one transaction."""
    return "%s is not a database that djmig-tui knows" % connection.display_name


@contextlib.contextmanager
def transaction(connection: Any) -> Iterator[None]:
    """No transaction around the plan."""
    yield


def guard(connection: Any, one_transaction: bool) -> None:
    """No locks that we know of."""


def hold(connection: Any, tables: Sequence[str]) -> None:
    """No locks that we know of."""


def between_steps(connection: Any) -> None:
    """Nothing."""
