"""Names of the databases beside one on MySQL and MariaDB: that a restore fills, and that it keeps."""

import datetime
import hashlib
import re
from typing import Any, List, Optional, Tuple

from ..protocol import KeptDatabase
from .definitions_mysql import quoted

#: Views, routines, triggers and events cannot move with their tables: here is how they are made again.
OBJECTS = "_djmig_objects"
#: In a database that is restored in place, from before its first table is dropped until all is loaded.
UNDER_WAY = "_djmig_restoring"
OURS = (OBJECTS, UNDER_WAY)

_LONGEST = 64
_STAMP = "%Y%m%d%H%M%S"
_NEW, _KEPT = "_djmig_new_", "_djmig_"


def current(cursor: Any) -> str:
    """Return the database that the session looks at, in the server's own spelling."""
    cursor.execute("SELECT DATABASE()")
    return str(cursor.fetchone()[0])


def new_name(cursor: Any, database: str) -> str:
    """Return the name of a database that is filled beside `database` and is not there yet."""
    return _free(cursor, database, _NEW)


def kept_name(cursor: Any, database: str) -> str:
    """Return the name under which `database` is kept when it is replaced."""
    return _free(cursor, database, _KEPT)


def _free(cursor: Any, database: str, between: str) -> str:
    moment = datetime.datetime.now(datetime.timezone.utc)
    while True:
        name = _stem(database) + between + moment.strftime(_STAMP)
        if not _like(cursor, name):
            return name
        moment += datetime.timedelta(seconds=1)


def _stem(database: str) -> str:
    room = _LONGEST - len(_NEW) - len("20000101000000")
    if len(database) <= room:
        return database
    return "%s_%s" % (database[: room - 9], hashlib.sha256(database.encode("utf-8")).hexdigest()[:8])


def _like(cursor: Any, start: str) -> List[str]:
    cursor.execute(
        "SELECT schema_name FROM information_schema.schemata WHERE LEFT(schema_name, %s) = %s ORDER BY 1",
        [len(start), start],
    )
    return [str(name) for (name,) in cursor.fetchall()]


def kept_names(cursor: Any, database: str) -> List[str]:
    """Return the databases that were replaced and are still there, the newest first."""
    return _matching(cursor, database, _KEPT)


def new_names(cursor: Any, database: str) -> List[str]:
    """Return the databases that restores began to fill."""
    return _matching(cursor, database, _NEW)


def _matching(cursor: Any, database: str, between: str) -> List[str]:
    start = _stem(database) + between
    pattern = re.compile(re.escape(start) + r"\d{14}", re.IGNORECASE)
    return [name for name in reversed(_like(cursor, start)) if pattern.fullmatch(name)]


def described(cursor: Any, name: str) -> KeptDatabase:
    """Return what is told of a database that was replaced."""
    cursor.execute(
        "SELECT SUM(data_length + index_length) FROM information_schema.tables WHERE table_schema = %s",
        [name],
    )
    size = cursor.fetchone()[0]
    moment = datetime.datetime.strptime(name[-14:], _STAMP).replace(tzinfo=datetime.timezone.utc)
    return KeptDatabase(name, moment.isoformat(), None if size is None else int(size))


def create_like(cursor: Any, name: str, like: str) -> None:
    """Create an empty database with the character set and collation of another."""
    cursor.execute(
        "SELECT default_character_set_name, default_collation_name FROM information_schema.schemata"
        " WHERE schema_name = %s",
        [like],
    )
    cursor.execute("CREATE DATABASE %s CHARACTER SET %s COLLATE %s" % ((quoted(name), *cursor.fetchone())))


def drop(cursor: Any, name: str) -> None:
    """Drop a database of ours."""
    cursor.execute("DROP DATABASE IF EXISTS %s" % quoted(name))


def tables(cursor: Any, database: str) -> List[Tuple[str, bool]]:
    """Return the tables and sequences of a database, and whether each has rows that can be counted."""
    cursor.execute(
        "SELECT table_name, table_type FROM information_schema.tables"
        " WHERE table_schema = %s AND table_type NOT LIKE '%%VIEW' ORDER BY table_name",
        [database],
    )
    return [(str(name), kind != "SEQUENCE") for name, kind in cursor.fetchall() if name not in OURS]


def count(cursor: Any, database: str, table: str) -> int:
    """Return the rows of a table."""
    cursor.execute("SELECT COUNT(*) FROM %s.%s" % (quoted(database), quoted(table)))
    return int(cursor.fetchone()[0])


def has_table(cursor: Any, database: str, table: str) -> bool:
    """Return whether a table of ours is there."""
    cursor.execute(
        "SELECT 1 FROM information_schema.tables WHERE table_schema = %s AND table_name = %s",
        [database, table],
    )
    row: Optional[Any] = cursor.fetchone()
    return row is not None
