"""Does the real schema agree with what the records claim: missing, extra and half-done things, placed."""

from typing import Any, Iterable, List, Set

from .. import databases
from ..databases.schema import Schema, can_read, read_schema
from ..errors import FailedError, Refusal, StaleError, first_error
from ..loading import Key
from ..protocol import Difference, HalfDone, Verification, VerifySchema
from ..sql import executor_loader
from .compare import Comparison
from .expected import Expectation
from .half_done import Search
from .records import Claims

#: How often the schema is read again because another program changed the records meanwhile.
ATTEMPTS = 3


def verify_schema(session: Any, request: VerifySchema, call: Any) -> Verification:
    """Answer with the differences between records and schema. Changes nothing.

    Raises `Refusal` for an unknown app or a database of an unknown kind, `FailedError` where the
    database does not answer, `StaleError` where the records do not stand still.
    """
    session.refuse_changed_files()
    for _ in range(ATTEMPTS):
        records = session.refresh(request.database)
        loader = executor_loader(session, request.database)
        if request.app is not None and request.app not in loader.migrated_apps:
            raise Refusal("App %r has no migrations, or is not in INSTALLED_APPS." % request.app)
        connection = databases.looking(request.database)
        call.progress(0, 0, "Reading the schema")
        schema = _read(connection)
        if session.refresh(request.database) == records:
            return _verified(request, loader, connection, schema, call)
    raise StaleError("Another program is migrating this database: look again when it has finished.")


def _read(connection: Any) -> Schema:
    if not can_read(connection):
        raise Refusal(
            "djmig-tui can read the schema of SQLite, PostgreSQL, MySQL and MariaDB; this is %s."
            % connection.display_name
        )
    try:
        return read_schema(connection)
    except Exception as error:
        databases.discard(connection)
        first = first_error(error)
        raise FailedError("The schema cannot be read: %s" % first, kind=type(first).__name__) from error


def _verified(request: VerifySchema, loader: Any, connection: Any, schema: Schema, call: Any) -> Verification:
    call.progress(0, 0, "Reading what the records claim")
    claims = Claims(loader, connection, schema, assumed(loader, request.assume))
    expectation = Expectation(connection, schema)
    keys = [key for key in claims.state.models if request.app in {None, key[0]}]
    facts = expectation.of(claims.state, keys)
    comparison = Comparison(claims, schema, facts)
    comparison.extra_tables(None if request.app is None else [request.app])
    apps = _apps(request, loader)
    differing = {each.app for each in comparison.differences}
    half_done = _half_done(Search(loader, claims, expectation), differing, apps, schema, call)
    return Verification(
        database=request.database,
        checked=len(facts.tables() & set(schema.tables)),
        differences=tuple(sorted(comparison.differences, key=_place)),
        half_done=tuple(half_done),
        not_checked=(*_record_notes(loader, claims, differing), *comparison.not_checked),
    )


def assumed(loader: Any, names: Iterable[str]) -> Set[Key]:
    """Return the keys of `names`, "app.name" each. Raises `Refusal` for one that has no file."""
    keys = {(name.partition(".")[0], name.partition(".")[2]) for name in names}
    for key in sorted(keys - set(loader.graph.nodes)):
        raise Refusal("There is no migration %s.%s that could be looked at as applied." % key)
    return keys


def _apps(request: VerifySchema, loader: Any) -> Set[str]:
    return set(loader.migrated_apps) if request.app is None else {request.app}


def _half_done(
    search: Search, differing: Set[str], apps: Set[str], schema: Schema, call: Any
) -> List[HalfDone]:
    """Return the half-done migrations; only an app whose tables differ can have recorded ones."""
    found: List[HalfDone] = []
    for done, app in enumerate(sorted(differing)):
        call.progress(done, len(differing), "Placing the migrations of %s" % app)
        found.extend(search.recorded(app))
    if schema.tables:
        call.progress(len(differing), len(differing), "Placing what is not recorded")
        found.extend(search.unrecorded(apps))
    return found


def _place(difference: Difference) -> Any:
    return difference.app, difference.table, difference.kind.split()[-1] != "table", difference.name


def _record_notes(loader: Any, claims: Claims, differing: Set[str]) -> List[str]:
    """Return what is wrong with the records themselves, so that nothing here tells for sure."""
    notes = [
        "%s.%s is recorded, but %s.%s, which it needs, is not: it was looked at as if it were."
        % (*key, *needed)
        for key, needed in claims.inconsistent()
    ]
    ghosts = sorted(set(loader.applied_migrations) - set(loader.disk_migrations))
    notes.extend(
        "%s.%s is recorded as applied, but its file is gone: what it made counts as a difference." % key
        for key in ghosts
        if key[0] in differing
    )
    return notes
