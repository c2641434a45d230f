"""Has the database servers of a CI machine write without waiting for the disk: ``python -m tests.hasten on``.

The tests make and drop hundreds of databases, and PostgreSQL waits for the disk at each of them. What a
power cut would cost on such a machine is the run itself. Not for a laptop, whose servers hold other things.
"""

from __future__ import annotations

import sys

from tests.servers import query

SETTINGS = {
    "on": [
        ("postgresql", "ALTER SYSTEM SET fsync = off"),
        ("mysql", "SET GLOBAL innodb_flush_log_at_trx_commit = 0"),
    ],
    "off": [
        ("postgresql", "ALTER SYSTEM RESET fsync"),
        ("mysql", "SET GLOBAL innodb_flush_log_at_trx_commit = DEFAULT"),
    ],
}


def main(which: str) -> None:
    """Turn it "on" or "off"; PostgreSQL takes it from its next look at its settings."""
    for vendor, sql in [*SETTINGS[which], ("postgresql", "SELECT pg_reload_conf()")]:
        query(vendor, None, sql)


if __name__ == "__main__":
    main(sys.argv[1])
