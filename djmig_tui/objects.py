"""Views, triggers and hand-made indexes that go along with a table or column, and the locks.

Read from the SQL of the steps and the database's own catalogue, as both are now.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Dict, List, Sequence, Set, Tuple

from .changes import RENAME_TABLE, Effect
from .databases import objects_mysql, objects_postgresql, objects_sqlite
from .protocol import Failure, Sql

_CATALOGUES: Dict[str, Any] = {
    "sqlite": objects_sqlite,
    "postgresql": objects_postgresql,
    "mysql": objects_mysql,
}

_QUOTED = r'["`]([^"`]+)["`]'
_REMADE = re.compile(r'CREATE TABLE "new__([^"]+)"')
_DROPPED_TABLE = re.compile(r"DROP TABLE (?:IF EXISTS )?" + _QUOTED)
_DROPPED_COLUMN = re.compile(r"ALTER TABLE %s DROP COLUMN (?:IF EXISTS )?%s" % (_QUOTED, _QUOTED))
_RETYPED = re.compile(r"ALTER TABLE %s (?:.*?)ALTER COLUMN %s TYPE " % (_QUOTED, _QUOTED))
_MODIFIED = re.compile(r"ALTER TABLE %s MODIFY %s" % (_QUOTED, _QUOTED))
_INDEX = re.compile(r"CREATE (?:UNIQUE )?INDEX (?:CONCURRENTLY )?(?:IF NOT EXISTS )?" + _QUOTED)
_ALTERED = re.compile(r"ALTER TABLE (?:IF EXISTS )?" + _QUOTED)


@dataclass
class Touched:
    """What the SQL of one step does to things that are there now, by their names of now."""

    remade: Set[str] = field(default_factory=set)
    dropped: Set[str] = field(default_factory=set)
    columns: Set[Tuple[str, str]] = field(default_factory=set)
    retyped: Set[Tuple[str, str]] = field(default_factory=set)
    altered: Set[str] = field(default_factory=set)
    indexes_made: Set[str] = field(default_factory=set)


@dataclass
class Companions:
    """What goes along, and what makes a step fail."""

    sentences: List[str] = field(default_factory=list)
    failures: List[Failure] = field(default_factory=list)


def touched(sql: Sql, now: Dict[str, str]) -> Touched:
    """Return what the statements of `sql` touch; `now` maps names of that moment to those of now."""
    text = sql.shown
    found = Touched(indexes_made=set(_INDEX.findall(text)))

    def name(table: str) -> str:
        return now.get(table, table)

    found.remade = {name(table) for table in _REMADE.findall(text)}
    found.dropped = {name(table) for table in _DROPPED_TABLE.findall(text)} - found.remade
    found.columns = {(name(table), column) for table, column in _DROPPED_COLUMN.findall(text)}
    pairs = _RETYPED.findall(text) + _MODIFIED.findall(text)
    found.retyped = {(name(table), column) for table, column in pairs}
    altered = {table for table in _ALTERED.findall(text) if not table.startswith("new__")}
    found.altered = {name(table) for table in altered} | found.remade
    return found


def names_now(effects: Sequence[Effect]) -> Dict[str, str]:
    """Return name of a later moment → name of now, for the tables that the plan renames."""
    now: Dict[str, str] = {}
    for effect in effects:
        if effect.kind == RENAME_TABLE:
            now[effect.to] = now.get(effect.table, effect.table)
    return now


def companions(touches: Sequence[Touched], connection: Any) -> Companions:
    """Return what goes along with what the steps touch, asked of the database's catalogue."""
    found = Companions()
    catalogue = _CATALOGUES.get(connection.vendor)
    if catalogue is None:
        return found
    for each in touches:
        for sentence in catalogue.go_along(connection, each):
            if sentence not in found.sentences:
                found.sentences.append(sentence)
        found.failures.extend(catalogue.stand_in_the_way(connection, each))
    return found


def rewritten(touch: Touched, connection: Any) -> Tuple[str, ...]:
    """Return the tables that one step writes anew, row by row, with their size where it is known.

    On SQLite those that are remade; elsewhere those of which a column changes its type, which may
    be done in place: the server decides.
    """
    catalogue = _CATALOGUES.get(connection.vendor)
    if catalogue is None:
        return ()
    tables = touch.remade | {table for table, _ in touch.retyped}
    return tuple(
        table if size is None else "%s (%.1f MB)" % (table, size / 1e6)
        for table, size in ((each, catalogue.size(connection, each)) for each in sorted(tables))
    )


def lock_of(sql: Sql, vendor: str) -> str:
    """Return the strongest lock that the statements of one step take, in the database's words."""
    text = re.sub(r"(?m)^--.*$", "", sql.shown)
    if not re.search(r"\b(ALTER|CREATE|DROP|UPDATE|INSERT|DELETE)\b", text):
        return ""
    if vendor == "sqlite":
        return "the whole database, for writers"
    if vendor == "mysql":
        return "metadata lock on the table" if re.search(r"\b(ALTER|DROP|CREATE)\b", text) else "row locks"
    if vendor != "postgresql":
        return ""
    rest = re.sub(r"CREATE (?:UNIQUE )?INDEX CONCURRENTLY[^;]*;|DROP INDEX CONCURRENTLY[^;]*;", "", text)
    if re.search(r"\b(ALTER TABLE|DROP TABLE|DROP INDEX)\b", rest):
        return "ACCESS EXCLUSIVE: readers wait too"
    if re.search(r"CREATE (?:UNIQUE )?INDEX", rest):
        return "SHARE: writers wait"
    return "SHARE UPDATE EXCLUSIVE: nobody waits" if "CONCURRENTLY" in text else "ROW EXCLUSIVE: nobody waits"
