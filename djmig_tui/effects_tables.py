"""What operations on models do: tables that come, go and are renamed."""

from dataclasses import replace
from typing import Any, List

from django.db import models

from .changes import (
    CREATE_TABLE,
    DROP_COLUMN,
    DROP_TABLE,
    HARMLESS,
    RENAME_TABLE,
    Around,
    Effect,
    link_table,
    model_of,
    table_name,
    touches,
)


def whole_table(model: Any, around: Around, goes: bool) -> List[Effect]:
    """Return the coming or going of a model's table and its many-to-many tables."""
    if not touches(model, around):
        return [Effect(HARMLESS)]
    kind = DROP_TABLE if goes else CREATE_TABLE
    tables = [table_name(model, around.connection)]
    for name, field in model.fields.items():
        if isinstance(field, models.ManyToManyField):
            link = link_table(model, name, field, around.connection)
            tables.extend([link] if link else [])
    return [
        Effect(
            kind,
            around.app,
            table,
            sentence="" if goes else "%s comes back empty" % table,
            model=model if table == tables[0] else None,  # a link table has no content type
        )
        for table in tables
    ]


def create_model(operation: Any, around: Around, backwards: bool) -> List[Effect]:
    """Return what CreateModel does."""
    model = model_of(operation, around.after, around.app, operation.name)
    made = whole_table(model, around, goes=backwards)
    return made if backwards else [replace(each, sentence="") for each in made]


def delete_model(operation: Any, around: Around, backwards: bool) -> List[Effect]:
    """Return what DeleteModel does; backwards it makes empty shells."""
    return whole_table(
        model_of(operation, around.before, around.app, operation.name), around, goes=not backwards
    )


def rename_model(operation: Any, around: Around, backwards: bool) -> List[Effect]:
    """Return what RenameModel does."""
    old, new = operation.old_name, operation.new_name
    start, end = around.before, around.after
    if backwards:
        old, new, start, end = new, old, around.after, around.before
    return _table_renamed(start.get((around.app, old.lower())), end.get((around.app, new.lower())), around)


def alter_model_table(operation: Any, around: Around, backwards: bool) -> List[Effect]:
    """Return what AlterModelTable does."""
    start, end = (around.after, around.before) if backwards else (around.before, around.after)
    key = (around.app, operation.name.lower())
    return _table_renamed(start.get(key), end.get(key), around)


def _table_renamed(model: Any, target: Any, around: Around) -> List[Effect]:
    """Return the renames of a model's table and of its automatic many-to-many tables."""
    if not touches(model, around) or target is None:
        return [Effect(HARMLESS)]
    found = []
    old, new = table_name(model, around.connection), table_name(target, around.connection)
    if old != new:
        found.append(Effect(RENAME_TABLE, around.app, old, to=new))
    for name, field in model.fields.items():
        if isinstance(field, models.ManyToManyField):
            pair = [link_table(each, name, field, around.connection) for each in (model, target)]
            if pair[0] and pair[1] and pair[0] != pair[1]:
                found.append(Effect(RENAME_TABLE, around.app, pair[0], to=pair[1]))
    return found or [Effect(HARMLESS)]


def order_with_respect_to(operation: Any, around: Around, backwards: bool) -> List[Effect]:
    """Return what AlterOrderWithRespectTo does: only taking `_order` away loses something."""
    start, end = (around.after, around.before) if backwards else (around.before, around.after)
    model, target = (model_of(operation, each, around.app, operation.name) for each in (start, end))
    had = model is not None and model.options.get("order_with_respect_to")
    gets = target is not None and target.options.get("order_with_respect_to")
    if had and not gets and touches(model, around):
        # Its values are made by Django, and order by primary key when it comes again.
        return [Effect(DROP_COLUMN, around.app, table_name(model, around.connection), "_order", model=model)]
    return [Effect(HARMLESS)]
