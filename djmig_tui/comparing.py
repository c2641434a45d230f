"""How the values of a column are compared: with a default, and with each other, as the database would."""

from typing import Any

from django.db import models

from .alterations import database_default, effective_default, prepared

_TEXT_DIFFERS = {
    "sqlite": "{c} <> %s COLLATE BINARY",
    "postgresql": 'CAST({c} AS text) <> %s COLLATE "C"',
    "mysql": "CAST({c} AS BINARY) <> CAST(%s AS BINARY)",
}


def differs(old: Any, connection: Any) -> str:
    """Return the comparison with a default, byte by byte: a collation may take FREE for free."""
    if isinstance(old, (models.CharField, models.TextField, models.FileField, models.FilePathField)):
        return _TEXT_DIFFERS.get(connection.vendor, "{c} <> %s")
    return "{c} <> %s"


def plain_default(old: Any, connection: Any) -> Any:
    """Return the default as the database gets it, None if there is none or it is made anew each time."""
    if database_default(old) or (old.has_default() and callable(old.default)):
        return None
    default = effective_default(old)
    if default is None or isinstance(default, (dict, list)):
        return None
    return prepared(old, default, connection)


def typed(sql: str, new: Any, connection: Any) -> str:
    """Return `sql` with the affinity of the column: without, SQLite compares a decimal as text."""
    if connection.vendor == "sqlite" and new.get_internal_type() == "DecimalField":
        return "CAST(%s AS NUMERIC)" % sql
    return sql
