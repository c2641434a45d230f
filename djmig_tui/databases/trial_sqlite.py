"""How a plan is rehearsed on SQLite: on a copy of the file, which no connection can mistake for the file."""

import contextlib
import os
import sqlite3
from typing import Any, Callable, Dict, Iterator, List, Optional, Set
from urllib.parse import unquote, urlsplit

from django.db import connections

from .. import copies
from ..errors import Refusal
from .copy_sqlite import copy_database

WHERE = "on a copy"
#: A copy holds up nobody, however long it takes.
LIMIT: Optional[float] = None
#: Whatever is committed is committed to the copy.
COPY = True
#: What is to be told afterwards.
notes: List[str] = []
#: The copy may grow to this many times its size: tables are remade beside themselves.
ROOM = 2


@contextlib.contextmanager
def prepared(connection: Any, others: Callable[[Any], None], call: Any) -> Iterator[Callable[[Any], None]]:
    """Copy the database behind the read-only `connection` and point every alias of its file at the copy.

    Yields what is to be done to each new connection. `others` is done to those of other databases.
    """
    with copies.folder() as folder:
        copy = os.path.join(folder, "copy.sqlite3")
        copy_database(connection, copy, call, "Copying the database", ROOM)
        pointed = _point_aliases(connection, copy)
        try:
            yield lambda each: _tame(each, pointed, copy, others)
        finally:
            for alias, name in pointed.items():
                connections.settings[alias]["NAME"] = name


def begin(connection: Any, runs_code: bool) -> None:
    """Nothing to set up: whatever is committed is committed to the copy."""


def last_checks(connection: Any) -> None:
    """Do what a run does before it commits."""
    connection.check_constraints()


def ended_transaction(error: BaseException) -> bool:
    """A transaction that code of the project ends was on the copy."""
    return False


def out_of_time(error: BaseException) -> bool:
    """There is no limit of time."""
    return False


def schema(connection: Any) -> Dict[str, List[str]]:
    """Return the schema as lines, by the table they belong to."""
    found: Dict[str, List[str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT type, name, tbl_name, sql FROM sqlite_master"
            " WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND sql IS NOT NULL"
            " ORDER BY tbl_name, type <> 'table', type, name"
        )
        for kind, name, table, sql in cursor.fetchall():
            if kind == "table":
                found.setdefault("table %s" % table, []).extend(_columns(sql))
            elif kind == "view":
                found["view %s" % name] = " ".join(sql.split()).split(",")
            else:
                found.setdefault("table %s" % table, []).append(" ".join(sql.split()))
    return found


def _point_aliases(connection: Any, copy: str) -> Dict[str, str]:
    """Have every alias of the same file name the copy; return what each named before.

    The settings are changed in place: they are what threads, and code that reads settings.DATABASES, see.
    """
    original = path_of(connection.settings_dict)
    pointed = {}
    for alias, given in connections.settings.items():
        if connections[alias].vendor != "sqlite":
            continue
        if alias == connection.alias or (original is not None and _same(path_of(given), original)):
            pointed[alias] = given["NAME"]
    for alias in pointed:
        connections.settings[alias]["NAME"] = copy
    return pointed


def path_of(settings: Dict[str, Any]) -> Optional[str]:
    """Return the file that a NAME stands for, None for a database in memory."""
    name = str(settings["NAME"])
    if name.startswith("file:"):
        parts = urlsplit(name)
        name = "" if "mode=memory" in parts.query else unquote(parts.path)
    return None if name in {"", ":memory:"} else name


def _same(path: Optional[str], original: str) -> bool:
    if path is None:
        return False
    if os.path.exists(path) and os.path.exists(original):
        return os.path.samefile(path, original)
    return os.path.realpath(path) == os.path.realpath(original)


def _tame(connection: Any, pointed: Dict[str, str], copy: str, others: Callable[[Any], None]) -> None:
    if connection.vendor != "sqlite" or connection.alias not in pointed:
        others(connection)
        return
    _refuse_other_files(connection, copy)
    deny(connection, {sqlite3.SQLITE_ATTACH})


def _refuse_other_files(connection: Any, copy: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA database_list")
        for _number, _schema, path in cursor.fetchall():
            if path and not (os.path.exists(path) and os.path.samefile(path, copy)):
                raise Refusal(
                    "It cannot be rehearsed: the project has the connection open %s, which is not the copy."
                    % path
                )


def deny(connection: Any, actions: Set[int]) -> None:
    """Have SQLite itself refuse `actions`, and any end of `query_only`, on this connection."""

    def allowed(action: int, first: Any, second: Any, schema: Any, inside: Any) -> int:
        lifts = action == sqlite3.SQLITE_PRAGMA and first == "query_only" and second is not None
        return sqlite3.SQLITE_DENY if lifts or action in actions else sqlite3.SQLITE_OK

    connection.connection.set_authorizer(allowed)


def _columns(sql: str) -> List[str]:
    """Return the lines of a CREATE TABLE, one a column or constraint."""
    start, end = sql.find("("), sql.rfind(")")
    if start < 0 or end < start:
        return [" ".join(sql.split())]
    lines, depth, quote, begun = [], 0, "", start + 1
    for place in range(start + 1, end):
        letter = sql[place]
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"`[":
            quote = "]" if letter == "[" else letter
        elif letter in "()":
            depth += 1 if letter == "(" else -1
        elif letter == "," and not depth:
            lines.append(sql[begun:place])
            begun = place + 1
    lines.append(sql[begun:end])
    rest = sql[end + 1 :].strip()
    return [" ".join(line.split()) for line in lines] + ([rest] if rest else [])
