"""The tables of an app that starts over, and who points at them."""

from typing import Any, Iterable, List, Sequence

from django.apps import apps
from django.db import router

from .catalogue import TableNames
from .databases import pointing_mysql

WAY_OUT = "Drop these foreign keys or tables first, or reset the whole project instead."


def tables_of(connection: Any, app: str) -> List[str]:
    """Return the tables of the app's models that are there, link tables first."""
    return there_of(connection, apps.get_app_config(app).get_models(include_auto_created=True))


def there_of(connection: Any, models: Iterable[Any]) -> List[str]:
    """Return the tables that Django makes for `models` and that are there, link tables first."""
    there = TableNames(connection)
    found = [
        model._meta.db_table
        for model in models
        if model._meta.managed
        and not model._meta.proxy
        and router.allow_migrate_model(connection.alias, model)
        and model._meta.db_table in there
    ]
    return sorted(dict.fromkeys(found), key=lambda table: (-table.count("_"), table))


def pointing_at(connection: Any, tables: Sequence[str]) -> List[str]:
    """Return a sentence for each table elsewhere that points at one of `tables` and would be left hanging.

    Where the database itself refuses such a drop there are none.
    """
    if connection.vendor != "mysql":
        return []
    pairs = pointing_mysql.from_elsewhere(connection, tables)
    return ["%s points at %s, which would be dropped." % pair for pair in pairs]
