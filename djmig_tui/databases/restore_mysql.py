"""Puts a mysqldump in the place of a MySQL or MariaDB database: beside it, then swapped; or in place."""

import contextlib
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from django.db import Error

from ..errors import FailedError
from ..protocol import RestoreFinished
from . import beside_mysql as names
from . import rights_mysql as rights
from . import swap_mysql
from .definitions_mysql import EVENT, Definition, awake, drop, listed, quoted, read, use
from .kept_mysql import clean_up
from .load_mysql import Stopped, check_claims, check_length, compare, load, read_dump
from .mysql_text import Rewriter
from .waiting_mysql import Blocked, alone, lock
from .written_mysql import marker


class Way(NamedTuple):
    """How a restore will be done, for the plan."""

    in_place: bool
    why: str
    notes: Tuple[str, ...] = ()
    why_not: Optional[str] = None


def preview(connection: Any) -> Way:
    """Return how a restore would be done. Changes nothing."""
    with connection.cursor() as cursor:
        live = names.current(cursor)
        notes = [*unfinished(connection)]
        if not rights.may_name_definers(cursor):
            notes.append(
                "This user may not make views, routines, triggers and events in the name of another:"
                " those of the backup become its own."
            )
        if rights.may_create(cursor, names.new_name(cursor, live)):
            why = (
                "The backup is loaded into a new database beside %s, its rows are compared, and the tables of"
                " both change places at once; those of now are kept." % live
            )
            return Way(False, why, tuple(notes), swap_mysql.points_here(cursor))
        why = (
            "This user may not make a database beside %s, so the backup is loaded in place: its tables are"
            " dropped first, and until all is loaded others see a part of it. Nothing of now is kept." % live
        )
        return Way(True, why, tuple(notes))


def unfinished(connection: Any) -> List[str]:
    """Return which restores were cut off and what is to be done, as sentences."""
    found = []
    with connection.cursor() as cursor:
        live = names.current(cursor)
        if names.has_table(cursor, live, names.UNDER_WAY):
            found.append(
                "A restore was cut off, and %s holds a part of it: restore the backup again, or the one that"
                " was made before." % live
            )
        if any(marker(cursor, kept) for kept in names.kept_names(cursor, live)):
            found.append(
                "A restore of %s was cut off: the next one, or dropping what is kept, ends it." % live
            )
    return found


def restore(connection: Any, path: str, request: Any, call: Any) -> RestoreFinished:
    """Put the dump at `path` in the place of the database."""
    with connection.cursor() as cursor, alone(cursor, names.current(cursor)):
        return _Restore(connection, cursor, path, request, call).run()


class _Restore:
    """One restore."""

    def __init__(self, connection: Any, cursor: Any, path: str, request: Any, call: Any) -> None:
        self._connection = connection
        self._cursor = cursor
        self._path = path
        self._request = request
        self._call = call
        self._live = names.current(cursor)
        self._own_definers = not rights.may_name_definers(cursor)
        self._rows: Dict[str, int] = {}
        self._notes: List[str] = []

    def run(self) -> RestoreFinished:
        """Restore, and tell how it ended."""
        told = self._call.progress
        contents = read_dump(self._path, lambda done, size: told(done, size, "Reading the backup"))
        self._rows = contents.rows
        check_length(self._cursor, contents)
        check_claims(self._rows, self._request.tables)
        self._notes.extend(clean_up(self._cursor, self._live))
        new = names.new_name(self._cursor, self._live)
        kept = None
        try:
            if rights.may_create(self._cursor, new):
                kept = self._beside(new)
            else:
                self._in_place()
        except Stopped:
            return RestoreFinished(False, notes=(*self._notes, "It was stopped, and nothing was replaced."))
        except Blocked as blocked:
            return blocked.finished(self._notes)
        return RestoreFinished(True, kept=kept, notes=tuple(self._notes))

    def _beside(self, new: str) -> str:
        cursor, live = self._cursor, self._live
        swap_mysql.refuse_outside(cursor)
        names.create_like(cursor, new, live)
        try:
            coming = self._fill(new)
            use(cursor, live)
            if self._call.stopping:
                raise Stopped
            self._call.progress(0, 0, "Changing places")
            swap = swap_mysql.Swap(self._connection, cursor, live, new)
            kept = swap.run(coming, self._request.end_others)
        except BaseException as error:
            _drop_if_unused(cursor, live, new)
            if isinstance(error, FailedError):
                sentence = "The backup could not be restored, and nothing was replaced. %s" % error
                raise FailedError(sentence, error.detail) from error
            raise
        self._notes.extend(swap.notes)
        cursor.execute(
            "DROP TABLE IF EXISTS %s" % quoted(names.UNDER_WAY)
        )  # of one in place that was cut off
        return kept

    def _fill(self, new: str) -> List[Definition]:
        """Load the backup into a database of its own; return what does not move with its tables."""
        rewriter = Rewriter(new, self._own_definers, asleep=True)
        load(self._connection, self._path, new, rewriter, self._call, stops=True)
        self._call.progress(0, 0, "Comparing the rows")
        compare(self._cursor, new, self._rows)
        self._tell_definers(rewriter)
        self._cursor.execute("SET SESSION sql_mode = ''")
        return [
            awake(each) if each.kind == EVENT and each.name in rewriter.events else each
            for each in read(self._cursor, new)
        ]

    def _in_place(self) -> None:
        cursor, live = self._cursor, self._live
        cursor.execute("SET SESSION sql_mode = ''")
        definitions = listed(cursor)
        present = [name for name, _ in names.tables(cursor, live)]
        lock(self._connection, [(live, name) for name in present], self._request.end_others)
        cursor.execute("UNLOCK TABLES")
        if self._call.stopping:
            raise Stopped
        rewriter = Rewriter(live, self._own_definers, asleep=False)
        try:
            self._make_room(definitions, present)
            load(self._connection, self._path, live, rewriter, self._call, stops=False)
            compare(cursor, live, self._rows)
        except (FailedError, Error) as error:
            raise FailedError(
                "%s %s holds a part of the backup: restore the one that was made before." % (error, live),
                detail=getattr(error, "detail", ""),
            ) from error
        cursor.execute("DROP TABLE %s" % quoted(names.UNDER_WAY))
        self._tell_definers(rewriter)

    def _make_room(self, definitions: List[Definition], present: List[str]) -> None:
        """Drop all there is. Not every dump drops what it makes anew, and none what it does not hold."""
        cursor, live = self._cursor, self._live
        cursor.execute("CREATE TABLE IF NOT EXISTS %s (id INTEGER PRIMARY KEY)" % quoted(names.UNDER_WAY))
        drop(cursor, definitions, live)
        cursor.execute("SET SESSION foreign_key_checks = 0")
        for name in present:
            cursor.execute("DROP TABLE %s" % quoted(name))

    def _tell_definers(self, rewriter: Rewriter) -> None:
        others = sorted(rewriter.definers - {rights.myself(self._cursor)})
        if others:
            self._notes.append(
                "Views, routines, triggers and events of %s are this user's now, who may not make them in"
                " the name of another." % ", ".join(others)
            )


def _drop_if_unused(cursor: Any, live: str, new: str) -> None:
    with contextlib.suppress(Error):  # cut off from the server: the next restore drops it
        use(cursor, live)
        if not any(_comes_from(cursor, kept, new) for kept in names.kept_names(cursor, live)):
            names.drop(cursor, new)


def _comes_from(cursor: Any, kept: str, new: str) -> bool:
    left = marker(cursor, kept)
    return left is not None and left.new == new
