"""The steps of a reset that change a database beside plans: its records alone, or one app's tables."""

from typing import Any, Iterable, List, Sequence, Set, Tuple

from django.db import transaction
from django.db.migrations.recorder import MigrationRecorder

from . import databases
from .errors import FailedError, Refusal, StaleError, first_error
from .loading import Key
from .lookout import Lookout
from .protocol import (
    RESET_APP,
    RESET_DROP,
    ChangeRecords,
    DropTables,
    PreviewReset,
    RecordsChanged,
    ResetPlan,
    TablesDropped,
)
from .reset import preview_reset
from .reset_blockers import why_not_here
from .reset_tables import WAY_OUT, pointing_at, tables_of


def change_records(session: Any, request: ChangeRecords, call: Any) -> RecordsChanged:
    """Forget and add records in one transaction; the schema stays as it is.

    Raises `StaleError` if the records of these apps are not those of `before`, and `Refusal` where
    a reset is not allowed.
    """
    _refuse(session, request.database)
    before, forget, record = map(_keys, (request.before, request.forget, request.record))
    labels = {key[0] for key in (*before, *forget, *record)}
    with databases.writing(request.database) as connection, Lookout(connection, True, _untold):
        vendor = databases.vendor(connection)
        recorder = MigrationRecorder(connection)
        with transaction.atomic(using=request.database):
            vendor.guard(connection, True)
            if _recorded(recorder, labels) != set(before):
                raise StaleError("The records changed meanwhile: nothing was done; look again.")
            if record:
                recorder.ensure_schema()
            for app, name in forget:
                recorder.record_unapplied(app, name)
            for app, name in record:
                recorder.record_applied(app, name)
            after = _recorded(recorder, labels)
    session.forget_records()
    return RecordsChanged(tuple("%s.%s" % key for key in sorted(after)))


def _recorded(recorder: Any, labels: Iterable[str]) -> Set[Key]:
    if not recorder.has_table():
        return set()
    wanted = set(labels)
    return {key for key in recorder.applied_migrations() if key[0] in wanted}


def drop_tables(session: Any, request: DropTables, call: Any) -> TablesDropped:
    """Drop the tables of an app's models, and its records, where it cannot be taken back to zero.

    Raises `StaleError` if the reset that was shown would not be the same any more, and `Refusal`
    where it did not have this step.
    """
    _refuse(session, request.database)
    plan = preview_reset(session, PreviewReset(request.database, RESET_APP, request.app), call)
    _refuse_other_plan(plan, request)
    tables = tables_of(session, databases.looking(request.database), request.app)
    with databases.writing(request.database) as connection, Lookout(connection, True, _untold):
        _refuse_pointed_at(connection, tables)
        try:
            with databases.vendor(connection).transaction(connection):
                databases.vendor(connection).guard(connection, True)
                _drop(connection, tables)
                recorder = MigrationRecorder(connection)
                for app, name in sorted(_recorded(recorder, [request.app])):
                    recorder.record_unapplied(app, name)
        except Exception as error:
            first = first_error(error)
            raise FailedError("The tables were not dropped: %s" % first, kind=type(first).__name__) from error
    session.forget_records()
    return TablesDropped(tuple(tables))


def _refuse_other_plan(plan: ResetPlan, request: DropTables) -> None:
    if plan.fingerprint != request.fingerprint:
        raise StaleError("The history or a file changed since this was shown: nothing was done; look again.")
    drops = [step for step in plan.steps if step.action == RESET_DROP and step.database == request.database]
    if plan.blockers or not drops:
        raise Refusal(" ".join(plan.blockers) or "%s can be taken back to zero: do that." % request.app)


def _refuse_pointed_at(connection: Any, tables: Sequence[str]) -> None:
    """Look once more just before: the statements do not ask who points at these tables."""
    reasons = pointing_at(connection, tables)
    if reasons:
        raise Refusal("Nothing was dropped. %s %s" % (" ".join(reasons), WAY_OUT))


def _drop(connection: Any, tables: Sequence[str]) -> None:
    quote = connection.ops.quote_name
    with connection.constraint_checks_disabled(), connection.cursor() as cursor:
        if connection.vendor == "postgresql" and tables:
            # In one statement they may point at each other; without CASCADE nobody else's go along.
            cursor.execute("DROP TABLE %s" % ", ".join(map(quote, tables)))
            return
        for table in tables:
            cursor.execute("DROP TABLE %s" % quote(table))


def _refuse(session: Any, alias: str) -> None:
    databases.check_alias(alias)
    session.refuse_changed_files()
    reasons = why_not_here(session, [alias])
    if reasons:
        raise Refusal(" ".join(sentence for sentence, _ in reasons))


def _keys(names: Iterable[str]) -> List[Key]:
    split: List[Tuple[str, str, str]] = [name.partition(".") for name in names]
    return [(app, name) for app, _, name in split]


def _untold(message: str) -> None:
    """Nobody waits long enough to be told who holds a lock."""
