"""The database servers that tests run on: are they there, make and drop databases, ask them.

Where they are and who may log in is read from the variables of their own clients: PGHOST, PGPORT,
PGUSER, PGPASSWORD and MYSQL_HOST, MYSQL_TCP_PORT, MYSQL_USER, MYSQL_PWD.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

VENDORS = ("sqlite", "postgresql", "mysql")
SERVERS = ("postgresql", "mysql")
SECONDS_TO_CONNECT = 3


@dataclass(frozen=True)
class Server:
    """How to reach one server."""

    host: str
    port: int
    user: str
    password: str


@cache
def server(vendor: str) -> Server:
    """Return where the server of `vendor` is."""
    env = os.environ.get
    if vendor == "postgresql":
        port = int(env("PGPORT", "5432"))
        return Server(env("PGHOST", "127.0.0.1"), port, env("PGUSER", "postgres"), env("PGPASSWORD", ""))
    port = int(env("MYSQL_TCP_PORT", "3306"))
    return Server(env("MYSQL_HOST", "127.0.0.1"), port, env("MYSQL_USER", "root"), env("MYSQL_PWD", ""))


def connect(vendor: str, database: str | None = None) -> Any:
    """Return a connection of the vendor's own driver, committing by itself. SQLite is opened read-only."""
    if vendor == "sqlite":
        return sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    at = server(vendor)
    if vendor == "postgresql":
        import psycopg

        return psycopg.connect(
            host=at.host,
            port=at.port,
            user=at.user,
            password=at.password,
            dbname=database or "postgres",
            autocommit=True,
            connect_timeout=SECONDS_TO_CONNECT,
        )
    import pymysql

    return pymysql.connect(
        host=at.host,
        port=at.port,
        user=at.user,
        password=at.password,
        database=database,
        autocommit=True,
        connect_timeout=SECONDS_TO_CONNECT,
    )


def query(vendor: str, database: str | None, sql: str) -> list[tuple[Any, ...]]:
    """Run one statement on a connection of its own; return its rows, if it has any."""
    with closing(connect(vendor, database)) as connection, closing(connection.cursor()) as cursor:
        cursor.execute(sql)
        return [tuple(row) for row in cursor.fetchall()] if cursor.description else []


@cache
def why_missing(vendor: str) -> str | None:
    """Return why tests cannot run on `vendor`, as a sentence, or None if they can."""
    if vendor == "sqlite":
        return None
    at = server(vendor)
    try:
        query(vendor, None, "SELECT 1")
    except Exception as error:  # noqa: BLE001 - each driver has errors of its own; the test says this one
        return f"No {vendor} server answers at {at.host}:{at.port} to user {at.user}: {error}"
    return None


def server_available(vendor: str) -> bool:
    """Say whether tests can run on `vendor`."""
    return why_missing(vendor) is None


def create_database(vendor: str, name: str) -> None:
    """Create an empty database on a server."""
    charset = "" if vendor == "postgresql" else " CHARACTER SET utf8mb4"
    query(vendor, None, f"CREATE DATABASE {name}{charset}")


def drop_database(vendor: str, name: str) -> None:
    """Drop a database of a server, with those who are still connected; or a file of SQLite."""
    if vendor == "sqlite":
        Path(name).unlink(missing_ok=True)
        return
    force = " WITH (FORCE)" if vendor == "postgresql" else ""
    query(vendor, None, f"DROP DATABASE IF EXISTS {name}{force}")


def copy_database(vendor: str, source: str, target: str) -> None:
    """Make `target`, which must not exist, a copy of `source`. Nobody may be writing to `source`."""
    if vendor == "sqlite":
        if Path(source).exists():
            shutil.copyfile(source, target)
    elif vendor == "postgresql":
        # A connection that a test left open would make this fail.
        leave = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{source}'"
        query(vendor, None, leave)
        query(vendor, None, f"CREATE DATABASE {target} TEMPLATE {source}")
    else:
        create_database(vendor, target)
        at = server(vendor)
        login = [f"--host={at.host}", f"--port={at.port}", f"--user={at.user}", "--protocol=tcp"]
        env = {**os.environ, "MYSQL_PWD": at.password}
        command = ["mysqldump", *login, "--default-character-set=utf8mb4", source]
        dump = subprocess.run(command, env=env, check=True, capture_output=True).stdout
        command = ["mysql", *login, "--default-character-set=utf8mb4", target]
        subprocess.run(command, env=env, check=True, input=dump)
