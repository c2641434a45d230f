"""What one operation does in one direction, read from the states around it.

Static: no question is put to a database here. Names are Django's, so that what is said matches
what the SQL shows.
"""

from typing import Any, List

from django.db.migrations import operations as ops
from django.db.migrations.state import ProjectState

from .changes import CODE, HARMLESS, IRREVERSIBLE, Around, Effect, is_allowed
from .effects_constraints import add_constraint, remove_constraint, together
from .effects_fields import add_field, alter_field, remove_field, rename_field
from .effects_tables import alter_model_table, create_model, delete_model, order_with_respect_to, rename_model
from .operations import is_foreign, is_noop, is_reversible


def effects(operation: Any, around: Around, backwards: bool) -> List[Effect]:
    """Return what `operation` does. Whatever is not understood is `CODE`."""
    if backwards and not is_reversible(operation):
        return [Effect(IRREVERSIBLE, sentence="%s cannot be undone" % operation.describe())]
    if isinstance(operation, (ops.RunPython, ops.RunSQL)):
        if is_noop(operation, backwards):
            what = "restores" if backwards else "does"
            return [Effect(HARMLESS, sentence="%s %s nothing (noop)" % (operation.describe(), what))]
        if not is_foreign(operation) and not is_allowed(around, **operation.hints):
            return [Effect(HARMLESS, sentence="%s does nothing on this database" % operation.describe())]
        return [Effect(CODE, sentence="%s runs code of the project" % operation.describe())]
    reader = None if is_foreign(operation) else _READERS.get(type(operation).__name__)
    if reader is None:
        kind = type(operation).__name__
        return [Effect(CODE, sentence="%s is not an operation that djmig-tui knows" % kind)]
    found: List[Effect] = reader(operation, around, backwards)
    return found


def _separate(operation: Any, around: Around, backwards: bool) -> List[Effect]:
    """Ask each inner operation, with the states that the inner ones before it leave."""
    state = ProjectState(models={key: model.clone() for key, model in around.before.items()})
    found: List[List[Effect]] = []
    for each in operation.database_operations:
        before = models_around(each, around.app, state)
        each.state_forwards(around.app, state)
        after = models_around(each, around.app, state)
        found.append(effects(each, Around(around.app, before, after, around.connection), backwards))
    ordered = reversed(found) if backwards else found  # what comes last is undone first
    return [effect for each in ordered for effect in each] or [Effect(HARMLESS)]


def models_around(operation: Any, app: str, state: Any) -> Any:
    """Return copies of the models that `operation` names, as `state` has them: a state is changed in place.

    Only those, for copying thousands of models an operation would be felt; all of them where the
    operation holds others.
    """
    if isinstance(operation, ops.SeparateDatabaseAndState):
        return {key: model.clone() for key, model in state.models.items()}
    names = {getattr(operation, each, None) for each in ("name", "model_name", "old_name", "new_name")}
    keys = {(app, name.lower()) for name in names if isinstance(name, str)}
    return {key: state.models[key].clone() for key in keys if key in state.models}


def _harmless(operation: Any, around: Around, backwards: bool) -> List[Effect]:
    return [Effect(HARMLESS)]


def _index(operation: Any, around: Around, backwards: bool) -> List[Effect]:
    """Return what an index does: nothing to rows, but one over an expression may fail on their values."""
    adds = hasattr(operation, "index")
    model = around.before.get((around.app, operation.model_name.lower()))
    listed = model.options.get("indexes", ()) if model is not None else ()
    named = [each for each in listed if each.name == operation.name] if not adds else [operation.index]
    index: Any = named[0] if named else None
    if adds == backwards or not getattr(index, "expressions", ()):
        return [Effect(HARMLESS)]
    sentence = "the index %s over an expression comes: a value may make it fail" % index.name
    return [Effect(CODE, sentence=sentence)]


_READERS = {
    "CreateModel": create_model,
    "DeleteModel": delete_model,
    "AddField": add_field,
    "RemoveField": remove_field,
    "AlterField": alter_field,
    "RenameField": rename_field,
    "RenameModel": rename_model,
    "AlterModelTable": alter_model_table,
    "AlterUniqueTogether": together,
    "AlterIndexTogether": together,
    "AlterOrderWithRespectTo": order_with_respect_to,
    "AddConstraint": add_constraint,
    "RemoveConstraint": remove_constraint,
    "AddIndex": _index,
    "AddIndexConcurrently": _index,
    "RemoveIndex": _index,
    "RemoveIndexConcurrently": _index,
    "SeparateDatabaseAndState": _separate,
    **dict.fromkeys(
        (
            "RenameIndex",
            "AlterModelOptions",
            "AlterModelManagers",
            "AlterModelTableComment",
            "AlterConstraint",
        ),
        _harmless,
    ),
}
