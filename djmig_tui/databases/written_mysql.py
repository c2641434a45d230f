"""What a swap of MySQL or MariaDB databases writes down, in the one that is kept, before it changes anything.

The views, routines, triggers and events of both sides, which cannot move with their tables, and a
marker, which goes when all is done. Committed at once.
"""

from typing import Any, List, NamedTuple, Optional, Tuple

from . import beside_mysql as names
from .definitions_mysql import Definition, quoted

#: Sides of a swap: of the tables that are kept, and of those that come.
OLD, NEW = "old", "new"
_MARKER, _EMPTY = "marker", "empty"
_COLUMNS = Definition._fields


class Marker(NamedTuple):
    """What an unfinished swap was about to do."""

    new: str  # the database that the tables come from
    empty: bool  # there were no tables to be replaced


def write(
    cursor: Any, kept: str, marker: Marker, leaving: List[Definition], coming: List[Definition]
) -> None:
    """Write all of it down."""
    texts = ", ".join("%s LONGTEXT" % column for column in _COLUMNS)
    cursor.execute(
        "CREATE TABLE %s (n INTEGER PRIMARY KEY, side VARCHAR(8), %s) ENGINE=InnoDB CHARACTER SET utf8mb4"
        % (_table(kept), texts)
    )
    rows: List[Tuple[Optional[str], ...]] = [(OLD, *each) for each in leaving]
    rows.extend((NEW, *each) for each in coming)
    rows.append((_MARKER, *Definition(_EMPTY if marker.empty else "", marker.new, "")))
    places = ", ".join(["%s"] * (len(_COLUMNS) + 2))
    cursor.execute("START TRANSACTION")
    for number, row in enumerate(rows):
        cursor.execute("INSERT INTO %s VALUES (%s)" % (_table(kept), places), (number, *row))
    cursor.execute("COMMIT")


def marker(cursor: Any, kept: str) -> Optional[Marker]:
    """Return what is left of an unfinished swap, None if it is finished."""
    if not names.has_table(cursor, kept, names.OBJECTS):
        return None
    cursor.execute("SELECT name, kind FROM %s WHERE side = %%s" % _table(kept), [_MARKER])
    row = cursor.fetchone()
    return None if row is None else Marker(str(row[0]), row[1] == _EMPTY)


def read_side(cursor: Any, kept: str, side: str) -> List[Definition]:
    """Return what belongs to the tables of one side."""
    if not names.has_table(cursor, kept, names.OBJECTS):
        return []
    cursor.execute(
        "SELECT %s FROM %s WHERE side = %%s ORDER BY n" % (", ".join(_COLUMNS), _table(kept)), [side]
    )
    return [Definition(*row) for row in cursor.fetchall()]


def done(cursor: Any, kept: str) -> None:
    """Say that the swap is finished; what belongs to the tables that are kept stays."""
    cursor.execute("DELETE FROM %s WHERE side <> %%s" % _table(kept), [OLD])


def _table(kept: str) -> str:
    return "%s.%s" % (quoted(kept), quoted(names.OBJECTS))
