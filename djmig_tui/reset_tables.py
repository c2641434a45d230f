"""The tables of an app that starts over, and who points at them."""

import sys
from typing import Any, Iterable, List, Sequence

from django.apps import apps
from django.db import router

from .catalogue import TableNames
from .databases import pointing_mysql

WAY_OUT = "Drop these foreign keys or tables first, or reset the whole project instead."


def tables_of(session: Any, connection: Any, app: str) -> List[str]:
    """Return the tables that are there of the app's models of now, and of those deleted from the code."""
    own = there_of(connection, apps.get_app_config(app).get_models(include_auto_created=True))
    tables = dict.fromkeys([*own, *forgotten(session, connection, app)])
    return sorted(tables, key=lambda table: (-table.count("_"), table))  # link tables first


def forgotten(session: Any, connection: Any, app: str) -> List[str]:
    """Return the tables that are there of models which only the applied migrations know."""
    models = apps.get_models(include_auto_created=True, include_swapped=True)
    # Another app may have taken a table over.
    known = TableNames(connection, (model._meta.db_table for model in models))
    tables = there_of(connection, _models_applied(session, connection.alias, app))
    return [table for table in tables if table not in known]


def _models_applied(session: Any, alias: str, app: str) -> List[Any]:
    """Return the app's models as the migrations applied on `alias` make them; none if that cannot be told."""
    try:
        loader = session.loader(alias)
        applied = sorted(key for key in loader.applied_migrations if key in loader.graph.nodes)
        if not any(key[0] == app for key in applied):
            return []
        config = loader.project_state(applied).apps.get_app_config(app)
        return list(config.get_models(include_auto_created=True))
    except LookupError:  # no model of the app is left
        return []
    except Exception as error:  # noqa: BLE001 -- a hole, a circle, models that do not fit: Django raises many
        sys.stderr.write("djmig-tui: the models of %s on %s cannot be told: %s\n" % (app, alias, error))
        return []


def there_of(connection: Any, models: Iterable[Any]) -> List[str]:
    """Return the tables that Django makes for `models` and that are there, each once."""
    there = TableNames(connection)
    found = [
        model._meta.db_table
        for model in models
        if model._meta.managed
        and not model._meta.proxy
        and router.allow_migrate_model(connection.alias, model)
        and model._meta.db_table in there
    ]
    return list(dict.fromkeys(found))


def pointing_at(connection: Any, tables: Sequence[str]) -> List[str]:
    """Return a sentence for each table elsewhere that points at one of `tables` and would be left hanging.

    Where the database itself refuses such a drop there are none.
    """
    if connection.vendor != "mysql":
        return []
    pairs = pointing_mysql.from_elsewhere(connection, tables)
    return ["%s points at %s, which would be dropped." % pair for pair in pairs]
