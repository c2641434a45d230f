"""Values of MySQL and MariaDB: numbers as numbers, bytes as bytes, all else as text in utf8mb4."""

import base64
import contextlib
import decimal
import re
from importlib import import_module
from typing import Any, Iterator, List, Optional, Sequence, Set, Tuple

from ..catalogue import Column
from . import fitting_mysql

_NUMBERS = re.compile(r"(?i)(tiny|small|medium|big)?int|decimal|numeric")
_DECIMAL = re.compile(r"(?i)decimal\(\d+,\d+\)")
_FLOATS = re.compile(r"(?i)float|double|real")
_BYTES = re.compile(
    r"(?i)(tiny|medium|long)?blob|(var)?binary|geom|point|linestring|polygon|multi(point|line|poly)"
)

fits = fitting_mysql.fits

#: By what equal values are grouped.
GROUPED = "%s"


def columns(connection: Any, table: str) -> List[Column]:
    """Return the columns of a table, in order, with their types as they are declared."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name, column_type, COALESCE(generation_expression, '') <> ''"
            " FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = %s"
            " ORDER BY ordinal_position",
            [table],
        )
        return [Column(name, _text(kind), bool(made)) for name, kind, made in cursor.fetchall()]


def partial(connection: Any, table: str) -> Set[str]:
    """There are none."""
    return set()


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


@contextlib.contextmanager
def settled(connection: Any) -> Iterator[None]:
    """The session's time zone is the one that the project's settings ask for, each time."""
    yield


def reading(connection: Any) -> Any:
    """Return a cursor that leaves the rows on the server: the usual one reads all of them at once."""
    connection.ensure_connection()
    kind = import_module(connection.Database.__name__ + ".cursors").SSCursor
    return contextlib.closing(connection.connection.cursor(kind))


def cast(sql: str, column: Column) -> str:
    """Return what becomes of a value, as the column has it: a number with all of its places."""
    match = _DECIMAL.match(column.type)
    return "CAST(%s AS %s)" % (sql, match[0]) if match else sql


def out(sql: str, column: Column) -> str:
    """Return what to select: a float with all of its digits, a bit field as the number that it is."""
    if _NUMBERS.match(column.type) or _BYTES.match(column.type):
        return sql
    if _FLOATS.match(column.type):
        return "%s + 0e0" % sql
    if column.type.lower().startswith("bit"):
        return "%s + 0" % sql
    return "CAST(CONVERT(%s USING utf8mb4) AS BINARY), 't'" % sql


def encode(row: Sequence[Any]) -> List[Optional[str]]:
    """Return the values of a row as texts that `literal` takes, None for NULL."""
    found: List[Optional[str]] = []
    for value in row:
        if value == "t":  # the one before is a text
            text = found[-1]
            found[-1] = None if text is None else "t" + base64.b64decode(text[1:]).decode("utf-8")
        else:
            found.append(_encoded(value))
    return found


def _encoded(value: Any) -> Optional[str]:
    if value is None:
        return None
    if isinstance(value, float):
        return "f" + value.hex()
    if isinstance(value, (int, decimal.Decimal)):
        return "n" + format(value, "d" if isinstance(value, int) else "f")
    raw = value.encode("utf-8") if isinstance(value, str) else bytes(value)
    return "b" + base64.b64encode(raw).decode("ascii")


def literal(text: Optional[str]) -> Tuple[str, List[Any]]:
    """Return a value as SQL with its parameters.

    Text and bytes as hexadecimal literals: they are of the least weight where collations differ, and
    no encoding of the session can change them.
    """
    if text is None:
        return "NULL", []
    kind, rest = text[0], text[1:]
    if kind == "n":
        return "%s", [decimal.Decimal(rest) if "." in rest else int(rest)]
    if kind == "f":
        return "%s", [float.fromhex(rest)]
    if kind == "b":
        return "_binary X'%s'" % base64.b64decode(rest).hex(), []
    return "_utf8mb4 X'%s'" % rest.encode("utf-8").hex(), []


def among(names: Sequence[str], rows: Sequence[str]) -> str:
    """Return the condition that the columns hold one of `rows`, each values with commas."""
    if len(names) == 1:
        return "%s IN (%s)" % (names[0], ", ".join(rows))
    return "(%s) IN (%s)" % (", ".join(names), ", ".join("(%s)" % row for row in rows))


def inserted(connection: Any, table: Any) -> None:
    """The server counts on by itself."""
