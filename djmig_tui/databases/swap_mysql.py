"""Puts the tables of one MySQL or MariaDB database in the place of another's, by one RENAME TABLE.

Triggers forbid that their table moves to another database; views, routines and events cannot move at
all. So they are dropped before and made again after, and the words to make them with are written down
before the first one is dropped. Killed at any moment, either all tables are where they were or all
have moved, and `finish_all` makes what belongs to them.
"""

import contextlib
from typing import Any, List, Optional

from django.db import Error

from ..errors import Refusal
from . import beside_mysql as names
from .definitions_mysql import TRIGGER, VIEW, Definition, drop, make, quoted, read, use
from .rights_mysql import may_name_definers
from .waiting_mysql import lock, patiently
from .written_mysql import NEW, OLD, Marker, done, marker, read_side, write

#: What MariaDB says of RENAME under LOCK TABLES.
_NOT_UNDER_LOCKS = 1192


def points_here(cursor: Any) -> Optional[str]:
    """Return which tables of other databases would follow the ones that are replaced, as a sentence."""
    cursor.execute(
        "SELECT DISTINCT table_schema, table_name FROM information_schema.key_column_usage"
        " WHERE referenced_table_schema = DATABASE() AND table_schema <> DATABASE() ORDER BY 1, 2"
    )
    found = ["%s.%s" % row for row in cursor.fetchall()]
    if not found:
        return None
    return (
        "Tables of other databases point to this one, and would follow the tables that are replaced: %s."
        " Drop their foreign keys first." % ", ".join(found)
    )


def refuse_outside(cursor: Any) -> None:
    """Raise `Refusal` if tables of other databases point to this one."""
    why_not = points_here(cursor)
    if why_not:
        raise Refusal(why_not)


class Swap:
    """Replaces the database `live` by `new`, which is dropped, and keeps it under another name."""

    def __init__(self, connection: Any, cursor: Any, live: str, new: str) -> None:
        self.notes: List[str] = []
        self._connection = connection
        self._cursor = cursor
        self._live = live
        self._new = new

    def run(self, coming: List[Definition], end_others: bool) -> str:
        """Return the name under which `live` is kept. `coming` belong to `new`. Raises `Blocked`."""
        cursor = self._cursor
        cursor.execute("SET SESSION sql_mode = ''")  # names are quoted as we expect
        leaving = read(cursor, self._live)
        present = read(cursor, self._new)
        use(cursor, self._live)
        kept = names.kept_name(cursor, self._live)
        names.create_like(cursor, kept, self._live)
        try:
            empty = not names.tables(cursor, self._live)
            write(cursor, kept, Marker(self._new, empty), leaving, coming)
            self._move(kept, leaving, present, end_others)
        except BaseException:
            with contextlib.suppress(Error):  # cut off from the server: `finish_all` does it, by the marker
                _take_back(cursor, self._live, self._new, kept)
            raise
        try:
            self.notes.extend(_complete(cursor, self._live, kept))
        except Error as error:
            self.notes.append(
                "The tables are replaced, but not all that belongs to them could be made: %s" % error.args[-1]
            )
        return kept

    def _move(
        self, kept: str, leaving: List[Definition], present: List[Definition], end_others: bool
    ) -> None:
        cursor, live, new = self._cursor, self._live, self._new
        here = [name for name, _ in names.tables(cursor, live)]
        there = [name for name, _ in names.tables(cursor, new)]
        drop(cursor, [each for each in leaving if each.kind == VIEW and each.name in there], live)
        lock(self._connection, [(live, each) for each in here] + [(new, each) for each in there], end_others)
        cursor.execute("SET SESSION foreign_key_checks = 0")
        # Held by us, no row is written to a table that has lost its triggers and is still in its place.
        drop(cursor, [each for each in leaving if each.kind == TRIGGER], live)
        drop(cursor, [each for each in present if each.kind == TRIGGER], new)
        moves = [(live, kept, name) for name in here] + [(new, live, name) for name in there]
        if not moves:
            return
        rename = "RENAME TABLE %s" % ", ".join(
            "%s.%s TO %s.%s" % (quoted(source), quoted(name), quoted(target), quoted(name))
            for source, target, name in moves
        )
        self._rename(rename)
        cursor.execute("UNLOCK TABLES")

    def _rename(self, rename: str) -> None:
        try:
            self._cursor.execute(rename)
        except Error as error:
            if error.args[0] != _NOT_UNDER_LOCKS:
                raise
            # MariaDB does not rename tables that are locked. What others write until the next statement
            # has them goes to tables without triggers, which are the ones that are kept.
            patiently(self._connection, "UNLOCK TABLES", rename)


def finish_all(cursor: Any, live: str) -> List[str]:
    """Finish what was cut off; return what was done, as sentences. The session looks at `live` afterwards."""
    told = []
    for kept in names.kept_names(cursor, live):
        left = marker(cursor, kept)
        if left is None:
            if not names.tables(cursor, kept) and not read_side(cursor, kept, OLD):
                names.drop(cursor, kept)  # not even the marker was written
        elif not _moved(cursor, kept, left):
            _take_back(cursor, live, left.new, kept)
            told.append("A restore was cut off before it replaced anything: %s is as it was." % live)
        else:
            told.extend(_complete(cursor, live, kept))
            told.append("A restore was cut off: what belongs to the tables that it brought is made.")
    return told


def _moved(cursor: Any, kept: str, left: Marker) -> bool:
    """Return whether the tables have moved. Where they come from may be gone by somebody's hand."""
    return not names.tables(cursor, left.new) and (left.empty or bool(names.tables(cursor, kept)))


def _take_back(cursor: Any, live: str, new: str, kept: str) -> None:
    """Take back what was done before the tables were moved."""
    cursor.execute("UNLOCK TABLES")
    left = marker(cursor, kept)
    if left is not None and _moved(cursor, kept, left):  # and the answer to RENAME was lost
        return
    leaving = read_side(cursor, kept, OLD)
    use(cursor, live)
    make(cursor, leaving, own_definers=not may_name_definers(cursor))
    if new in names.new_names(cursor, live):
        names.drop(cursor, new)
    names.drop(cursor, kept)


def _complete(cursor: Any, live: str, kept: str) -> List[str]:
    """Do what is left to do once the tables have moved; return what could not be made, as sentences."""
    left = marker(cursor, kept)
    coming = read_side(cursor, kept, NEW)
    use(cursor, live)
    drop(cursor, [each for each in read(cursor, live) if each not in coming], live)
    failed = make(cursor, coming, own_definers=not may_name_definers(cursor))
    if left is not None:
        names.drop(cursor, left.new)
    done(cursor, kept)
    return failed
