"""SQL of a migration, both ways: byte for byte what sqlmigrate prints, and never a write.

The room of the incremental engine to come: inside, only `_state_before` knows how a project state
is made.
"""

import contextlib
import copy
import traceback
from typing import Any, Container, Dict, Iterator, List, Optional, Tuple

from django.db.migrations.exceptions import CircularDependencyError, NodeNotFoundError

from . import databases
from .errors import EngineError, Refusal, first_error
from .operations import hides_code, irreversible, is_foreign, is_reversible, leaves, part
from .protocol import RenderSql, Sql, SqlPart

#: How many results one engine keeps, and how many characters of them.
KEPT_RESULTS = 2000
KEPT_CHARACTERS = 32 * 1024 * 1024


def render_sql(session: Any, request: RenderSql, call: Any) -> Sql:
    """Return the SQL of one migration on one database as it is now. Results are kept until a change.

    Raises `Refusal` for a migration that is nowhere. What has no SQL is an answer, with `error` set.
    """
    key = (request.database, request.app, request.name, request.backwards)
    if key not in session.rendered:
        result = _render(session, request)
        _make_room(session.rendered, len(result.shown))
        session.rendered[key] = result
    kept: Sql = session.rendered[key]
    return kept


def _make_room(kept: Dict[Any, Sql], size: int) -> None:
    held = sum(len(sql.shown) for sql in kept.values()) if len(kept) % 50 == 49 else 0
    while kept and (len(kept) >= KEPT_RESULTS or held + size > KEPT_CHARACTERS):
        held -= len(kept.pop(next(iter(kept))).shown)


def _render(session: Any, request: RenderSql) -> Sql:
    key = (request.app, request.name)
    disk = session.disk()
    if key in disk.broken:
        return _without(request, disk.broken[key].message)
    if key not in disk.migrations:
        return _without(request, missing_sentence(session, request.database, key))
    connection = databases.looking(request.database)
    loader = sql_loader(session, request.database)
    migration = loader.graph.nodes.get(key)
    if migration is None:
        return _without(request, "%s.%s has no place in the graph of migrations." % key)
    return _rendered(request, loader, connection, migration)


def missing_sentence(session: Any, alias: str, key: Tuple[str, str]) -> str:
    """Return the sentence for a ghost; raises `Refusal` for what is neither file nor record."""
    if key not in session.refresh(alias):
        raise Refusal("There is no migration %s.%s." % key)
    return "%s.%s is recorded as applied, but its file is gone: there is nothing to render." % key


def sql_loader(session: Any, alias: str) -> Any:
    """Return sqlmigrate's graph; where it cannot be built, the one of showmigrations (EDGES 42).

    Raises `Refusal` with the graph's fault if neither can.
    """
    with contextlib.suppress(NodeNotFoundError, CircularDependencyError):
        shown = session.loader(alias, replace=True)
        if not shown.replacements:
            return shown  # nothing to put in: it is the same graph, and it is there already
    try:
        return session.loader(alias, replace=False)
    except (NodeNotFoundError, CircularDependencyError):
        return executor_loader(session, alias)


def executor_loader(session: Any, alias: str) -> Any:
    """Return the graph that `migrate` works on. Raises `Refusal` if it cannot be built."""
    try:
        return session.loader(alias, replace=True)
    except EngineError:  # the database, not the graph
        raise
    except Exception as error:  # a hole, a circle, a dependency on nowhere: Django raises many
        raise Refusal(
            graph_sentence(error),
            detail=traceback.format_exc(),
            kind=type(error).__name__,
        ) from error


def graph_sentence(error: BaseException) -> str:
    """Return the sentence for a graph that Django cannot build."""
    return (
        "Django cannot build the graph of migrations: %s"
        " Put the missing file back (from git, or the trash) or mend the dependency, then look again."
        % (str(error).rstrip(".") + ".")
    )


def _rendered(request: RenderSql, loader: Any, connection: Any, migration: Any) -> Sql:
    backwards = request.backwards
    special: Dict[int, SqlPart] = {}
    for index, operation in enumerate(migration.operations):
        irrevocable = backwards and not is_reversible(operation)
        if irrevocable or hides_code(operation) or not operation.reduces_to_sql:
            special[index] = part(migration, operation, backwards)
    error = _why_no_sql(migration, backwards)
    try:
        lines = _collect(
            loader, connection, migration if error is None else _muted(migration, special), backwards
        )
    except Exception as raised:  # noqa: BLE001 -- an operation may fail in any way; the pane shows how
        databases.discard(connection)
        first = first_error(raised)
        sentence = "sqlmigrate cannot render this: %s: %s" % (type(first).__name__, first)
        return _without(request, error or sentence, tuple(special.values()))
    sql = None if error is not None else _wrapped("\n".join(lines), connection, migration)
    shown = _wrapped("\n".join(_with_parts(lines, migration, special, backwards)), connection, migration)
    return Sql(request.app, request.name, backwards, sql, error, shown, _in_order(special, backwards))


def _in_order(special: Dict[int, SqlPart], backwards: bool) -> Tuple[SqlPart, ...]:
    return tuple(special[index] for index in sorted(special, reverse=backwards))


def _why_no_sql(migration: Any, backwards: bool) -> Optional[str]:
    """Return why sqlmigrate raises, or must not be imitated, on `migration`; None if it prints."""
    if backwards:
        culprit = irreversible(migration)
        if culprit is not None:
            return "Operation %s in %s is not reversible." % (culprit.describe(), migration)
    for operation in migration.operations:
        if hides_code(operation):
            return (
                "%s in %s holds Python code that sqlmigrate would execute, not print. It is shown as source."
                % (operation.describe(), migration)
            )
    return None


def _muted(migration: Any, special: Container[int]) -> Any:
    """Return a copy of `migration` whose special operations change the state but touch no database."""
    muted = copy.copy(migration)
    muted.operations = [
        _mute(operation) if index in special else operation
        for index, operation in enumerate(migration.operations)
    ]
    return muted


def _mute(operation: Any) -> Any:
    muted = copy.copy(operation)
    # A subclass, for `reversible` is a property of RunPython and RunSQL that an instance cannot hide.
    muted.__class__ = type(
        type(operation).__name__, (type(operation),), {"reversible": True, "reduces_to_sql": False}
    )
    return muted


def _collect(loader: Any, connection: Any, migration: Any, backwards: bool) -> List[str]:
    return statements(connection, migration, _state_before(loader, migration), backwards)


def statements(connection: Any, migration: Any, state: Any, backwards: bool) -> List[str]:
    """Return the statements as `MigrationLoader.collect_sql` does (django/db/migrations/loader.py).

    `state` is that before `migration`, which must hold no operation that runs code when rendered.
    """
    with collecting(connection, migration) as editor:
        if backwards:
            migration.unapply(state, editor, collect_sql=True)
        else:
            migration.apply(state, editor, collect_sql=True)
    return list(editor.collected_sql)


def made_forwards(connection: Any, migration: Any, state: Any) -> str:
    """Return the statements of `migration` forwards, as far as they can be told without running code.

    `state` is that before it, and stays as it is. Nothing if an operation cannot be rendered.
    """
    special = {
        index
        for index, operation in enumerate(migration.operations)
        # One that is not Django's may execute what it likes: here the connection may write.
        if hides_code(operation) or not operation.reduces_to_sql or any(map(is_foreign, leaves([operation])))
    }
    try:
        return "\n".join(statements(connection, _muted(migration, special), state.clone(), False))
    except Exception:  # noqa: BLE001 -- an operation may fail in any way, and the step is done all the same
        return ""


@contextlib.contextmanager
def collecting(connection: Any, migration: Any) -> Iterator[Any]:
    """Yield a schema editor that keeps the statements for `migration` and executes none."""
    # SQLite's editor checks every foreign key of the database on its way out: its cost grows with
    # the data and one bad row makes it fail. That is for a run to find out (EDGES 46).
    connection.check_constraints = lambda table_names=None: None
    try:
        with connection.schema_editor(collect_sql=True, atomic=migration.atomic) as editor:
            yield editor
    finally:
        del connection.check_constraints


def _state_before(loader: Any, migration: Any) -> Any:
    return loader.project_state((migration.app_label, migration.name), at_end=False)


def _wrapped(output: str, connection: Any, migration: Any) -> str:
    """Return `output` as `BaseCommand.execute` writes it, with the transaction of an atomic migration."""
    if not output:
        return ""
    if migration.atomic and connection.features.can_rollback_ddl:
        ops = connection.ops
        output = "%s\n%s\n%s" % (ops.start_transaction_sql(), output, ops.end_transaction_sql())
    return output if output.endswith("\n") else output + "\n"


def _with_parts(lines: List[str], migration: Any, special: Dict[int, SqlPart], backwards: bool) -> List[str]:
    """Return `lines` with the source of each special operation below its heading."""
    shown: List[str] = []
    rest = list(lines)
    indexes = range(len(migration.operations))
    for index in reversed(indexes) if backwards else indexes:
        heading = ["--", "-- %s" % migration.operations[index].describe(), "--"]
        while rest and rest[:3] != heading:
            shown.append(rest.pop(0))
        shown.extend(rest[:3])
        del rest[:3]
        if index in special and rest:
            shown.append(rest.pop(0))
            label = "-- IRREVERSIBLE: " if special[index].kind == "irreversible" else "--     "
            shown.extend((label + line).rstrip() for line in special[index].text.splitlines())
    return shown + rest


def _without(request: RenderSql, error: str, parts: Tuple[SqlPart, ...] = ()) -> Sql:
    shown = "\n".join(["-- " + error] + ["-- %s\n%s" % (each.operation, each.text) for each in parts])
    return Sql(request.app, request.name, request.backwards, None, error, shown + "\n", parts)
