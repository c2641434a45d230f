"""What of a plan runs code of the project, with its source: a rehearsal of it needs a yes of its own."""

import weakref
from dataclasses import replace
from typing import Any, Iterator, List, Tuple

from django.db.migrations.operations import RunPython, RunSQL, SeparateDatabaseAndState
from django.db.models.signals import post_migrate, pre_migrate

from .executor import import_management_modules
from .operations import inner, is_foreign, is_noop, part, source_of
from .protocol import SqlPart
from .routes import Route

NEEDED = (
    "It cannot be rehearsed without a yes of your own: the plan runs code, and what that does outside this"
    " database (files, mail, requests, queues, sequences) is not taken back. Read the source first."
)


def sources(route: Route) -> Tuple[SqlPart, ...]:
    """Return each operation and handler that runs code, in the order in which they run."""
    found: List[SqlPart] = _handlers(pre_migrate, "pre_migrate") if route.pairs else []
    for migration, backwards in route.pairs:
        operations = migration.operations
        for operation in reversed(operations) if backwards else operations:
            if _runs_code(operation, backwards):
                found.append(_part(migration, operation, backwards))
    return tuple(found)


def _part(migration: Any, operation: Any, backwards: bool) -> SqlPart:
    shown = part(migration, operation, backwards)
    texts = [source_of(type(each)) for each in _foreign_containers(operation)]
    if not texts:
        return shown
    return replace(shown, kind="code", text="\n\n".join([*texts, shown.text]).rstrip())


def _foreign_containers(operation: Any) -> Iterator[Any]:
    """Yield what is not Django's own among the operations that hold others: `part` looks inside them only."""
    if not isinstance(operation, SeparateDatabaseAndState):
        return
    if is_foreign(operation):
        yield operation
    for each in inner(operation):
        yield from _foreign_containers(each)


def _runs_code(operation: Any, backwards: bool) -> bool:
    if isinstance(operation, (RunPython, RunSQL)):
        return not is_noop(operation, backwards)
    return is_foreign(operation) or any(_runs_code(each, backwards) for each in inner(operation))


def after_the_commit() -> Tuple[str, ...]:
    """Return the project's own handlers of post_migrate: what is never committed does not come that far."""
    return tuple(part.operation for part in _handlers(post_migrate, "post_migrate"))


def _handlers(signal: Any, called: str) -> List[SqlPart]:
    """Return the project's own handlers of a signal."""
    import_management_modules()
    found = []
    for entry in signal.receivers:
        handler = entry[1]
        if isinstance(handler, weakref.ReferenceType):
            handler = handler()
        module = getattr(handler, "__module__", None) or type(handler).__module__
        if handler is not None and not module.startswith("django."):
            name = getattr(handler, "__qualname__", type(handler).__qualname__)
            code = getattr(handler, "__func__", handler)
            found.append(SqlPart("%s handler %s.%s" % (called, module, name), "python", source_of(code)))
    return found
