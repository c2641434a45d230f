"""Values of PostgreSQL as its own text: what a type prints, the same type reads, whatever it is."""

import contextlib
from typing import Any, Iterator, List, Optional, Sequence, Set, Tuple

from ..catalogue import Column

#: Settings by which types print themselves, and the values with which nothing is lost.
_SETTINGS = {
    "datestyle": "ISO, MDY",
    "intervalstyle": "postgres",
    "extra_float_digits": "3",
    "bytea_output": "hex",
    # What a policy hides is dropped all the same: better an error than to keep less than goes.
    "row_security": "off",
}

#: By what equal values are grouped.
GROUPED = "%s::text"


def columns(connection: Any, table: str) -> List[Column]:
    """Return the columns of a table, in order, with their types as they are declared."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname, format_type(atttypid, atttypmod), attgenerated <> '' FROM pg_attribute"
            " WHERE attrelid = to_regclass(quote_ident(%s)) AND attnum > 0 AND NOT attisdropped"
            " ORDER BY attnum",
            [table],
        )
        return [Column(*row) for row in cursor.fetchall()]


def partial(connection: Any, table: str) -> Set[str]:
    """Return the names of the indexes that are over some rows of a table only."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
            " WHERE i.indrelid = to_regclass(quote_ident(%s)) AND i.indpred IS NOT NULL",
            [table],
        )
        return {name for (name,) in cursor.fetchall()}


@contextlib.contextmanager
def settled(connection: Any) -> Iterator[None]:
    """Have values printed so that they can be read again; afterwards the settings are what they were."""
    with connection.cursor() as cursor:
        found = {}
        for name, value in _SETTINGS.items():
            cursor.execute("SELECT current_setting(%s), set_config(%s, %s, false)", [name, name, value])
            found[name] = cursor.fetchone()[0]
    yield
    with connection.cursor() as cursor:
        for name, value in found.items():
            cursor.execute("SELECT set_config(%s, %s, false)", [name, value])


def reading(connection: Any) -> Any:
    """Return a cursor on the server's side: the usual one reads all rows at once."""
    return connection.chunked_cursor()


def cast(sql: str, column: Column) -> str:
    """Return what becomes of a value, as the column has it: a number with all of its places."""
    return "CAST(%s AS %s)" % (sql, column.type.replace("%", "%%"))


def out(sql: str, column: Column) -> str:
    """Return what to select."""
    return "%s::text" % sql


def encode(row: Sequence[Any]) -> List[Optional[str]]:
    """Return the values of a row as texts that `literal` takes, None for NULL."""
    return list(row)


def literal(text: Optional[str]) -> Tuple[str, List[Any]]:
    """Return a value as SQL with its parameters: it takes the type of where it stands."""
    return ("NULL", []) if text is None else ("%s", [text])


def among(names: Sequence[str], rows: Sequence[str]) -> str:
    """Return the condition that the columns hold one of `rows`, each values with commas."""
    if len(names) == 1:
        return "%s IN (%s)" % (names[0], ", ".join(rows))
    return "(%s) IN (%s)" % (", ".join(names), ", ".join("(%s)" % row for row in rows))


def fits(connection: Any, column: Column, text: str) -> bool:
    """Return whether the type of `column` takes a value as it is: not cut, not rounded."""
    from django.db import DatabaseError, transaction

    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute("SELECT CAST(%%s AS %s)::text" % column.type.replace("%", "%%"), [text])
            return bool(cursor.fetchone()[0] == text)
    except DatabaseError:
        return False


def inserted(connection: Any, table: Any) -> None:
    """Have the sequences of a table go on after what was put back."""
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        for column in table.columns:
            cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [quote(table.name), column.name])
            sequence = cursor.fetchone()[0]
            if sequence is not None:
                cursor.execute(
                    "SELECT setval(%s, greatest(max({0}), pg_sequence_last_value(%s::regclass)))"
                    " FROM {1} HAVING max({0}) >= (SELECT seqmin FROM pg_sequence"
                    " WHERE seqrelid = %s::regclass)".format(
                        quote(column.name).replace("%", "%%"), quote(table.name).replace("%", "%%")
                    ),
                    [sequence, sequence, sequence],
                )
