"""What django_migrations says, read in one query."""

import datetime
from typing import Any, Dict, Optional

from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from . import databases
from .errors import FailedError
from .loading import Key

#: Key → applied time in ISO 8601.
Records = Dict[Key, Optional[str]]


def read_records(alias: str) -> Records:
    """Return the records of `alias`; empty where there is no table, or no SQLite file.

    Raises `FailedError` when the database cannot be asked, `Refusal` for an unknown alias.
    """
    databases.check_alias(alias)
    if databases.missing(alias):
        return {}
    connection = databases.looking(alias)
    try:
        return _read(connection)
    except Exception as error:  # noqa: BLE001 -- no rights, a broken table: each backend has its own classes
        databases.discard(connection)
        first = error
    try:  # once more, in case the server was restarted in between
        return _read(databases.looking(alias))
    except Exception as error:
        databases.discard(connection)
        raise FailedError(databases.unreachable(alias, first), kind=type(first).__name__) from error


def _read(connection: Any) -> Records:
    recorder = MigrationRecorder(connection)
    if not recorder.has_table():
        return {}
    rows = recorder.migration_qs.values_list("app", "name", "applied")
    return {(app, name): _iso(applied) for app, name, applied in rows}


def _iso(applied: Optional[datetime.datetime]) -> Optional[str]:
    if applied is None:
        return None
    if timezone.is_naive(applied):  # USE_TZ = False: local time of settings.TIME_ZONE
        applied = applied.replace(tzinfo=timezone.get_default_timezone())
    return applied.isoformat()
