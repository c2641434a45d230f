"""From an intent (back to, undo, zero, forward) to a `Plan`: steps, why, blockers, marks after."""

import hashlib
import os
from typing import Any, List, Optional, Sequence, Tuple

from . import databases
from .equivalents import commands, why_django_refuses
from .impact import Impact, measure
from .loading import Key, file_of, is_third_party
from .notes import notes
from .operations import ends_transaction, is_reversible, part, runs_python, words
from .plan_words import Reasons, target_of, title_of
from .protocol import (
    APPLIED,
    BLOCKED,
    FORWARDS,
    UNAPPLIED,
    MarkChange,
    Plan,
    PreviewPlan,
    Step,
)
from .records import Records
from .routes import Intent, PlanExecutor, Route, planned, route_of


def preview_plan(session: Any, request: PreviewPlan, call: Any) -> Plan:
    """Answer with what the intent would do. Changes nothing.

    Raises `Refusal` for an intent that cannot mean anything: unknown app or migration, back to one
    that is not applied, a graph that cannot be built.
    """
    return build(session, request)


def build(session: Any, request: Intent) -> Plan:
    """Return the plan of `request` with its fingerprint, from the records as they are."""
    return weigh(session, request)[0]


def weigh(session: Any, request: Intent) -> Tuple[Plan, Impact]:
    """Return the plan as `build` does, and what its steps do to tables and columns."""
    session.refuse_changed_files()
    session.refresh(request.database)
    route = route_of(session, request)
    connection = databases.looking(request.database)
    impact = measure(route.pairs, route.executor.loader, connection)
    reasons = Reasons(route, request)
    records = session.known_records(request.database) or {}
    steps = tuple(_step(pair, reasons, records) for pair in route.pairs)
    blockers, ways_out = _blockers(session, route, request)
    equivalents, no_command = commands(session, route, request)
    verdict = BLOCKED if blockers else impact.verdict()
    one, why_one = _transaction(route, connection)
    plan = Plan(
        database=request.database,
        intent=request.intent,
        app=request.app,
        name=request.name,
        target=target_of(request),
        title=title_of(request, steps),
        verdict=verdict,
        why=blockers + (impact.why(bool(blockers)) if steps else ("There is nothing to do.",)),
        steps=steps,
        blockers=blockers,
        loss=tuple(impact.loss),
        failures=tuple(impact.failures),
        commands=equivalents,
        fingerprint=fingerprint(session, request, route),
        marks=tuple(_mark_changes(route)),
        one_transaction=one,
        transaction_why=why_one,
        notes=tuple(impact.notes) + tuple(notes(route, request, impact, no_command)),
        ways_out=ways_out,
        keys=tuple(request.keys),
    )
    return plan, impact


def _step(pair: Tuple[Any, bool], reasons: Reasons, records: Records) -> Step:
    migration, backwards = pair
    key = (migration.app_label, migration.name)
    file = file_of(migration)
    return Step(
        app=key[0],
        name=key[1],
        backwards=backwards,
        # In the order of `migrate --plan`, which is that of the file, backwards too.
        operations=tuple(words(operation, backwards) for operation in migration.operations),
        reversible=all(is_reversible(operation) for operation in migration.operations),
        because=reasons.because(key),
        atomic=bool(migration.atomic),
        third_party=bool(file) and is_third_party(str(file)),
        runs_python=runs_python(migration.operations),
        file=file,
        applied_at=records.get(key),
    )


def _blockers(session: Any, route: Route, request: Intent) -> Tuple[Tuple[str, ...], Tuple[str, ...]]:
    """Return why the plan cannot run, and what to do about each."""
    blockers, ways_out = list(route.blockers), []
    if route.blockers:
        ways_out.append("Undo the squashed migration itself, with what depends on it.")
    irreversible = [
        (migration, operation)
        for migration, backwards in route.pairs
        for operation in reversed(migration.operations)
        if backwards and not is_reversible(operation)
    ]
    if irreversible:
        blockers.extend(_irreversible_sentence(*pair) for pair in irreversible)
        ways_out.extend(_around(route, request, [str(migration) for migration, _ in irreversible]))
    refuses = why_django_refuses(session, request.database) if request.intent in FORWARDS else None
    if refuses is not None:
        blockers.append(refuses[0])
        ways_out.append(refuses[1])
    return tuple(blockers), tuple(ways_out)


def _irreversible_sentence(migration: Any, operation: Any) -> str:
    shown = part(migration, operation, True)
    where = (
        ""
        if shown.file is None
        else " (%s%s)"
        % (
            os.path.basename(shown.file),
            "" if shown.line is None else ", line %d" % shown.line,
        )
    )
    return "%s cannot be undone: %s%s" % (migration, shown.text, where)


def _around(route: Route, request: Intent, irreversible: Sequence[str]) -> List[str]:
    """Return the ways out of irreversible steps: how far back the app can go, and a reverse for them."""
    ways_out = []
    nearest = _nearest(route, request)
    if nearest is not None:
        target, names = nearest
        ways_out.append("Back to %s.%s is as far as it goes: it stays applied; undoes %s." % (*target, names))
    to_mend = ", ".join(dict.fromkeys(irreversible))
    ways_out.append("To go further, give what cannot be undone a reverse in %s." % to_mend)
    return ways_out


def _nearest(route: Route, request: Intent) -> Optional[Tuple[Key, str]]:
    """Return the target furthest back that can be reached, and what going there undoes; None if none can."""
    own = [key for key in route.keys if key[0] == request.app]
    for target in reversed(own):
        pairs = planned(PlanExecutor(route.executor.connection, route.executor.loader), [target])
        operations = [operation for migration, _ in pairs for operation in migration.operations]
        if pairs and all(is_reversible(operation) for operation in operations):
            return target, ", ".join(str(migration) for migration, _ in pairs)
    return None


def _mark_changes(route: Route) -> List[MarkChange]:
    changes = []
    for migration, backwards in route.pairs:
        before, after = (APPLIED, UNAPPLIED) if backwards else (UNAPPLIED, APPLIED)
        changes.append(MarkChange(migration.app_label, migration.name, before, after))
    return changes


def _transaction(route: Route, connection: Any) -> Tuple[bool, str]:
    why_not = databases.vendor(connection).one_transaction_why_not(connection)
    loose = [str(migration) for migration, _ in route.pairs if not migration.atomic]
    ending = [
        str(migration) for migration, backwards in route.pairs if ends_transaction(migration, backwards)
    ]
    if why_not is None and not loose and not ending:
        return True, "One transaction: if any step fails, nothing has happened."
    reasons = ["%s says atomic = False" % ", ".join(loose)] if loose else []
    if ending:
        reasons.append("the SQL of %s ends its transaction" % ", ".join(ending))
    reason = why_not or " and ".join(reasons)
    return False, "Step by step, for %s: what was done before a failure stays done." % reason


def fingerprint(session: Any, request: Intent, route: Route) -> str:
    """Return a hash of all that the plan rests on: records, the steps' bytes, target, database."""
    records = session.known_records(request.database)  # those that `route` was found with
    given = databases.settings_of(request.database)
    digest = hashlib.sha256()
    parts: List[str] = [request.database, str(given.get("NAME")), str(given.get("HOST"))]
    parts.extend([request.intent, str(request.app), str(request.name), *sorted(request.keys)])
    parts.extend("%s.%s" % key for key in sorted(records))
    for text in parts:
        digest.update(text.encode("utf-8", "surrogateescape") + b"\0")
    for migration, backwards in route.pairs:
        digest.update(("%s %s" % (migration, backwards)).encode() + b"\0")
        digest.update(_content(file_of(migration)))
    return digest.hexdigest()[:32]


def _content(file: Optional[str]) -> bytes:
    if file is None:
        return b""
    with open(file, "rb") as source:
        return hashlib.sha256(source.read()).digest()
