"""A MySQL or MariaDB database with one of everything, and a connection to it as the engine's is."""

from __future__ import annotations

import os
import re
import subprocess
import traceback
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.db.utils import ConnectionHandler

from djmig_tui import protocol as p
from djmig_tui.databases import dump_mysql
from tests.servers import connect, create_database, drop_database, query, server

TABLES = """
CREATE TABLE author (id INTEGER AUTO_INCREMENT PRIMARY KEY, name VARCHAR(80) NOT NULL, unused INTEGER);
CREATE TABLE book (
    id BIGINT AUTO_INCREMENT PRIMARY KEY, author_id INTEGER NOT NULL, title VARCHAR(200), about JSON,
    cover LONGBLOB, price DECIMAL(30, 10), made DATETIME(6), open_from TIME(6), score DOUBLE, flag BIT(3),
    cents INTEGER GENERATED ALWAYS AS (author_id * 100) STORED, loud VARCHAR(200) AS (UPPER(title)) VIRTUAL,
    UNIQUE KEY by_title (title), CONSTRAINT written FOREIGN KEY (author_id) REFERENCES author (id));
CREATE TABLE `odd``(name),` (`a(` INTEGER PRIMARY KEY, parent INTEGER,
    CONSTRAINT itself FOREIGN KEY (parent) REFERENCES `odd``(name),` (`a(`));
CREATE TABLE log (book_id BIGINT);
CREATE TABLE plain (n INTEGER) ENGINE=MyISAM;
INSERT INTO author VALUES (1, 'it''s),(\\\\ \\n\\0', NULL), (2, '😀 ünï', 7), (40, '', NULL);
INSERT INTO book (author_id, title, about, cover, price, made, open_from, score, flag) VALUES
    (1, 'a', '{"a": ["(", "\\\\"", null]}', X'00FF27225C0A', 12345678901234567890.0123456789,
     '2026-11-25 20:56:25.123456', '-12:34:56.789', 1.5e300, b'101'),
    (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (40, ''');\\r\\n', '1', '', -0.1, NULL, NULL, 0, b'0');
INSERT INTO `odd``(name),` VALUES (1, NULL), (2, 1), (3, 3);
INSERT INTO plain VALUES (1), (2);
CREATE VIEW a_first AS SELECT id FROM author;
CREATE VIEW titles AS SELECT title, tax(1) AS tax FROM a_first JOIN book ON author_id = a_first.id;
CREATE TRIGGER noted AFTER INSERT ON book FOR EACH ROW INSERT INTO log VALUES (NEW.id);
CREATE TRIGGER noted_too AFTER INSERT ON book FOR EACH ROW INSERT INTO log VALUES (-NEW.id);
CREATE PROCEDURE hello() BEGIN SELECT 'höllo'; END;
CREATE EVENT tidy ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 00:00:00' DO DELETE FROM log;
CREATE EVENT asleep ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 00:00:00' DISABLE DO DELETE FROM log;
"""
FUNCTION = "CREATE FUNCTION tax(n INTEGER) RETURNS INTEGER DETERMINISTIC RETURN n * 2;"
#: Rows of each table, as a manifest has them.
ROWS = {"author": 3, "book": 3, "log": 0, "odd`(name),": 3, "plain": 2}
#: What is done to it after a backup was made.
CHANGES = """
DROP TABLE log;
CREATE TABLE later (id INTEGER PRIMARY KEY);
ALTER TABLE author DROP COLUMN unused;
INSERT INTO author (name) VALUES ('after');
DROP TRIGGER noted; DROP TRIGGER noted_too;
CREATE TRIGGER changed BEFORE INSERT ON author FOR EACH ROW SET NEW.name = CONCAT(NEW.name, '!');
DROP VIEW titles;
CREATE VIEW late AS SELECT id FROM later;
DROP PROCEDURE hello;
"""


def statements(text: str) -> list[str]:
    """Return the statements of `text`, one that holds others whole."""
    return [each for each in re.split(r";\s*(?=CREATE|INSERT|DROP|ALTER|\Z)", text.strip()) if each]


@dataclass
class Call:
    """Stands in for a request: it is stopped when `when` says so of its progress."""

    when: Callable[[str], bool] = lambda message: False
    stopping: bool = False
    messages: list[str] = field(default_factory=list)
    _on_stop: Callable[[], None] = lambda: None

    def progress(self, done: int, total: int = 0, message: str = "", plan: Any = None) -> None:
        self.messages.append(message)
        if self.when(message) and not self.stopping:
            self.stopping = True
            self._on_stop()

    def on_stop(self, callback: Callable[[], None]) -> None:
        self._on_stop = callback


@dataclass
class Shop:
    """One database on the server, and who connects to it."""

    name: str
    user: str = ""
    password: str = ""

    def connection(self) -> Any:
        """Return a connection as a project has it."""
        return connection_to(self.name, self.user, self.password)

    @contextmanager
    def connected(self) -> Iterator[Any]:
        connection = self.connection()
        try:
            yield connection
        finally:
            connection.close()

    def execute(self, text: str) -> None:
        """Run statements on a connection of their own."""
        connection = connect("mysql", self.name)
        try:
            for statement in statements(text):
                connection.cursor().execute(statement)
        finally:
            connection.close()

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return query("mysql", self.name, sql)

    def backup(self, path: Path) -> tuple[p.TableRows, ...]:
        """Make a backup."""
        with self.connected() as connection, path.open("wb") as file:
            return dump_mysql.dump(connection, file.write, Call())

    def restore(
        self, path: Path, tables: tuple[p.TableRows, ...] = (), call: Call | None = None, **kwargs: Any
    ) -> p.RestoreFinished:
        """Put a backup in its place."""
        request = p.RestoreBackup("default", dump_mysql.FORMAT, "", "", "", tables, **kwargs)
        with self.connected() as connection:
            return dump_mysql.restore(connection, str(path), request, call or Call())

    def look(self) -> dict[str, Any]:
        """Return all that it holds."""
        return look(self.name)

    def beside(self) -> list[str]:
        """Return the databases that were made beside it."""
        found = query("mysql", None, f"SHOW DATABASES LIKE '{self.name[:30]}%'")
        return sorted(name for (name,) in found if name != self.name)

    def drop(self) -> None:
        for name in [*self.beside(), self.name]:
            drop_database("mysql", f"`{name}`")


def make_shop() -> Shop:
    """Return a database with one of everything."""
    shop = Shop(f"djmig_test_{uuid.uuid4().hex[:12]}")
    create_database("mysql", shop.name)
    shop.execute(FUNCTION)
    shop.execute(TABLES)
    return shop


def copy_of(shop: Shop, name: str = "") -> Shop:
    """Return a copy of a database, with all that belongs to it."""
    copy = Shop(name or f"djmig_test_{uuid.uuid4().hex[:12]}")
    create_database("mysql", copy.name)
    at = server("mysql")
    login = [f"--host={at.host}", f"--port={at.port}", f"--user={at.user}", "--default-character-set=utf8mb4"]
    env = {**os.environ, "MYSQL_PWD": at.password}
    everything = ["--routines", "--triggers", "--events", "--hex-blob"]
    command = ["mysqldump", *login, *everything, shop.name]
    dump = subprocess.run(command, env=env, check=True, capture_output=True).stdout
    subprocess.run(["mysql", *login, "--binary-mode", copy.name], env=env, check=True, input=dump)
    return copy


def connection_to(name: str, user: str = "", password: str = "") -> Any:
    """Return a Django connection."""
    import pymysql

    pymysql.version_info = (2, 2, 7, "final", 0)
    pymysql.install_as_MySQLdb()
    if not settings.configured:
        settings.configure(USE_TZ=True)
        django.setup()
    at = server("mysql")
    entry = {
        "ENGINE": "django.db.backends.mysql",
        "NAME": name,
        "HOST": at.host,
        "PORT": str(at.port),
        "USER": user or at.user,
        "PASSWORD": password or at.password,
        "OPTIONS": {"charset": "utf8mb4"},
    }
    return ConnectionHandler({"default": entry})["default"]


_OTHERS = (
    "SELECT 'TRIGGER', trigger_name FROM information_schema.triggers WHERE trigger_schema = database()"
    " UNION ALL SELECT 'EVENT', event_name FROM information_schema.events WHERE event_schema = database()"
    " UNION ALL SELECT routine_type, routine_name FROM information_schema.routines"
    " WHERE routine_schema = database()"
)


def look(name: str) -> dict[str, Any]:
    """Return tables with their rows, and the words of everything else."""
    found: dict[str, Any] = {}
    with closing(connect("mysql", name)) as connection, closing(connection.cursor()) as cursor:

        def ask(sql: str) -> list[tuple[Any, ...]]:
            cursor.execute(sql)
            return list(cursor.fetchall())

        for table, kind in ask("SHOW FULL TABLES"):
            quoted = "`{}`".format(table.replace("`", "``"))
            found[f"{kind} {table}"] = ask(f"SHOW CREATE TABLE {quoted}")
            if kind == "BASE TABLE":
                found[f"rows of {table}"] = sorted(map(repr, ask(f"SELECT * FROM {quoted}")))
        for kind, each in ask(_OTHERS):
            # The last column of a trigger's is when it was made.
            found[f"{kind} {each}"] = [row[:6] for row in ask(f"SHOW CREATE {kind} `{each}`")]
    return found


@contextmanager
def user_of(shop: Shop, password: str) -> Iterator[Shop]:
    """Yield the same database for a user who has all rights on it and none beside it."""
    user = f"djmig_{uuid.uuid4().hex[:12]}"
    spelled = password.replace("\\", "\\\\").replace("'", "\\'")
    query("mysql", None, f"CREATE USER '{user}'@'%' IDENTIFIED BY '{spelled}'")
    try:
        escaped = shop.name.replace("_", "\\_")
        query("mysql", None, f"GRANT ALL ON `{escaped}`.* TO '{user}'@'%'")
        yield Shop(shop.name, user, password)
    finally:
        query("mysql", None, f"DROP USER '{user}'@'%'")


def stub(folder: Path, name: str, script: str) -> None:
    """Write a tool that does what `script` says."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def killed_after(work: Callable[[Callable[[str], None]], None], place: int) -> bool:
    """Run `work` in a process of its own that is killed at its `place`-th event; say whether it was."""
    pid = os.fork()
    if not pid:
        seen = 0

        def event(what: str) -> None:
            nonlocal seen
            seen += 1
            if seen == place:
                os.kill(os.getpid(), 9)

        code = 1
        try:
            work(event)
            code = 0
        except BaseException:  # noqa: BLE001 - nothing may get out of the process that was forked
            traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)
