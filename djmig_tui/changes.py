"""What one operation does to one table or column, and the names of both as Django makes them."""

from dataclasses import dataclass
from typing import Any, Optional, Tuple

from django.conf import settings
from django.db import models, router
from django.db.backends.utils import truncate_name

DROP_TABLE = "drop table"
DROP_COLUMN = "drop column"
ALTER_COLUMN = "alter column"
ADD_COLUMN = "add column"
CREATE_TABLE = "create table"
ADD_CONSTRAINT = "add constraint"
RENAME_TABLE = "rename table"
RENAME_COLUMN = "rename column"
CODE = "code"
IRREVERSIBLE = "irreversible"
HARMLESS = "harmless"


@dataclass(frozen=True)
class Effect:
    """One thing that happens: a kind of above, where, and a sentence."""

    kind: str
    app: str = ""
    table: str = ""
    column: Optional[str] = None
    sentence: str = ""
    fails_on_rows: bool = False  # rows that are there may make it fail
    to: str = ""  # the new name of a table or column that is renamed
    old: Any = None  # the field that is there
    new: Any = None  # the field that comes instead
    columns: Tuple[str, ...] = ()  # that a constraint is over
    constraint: Any = None
    model: Any = None  # the ModelState that the effect starts from


@dataclass(frozen=True)
class Around:
    """The models before and after an operation ran *forwards*, and where it all happens."""

    app: str
    before: Any  # {(app, model): ModelState}, copies
    after: Any
    connection: Any


def table_name(model: Any, connection: Any) -> str:
    """Return the table of a ModelState, as `Options.contribute_to_class` names it."""
    given = model.options.get("db_table")
    name = given or "%s_%s" % (model.app_label, model.name_lower)
    return str(truncate_name(name, connection.ops.max_name_length())) if not given else str(given)


def column_name(name: str, field: Any) -> str:
    """Return the column of a field that is not bound to a model yet."""
    if field.db_column:
        return str(field.db_column)
    return name + "_id" if isinstance(field, models.ForeignKey) else name


def touches(model: Any, around: Around) -> bool:
    """Return whether the schema editor does anything for `model` on this database."""
    if model is None or model.options.get("proxy") or model.options.get("managed") is False:
        return False
    return not _is_swapped(model) and is_allowed(around, model_name=model.name_lower)


def _is_swapped(model: Any) -> bool:
    """Return whether the settings name another model in place of this one: it has no table then."""
    setting = model.options.get("swappable")
    chosen = getattr(settings, setting, None) if setting else None
    return bool(chosen) and str(chosen).lower() != "%s.%s" % (model.app_label, model.name_lower)


def is_allowed(around: Around, **hints: Any) -> bool:
    """Return whether the project's routers let a migration touch this database."""
    try:
        return bool(router.allow_migrate(around.connection.alias, around.app, **hints))
    except Exception:  # noqa: BLE001 -- a router of the project that wants the model itself: it may be allowed
        return True


def model_of(operation: Any, models_: Any, app: str, name: str) -> Any:
    """Return the model that `operation` is about, None if it is not there."""
    return models_.get((app, name.lower()))


def link_table(model: Any, name: str, field: Any, connection: Any) -> Optional[str]:
    """Return the table of an automatic many-to-many field, None if it has a model of its own."""
    if getattr(field.remote_field, "through", None):
        return None
    if field.db_table:
        return str(field.db_table)
    return str(
        truncate_name("%s_%s" % (table_name(model, connection), name), connection.ops.max_name_length())
    )
