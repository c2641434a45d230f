"""Views, routines, triggers and events of MySQL and MariaDB: read as they were written, and made again."""

import re
from typing import Any, Dict, Iterable, List, NamedTuple, Optional

from django.db import Error

from ..errors import FailedError

VIEW, TRIGGER, EVENT = "VIEW", "TRIGGER", "EVENT"

_DEFINER = re.compile(
    r"\A(CREATE (?:OR REPLACE )?(?:AGGREGATE )?(?:ALGORITHM=\w+ )?)DEFINER=`(?:[^`]|``)*`(?:@`[^`]*`)? "
)
_ASLEEP = re.compile(r"\A(.*? PRESERVE )DISABLE ", re.DOTALL)

#: In the order in which they are made: views may use functions, triggers and events anything.
_NAMES = (
    (
        "SELECT routine_type, routine_name FROM information_schema.routines"
        " WHERE routine_schema = DATABASE() ORDER BY routine_type <> 'PACKAGE', routine_type, routine_name"
    ),
    (
        "SELECT 'VIEW', table_name FROM information_schema.views WHERE table_schema = DATABASE()"
        " ORDER BY table_name"
    ),
    (
        "SELECT 'TRIGGER', trigger_name FROM information_schema.triggers WHERE trigger_schema = DATABASE()"
        " ORDER BY event_object_table, action_timing, event_manipulation, action_order"
    ),
    (
        "SELECT 'EVENT', event_name FROM information_schema.events WHERE event_schema = DATABASE()"
        " ORDER BY event_name"
    ),
)


class Definition(NamedTuple):
    """One of them, and the settings of the session that made it."""

    kind: str
    name: str
    statement: str
    sql_mode: Optional[str] = None
    character_set_client: Optional[str] = None
    collation_connection: Optional[str] = None
    time_zone: Optional[str] = None


def quoted(name: str) -> str:
    """Return a name in its quotes."""
    return "`%s`" % name.replace("`", "``")


def use(cursor: Any, database: str) -> None:
    """Have `cursor`'s session look at `database`."""
    cursor.execute("USE %s" % quoted(database))


def read(cursor: Any, database: str) -> List[Definition]:
    """Return the definitions of `database`, which the session looks at afterwards, as they can be made again.

    The server leaves the name of the database that the session looks at out of their words.
    """
    use(cursor, database)
    return [read_one(cursor, each.kind, each.name) for each in listed(cursor)]


def listed(cursor: Any) -> List[Definition]:
    """Return what there is where the session looks, without its words: whoever drops need not read."""
    found: List[Definition] = []
    for query in _NAMES:
        cursor.execute(query)
        found.extend(Definition(_text(kind), _text(name), "") for kind, name in cursor.fetchall())
    return found


def read_one(cursor: Any, kind: str, name: str) -> Definition:
    """Return one definition as it can be made again. Raises `FailedError` if this user may not read it."""
    cursor.execute("SHOW CREATE %s %s" % (kind, quoted(name)))
    columns = [column[0].lower() for column in cursor.description]
    row: Dict[str, Any] = dict(zip(columns, cursor.fetchone()))
    statement = row.get("sql original statement", row.get("create %s" % kind.lower()))
    if statement is None:
        raise FailedError(
            "This user may not read the %s %s, which another one made, and could not put it back:"
            " use one who may, or drop it." % (kind.lower(), name)
        )
    settings = ("sql_mode", "character_set_client", "collation_connection", "time_zone")
    values = [None if row.get(each) is None else _text(row[each]) for each in settings]
    return Definition(kind, name, _text(statement), *values)


def make(cursor: Any, definitions: Iterable[Definition], own_definers: bool) -> List[str]:
    """Make definitions where the session looks; return, as sentences, which could not be made and why.

    One that is there already is left alone. Views may read each other, in any order.
    """
    present = {(each.kind, each.name) for each in listed(cursor)}
    left = [each for each in definitions if (each.kind, each.name) not in present]
    failed: Dict[Definition, Error] = {}
    while left:
        failed = {}
        for each in left:
            try:
                _make_one(cursor, each, own_definers)
            except Error as error:
                failed[each] = error
        if len(failed) == len(left):
            break
        left = list(failed)
    return [
        "The %s %s could not be made: %s" % (each.kind.lower(), each.name, error.args[-1])
        for each, error in failed.items()
    ]


def _make_one(cursor: Any, definition: Definition, own_definers: bool) -> None:
    for setting in ("sql_mode", "character_set_client", "collation_connection", "time_zone"):
        value = getattr(definition, setting)
        # Our words are sent in utf8mb4: another one can only be named where they are the same in it.
        same = setting != "character_set_client" or definition.statement.isascii()
        if value is not None and same:
            cursor.execute("SET SESSION %s = %%s" % setting, [value])
    statement = definition.statement
    if own_definers:
        statement = _DEFINER.sub(r"\1", statement, count=1)
    try:
        cursor.execute(statement)
    finally:
        cursor.execute("SET NAMES utf8mb4")


def drop(cursor: Any, definitions: Iterable[Definition], database: str) -> None:
    """Drop definitions of `database`, those that are still there."""
    for each in definitions:
        cursor.execute("DROP %s IF EXISTS %s.%s" % (each.kind, quoted(database), quoted(each.name)))


def awake(definition: Definition) -> Definition:
    """Return an event that was put to sleep as it was before."""
    return definition._replace(statement=_ASLEEP.sub(r"\1ENABLE ", definition.statement, count=1))


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, (bytes, bytearray)) else str(value)
