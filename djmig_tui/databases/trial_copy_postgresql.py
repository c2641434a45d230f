"""How a plan is rehearsed on PostgreSQL where others are at work: on a copy, which nobody waits for."""

import contextlib
from typing import Any, Callable, Iterator, List, Optional, Set

from django.core.exceptions import ImproperlyConfigured
from django.db import Error, connections

from .. import databases
from ..errors import Refusal
from .copy_postgresql import copied
from .trial_postgresql import schema

#: Seconds that another alias may take to say which database it leads to.
PATIENCE = 3

_WHICH = (
    "SELECT d.oid, pg_postmaster_start_time()::text FROM pg_database d WHERE d.datname = current_database()"
)


class OnCopy:
    """The same as the modules that `databases.trial` returns, for one rehearsal."""

    WHERE = "on a copy"
    LIMIT: Optional[float] = None
    #: Whatever is committed is committed to the copy.
    COPY = True

    def __init__(self) -> None:
        self.notes: List[str] = []
        self.schema = schema

    @contextlib.contextmanager
    def prepared(
        self, connection: Any, others: Callable[[Any], None], call: Any
    ) -> Iterator[Callable[[Any], None]]:
        """Copy the database and point every alias that leads to it at the copy.

        Yields what is to be done to each new connection: `others` to all but those. Raises `NoCopy`.
        """
        aliases = _aliases(connection)
        with copied(connection, call, self.notes) as name:
            before = {alias: connections.settings[alias]["NAME"] for alias in aliases}
            try:
                # In place: the settings are what threads, and code that reads settings.DATABASES, see.
                for alias in aliases:
                    connections.settings[alias]["NAME"] = name
                yield lambda each: _tame(each, aliases, name, others)
            finally:
                for alias in aliases:
                    connections.settings[alias]["NAME"] = before[alias]

    def begin(self, connection: Any, runs_code: bool) -> None:
        """Nothing to set up: the copy is dropped, whatever becomes of it."""

    def last_checks(self, connection: Any) -> None:
        """Nothing is left to check: constraints were made immediate after each step."""

    def ended_transaction(self, error: BaseException) -> bool:
        """A transaction that code of the project ends was on the copy."""
        return False

    def out_of_time(self, error: BaseException) -> bool:
        """There is no limit of time."""
        return False


def _aliases(connection: Any) -> Set[str]:
    """Return every alias that leads to the database behind `connection`, however its settings say so."""
    here = _which(connection)
    found = {connection.alias}
    for alias in connections.settings:
        other = connections[alias]
        if other.vendor != "postgresql" or alias in found:
            continue
        asked = other.copy(alias)
        asked.settings_dict.setdefault("OPTIONS", {}).setdefault("connect_timeout", PATIENCE)
        try:
            if _which(asked) == here:
                found.add(alias)
        except (Error, ImproperlyConfigured):  # who cannot be reached may only read, should that change
            continue
        finally:
            databases.discard(asked)
    return found


def _which(connection: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(_WHICH)
        return tuple(cursor.fetchone())


def _tame(connection: Any, aliases: Set[str], name: str, others: Callable[[Any], None]) -> None:
    if connection.vendor != "postgresql" or connection.alias not in aliases:
        others(connection)
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        found = cursor.fetchone()[0]
    if found != name:
        others(connection)  # also for code that goes on with it after this
        raise Refusal(
            "It cannot be rehearsed: the project has the connection %r lead to %s, which is not the copy."
            % (connection.alias, found)
        )
