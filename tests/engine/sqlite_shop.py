"""A SQLite database with one of everything, and a connection to it as the engine's is."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.db.utils import ConnectionHandler

from djmig_tui import protocol as p
from djmig_tui.databases import dump_sqlite, sqlite
from tests.engine.mysql_shop import Call

TABLES = """
CREATE TABLE author (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, unused INTEGER);
CREATE TABLE book (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    author_id INTEGER NOT NULL REFERENCES author DEFERRABLE INITIALLY DEFERRED,
    title TEXT UNIQUE, about TEXT CHECK (json_valid(about) OR about IS NULL), cover BLOB, price decimal,
    made datetime, score REAL, cents INTEGER GENERATED ALWAYS AS (author_id * 100) STORED,
    loud TEXT GENERATED ALWAYS AS (upper(title)) VIRTUAL);
CREATE TABLE "odd""(name)," ("a(" INTEGER PRIMARY KEY, parent INTEGER REFERENCES "odd""(name),");
CREATE TABLE pair (a TEXT, b TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;
CREATE TABLE log (book_id INTEGER);
CREATE INDEX by_author ON book (author_id, lower(title)) WHERE author_id > 1;
CREATE VIEW titles AS SELECT author.name, book.title FROM author JOIN book ON author_id = author.id;
CREATE TRIGGER noted AFTER INSERT ON book BEGIN INSERT INTO log VALUES (new.id); END;
INSERT INTO author VALUES (1, 'it''s "quoted"', NULL), (2, '😀 ünï', 7), (40, '', NULL), (41, 'gone', NULL);
DELETE FROM author WHERE id = 41;
INSERT INTO book (author_id, title, about, cover, price, made, score) VALUES
    (1, 'a', '{"a": ["(", null, 1e400]}', x'00FF27225C0A', '12345678901234567890.0123456789',
     '2026-11-25 20:56:25.123456', 1.5e300),
    (2, NULL, NULL, NULL, NULL, NULL, NULL), (40, char(0) || 'b', '1', x'', -0.1, '', 0);
DELETE FROM log;
INSERT INTO "odd""(name)," VALUES (1, NULL), (2, 1), (3, 3);
INSERT INTO pair VALUES ('a', 'b'), ('b', 'a');
"""
#: Rows of each table, as a manifest has them.
ROWS = {"author": 3, "book": 3, "log": 0, 'odd"(name),': 3, "pair": 2}
#: What is done to it after a backup was made.
CHANGES = """
DROP TABLE log; DROP TRIGGER noted; DROP VIEW titles; DROP INDEX by_author;
CREATE TABLE later (id INTEGER PRIMARY KEY, filler BLOB);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100)
    INSERT INTO later SELECT i, randomblob(2000) FROM n;
ALTER TABLE author DROP COLUMN unused;
INSERT INTO author (name) VALUES ('after');
CREATE TRIGGER changed AFTER INSERT ON author BEGIN DELETE FROM pair; END;
"""


@dataclass
class Shop:
    """One database file."""

    path: Path

    @contextmanager
    def connected(self) -> Iterator[Any]:
        """Yield a connection as a project has it."""
        if not settings.configured:
            settings.configure(USE_TZ=True)
            django.setup()
        entry = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(self.path)}
        connection = ConnectionHandler({"default": entry})["default"]
        try:
            yield connection
        finally:
            connection.close()

    def execute(self, text: str) -> None:
        """Run statements on a connection of their own."""
        with closing(sqlite3.connect(self.path, timeout=1, isolation_level=None)) as raw:
            raw.executescript("PRAGMA foreign_keys = ON;" + text)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Run one statement on a connection of its own; return its rows."""
        with closing(sqlite3.connect(self.path, timeout=1, isolation_level=None)) as raw:
            return raw.execute(sql).fetchall()

    def look(self) -> dict[str, Any]:
        """Return all that it holds, once it is known to be whole."""
        assert self.query("PRAGMA integrity_check") == [("ok",)]
        found: dict[str, Any] = {
            "schema": self.query("SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2")
        }
        tables = self.query("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")
        for (name,) in tables:
            quoted = '"{}"'.format(name.replace('"', '""'))
            found[name] = sorted(map(repr, self.query(f"SELECT * FROM {quoted}")))
        return found

    def backup(self, path: Path, call: Call | None = None) -> tuple[p.TableRows, ...]:
        """Make a backup as the engine does: by a connection that may only look."""
        with self.connected() as connection, path.open("wb") as file:
            sqlite.make_read_only(connection)
            rows: tuple[p.TableRows, ...] = dump_sqlite.dump(connection, file.write, call or Call())
            return rows

    def restore(
        self, path: Path, tables: tuple[p.TableRows, ...] = (), call: Call | None = None
    ) -> p.RestoreFinished:
        """Put a backup in its place."""
        request = p.RestoreBackup("default", dump_sqlite.FORMAT, "", "", "", tables)
        with self.connected() as connection:
            connection.ensure_connection()
            return dump_sqlite.restore(connection, str(path), request, call or Call())

    def beside(self) -> list[str]:
        """Return the names of the files that SQLite has beside it."""
        return sorted(each.name for each in self.path.parent.glob(f"{self.path.name}-*"))


def make_shop(path: Path, *, page_size: int = 4096, wal: bool = False) -> Shop:
    """Return a database with one of everything."""
    shop = Shop(path)
    mode = "WAL" if wal else "DELETE"
    shop.execute(f"PRAGMA page_size = {page_size}; VACUUM; PRAGMA journal_mode = {mode}; {TABLES}")
    return shop
