"""Values of SQLite as they are stored: integer, real, text or blob, whatever the column is called."""

import base64
import contextlib
import re
from typing import Any, Iterator, List, Optional, Sequence, Set, Tuple

from ..catalogue import Column

#: What `PRAGMA table_xinfo` calls columns that are generated.
_GENERATED = (2, 3)

#: Declared types, and the kinds of values that belong there.
_KINDS = (
    (re.compile("int|bool"), "i"),
    (re.compile("char|clob|text"), "tif"),  # a number becomes a text there
    (re.compile("blob"), "b"),
    (re.compile("real|floa|doub|decimal|numeric"), "if"),
    (re.compile("date|time"), "t"),
)

#: By what equal values are grouped.
GROUPED = "%s"


def columns(connection: Any, table: str) -> List[Column]:
    """Return the columns of a table, in order."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA table_xinfo(%s)" % connection.ops.quote_name(table))
        return [Column(row[1], row[2], row[6] in _GENERATED) for row in cursor.fetchall()]


def partial(connection: Any, table: str) -> Set[str]:
    """Return the names of the indexes that are over some rows of a table only."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA index_list(%s)" % connection.ops.quote_name(table))
        return {row[1] for row in cursor.fetchall() if row[4]}


@contextlib.contextmanager
def settled(connection: Any) -> Iterator[None]:
    """No setting of a session changes how a value is read."""
    yield


def reading(connection: Any) -> Any:
    """Return a cursor that reads row by row: that is how all of them do here."""
    return connection.cursor()


def cast(sql: str, column: Column) -> str:
    """Return what becomes of a value, as the column has it: here nothing is cut or rounded."""
    return sql


def out(sql: str, column: Column) -> str:
    """Return what to select: the kind, and the value, a text as its bytes, which need not be UTF-8."""
    return "typeof({0}), CASE typeof({0}) WHEN 'text' THEN CAST({0} AS BLOB) ELSE {0} END".format(sql)


def encode(row: Sequence[Any]) -> List[Optional[str]]:
    """Return the values of a row as texts that `literal` takes, None for NULL."""
    return [_encoded(*row[at : at + 2]) for at in range(0, len(row), 2)]


def _encoded(kind: str, value: Any) -> Optional[str]:
    if value is None:
        return None
    if kind == "integer":
        return "i%d" % value
    if kind == "real":
        return "f" + float(value).hex()
    if kind == "text":
        return "t" + bytes(value).decode("utf-8", "surrogateescape")
    return "b" + base64.b64encode(value).decode("ascii")


def literal(text: Optional[str]) -> Tuple[str, List[Any]]:
    """Return a value as SQL with its parameters."""
    if text is None:
        return "NULL", []
    kind, rest = text[0], text[1:]
    if kind == "i":
        return "%s", [int(rest)]
    if kind == "f":
        return "%s", [float.fromhex(rest)]
    if kind == "b":
        return "%s", [base64.b64decode(rest)]
    try:
        rest.encode("utf-8")
    except UnicodeEncodeError:
        return "CAST(%s AS TEXT)", [rest.encode("utf-8", "surrogateescape")]
    return "%s", [rest]


def among(names: Sequence[str], rows: Sequence[str]) -> str:
    """Return the condition that the columns hold one of `rows`, each values with commas."""
    if len(names) == 1:
        return "%s IN (%s)" % (names[0], ", ".join(rows))
    return "(%s) IN (VALUES %s)" % (", ".join(names), ", ".join("(%s)" % row for row in rows))


def fits(connection: Any, column: Column, text: str) -> bool:
    """Return whether a value is of a kind that Django reads from such a column: SQLite takes any.

    By the declared type, in the order of SQLite's own rules (https://www.sqlite.org/datatype3.html, 3.1).
    """
    declared = column.type.lower()
    kinds = next((kinds for words, kinds in _KINDS if words.search(declared)), None)
    if kinds is None:
        return True
    return text[0] in kinds and (kinds != "t" or _is_moment(connection, declared, text[1:]))


def _is_moment(connection: Any, declared: str, text: str) -> bool:
    time_of_day = not declared.startswith("date") and "stamp" not in declared
    if (":" if time_of_day else "-") not in text:  # a mere number is a moment to SQLite
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s(%%s) IS NOT NULL" % ("time" if time_of_day else "datetime"), [text])
        return bool(cursor.fetchone()[0])


def inserted(connection: Any, table: Any) -> None:
    """SQLite counts on by itself."""
