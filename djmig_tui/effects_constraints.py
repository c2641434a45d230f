"""What operations on constraints do: rows may be in the way of one that comes."""

from typing import Any, List

from django.db import models

from .changes import ADD_CONSTRAINT, HARMLESS, Around, Effect, column_name, model_of, table_name, touches


def together(operation: Any, around: Around, backwards: bool) -> List[Effect]:
    """Return what a change of unique_together does; an index_together harms nothing."""
    start, end = (around.after, around.before) if backwards else (around.before, around.after)
    model, target = (model_of(operation, each, around.app, operation.name) for each in (start, end))
    if not touches(model, around) or operation.option_name != "unique_together":
        return [Effect(HARMLESS)]
    had = {tuple(fields) for fields in model.options.get("unique_together") or ()}
    gets = {tuple(fields) for fields in target.options.get("unique_together") or ()}
    return [_unique_comes(model, fields, around) for fields in sorted(gets - had)] or [Effect(HARMLESS)]


def _unique_comes(model: Any, fields: Any, around: Around) -> Effect:
    table, names = table_name(model, around.connection), ", ".join(fields)
    return Effect(
        ADD_CONSTRAINT,
        around.app,
        table,
        names,
        "%s must be unique in %s: it fails on duplicates" % (names, table),
        fails_on_rows=True,
        columns=tuple(column_name(name, model.fields[name]) for name in fields if name in model.fields),
        model=model,
    )


def _constraint(operation: Any, around: Around, comes: bool) -> List[Effect]:
    model = model_of(operation, around.before, around.app, operation.model_name)
    if not comes or not touches(model, around):
        return [Effect(HARMLESS)]
    table = table_name(model, around.connection)
    name = getattr(operation, "name", None) or operation.constraint.name
    sentence = "the constraint %s comes to %s: it fails on rows that violate it" % (name, table)
    constraint = _named_constraint(operation, around, name)
    if isinstance(constraint, models.UniqueConstraint) and constraint.fields:
        columns = tuple(column_name(each, model.fields[each]) for each in constraint.fields)
    else:
        columns = ()
    return [
        Effect(
            ADD_CONSTRAINT,
            around.app,
            table,
            None,
            sentence,
            fails_on_rows=True,
            columns=columns,
            constraint=constraint,
            model=model,
        )
    ]


def _named_constraint(operation: Any, around: Around, name: str) -> Any:
    """Return the constraint that comes; a RemoveConstraint has only its name."""
    if hasattr(operation, "constraint"):
        return operation.constraint
    listed = model_of(operation, around.before, around.app, operation.model_name).options["constraints"]
    return next((each for each in listed if each.name == name), None)


def add_constraint(operation: Any, around: Around, backwards: bool) -> List[Effect]:
    """Return what AddConstraint does."""
    return _constraint(operation, around, comes=not backwards)


def remove_constraint(operation: Any, around: Around, backwards: bool) -> List[Effect]:
    """Return what RemoveConstraint does."""
    return _constraint(operation, around, comes=backwards)
