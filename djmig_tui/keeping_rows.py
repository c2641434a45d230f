"""Sends the rows that a step is about to drop to the interface; the step begins once they are kept there."""

import hashlib
import json
import sys
from typing import Any, Iterator, List, Optional, Sequence, Tuple

from django.db import Error, transaction

from . import databases, definitions, failures
from .catalogue import Column, Table, rows_of, selected, table_of
from .definitions import Along
from .errors import EngineError
from .impact import Impact
from .protocol import CHUNK_SIZE, KeptColumn, KeptDefinition, KeptPart, StepDefinitions
from .rows_going import Going, Names, going
from .sql import made_forwards
from .stopping import RunStopped
from .world import quoted

#: The most rows that are read at once; fewer where they are long.
AT_ONCE = 2000


class RowsNotKept(Exception):
    """Raised before a step whose rows cannot be kept: it must not drop them then."""


class Keeper:
    """Keeps what the steps of one run drop, up to `limit` bytes over all of them. 0: keeps nothing.

    `one_transaction`: a run that is cut off has dropped nothing.
    """

    def __init__(self, connection: Any, impact: Impact, limit: int, call: Any, one_transaction: bool) -> None:
        self._connection = connection
        self._steps = impact.steps
        self._limit = limit
        self._call = call
        self._one_transaction = one_transaction
        self._sent = 0
        self._earlier = Names()
        self._definitions: List[Along] = []

    def before(self, migration: Any) -> None:
        """Return once all that the step drops is on the interface's disk. Raises `RowsNotKept`."""
        if not self._limit:
            return
        effects = self._steps.get(str(migration), [])
        goes = going(effects, self._connection)
        if goes:
            vendor = databases.vendor(self._connection)
            vendor.hold(self._connection, sorted({each.table for each in goes}))
            rows = rows_of(self._connection)
            if rows is None:
                raise RowsNotKept("On this database no rows can be kept. %s" % _WITHOUT)
            with rows.settled(self._connection):
                for each in goes:
                    self._keep(str(migration), each)
        for effect in effects:
            self._earlier.happen(effect)
        try:
            self._definitions = definitions.before_step(self._connection, effects)
        except (EngineError, Error) as error:  # a trigger that this user may not read, a lock
            raise RowsNotKept("%s %s" % (error, _WITHOUT)) from error
        if self._definitions and not self._one_transaction:  # which of them go is known too late
            self._send(b"", of_step=_of_step(str(migration), self._definitions))

    def after(self, migration: Any, state: Any) -> None:
        """Have kept what the step took along and its migration does not make again.

        `state` is the project's before `migration`. Raises `RowsNotKept`, but not of a step that stands:
        what might go with that one has been kept before it.
        """
        if not self._definitions:
            return
        try:
            gone = self._gone(migration, state)
        except Exception as error:  # the step may stand: nothing may call it failed then
            if self._one_transaction:
                raise RowsNotKept("%s %s" % (failures.sentence(error), _WITHOUT)) from error
            sys.stderr.write("djmig-tui: after %s: %s\n" % (migration, failures.detail(error)))
            return
        of_step = _of_step(str(migration), gone)
        if not self._one_transaction:  # the step stands: whatever the answer is, it does not fail
            self._call.keep(b"", definitions=of_step)
        elif gone:
            self._send(b"", of_step=of_step)

    def _gone(self, migration: Any, state: Any) -> List[Along]:
        gone = definitions.gone(self._connection, self._definitions, self._steps[str(migration)])
        if not gone:
            return []
        again = made_forwards(self._connection, migration, state)
        return [each for each in gone if not definitions.makes(again, each, self._connection.vendor)]

    def _keep(self, step: str, each: Going) -> None:
        table = table_of(self._connection, each.table)
        if table is None or (each.column and table.column(each.column) is None):
            self._refuse_if_there(each)
            return  # made by the step itself, or gone already
        columns = _columns(table, each.column)
        if columns is None:
            raise RowsNotKept(
                "The table %s has no primary key by which the values of its column %s could be kept. %s"
                % (table.name, each.column, _WITHOUT)
            )
        digest, size, count = hashlib.sha256(), 0, 0
        for lines, number in _chunks(self._rows(table, columns, each)):
            digest.update(lines)
            size, count = size + len(lines), count + number
            self._send(lines)
        if not count:
            return
        part = KeptPart(
            step=step,
            table=table.name,
            column=each.column or None,
            columns=tuple(self._described(table.name, column) for column in columns),
            key=len(table.key),
            rows=count,
            size=size,
            sha256=digest.hexdigest(),
            earlier=_if_other(self._earlier.table(table.name), table.name),
            became=bool(each.becomes),
        )
        self._send(b"", part)

    def _refuse_if_there(self, each: Going) -> None:
        """Raise `RowsNotKept` for what is not listed, and can be read all the same: its rows would go."""
        quote = quoted(self._connection)
        what = "%s.%s" % (quote(each.table), quote(each.column)) if each.column else "1"
        try:
            with transaction.atomic(using=self._connection.alias), self._connection.cursor() as cursor:
                cursor.execute("SELECT %s FROM %s WHERE 1 = 0" % (what, quote(each.table)), [])
        except Error:
            if self._call.stopping:
                raise
            return
        where = "%s.%s" % (each.table, each.column) if each.column else each.table
        raise RowsNotKept(
            "What %s holds cannot be kept: it is no usual table or column. %s" % (where, _WITHOUT)
        )

    def _described(self, table: str, column: Column) -> KeptColumn:
        earlier = self._earlier.column(table, column.name)
        return KeptColumn(column.name, column.type, _if_other(earlier, column.name))

    def _rows(self, table: Table, columns: Sequence[Column], each: Going) -> Iterator[List[Any]]:
        """Yield the lists of values, some at a time: as many as fit in one chunk, about."""
        quote, rows = quoted(self._connection), rows_of(self._connection)
        named = "%s.%s" % (quote(table.name), quote(each.column))
        select = selected(self._connection, table.name, columns)
        if each.becomes:
            became = rows.cast(each.becomes.replace("{c}", named), columns[-1])
            select += ", %s" % rows.out(became, columns[-1])
        sql = "SELECT %s FROM %s" % (select, quote(table.name))
        condition, params = each.kept()
        if condition:
            sql += " WHERE %s" % condition.replace("{c}", named)
        if table.key:  # a row that others of its table point at comes before them, mostly
            sql += " ORDER BY %s" % ", ".join("%s.%s" % (quote(table.name), quote(one)) for one in table.key)
        with rows.reading(self._connection) as cursor:
            cursor.execute(sql, [*each.becomes_params, *params])
            number = 1
            while True:
                found = [rows.encode(row) for row in cursor.fetchmany(number)]
                if not found:
                    return
                yield found
                long = sum(len(value or "") for row in found for value in row) // len(found) + 1
                # Long ones may follow short ones.
                number = max(1, min(AT_ONCE, CHUNK_SIZE // long, 2 * number))

    def _send(
        self, lines: bytes, part: Optional[KeptPart] = None, of_step: Optional[StepDefinitions] = None
    ) -> None:
        self._sent += len(lines)
        if self._sent > self._limit:
            raise RowsNotKept(
                "What is dropped takes more than the %s that are kept of it at most. Raise that limit, "
                "or run it without keeping rows." % _size(self._limit)
            )
        error = self._call.keep(lines, part, of_step)
        if self._call.stopping:
            raise RunStopped
        if error:
            raise RowsNotKept(error)


_WITHOUT = "Run it without keeping rows."


def _columns(table: Table, column: str) -> Optional[List[Column]]:
    """Return what is read of each row, the primary key first; None if there is none and it is needed."""
    key = [each for name in table.key for each in table.columns if each.name == name]
    if column:
        rest = [each for each in table.columns if each.name == column and each not in key]
        return [*key, *rest] if key and rest else None
    return key + [each for each in table.columns if each not in key and not each.generated]


def _chunks(batches: Iterator[List[Any]]) -> Iterator[Tuple[bytes, int]]:
    """Yield lines of JSON, no more than a chunk at a time, and how many end in it."""
    for batch in batches:
        lines = [json.dumps(row, separators=(",", ":")).encode("ascii") + b"\n" for row in batch]
        whole = b"".join(lines)
        for start in range(0, len(whole), CHUNK_SIZE):
            piece = whole[start : start + CHUNK_SIZE]
            yield piece, piece.count(b"\n")


def _of_step(step: str, along: Sequence[Along]) -> StepDefinitions:
    return StepDefinitions(
        step, tuple(KeptDefinition(step, each.kind, each.name, each.table, each.statements) for each in along)
    )


def _if_other(earlier: str, name: str) -> str:
    return "" if earlier == name else earlier


def _size(limit: int) -> str:
    return "%.3g MB" % (limit / 1e6) if limit >= 1_000_000 else "%d bytes" % limit
