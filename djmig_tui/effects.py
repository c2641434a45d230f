"""What one operation does to tables and columns in one direction, read from the states around it.

Static: no question is put to a database here. Names are Django's, so that what is said matches
what the SQL shows.
"""

from dataclasses import dataclass
from typing import Any, List, Optional

from django.db import models
from django.db.backends.utils import truncate_name
from django.db.migrations import operations as ops
from django.db.models import NOT_PROVIDED

from .operations import is_foreign, is_noop, is_reversible

DROP_TABLE = "drop table"
DROP_COLUMN = "drop column"
ALTER_COLUMN = "alter column"
ADD_COLUMN = "add column"
CREATE_TABLE = "create table"
ADD_CONSTRAINT = "add constraint"
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


@dataclass(frozen=True)
class Around:
    """The models before and after an operation ran *forwards*, and where it all happens."""

    app: str
    before: Any  # {(app, model): ModelState}, copies
    after: Any
    connection: Any


def effects(operation: Any, around: Around, backwards: bool) -> List[Effect]:
    """Return what `operation` does. Whatever is not understood is `CODE`."""
    if backwards and not is_reversible(operation):
        return [Effect(IRREVERSIBLE, sentence="%s cannot be undone" % operation.describe())]
    if isinstance(operation, (ops.RunPython, ops.RunSQL)):
        if is_noop(operation, backwards):
            what = "restores" if backwards else "does"
            return [Effect(HARMLESS, sentence="%s %s nothing (noop)" % (operation.describe(), what))]
        return [Effect(CODE, sentence="%s runs code of the project" % operation.describe())]
    reader = None if is_foreign(operation) else _READERS.get(type(operation).__name__)
    if reader is None:
        kind = type(operation).__name__
        return [Effect(CODE, sentence="%s is not an operation that djmig-tui knows" % kind)]
    found: List[Effect] = reader(operation, around, backwards)
    return found


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


def _touches(model: Any, around: Around) -> bool:
    """Return whether the schema editor does anything for `model` on this database."""
    from django.db import router

    if model is None or model.options.get("proxy") or model.options.get("managed") is False:
        return False
    if model.options.get("swappable"):
        return True
    return bool(router.allow_migrate(around.connection.alias, model.app_label, model_name=model.name_lower))


def _model(operation: Any, models_: Any, app: str, name: str) -> Any:
    return models_.get((app, name.lower()))


def _link_table(model: Any, name: str, field: Any, connection: Any) -> Optional[str]:
    """Return the table of an automatic many-to-many field, None if it has a model of its own."""
    if getattr(field.remote_field, "through", None):
        return None
    if field.db_table:
        return str(field.db_table)
    return str(
        truncate_name("%s_%s" % (table_name(model, connection), name), connection.ops.max_name_length())
    )


def _table(model: Any, around: Around, goes: bool) -> List[Effect]:
    if not _touches(model, around):
        return [Effect(HARMLESS)]
    kind = DROP_TABLE if goes else CREATE_TABLE
    tables = [table_name(model, around.connection)]
    for name, field in model.fields.items():
        if isinstance(field, models.ManyToManyField):
            link = _link_table(model, name, field, around.connection)
            tables.extend([link] if link else [])
    return [
        Effect(kind, around.app, table, sentence="" if goes else "%s comes back empty" % table)
        for table in tables
    ]


def _create_model(operation: Any, around: Around, backwards: bool) -> List[Effect]:
    model = _model(operation, around.after, around.app, operation.name)
    made = _table(model, around, goes=backwards)
    return made if backwards else [Effect(HARMLESS)]


def _delete_model(operation: Any, around: Around, backwards: bool) -> List[Effect]:
    return _table(_model(operation, around.before, around.app, operation.name), around, goes=not backwards)


def _field(operation: Any, around: Around, comes: bool, models_: Any, again: bool) -> List[Effect]:
    model = _model(operation, models_, around.app, operation.model_name)
    if not _touches(model, around):
        return [Effect(HARMLESS)]
    field = model.fields[operation.name]
    table = table_name(model, around.connection)
    if isinstance(field, models.ManyToManyField):
        link = _link_table(model, operation.name, field, around.connection)
        if link is None:
            return [Effect(HARMLESS)]
        if comes:
            return [
                Effect(CREATE_TABLE, around.app, link, sentence="%s comes back empty" % link if again else "")
            ]
        return [Effect(DROP_TABLE, around.app, link)]
    column = column_name(operation.name, field)
    if not comes:
        return [Effect(DROP_COLUMN, around.app, table, column)]
    return [_column_comes(around, table, column, field, again)]


def _column_comes(around: Around, table: str, column: str, field: Any, again: bool) -> Effect:
    where = "%s.%s" % (table, column)
    computed = getattr(field, "generated", False) or field.has_default()
    computed = computed or getattr(field, "db_default", NOT_PROVIDED) is not NOT_PROVIDED
    empty = field.empty_strings_allowed and field.blank  # Django fills in "" (schema.py, _effective_default)
    if not (computed or field.null or empty or field.primary_key):
        sentence = "%s comes back NOT NULL without a default: it fails if %s has rows" % (where, table)
        return Effect(ADD_COLUMN, around.app, table, column, sentence, fails_on_rows=True)
    if field.unique and field.has_default():
        sentence = "%s is unique: one default for all fails if %s has two rows" % (where, table)
        return Effect(ADD_COLUMN, around.app, table, column, sentence, fails_on_rows=True)
    sentence = "%s comes back without its values" % where if again else ""
    return Effect(ADD_COLUMN, around.app, table, column, sentence)


def _add_field(operation: Any, around: Around, backwards: bool) -> List[Effect]:
    return _field(operation, around, not backwards, around.after, again=False)


def _remove_field(operation: Any, around: Around, backwards: bool) -> List[Effect]:
    return _field(operation, around, backwards, around.before, again=True)


def _alter_field(operation: Any, around: Around, backwards: bool) -> List[Effect]:
    start, end = (around.after, around.before) if backwards else (around.before, around.after)
    model = _model(operation, start, around.app, operation.model_name)
    if not _touches(model, around):
        return [Effect(HARMLESS)]
    old = model.fields[operation.name]
    new = _model(operation, end, around.app, operation.model_name).fields[operation.name]
    if _same_column(old, new):
        return [Effect(HARMLESS)]
    table, column = table_name(model, around.connection), column_name(operation.name, old)
    sentence = "%s.%s changes its type, null or uniqueness" % (table, column)
    return [Effect(ALTER_COLUMN, around.app, table, column, sentence)]


def _same_column(old: Any, new: Any) -> bool:
    """Return whether only Django's side changes, by the attributes that the schema editor ignores too."""
    ignored = set(getattr(old, "non_db_attrs", ())) | {"default", "auto_now", "auto_now_add"}
    _, old_path, old_args, old_kwargs = old.clone().deconstruct()
    _, new_path, new_args, new_kwargs = new.clone().deconstruct()
    for kwargs in (old_kwargs, new_kwargs):
        for name in ignored:
            kwargs.pop(name, None)
    return (old_path, old_args, old_kwargs) == (new_path, new_args, new_kwargs)


def _together(operation: Any, around: Around, backwards: bool) -> List[Effect]:
    start, end = (around.after, around.before) if backwards else (around.before, around.after)
    model, target = (_model(operation, each, around.app, operation.name) for each in (start, end))
    if not _touches(model, around) or operation.option_name != "unique_together":
        return [Effect(HARMLESS)]
    had = {tuple(fields) for fields in model.options.get("unique_together") or ()}
    gets = {tuple(fields) for fields in target.options.get("unique_together") or ()}
    table = table_name(model, around.connection)
    return [
        Effect(
            ADD_CONSTRAINT,
            around.app,
            table,
            ", ".join(fields),
            "%s must be unique again in %s: it fails on duplicates" % (", ".join(fields), table),
            fails_on_rows=True,
        )
        for fields in sorted(gets - had)
    ] or [Effect(HARMLESS)]


def _constraint(operation: Any, around: Around, comes: bool) -> List[Effect]:
    model = _model(operation, around.before, around.app, operation.model_name)
    if not comes or not _touches(model, around):
        return [Effect(HARMLESS)]
    table = table_name(model, around.connection)
    name = getattr(operation, "name", None) or operation.constraint.name
    sentence = "the constraint %s comes to %s: it fails on rows that violate it" % (name, table)
    return [Effect(ADD_CONSTRAINT, around.app, table, None, sentence, fails_on_rows=True)]


def _add_constraint(operation: Any, around: Around, backwards: bool) -> List[Effect]:
    return _constraint(operation, around, comes=not backwards)


def _remove_constraint(operation: Any, around: Around, backwards: bool) -> List[Effect]:
    return _constraint(operation, around, comes=backwards)


def _order_with_respect_to(operation: Any, around: Around, backwards: bool) -> List[Effect]:
    start, end = (around.after, around.before) if backwards else (around.before, around.after)
    model, target = (_model(operation, each, around.app, operation.name) for each in (start, end))
    had = model is not None and model.options.get("order_with_respect_to")
    gets = target is not None and target.options.get("order_with_respect_to")
    if had and not gets and _touches(model, around):
        return [Effect(DROP_COLUMN, around.app, table_name(model, around.connection), "_order")]
    return [Effect(HARMLESS)]


def _separate(operation: Any, around: Around, backwards: bool) -> List[Effect]:
    """Ask each inner operation, with the states that the inner ones before it leave."""
    from django.db.migrations.state import ProjectState

    state = ProjectState(models={key: model.clone() for key, model in around.before.items()})
    found: List[Effect] = []
    for each in operation.database_operations:
        before = models_around(each, around.app, state)
        each.state_forwards(around.app, state)
        after = models_around(each, around.app, state)
        found.extend(effects(each, Around(around.app, before, after, around.connection), backwards))
    return found or [Effect(HARMLESS)]


def models_around(operation: Any, app: str, state: Any) -> Any:
    """Return copies of the models that `operation` names, as `state` has them: a state is changed in place.

    Only those, for copying thousands of models an operation would be felt; all of them where the
    operation holds others.
    """
    if isinstance(operation, ops.SeparateDatabaseAndState):
        return {key: model.clone() for key, model in state.models.items()}
    names = {getattr(operation, each, None) for each in ("name", "model_name")}
    keys = {(app, name.lower()) for name in names if isinstance(name, str)}
    return {key: state.models[key].clone() for key in keys if key in state.models}


def _harmless(operation: Any, around: Around, backwards: bool) -> List[Effect]:
    return [Effect(HARMLESS)]


_READERS = {
    "CreateModel": _create_model,
    "DeleteModel": _delete_model,
    "AddField": _add_field,
    "RemoveField": _remove_field,
    "AlterField": _alter_field,
    "AlterUniqueTogether": _together,
    "AlterIndexTogether": _together,
    "AlterOrderWithRespectTo": _order_with_respect_to,
    "AddConstraint": _add_constraint,
    "RemoveConstraint": _remove_constraint,
    "SeparateDatabaseAndState": _separate,
    **dict.fromkeys(
        (
            "RenameModel",
            "RenameField",
            "RenameIndex",
            "AddIndex",
            "RemoveIndex",
            "AddIndexConcurrently",
            "RemoveIndexConcurrently",
            "AlterModelOptions",
            "AlterModelManagers",
            "AlterModelTable",
            "AlterModelTableComment",
            "AlterConstraint",
        ),
        _harmless,
    ),
}
