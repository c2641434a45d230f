"""What operations on fields do: columns that come, go, change and are renamed."""

from typing import Any, List, Tuple

from django.db import models

from .alterations import database_default, effective_default
from .changes import (
    ADD_COLUMN,
    ADD_CONSTRAINT,
    ALTER_COLUMN,
    CREATE_TABLE,
    DROP_COLUMN,
    DROP_TABLE,
    HARMLESS,
    RENAME_COLUMN,
    RENAME_TABLE,
    Around,
    Effect,
    column_name,
    link_table,
    model_of,
    table_name,
    touches,
)


def _column_comes(around: Around, table: str, column: str, field: Any, again: bool) -> Effect:
    where, comes = "%s.%s" % (table, column), "comes back" if again else "comes"
    filled = database_default(field) or getattr(field, "generated", False)
    filled = filled or effective_default(field) is not None
    fails = True
    if isinstance(field, models.AutoField):
        sentence, fails = "%s comes back with new numbers" % where if again else "", False
    elif not (filled or field.null):
        sentence = "%s %s NOT NULL without a default: it fails if %s has rows" % (where, comes, table)
    elif filled and field.unique:
        sentence = "%s is unique: one default for all fails if %s has two rows" % (where, table)
    elif filled and isinstance(field, models.ForeignKey):
        sentence = "%s %s with a default that may point nowhere: it fails on rows then" % (where, comes)
    else:
        sentence, fails = "%s comes back without its values" % where if again else "", False
    return Effect(ADD_COLUMN, around.app, table, column, sentence, fails_on_rows=fails, new=field)


def _field(operation: Any, around: Around, comes: bool, models_: Any, again: bool) -> List[Effect]:
    model = model_of(operation, models_, around.app, operation.model_name)
    if not touches(model, around):
        return [Effect(HARMLESS)]
    field = model.fields[operation.name]
    if comes and not again:
        field = operation.field  # with the default for the rows that are there, which the state may not keep
    table = table_name(model, around.connection)
    if isinstance(field, models.ManyToManyField):
        link = link_table(model, operation.name, field, around.connection)
        if link is None:
            return [Effect(HARMLESS)]
        if comes:
            return [
                Effect(CREATE_TABLE, around.app, link, sentence="%s comes back empty" % link if again else "")
            ]
        return [Effect(DROP_TABLE, around.app, link)]
    column = column_name(operation.name, field)
    if not comes:
        # Of a column that an AddField makes again, `new` has the default for the rows that are there.
        filled = operation.field if not again else None
        return [Effect(DROP_COLUMN, around.app, table, column, old=field, new=filled, model=model)]
    return [_column_comes(around, table, column, field, again)]


def add_field(operation: Any, around: Around, backwards: bool) -> List[Effect]:
    """Return what AddField does."""
    return _field(operation, around, not backwards, around.after, again=False)


def remove_field(operation: Any, around: Around, backwards: bool) -> List[Effect]:
    """Return what RemoveField does."""
    return _field(operation, around, backwards, around.before, again=True)


def alter_field(operation: Any, around: Around, backwards: bool) -> List[Effect]:
    """Return what AlterField does: a rename of the column, a change of its values, or nothing."""
    start, end = (around.after, around.before) if backwards else (around.before, around.after)
    model = model_of(operation, start, around.app, operation.model_name)
    if not touches(model, around):
        return [Effect(HARMLESS)]
    old = model.fields[operation.name]
    new = model_of(operation, end, around.app, operation.model_name).fields[operation.name]
    if isinstance(old, models.ManyToManyField) or isinstance(new, models.ManyToManyField):
        return link_renamed(model, (operation.name, old), (operation.name, new), around)
    table, column = table_name(model, around.connection), column_name(operation.name, old)
    found = column_renamed(around, table, column, column_name(operation.name, new))
    if not _same_column(old, new):
        column = column_name(operation.name, new)
        sentence = "%s.%s changes its type, null or uniqueness" % (table, column)
        found.append(Effect(ALTER_COLUMN, around.app, table, column, sentence, old=old, new=new, model=model))
    return found or [Effect(HARMLESS)]


def _same_column(old: Any, new: Any) -> bool:
    """Return whether only Django's side changes, by the attributes that the schema editor ignores too."""
    ignored = set(getattr(old, "non_db_attrs", ())) | {"default", "auto_now", "auto_now_add", "db_column"}
    _, old_path, old_args, old_kwargs = old.clone().deconstruct()
    _, new_path, new_args, new_kwargs = new.clone().deconstruct()
    for kwargs in (old_kwargs, new_kwargs):
        for name in ignored:
            kwargs.pop(name, None)
    return (old_path, old_args, old_kwargs) == (new_path, new_args, new_kwargs)


def column_renamed(around: Around, table: str, old: str, new: str) -> List[Effect]:
    """Return the rename of a column, if its name changes."""
    return [Effect(RENAME_COLUMN, around.app, table, old, to=new)] if old != new else []


def link_renamed(model: Any, old: Tuple[str, Any], new: Tuple[str, Any], around: Around) -> List[Effect]:
    """Return the rename of an automatic many-to-many table, if its name changes."""
    links = [
        link_table(model, name, field, around.connection)
        for name, field in (old, new)
        if isinstance(field, models.ManyToManyField)
    ]
    found = []
    if len(links) == 2 and links[0] and links[1]:
        if links[0] != links[1]:
            found.append(Effect(RENAME_TABLE, around.app, links[0], to=links[1]))
        if _points_at(old[1]) != _points_at(new[1]):
            sentence = "the rows of %s come to point at %s: it fails if one of them is not there"
            words = sentence % (links[1], _points_at(new[1]))
            found.append(Effect(ADD_CONSTRAINT, around.app, links[1], sentence=words, fails_on_rows=True))
    return found or [Effect(HARMLESS)]


def _points_at(field: Any) -> str:
    model = field.remote_field.model
    return str(model if isinstance(model, str) else model._meta.label).lower()


def rename_field(operation: Any, around: Around, backwards: bool) -> List[Effect]:
    """Return what RenameField does: a rename of the column, or of a many-to-many table."""
    start, old, new = around.before, operation.old_name, operation.new_name
    if backwards:
        start, old, new = around.after, new, old
    model = model_of(operation, start, around.app, operation.model_name)
    if not touches(model, around):
        return [Effect(HARMLESS)]
    field = model.fields[old]
    if isinstance(field, models.ManyToManyField):
        return link_renamed(model, (old, field), (new, field), around)
    table = table_name(model, around.connection)
    return column_renamed(around, table, column_name(old, field), column_name(new, field)) or [
        Effect(HARMLESS)
    ]
