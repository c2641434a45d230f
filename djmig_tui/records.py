"""What django_migrations says, read in one query."""

import datetime
from typing import Dict, Optional

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
        recorder = MigrationRecorder(connection)
        if not recorder.has_table():
            return {}
        rows = recorder.migration_qs.values_list("app", "name", "applied")
        return {(app, name): _iso(applied) for app, name, applied in rows}
    except Exception as error:  # no rights, a broken table: each backend has its own classes
        databases.discard(connection)
        raise FailedError(databases.unreachable(alias, error), kind=type(error).__name__) from error


def _iso(applied: Optional[datetime.datetime]) -> Optional[str]:
    if applied is None:
        return None
    if timezone.is_naive(applied):  # USE_TZ = False: local time of settings.TIME_ZONE
        applied = applied.replace(tzinfo=timezone.get_default_timezone())
    return applied.isoformat()
