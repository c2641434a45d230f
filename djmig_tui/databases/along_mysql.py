"""Triggers and indexes of MySQL and MariaDB as SQL. Views stay whatever happens to their tables."""

import contextlib
import re
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

from ..catalogue import TableNames
from ..definitions import INDEX, TRIGGER, Along
from ..protocol import KeptDefinition
from .definitions_mysql import Definition, quoted, read_one

#: A line of SHOW CREATE TABLE, which ALTER TABLE takes back as it is.
_KEY = re.compile(r"(?m)^  ((?:UNIQUE |FULLTEXT |SPATIAL |VECTOR )?KEY `((?:[^`]|``)+)` .*?),?$")
#: Modes in which names come in double quotes, alone or as part of others.
_QUOTING = {"ANSI_QUOTES", "ANSI", "DB2", "MAXDB", "MSSQL", "ORACLE", "POSTGRESQL"}


def read(connection: Any, tables: Sequence[str]) -> List[Along]:
    """Return the triggers and indexes of those of `tables` that are there."""
    found: List[Along] = []
    with connection.cursor() as cursor, _backquotes(cursor) as mode:
        present = TableNames(connection)
        for table in tables:
            if table in present:
                found.extend(_of(cursor, table, mode))
    return found


@contextlib.contextmanager
def _backquotes(cursor: Any) -> Iterator[str]:
    """Have names come in their own quotes, which every SQL mode takes back. Yields the session's mode."""
    cursor.execute("SELECT @@SESSION.sql_mode")
    (mode,) = cursor.fetchone()
    others = [each for each in mode.split(",") if each not in _QUOTING]
    if others == mode.split(","):
        yield mode
        return
    cursor.execute("SET SESSION sql_mode = %s", [",".join(others)])
    try:
        yield mode
    finally:
        cursor.execute("SET SESSION sql_mode = %s", [mode])


def _of(cursor: Any, table: str, mode: str) -> List[Along]:
    cursor.execute("SHOW CREATE TABLE %s" % quoted(table))
    found = [
        Along(INDEX, name.replace("``", "`"), table, ("ALTER TABLE %s ADD %s" % (quoted(table), line),))
        for line, name in _KEY.findall(cursor.fetchone()[1])
    ]
    cursor.execute(
        "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = DATABASE()"
        " AND event_object_table = %s ORDER BY action_timing, event_manipulation, action_order",
        [table],
    )
    for (name,) in cursor.fetchall():
        found.append(Along(TRIGGER, name, table, _statements(read_one(cursor, "TRIGGER", name), mode)))
    return found


def _statements(trigger: Definition, mode: str) -> Tuple[str, ...]:
    """Return what makes a trigger, in the SQL mode in which it was written."""
    if trigger.sql_mode in {None, mode}:
        return (trigger.statement,)
    return (
        "SET @mode_before = @@SESSION.sql_mode",
        "SET SESSION sql_mode = '%s'" % trigger.sql_mode,
        trigger.statement,
        "SET SESSION sql_mode = @mode_before",
    )


def gone(connection: Any, before: Sequence[Along], renamed: Dict[str, str]) -> List[Along]:
    """Return which of `before` are not there any more, or lost a column."""
    tables = {each.table: renamed.get(each.table, each.table) for each in before}
    after = {
        (each.kind, each.table, each.name): each for each in read(connection, sorted({*tables.values()}))
    }
    found = []
    for each in before:
        now = after.get((each.kind, tables[each.table], each.name))
        if now is None or (each.kind == INDEX and _narrower(now, each)):
            found.append(each)
    return found


def _narrower(now: Along, before: Along) -> bool:
    return now.statements[0].count(",") < before.statements[0].count(",")


def has(connection: Any, table: str) -> bool:
    """Return whether there is a table of that name."""
    return table in TableNames(connection)


def there(connection: Any, kept: KeptDefinition) -> Optional[Along]:
    """Return what has its name now, None if nothing has. Of triggers there is one of a name, on any table."""
    tables = [kept.table]
    if kept.kind == TRIGGER:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT event_object_table FROM information_schema.triggers"
                " WHERE trigger_schema = DATABASE() AND trigger_name = %s",
                [kept.name],
            )
            tables = [table for (table,) in cursor.fetchall()]
    found = read(connection, tables)
    return next((each for each in found if (each.kind, each.name) == (kept.kind, kept.name)), None)
