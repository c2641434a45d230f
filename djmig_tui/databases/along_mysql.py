"""Triggers and indexes of MySQL and MariaDB as SQL. Views stay whatever happens to their tables."""

import re
from typing import Any, List, Optional, Sequence, Tuple

from ..definitions import INDEX, TRIGGER, Along
from ..protocol import KeptDefinition
from .definitions_mysql import Definition, quoted, read_one

#: A line of SHOW CREATE TABLE, which ALTER TABLE takes back as it is.
_KEY = re.compile(r"(?m)^  ((?:UNIQUE |FULLTEXT |SPATIAL |VECTOR )?KEY `((?:[^`]|``)+)` .*?),?$")


def read(connection: Any, tables: Sequence[str]) -> List[Along]:
    """Return the triggers and indexes of those of `tables` that are there."""
    found: List[Along] = []
    with connection.cursor() as cursor:
        present = set(connection.introspection.table_names(cursor))
        for table in tables:
            if table in present:
                found.extend(_of(cursor, table))
    return found


def _of(cursor: Any, table: str) -> List[Along]:
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
    names = [name for (name,) in cursor.fetchall()]
    if names:
        cursor.execute("SELECT @@SESSION.sql_mode")
        (mode,) = cursor.fetchone()
        for name in names:
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


def there(connection: Any, kept: KeptDefinition) -> Optional[Along]:
    """Return what has its name now, None if nothing has."""
    found = read(connection, [kept.table])
    return next((each for each in found if (each.kind, each.name) == (kept.kind, kept.name)), None)
