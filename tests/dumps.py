"""What a database holds, as plain values that two databases can be compared by."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from typing import Any

from tests.servers import query, server

#: Lines of pg_dump that say nothing of the schema; \restrict carries a new random key every time.
PG_DUMP_NOISE = re.compile(r"^(--.*|SET .*|SELECT pg_catalog\.set_config.*|\\(un)?restrict .*|)$")


@dataclass(frozen=True)
class Snapshot:
    """Schema, records and rows of one database."""

    schema: str
    records: list[tuple[str, str]]
    rows: dict[str, list[str]]


def snapshot(vendor: str, database: str) -> Snapshot:
    """Return all that comparisons look at."""
    return Snapshot(
        schema_dump(vendor, database), records_dump(vendor, database), rows_dump(vendor, database)
    )


def schema_dump(vendor: str, database: str) -> str:
    """Return tables, columns in their order, indexes and constraints as text, the same for equal schemas."""
    if vendor == "sqlite":
        rows = query(
            vendor,
            database,
            "SELECT type, name, tbl_name, sql FROM sqlite_master"
            " WHERE name NOT LIKE 'sqlite_%' ORDER BY 1, 2",
        )
        return "\n".join(" | ".join(map(str, row)) for row in rows)
    if vendor == "postgresql":
        return _pg_dump(database)
    created = [
        query(vendor, database, f"SHOW CREATE TABLE `{table}`")[0][1] for table in _tables(vendor, database)
    ]
    return re.sub(r" AUTO_INCREMENT=\d+", "", "\n".join(created))


def records_dump(vendor: str, database: str) -> list[tuple[str, str]]:
    """Return (app, name) of every row of django_migrations, sorted; twice if it is there twice."""
    if "django_migrations" not in _tables(vendor, database):
        return []
    rows = query(vendor, database, "SELECT app, name FROM django_migrations")
    return sorted((app, name) for app, name in rows)


def rows_dump(vendor: str, database: str) -> dict[str, list[str]]:
    """Return table → its rows as text, sorted. The records are left out: their times differ."""
    quote = "`" if vendor == "mysql" else '"'
    return {
        table: sorted(_row(row) for row in query(vendor, database, f"SELECT * FROM {quote}{table}{quote}"))
        for table in _tables(vendor, database)
        if table != "django_migrations"
    }


def _row(row: tuple[Any, ...]) -> str:
    return repr(row)


def _tables(vendor: str, database: str) -> list[str]:
    sql = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
        "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
        "mysql": "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()",
    }[vendor]
    return sorted(name for (name,) in query(vendor, database, sql))


def _pg_dump(database: str) -> str:
    at = server("postgresql")
    command = ["pg_dump", "--schema-only", "--no-owner", "--no-privileges", "-d", database]
    command += ["-h", at.host, "-p", str(at.port), "-U", at.user]
    env = {**os.environ, "PGPASSWORD": at.password}
    text = subprocess.run(command, env=env, check=True, capture_output=True, encoding="utf-8").stdout
    return "\n".join(line for line in text.splitlines() if not PG_DUMP_NOISE.match(line))
