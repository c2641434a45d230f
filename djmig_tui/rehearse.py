"""Rehearse a plan: run it for real where it can be taken back, and take it back."""

import contextlib
import sys
import time
from dataclasses import replace
from typing import Any, Iterator, List, Optional

from django.core.management.base import OutputWrapper, no_translations
from django.core.management.sql import emit_pre_migrate_signal
from django.db import connections

from . import consent, databases, failures, places
from .errors import EngineError, NoCopy, Refusal, StaleError
from .executor import RunExecutor, import_management_modules
from .loading import Key
from .lookout import Lookout, interrupt
from .places import Place
from .plan import build
from .protocol import Rehearsal, RehearsePlan, StepDone
from .quiet import keep_read_only, outside_world
from .routes import Route, route_of
from .run import applied
from .schema_diff import Schema, schema_diff
from .sessions import blocked_sentence


class TakenBack(Exception):
    """Raised after the last step, so that all of them are rolled back."""


def rehearse_plan(session: Any, request: RehearsePlan, call: Any) -> Rehearsal:
    """Run the plan that was shown and take it back; say whether it works, and what it does.

    Raises `StaleError` if it would not be that plan any more, and `Refusal` if this engine was told
    never to write or another run is under way. Once anything was run, this process must not go on:
    Python state may be left behind.
    """
    if session.read_only:
        raise Refusal("djmig-tui was started with --read-only: nothing is rehearsed. Start it without.")
    plan = build(session, request)
    if plan.fingerprint != request.fingerprint:
        raise StaleError("The history or a file changed since the plan was shown: look again.")
    route = route_of(session, request)
    connection = databases.looking(request.database)
    if plan.blockers:
        return _nowhere("the plan is blocked. %s" % " ".join(plan.blockers))
    sources = consent.sources(route)
    place = places.place_of(connection, route, request.on, bool(sources))
    if place.cannot is not None and route.pairs:
        return _nowhere(place.cannot, place.copy_instead)
    if sources and not request.consent:
        return Rehearsal(False, cannot=consent.NEEDED, sources=sources)
    if not route.pairs:
        return Rehearsal(True, where="without doing anything: there is nothing to do")
    records = set(session.refresh(request.database))
    session.finished = True
    rehearsal = _Rehearsal(databases.looking(request.database), route, records, place, call)
    rehearsal.runs_code, rehearsal.wanted = bool(sources), request.on
    found = rehearsal.go()
    session.finished = bool(found.where)  # if not even a copy was made, nothing was run
    return found


def _nowhere(why: str, copy_instead: bool = False) -> Rehearsal:
    return Rehearsal(False, cannot="It cannot be rehearsed: %s" % why, copy_instead=copy_instead)


class _RehearsalExecutor(RunExecutor):
    """Records without a sequence: what a sequence has given out is not taken back by a rollback."""

    recorded = 0

    def record(self, migration: Any, forward: bool) -> None:
        if not forward:
            super().record(migration, forward)
            return
        self.recorder.ensure_schema()
        self.recorded += 1
        # Positive ids are those of the sequence.
        self.recorder.migration_qs.create(pk=-self.recorded, app=migration.app_label, name=migration.name)


class _Rehearsal:
    """One rehearsal under way, and what it found."""

    runs_code = False
    wanted: Optional[str] = None  # where the user wants it to be done

    def __init__(self, connection: Any, route: Route, records: Any, place: Place, call: Any) -> None:
        self.looking = connection  # of before: it becomes another one below
        self.alias = connection.alias
        self.route = route
        self.records = records
        self.place = place
        self.trial = place.trial
        self.call = call
        self.reached: List[Key] = []
        self.under_way: Optional[Key] = None
        self.begun = time.monotonic()
        self.seconds = 0.0
        self.before: Schema = {}
        self.after: Schema = {}
        self._state: Any = None
        self._lookout: Any = None

    def go(self) -> Rehearsal:
        """Rehearse and say what was found. Raises what stopped it before its first step, and a cancel."""
        first = self.trial
        try:
            found = self._prepared()
        except NoCopy as error:
            loose, usual = places.loose_step(self.route), databases.trial(self.looking)
            self.place = places.without_copy(Place(usual), self.wanted, loose, str(error))
            if self.place.cannot is not None:
                found = _nowhere(self.place.cannot)
            else:
                self.trial = usual
                found = self._prepared()
        notes = [*self.place.notes, *first.notes]
        return replace(found, why_there=self.place.why, notes=tuple(notes))

    @property
    def one_transaction(self) -> bool:
        """Whether all is one transaction, as in a run; what is not can only be on a copy."""
        return not self.trial.COPY or places.loose_step(self.route) is None

    def _prepared(self) -> Rehearsal:
        self._tell("Preparing")
        prepared = self.trial.prepared(self.looking, keep_read_only, self.call)
        try:
            with prepared as tame, databases.rehearsing(tame), outside_world():
                return self._watched(connections[self.alias])
        except KeyboardInterrupt:
            if self._lookout is None or not self._lookout.time_is_up:
                raise
            return self._late()

    def _watched(self, connection: Any) -> Rehearsal:
        with Lookout(connection, True, self._tell) as self._lookout:
            try:
                self._sequence(connection)
            except TakenBack:
                return Rehearsal(
                    True,
                    seconds=self.seconds,
                    schema_diff=schema_diff(self.before, self.after),
                    where=self.trial.WHERE,
                    left_out=consent.after_the_commit(),
                )
            except EngineError:
                raise
            except BaseException as error:  # noqa: BLE001 -- operations raise anything, SystemExit too
                return self._failed(error)
        raise AssertionError("The rehearsal ended without being taken back.")

    @no_translations  # type: ignore[untyped-decorator, unused-ignore]
    def _sequence(self, connection: Any) -> None:
        """Do what a run does up to its commit; that is where the handlers of post_migrate would begin."""
        import_management_modules()
        connection.ensure_connection()
        executor = _RehearsalExecutor(connection, self.route, self)
        self._state = executor.state_now()
        executor.migrate(executor.targets(), plan=self.route.pairs, state=self._state.clone())

    # -- what the executor tells
    def begins(self, connection: Any) -> None:
        """Make sure that what follows can be taken back, and is."""
        self.begun = time.monotonic()
        try:
            self.trial.begin(connection, self.runs_code)
        except Exception as error:
            raise Refusal(
                "It cannot be rehearsed: nothing would stop its code from committing. %s" % str(error).strip()
            ) from error
        limit = self.trial.LIMIT
        deadline = None if limit is None else self.begun + limit
        self._lookout.watch(deadline, lambda: interrupt(self.call))

    def before_steps(self, recorder: Any) -> None:
        """Ask again, under the locks, whether all is as it was shown. Raises `StaleError`."""
        if applied(recorder) != self.records:
            raise StaleError("Another program changed the history in this moment: look again.")
        connection = recorder.connection
        self.before = self.trial.schema(connection)
        # In the transaction here, so that what the handlers write is taken back too.
        emit_pre_migrate_signal(
            1,
            False,
            self.alias,
            apps=self._state.apps,
            stdout=OutputWrapper(sys.stderr),
            plan=self.route.pairs,
        )

    @contextlib.contextmanager
    def step(self, migration: Any, state: Any) -> Iterator[None]:
        """Surround one step. Raises `TakenBack` after the last one."""
        self.under_way = (migration.app_label, migration.name)
        self._tell("Rehearsing %s" % migration)
        yield
        connection = connections[self.alias]
        if self.one_transaction:
            databases.vendor(connection).between_steps(connection)
        if len(self.reached) + 1 == len(self.route.pairs):
            self.trial.last_checks(connection)
            self.seconds = time.monotonic() - self.begun
            self.after = self.trial.schema(connection)
            raise TakenBack
        self.reached.append(self.under_way)

    def _tell(self, message: str) -> None:
        self.call.progress(len(self.reached), len(self.route.pairs), message, note=self.place.words)

    # -- how it ended
    def _failed(self, error: BaseException) -> Rehearsal:
        self.seconds = time.monotonic() - self.begun
        if self._lookout.time_is_up or self._cut_off(error):
            return self._late(error)
        if self.call.stopping:
            raise error
        if any(self.trial.ended_transaction(each) for each in failures.chain(error)):
            return self._cannot(
                "its code commits the transaction itself, and nothing could be taken back", error
            )
        blocked_by = self._lookout.blockers(error)
        sentence = failures.sentence(error)
        if blocked_by:
            sentence = "%s. %s" % (sentence.rstrip("."), blocked_sentence(blocked_by))
        return Rehearsal(
            False,
            failed_step=None if self.under_way is None else StepDone(*self.under_way),
            failed_operation=failures.failed_operation(error),
            error=sentence,
            detail=failures.detail(error),
            seconds=self.seconds,
            where=self.trial.WHERE,
            blocked_by=blocked_by,
        )

    def _cut_off(self, error: BaseException) -> bool:
        """Return whether the server's own limit ended it, as where there is no thread to watch the time."""
        limit = self.trial.LIMIT
        if limit is None or self.seconds < limit:
            return False
        return any(self.trial.out_of_time(each) for each in failures.chain(error))

    def _late(self, error: Optional[BaseException] = None) -> Rehearsal:
        why = "it takes more than %d s, and its locks would keep others waiting" % self.trial.LIMIT
        return self._cannot(why, error)

    def _cannot(self, why: str, error: Optional[BaseException]) -> Rehearsal:
        key = self.under_way or self.route.keys[0]
        number = self.route.keys.index(key) + 1
        cannot = "It cannot be rehearsed: step %d, %s.%s, because %s. All was taken back. %s"
        return Rehearsal(
            False,
            cannot=(cannot % (number, *key, why, self.place.no_copy)).strip(),
            failed_step=StepDone(*key),
            failed_operation=None if error is None else failures.failed_operation(error),
            detail="" if error is None else failures.detail(error),
            seconds=time.monotonic() - self.begun,
            where=self.trial.WHERE,
            copy_instead=self.place.copy_instead,
        )
