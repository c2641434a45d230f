"""Backups: what it takes, the backup itself, and the counts that say what it holds. Changes nothing."""

import hashlib
import time
from typing import Any

from . import databases
from .errors import FailedError, Refusal
from .protocol import BackupMade, BackupMeans, CheckBackup, CountTables, MakeBackup, TablesCounted
from .records import read_records


def check_backup(session: Any, request: CheckBackup, call: Any) -> BackupMeans:
    """Answer with how a database can be backed up from here, or why it cannot."""
    connection = databases.looking(request.database)
    means: BackupMeans = databases.dumper(connection).means(connection)
    return means


def make_backup(session: Any, request: MakeBackup, call: Any) -> BackupMade:
    """Send a backup over in chunks, read to its end by the tool that would restore it.

    Raises `Refusal` where there is no way to make one, `FailedError` with the tool's own words, and
    where another program changed the records meanwhile.
    """
    connection = databases.looking(request.database)
    vendor = databases.dumper(connection)
    means = vendor.means(connection)
    if means.why_not is not None:
        raise Refusal(means.why_not)
    begun = time.monotonic()
    digest, size = hashlib.sha256(), 0

    def write(data: bytes) -> None:
        nonlocal size
        digest.update(data)
        size += len(data)
        call.chunk(data)

    records = read_records(request.database)
    tables = vendor.dump(connection, write, call)
    if read_records(request.database) != records:
        raise FailedError("Another program migrated this database during the backup. Make it again.")
    return BackupMade(
        format=vendor.FORMAT,
        size=size,
        sha256=digest.hexdigest(),
        tables=tables,
        records=_names(records),
        tools=means.tools,
        server=means.server,
        seconds=time.monotonic() - begun,
    )


def count_tables(session: Any, request: CountTables, call: Any) -> TablesCounted:
    """Answer with the rows of every table and the records, as they are now."""
    connection = databases.looking(request.database)
    vendor = databases.dumper(connection)
    tables = vendor.count(connection, call)
    return TablesCounted(tables, _names(read_records(request.database)), vendor.means(connection).server)


def _names(records: Any) -> Any:
    return tuple("%s.%s" % key for key in sorted(records))
