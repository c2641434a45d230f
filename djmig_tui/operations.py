"""What an operation is and does, asked recursively: Django's own flags stop at the outermost one."""

import ast
import inspect
import re
import textwrap
from typing import Any, Iterator, List, Optional, Sequence, Tuple

from django.core.management.commands.migrate import Command as MigrateCommand
from django.db.migrations.operations import RunPython, RunSQL, SeparateDatabaseAndState

from .protocol import Operation, SqlPart

#: A statement that ends a transaction, as a text's first one or after another. A lone END closes the body
#: of a function or a trigger, and ROLLBACK TO ends nothing.
_ENDS = re.compile(
    r"(?:^|;)\s*(?:commit|abort|end\s+(?:work|transaction)|rollback(?!\s+(?:(?:work|transaction)\s+)?to\b))\b",
    re.IGNORECASE,
)


def inner(operation: Any) -> List[Any]:
    """Return the operations that run on the database inside `operation`; none for most."""
    if isinstance(operation, SeparateDatabaseAndState):
        return list(operation.database_operations)
    return []


def leaves(operations: Sequence[Any]) -> Iterator[Any]:
    """Yield what really runs, in order: operations that hold others give way to them."""
    for operation in operations:
        if isinstance(operation, SeparateDatabaseAndState):
            yield from leaves(operation.database_operations)
        else:
            yield operation


def is_reversible(operation: Any) -> bool:
    """Return whether `operation` and all that it holds can be undone.

    `SeparateDatabaseAndState.reversible` is True whatever it holds
    (django/db/migrations/operations/special.py).
    """
    return bool(operation.reversible) and all(is_reversible(each) for each in inner(operation))


def irreversible(migration: Any) -> Optional[Any]:
    """Return the first operation that cannot be undone, in the order of undoing, or None."""
    for operation in reversed(migration.operations):
        if not is_reversible(operation):
            return operation
    return None


def runs_python(operations: Sequence[Any]) -> bool:
    """Return whether any of `operations`, at any depth, runs Python of the project."""
    return any(isinstance(operation, RunPython) for operation in leaves(operations))


def is_foreign(operation: Any) -> bool:
    """Return whether `operation` is of a class that is not Django's own: nothing is known of it."""
    return not type(operation).__module__.startswith("django.")


def hides_code(operation: Any) -> bool:
    """Return whether rendering `operation` would execute code, not print it (EDGES 41)."""
    return any(not each.reduces_to_sql or hides_code(each) for each in inner(operation))


def is_noop(operation: Any, backwards: bool) -> bool:
    """Return whether a RunPython or RunSQL does nothing in this direction. A subclass may do anything."""
    if is_foreign(operation):
        return False
    if isinstance(operation, RunPython):
        return (operation.reverse_code if backwards else operation.code) is RunPython.noop
    if isinstance(operation, RunSQL):
        return (operation.reverse_sql if backwards else operation.sql) in ("", [], ())
    return False


def ends_transaction(migration: Any, backwards: bool) -> bool:
    """Return whether SQL of a migration ends the transaction that it runs in: it says so itself."""
    for operation in leaves(migration.operations):
        if isinstance(operation, RunSQL):
            sql = operation.reverse_sql if backwards else operation.sql
            texts = [sql] if isinstance(sql, str) else list(sql or ())
            each = [text[0] if isinstance(text, (list, tuple)) else text for text in texts]
            if any(_ENDS.search(str(text)) for text in each):
                return True
    return False


def words(operation: Any, backwards: bool) -> str:
    """Return the words of ``migrate --plan`` for `operation`."""
    message, _is_error = MigrateCommand.describe_operation(operation, backwards)
    return str(message)


def describe(operation: Any) -> Operation:
    """Return `operation` as the wire shows it."""
    return Operation(
        description=str(operation.describe()),
        kind=type(operation).__name__,
        reversible=is_reversible(operation),
        sql=bool(operation.reduces_to_sql) and not hides_code(operation),
        inner=tuple(describe(each) for each in inner(operation)),
    )


def part(migration: Any, operation: Any, backwards: bool) -> SqlPart:
    """Return what is shown of `operation` where SQL cannot show it."""
    file, line = position(migration, operation)
    if backwards and not is_reversible(operation):
        culprit = next((each for each in leaves([operation]) if not each.reversible), operation)
        kind, text = "irreversible", "%s is irreversible" % _called(culprit)
    else:
        texts = [_source(each, backwards) for each in leaves([operation])]
        noop = all(is_noop(each, backwards) for each in leaves([operation]))
        kind = "noop" if noop else "python" if runs_python([operation]) else "code"
        text = "\n\n".join(texts)
    return SqlPart(str(operation.describe()), kind, text, file, line)


def _called(operation: Any) -> str:
    if isinstance(operation, RunPython):
        return "RunPython(%s)" % getattr(operation.code, "__name__", repr(operation.code))
    return "%s (%s)" % (type(operation).__name__, operation.describe())


def _source(operation: Any, backwards: bool) -> str:
    if isinstance(operation, RunPython):
        code = operation.reverse_code if backwards else operation.code
        if code is RunPython.noop:
            return "# noop: nothing is %s" % ("restored" if backwards else "done")
        return source_of(code)
    if is_noop(operation, backwards):
        return "-- noop: nothing is %s" % ("restored" if backwards else "done")
    if isinstance(operation, RunSQL):
        return str(operation.reverse_sql if backwards else operation.sql)
    method = type(operation).database_backwards if backwards else type(operation).database_forwards
    return source_of(method) if is_foreign(operation) else "# %s" % operation.describe()


def source_of(code: Any) -> str:
    """Return the Python source of a function, or a comment that says why there is none."""
    while hasattr(code, "func") and not inspect.isfunction(code):  # functools.partial
        code = code.func
    try:
        return textwrap.dedent(inspect.getsource(code)).rstrip("\n")
    except (OSError, TypeError):
        return "# The source of %r cannot be read." % (code,)


def position(migration: Any, operation: Any) -> Tuple[Optional[str], Optional[int]]:
    """Return file and line of `operation` in its migration, each None where it cannot be told."""
    try:
        file = inspect.getsourcefile(type(migration))
    except (OSError, TypeError):
        return None, None
    if file is None:
        return None, None
    try:
        with open(file, "rb") as source:
            tree = ast.parse(source.read())
    except (OSError, SyntaxError, ValueError):
        return file, None
    listed = _operation_nodes(tree)
    if len(listed) != len(migration.operations):  # built by code: the text says nothing
        return file, None
    for node, each in zip(listed, migration.operations):
        if each is operation:
            return file, node.lineno
    return file, None


def _operation_nodes(tree: ast.Module) -> List[ast.expr]:
    for statement in tree.body:
        if isinstance(statement, ast.ClassDef) and statement.name == "Migration":
            for line in statement.body:
                if not isinstance(line, (ast.Assign, ast.AnnAssign)) or not isinstance(line.value, ast.List):
                    continue
                targets = line.targets if isinstance(line, ast.Assign) else [line.target]
                if any(isinstance(target, ast.Name) and target.id == "operations" for target in targets):
                    return line.value.elts
    return []
