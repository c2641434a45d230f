"""Where kept rows belong, and what is there now in the place of each of them."""

import json
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple, Union

from .catalogue import Column, Table, rows_of, selected, table_of
from .protocol import KeptPart
from .rows_going import Default
from .world import quoted

# What is in the place of a row; the names are those of the counts in `PartMatched`.
MATCH, THERE, GONE, CHANGED = "match", "there", "gone", "changed"
UNFIT, TAKEN, DANGLING = "unfit", "taken", "dangling"

#: Values that one statement may ask for: SQLite takes no more than 999.
VALUES = 900
#: Bytes of kept lines that are looked at in one go.
BYTES = 1024 * 1024

Row = List[Optional[str]]
Sorted = List[Tuple[str, Row]]


def place_of(
    connection: Any, part: KeptPart, default: Default, coming: Dict[str, Any]
) -> "Union[Place, str]":
    """Return where a part belongs, or why nothing of it can be put back, as a sentence.

    Its columns are looked for by the names that they had when the run began, then by those of its step:
    which of them they have depends on how far the migrations were applied again. `coming` are the tables
    whose rows are put back too, so that others may point at them.
    """
    names = [(part.table, [each.name for each in part.columns])]
    names.insert(0, (part.earlier or part.table, [each.earlier or each.name for each in part.columns]))
    where = part.table if part.column is None else "%s.%s" % (part.table, part.column)
    why_not = "%s is not there, or not with all of its columns." % where
    for name, columns in names:
        table = table_of(connection, name)
        found = [table.column(each) for each in columns] if table is not None else []
        if table is None or None in found:
            continue
        if any(
            each.earlier and table.column(each.earlier) and table.column(each.name) for each in part.columns
        ):
            why_not = (
                "Columns of %s changed names with each other: which of them it was cannot be told." % name
            )
            break
        if table.key == tuple(columns[: part.key]):
            return Place(
                connection, part, default, table, [each for each in found if each is not None], coming
            )
        why_not = "The primary key of %s is another one now." % name
    return why_not


class Place:
    """The table that a part belongs to, and its columns as they are now."""

    def __init__(  # noqa: PLR0917 -- all that `place_of` found
        self,
        connection: Any,
        part: KeptPart,
        default: Default,
        table: Table,
        columns: List[Column],
        coming: Dict[str, Any],
    ) -> None:
        self.connection = connection
        self.part = part
        self.table = table
        self.columns = columns
        #: Values of columns that kept rows do not have.
        self.filling: Dict[str, Any] = {}
        #: Rows of tables that come first are not there yet: they are only looked for.
        self.ahead = False
        self._coming = coming
        self._default = default
        self._rows = rows_of(connection)
        self._quote = quoted(connection)
        self._usual = self._usual_value() if part.column and not default.known and not part.became else None

    def _usual_value(self) -> Optional[Row]:
        """Return what most rows have in the column: only the database knows what it was filled with."""
        table, select = (
            self._quote(self.table.name),
            selected(self.connection, self.table.name, self.columns[-1:]),
        )
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM %s" % table, [])
            total = cursor.fetchone()[0]
            cursor.execute(
                "SELECT count(*), %s FROM %s GROUP BY %s ORDER BY 1 DESC LIMIT 1"
                % (select, table, self._rows.GROUPED % self._named(self.columns[-1])),
                [],
            )
            row = cursor.fetchone()
        if row is None or row[0] * 2 <= total:
            return None
        usual: Row = self._rows.encode(row[1:])
        return usual

    # -- what is there
    def batches(self, path: str) -> Iterator[List[Row]]:
        """Yield the kept rows, as many at a time as one statement can ask for."""
        most = max(1, VALUES // max(1, len(self.columns)))
        batch: List[Row] = []
        size = 0
        with open(path, "rb") as file:
            for line in file:
                batch.append(json.loads(line))
                size += len(line)
                if len(batch) >= most or size >= BYTES:
                    yield batch
                    batch, size = [], 0
        if batch:
            yield batch

    def sort(self, batch: Sequence[Row]) -> Sorted:
        """Return each row with what is there in its place."""
        there = self._there(batch)
        found: Sorted = []
        for line in batch:
            row, became = (line[:-1], line[-1:]) if self.part.became else (line, [])
            key, value = tuple(row[: self.part.key]), row[self.part.key :]
            if key in there:
                present, is_default = there[key]
                if self.part.became and value != [None]:
                    is_default = present == became
                what = THERE if present == value else MATCH if is_default else CHANGED
            else:
                comes = self.ahead and self.table.name in self._coming
                what = GONE if self.part.column and not comes else MATCH
            found.append((what, row))
        return self._in_the_way(found)

    def _there(self, batch: Sequence[Row]) -> Dict[Any, Tuple[Row, bool]]:
        if not self.part.key:
            return {}
        condition, params = self._default.there() if self.part.column else ("", ())
        column = self._named(self.columns[-1])
        is_default = "CASE WHEN %s THEN 1 ELSE 0 END" % condition.replace("{c}", column) if condition else "0"
        names = [self._named(each) for each in self.columns[: self.part.key]]
        where, values = self._among(names, [row[: self.part.key] for row in batch])
        sql = "SELECT %s, %s FROM %s WHERE %s" % (
            is_default,
            selected(self.connection, self.table.name, self.columns),
            self._quote(self.table.name),
            where,
        )
        if not self.ahead and self.connection.features.has_select_for_update:
            sql += " FOR UPDATE"  # nobody changes it between this look and what is written
        with self.connection.cursor() as cursor:
            cursor.execute(sql, [*params, *values])
            rows = [(bool(row[0]), self._rows.encode(row[1:])) for row in cursor.fetchall()]
        found = {}
        for default, row in rows:
            present = row[self.part.key :]
            usual = bool(self.part.column) and self._usual is not None and present == self._usual
            found[tuple(row[: self.part.key])] = (present, default or usual)
        return found

    def _in_the_way(self, found: Sorted) -> Sorted:
        """Return the rows with what keeps those that match from being put back, as far as it can be seen."""
        for at, (column, kept) in enumerate(zip(self.columns, self.part.columns)):
            if column.type != kept.type and at >= (self.part.key if self.part.column else 0):
                found = self._where(found, UNFIT, lambda row, at=at: self._is_unfit(at, row))
        names = [each.name for each in self.columns]
        written = names[self.part.key :] if self.part.column else names
        for unique in self.table.uniques:
            if set(unique) <= set(written):
                places = [names.index(each) for each in unique]
                taken = self._present(self.table.name, unique, places, found)
                found = self._where(found, TAKEN, lambda row, p=places, t=taken: _at(row, p) in t)
        for name, table, target in self.table.links:
            # While it is written, what comes before is there already, or was refused.
            comes = table in self._coming and (self.ahead or table == self.table.name)
            if name in written and not comes:
                places = [names.index(name)]
                there = self._present(table, [target], places, found)
                found = self._where(
                    found,
                    DANGLING,
                    lambda row, p=places, t=there: row[p[0]] is not None and _at(row, p) not in t,
                )
        return found

    def _is_unfit(self, at: int, row: Row) -> bool:
        text = row[at]
        return text is not None and not self._rows.fits(self.connection, self.columns[at], text)

    @staticmethod
    def _where(found: Sorted, what: str, holds: Any) -> Sorted:
        return [(what if each == MATCH and holds(row) else each, row) for each, row in found]

    def _present(self, table: str, columns: Sequence[str], places: Sequence[int], found: Sorted) -> Any:
        """Return which of the values at `places` of the rows that match are in `columns` of a table."""
        wanted = {_at(row, places) for what, row in found if what == MATCH}
        wanted = {each for each in wanted if None not in each}
        other = table_of(self.connection, table) if wanted else None
        if other is None:
            return set()
        asked = [other.column(each) for each in columns]
        if None in asked:
            return set()
        names = ["%s.%s" % (self._quote(table), self._quote(each)) for each in columns]
        where, values = self._among(names, [list(each) for each in wanted])
        select = selected(self.connection, table, [each for each in asked if each is not None])
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT %s FROM %s WHERE %s" % (select, self._quote(table), where), values)
            return {tuple(self._rows.encode(row)) for row in cursor.fetchall()}

    def _among(self, names: Sequence[str], rows: Sequence[Row]) -> Tuple[str, List[Any]]:
        literals: List[str] = []
        params: List[Any] = []
        for row in rows:
            pieces = [self._rows.literal(value) for value in row]
            literals.append(", ".join(sql for sql, _ in pieces))
            params.extend(value for _, values in pieces for value in values)
        return self._rows.among(names, literals), params

    def _named(self, column: Column) -> str:
        return "%s.%s" % (self._quote(self.table.name), self._quote(column.name))

    # -- what is written
    def statement(self, row: Row) -> Tuple[str, List[Any]]:
        """Return the statement that puts one row back, with its parameters."""
        pieces = [self._rows.literal(value) for value in row]
        names = [self._quote(each.name) for each in self.columns]
        if self.part.column is None:
            return self._insertion(names, pieces)
        key = " AND ".join("%s = %s" % (name, sql) for name, (sql, _) in zip(names[:-1], pieces))
        sql = "UPDATE %s SET %s = %s WHERE %s" % (
            self._quote(self.table.name),
            names[-1],
            pieces[-1][0],
            key,
        )
        ordered = [*pieces[-1][1], *(value for _, values in pieces[:-1] for value in values)]
        return sql, ordered

    def _insertion(self, names: List[str], pieces: List[Tuple[str, List[Any]]]) -> Tuple[str, List[Any]]:
        kept = {each.name for each in self.columns}
        rest = [
            each.name for each in self.table.columns if each.name not in kept and each.name in self.filling
        ]
        over = " OVERRIDING SYSTEM VALUE" if self.connection.vendor == "postgresql" else ""
        sql = "INSERT INTO %s (%s)%s VALUES (%s)" % (
            self._quote(self.table.name),
            ", ".join([*names, *(self._quote(each) for each in rest)]),
            over,
            ", ".join([*(sql for sql, _ in pieces), *("%s" for _ in rest)]),
        )
        params = [value for _, values in pieces for value in values]
        return sql, params + [self.filling[each] for each in rest]

    def finish(self) -> None:
        """Have the database count on after the rows that were put back."""
        if self.part.column is None:
            self._rows.inserted(self.connection, self.table)


def _at(row: Row, places: Sequence[int]) -> Any:
    return tuple(row[each] for each in places)
