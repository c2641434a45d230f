"""Puts kept rows back, or says how many could be: where their migration is applied again."""

import contextlib
import threading
from itertools import groupby
from typing import Any, Counter, Dict, Iterator, List, Tuple, Union

from django.db import Error, connections, transaction

from . import databases, definitions, failures
from .catalogue import rows_of
from .errors import FailedError, Refusal
from .filling import fillings
from .impact import measure
from .matching_rows import MATCH, UNFIT, Place, Row, place_of
from .protocol import DefinitionMatched, KeptPart, MatchRows, PartMatched, PutRowsBack, RowsMatched
from .records import read_records
from .rows_going import Default, going
from .sql import executor_loader
from .stopping import RunStopped, Stopping
from .uploads import path_of

Request = Union[MatchRows, PutRowsBack]


def match_rows(session: Any, request: MatchRows, call: Any) -> RowsMatched:
    """Answer with what is there now in the place of each kept row."""
    connection = databases.looking(request.database)
    work = _Work(request, connection, call, _defaults(session, request), {})
    parts = tuple(work.each())
    found = definitions.match(connection, request.definitions, work.is_applied)
    return RowsMatched(parts, tuple(found.values()))


def put_rows_back(session: Any, request: PutRowsBack, call: Any) -> RowsMatched:
    """Put back what matches, all in one transaction, and answer with what was done.

    Raises `Refusal` where nothing may be written, `FailedError` where the database takes none of it.
    """
    if session.read_only:
        raise Refusal("djmig-tui was started with --read-only: nothing is put back. Start it without.")
    databases.looking(request.database)
    defaults, filling = _defaults(session, request), _fillings(session, request)
    committed = threading.Event()
    with databases.writing(request.database) as connection:
        try:
            connection.ensure_connection()
            with Stopping(call, connection, lambda: not committed.is_set()), _unchecked(connection):
                work, found = _put_back(request, connection, call, (defaults, filling), committed)
        except (Error, RunStopped) as error:
            if committed.is_set():
                words = "All of it was put back, but then: %s" % failures.sentence(error)
                raise FailedError(words, failures.detail(error)) from error
            if call.stopping:
                raise FailedError("Stopped: nothing was put back.") from error
            words = failures.sentence(error)
            raise FailedError("Nothing was put back: %s" % words, failures.detail(error)) from error
        if connection.features.can_rollback_ddl:
            return found
        try:  # each of them commits by itself: the rows stand, and nothing is cut off any more
            return RowsMatched(found.parts, _made(request, connection, work))
        except Error as error:
            words = "The rows are back, but no trigger or index: %s" % failures.sentence(error)
            raise FailedError(words, failures.detail(error)) from error


def _put_back(
    request: Request, connection: Any, call: Any, known: Any, committed: threading.Event
) -> Tuple["_Work", RowsMatched]:
    vendor = databases.vendor(connection)
    with vendor.transaction(connection), transaction.atomic(using=connection.alias):
        vendor.guard(connection, True)
        transaction.on_commit(committed.set, using=connection.alias)
        work = _Work(request, connection, call, *known)
        found = tuple(work.each(write=True))
        connection.check_constraints(table_names=work.tables())
        made: Tuple[DefinitionMatched, ...] = ()
        if connection.features.can_rollback_ddl:
            made = _made(request, connection, work)
            if call.stopping:  # it was not their fault that they failed
                raise RunStopped
    return work, RowsMatched(found, made)


def _made(request: Request, connection: Any, work: "_Work") -> Tuple[DefinitionMatched, ...]:
    """Make what is not there, after the rows: no trigger is to see them come back."""
    found = definitions.match(connection, request.definitions, work.is_applied)
    wanted = [each for each, matched in found.items() if matched.match]
    found.update(zip(wanted, definitions.make(connection, wanted)))
    return tuple(found.values())


@contextlib.contextmanager
def _unchecked(connection: Any) -> Iterator[None]:
    """Let rows come before those that they point at, where the database would not: they are checked after."""
    if connection.vendor != "mysql":
        yield
        return
    with connection.constraint_checks_disabled():
        yield


def _defaults(session: Any, request: Request) -> Dict[Tuple[str, str, str], Default]:
    """Return what the column of each part was filled with, by step, table and column."""
    loader = executor_loader(session, request.database)
    connection = connections[request.database]
    found: Dict[Tuple[str, str, str], Default] = {}
    for step in {part.step for part in request.parts if part.column}:
        key = tuple(step.split(".", 1))
        if key not in loader.graph.nodes:
            continue
        impact = measure([(loader.graph.nodes[key], True)], loader, connection)
        for each in going(impact.effects, connection):
            found[step, each.table, each.column] = each.default
    return found


def _fillings(session: Any, request: Request) -> Dict[str, Dict[str, Any]]:
    """Return what columns are filled with that came after the kept rows, where there are whole rows."""
    if all(part.column for part in request.parts):
        return {}
    return fillings(executor_loader(session, request.database), connections[request.database])


class _Work:
    """One look at all parts, and their return if it is asked for."""

    def __init__(self, request: Request, connection: Any, call: Any, defaults: Any, filling: Any) -> None:
        self._connection = connection
        self._request = request
        self._call = call
        self._defaults = defaults
        self._filling = filling
        self._records = read_records(request.database)
        self._places: List[Place] = []

    def tables(self) -> List[str]:
        """Return the tables that were written to."""
        return sorted({place.table.name for place in self._places})

    def is_applied(self, step: str) -> bool:
        """Return whether the migration of a step is recorded as applied."""
        return tuple(step.split(".", 1)) in self._records

    def each(self, write: bool = False) -> Iterator[PartMatched]:
        """Yield the answer for each part, in their order; what went last comes back first."""
        coming: Dict[str, Place] = {}
        done: List[PartMatched] = []
        with rows_of(self._connection).settled(self._connection):
            for part, upload in reversed(list(zip(self._request.parts, self._request.uploads))):
                done.append(self._one(part, path_of(upload, part.sha256), coming, write))
        yield from reversed(done)

    def _one(self, part: KeptPart, path: str, coming: Dict[str, Place], write: bool) -> PartMatched:
        if not self.is_applied(part.step):
            why_not = "%s is not applied. Migrate forward first." % part.step
            return PartMatched(part.table, part.column, part.rows, why_not=why_not)
        default = self._defaults.get((part.step, part.table, part.column or ""), Default(False))
        place = place_of(self._connection, part, default, coming)
        if isinstance(place, str):
            return PartMatched(part.table, part.column, part.rows, why_not=place)
        place.ahead, place.filling = not write, self._filling.get(place.table.name, {})
        self._places.append(place)
        if part.column is None:
            coming[place.table.name] = place
        return self._through(place, path, write)

    def _through(self, place: Place, path: str, write: bool) -> PartMatched:
        part, error, done = place.part, "", 0
        counts: Counter[str] = Counter()
        for batch in place.batches(path):
            sorted_rows = place.sort(batch)
            counts.update([what for what, _ in sorted_rows])
            if write:
                refused, words = self._write(place, [row for what, row in sorted_rows if what == MATCH])
                counts[MATCH] -= refused
                counts[UNFIT] += refused
                error = error or words
            done += len(batch)
            self._call.progress(done, part.rows, "%s %s" % (("Matching", "Putting back")[write], part.table))
        if write and counts[MATCH]:
            place.finish()
        return PartMatched(part.table, part.column, part.rows, error=error, **_named(counts))

    def _write(self, place: Place, rows: List[Row]) -> Tuple[int, str]:
        """Write rows; return how many the database refused, and its words for the first of them."""
        if not rows:
            return 0, ""
        statements = [place.statement(row) for row in rows]
        alias = self._connection.alias
        try:
            with transaction.atomic(using=alias), self._connection.cursor() as cursor:
                for sql, group in groupby(statements, key=lambda pair: pair[0]):
                    params = [each for _, each in group]
                    cursor.executemany(sql, params)
                    if cursor.rowcount != len(params):
                        raise _NotAll
            return 0, ""
        except (Error, _NotAll):
            if self._call.stopping:
                raise
        refused, words = 0, ""
        for sql, params in statements:
            try:
                with transaction.atomic(using=alias), self._connection.cursor() as cursor:
                    cursor.execute(sql, params)
                    if cursor.rowcount != 1:
                        raise _NotAll("a trigger or a rule of the table left it out")
            except (Error, _NotAll) as error:
                if self._call.stopping:
                    raise
                refused, words = refused + 1, words or failures.sentence(error)
        return refused, words


class _NotAll(Exception):
    """Raised where a row was not written, and the database said nothing."""


def _named(counts: Dict[str, int]) -> Dict[str, Any]:
    return {what: number for what, number in counts.items() if number}
