"""Counts the tables of a MySQL or MariaDB database, and puts an empty one in its place."""

from typing import Any, Tuple

from ..errors import Refusal
from ..protocol import RestoreFinished, TableRows
from . import beside_mysql as names
from . import rights_mysql as rights
from . import swap_mysql
from .definitions_mysql import quoted
from .dumping import count_rows
from .kept_mysql import clean_up
from .waiting_mysql import Blocked, alone


def count(connection: Any, call: Any) -> Tuple[TableRows, ...]:
    """Return the rows of every table, in one transaction that looks at one moment."""
    with connection.cursor() as cursor:
        present = [name for name, rows in names.tables(cursor, names.current(cursor)) if rows]
        cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        try:

            def execute(sql: str) -> Any:
                cursor.execute(sql)
                return cursor.fetchone()

            return count_rows(execute, [(name, quoted(name)) for name in present], call)
        finally:
            cursor.execute("COMMIT")


def recreate(connection: Any, end_others: bool, call: Any) -> RestoreFinished:
    """Put a new, empty database in the place of this one, which is kept under another name."""
    with connection.cursor() as cursor, alone(cursor, names.current(cursor)):
        live = names.current(cursor)
        new = names.new_name(cursor, live)
        if not rights.may_create(cursor, new):
            raise Refusal(
                "This user may not create databases: ask for the right, or roll back to zero instead."
            )
        swap_mysql.refuse_outside(cursor)
        notes = clean_up(cursor, live)
        names.create_like(cursor, new, live)
        swap = swap_mysql.Swap(connection, cursor, live, new)
        try:
            kept = swap.run([], end_others)
        except Blocked as blocked:
            return blocked.finished(notes)
    return RestoreFinished(True, kept=kept, notes=(*notes, *swap.notes))
