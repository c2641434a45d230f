"""The databases that restores replaced on MySQL and MariaDB: listed, dropped, put back in their place."""

from typing import Any, List, Tuple

from ..errors import Refusal
from ..protocol import KeptDatabase, RestoreFinished
from . import beside_mysql as names
from . import swap_mysql
from .waiting_mysql import Blocked, alone
from .written_mysql import OLD, read_side


def finish(connection: Any) -> List[str]:
    """End what restores that were killed left behind; return what was done, as sentences. Writes."""
    with connection.cursor() as cursor, alone(cursor, names.current(cursor)):
        return clean_up(cursor, names.current(cursor))


def clean_up(cursor: Any, live: str) -> List[str]:
    """Do the same where the lock is held already."""
    done = swap_mysql.finish_all(cursor, live)
    for name in names.new_names(cursor, live):
        # The client that filled it may live a moment longer than the engine that fed it.
        cursor.execute("SELECT 1 FROM information_schema.processlist WHERE db = %s", [name])
        if cursor.fetchone() is None:
            names.drop(cursor, name)
    return done


def kept(connection: Any) -> Tuple[KeptDatabase, ...]:
    """Return the databases that were replaced and are still there, the newest first."""
    with connection.cursor() as cursor:
        return tuple(
            names.described(cursor, name)
            for name in names.kept_names(cursor, names.current(cursor))
            if names.tables(cursor, name)
        )


def drop_kept(connection: Any, name: str) -> None:
    """Drop a database that was replaced. Raises `Refusal` for any other."""
    with connection.cursor() as cursor, alone(cursor, names.current(cursor)):
        _finish_first(cursor, names.current(cursor), name)
        names.drop(cursor, name)


def swap_kept(connection: Any, name: str, request: Any, call: Any) -> RestoreFinished:
    """Put a database that was replaced back in its place; the present one is kept in its stead."""
    with connection.cursor() as cursor, alone(cursor, names.current(cursor)):
        live = names.current(cursor)
        notes = _finish_first(cursor, live, name)
        swap_mysql.refuse_outside(cursor)
        coming = read_side(cursor, name, OLD)
        swap = swap_mysql.Swap(connection, cursor, live, name)
        try:
            kept = swap.run(coming, request.end_others)
        except Blocked as blocked:
            return blocked.finished(notes)
    return RestoreFinished(True, kept=kept, notes=(*notes, *swap.notes))


def _finish_first(cursor: Any, live: str, name: str) -> List[str]:
    done = clean_up(cursor, live)
    if name not in names.kept_names(cursor, live):
        raise Refusal("%s is not a database that was replaced by a restore of %s." % (name, live))
    return done
