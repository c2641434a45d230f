"""Run a confirmed plan: the sequence of Django's migrate, with the plan that was shown and no other.

Going through the `migrate` command would be wrong: it refuses two heads before it is asked for a
plan, and a project's override may do something else (EDGES 15, 52).
"""

import contextlib
import sys
import time
from typing import Any, Iterator, List, Optional, Set, Tuple

from django.apps import apps
from django.core.management.base import OutputWrapper, no_translations
from django.core.management.sql import emit_post_migrate_signal, emit_pre_migrate_signal
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ModelState

from . import databases, failures
from .errors import EngineError, Refusal, StaleError
from .executor import RunExecutor, import_management_modules, operations_kept
from .impact import Impact
from .keeping_rows import Keeper
from .loading import Key
from .lookout import Lookout
from .measuring import grown, measured
from .outcome import finished, is_recorded
from .plan import fingerprint, weigh
from .protocol import BLOCKED, DatabaseSession, Plan, RunFinished, RunPlan
from .questions import ask
from .routes import Route, route_of
from .stopping import RunStopped, Stopping


class Overtaken(Exception):
    """Raised between two steps when another program changed the history meanwhile."""


def run_plan(session: Any, request: RunPlan, call: Any) -> RunFinished:
    """Run the plan that was shown, and say what stands in the database afterwards.

    Raises `StaleError` if it would not be that plan any more or would lose more than was shown, and
    `Refusal` if it is blocked, another run is under way or this engine was told never to write. A
    failure of the run itself is an answer, not an exception; the process must not go on after it,
    for Python state may be left behind.
    """
    if session.read_only:
        raise Refusal("djmig-tui was started with --read-only: nothing is run. Start it without to go on.")
    plan, impact = weigh(session, request)
    route = route_of(session, request)
    # Asked of this very route: what changes after it meets these records under the lock.
    if {plan.fingerprint, fingerprint(session, request, route)} != {request.fingerprint}:
        raise StaleError(
            "The history or a file changed since the plan was shown: nothing was done; look again."
        )
    if plan.verdict == BLOCKED:
        raise Refusal("The plan is blocked: %s" % "; ".join(plan.blockers))
    records = set(session.known_records(request.database))
    started = time.monotonic()
    with databases.writing(request.database) as connection:
        run = Run(connection, route, weighed=(plan, impact), request=request, records=records, call=call)
        run.go()
    session.forget_records()
    session.finished = run.error is not None or run.stopped
    return finished(run, time.monotonic() - started)


class Run:
    """One run under way, and what became of it."""

    def __init__(
        self,
        connection: Any,
        route: Route,
        *,
        weighed: Tuple[Plan, Impact],
        request: RunPlan,
        records: Set[Key],
        call: Any,
    ) -> None:
        self.connection = connection
        self.route = route
        self.plan, self.impact = weighed
        self.request = request
        self.one_transaction = self.plan.one_transaction
        self.records = records  # of the plan that was confirmed
        self.call = call
        self.backwards = bool(route.pairs) and route.pairs[0][1]
        self.reached: List[Key] = []
        self.begun = False
        self.under_way: Optional[Any] = None  # the migration
        self.committed = False
        self.stopped = False
        self.error: Optional[str] = None
        self.detail = ""
        self.operation: Optional[str] = None
        self.blocked_by: Tuple[DatabaseSession, ...] = ()
        self.post_migrate_error: Optional[str] = None
        self._lookout = Lookout(connection, not self.one_transaction, self._tell)
        self._keeper: Optional[Keeper] = None
        if self.backwards:
            self._keeper = Keeper(connection, self.impact, request.keep, call, self.one_transaction)

    def go(self) -> None:
        """Run it. Every failure ends up in the fields of this object."""
        if not self.route.pairs:
            return
        at_once = self._may_be_cut_off if self.one_transaction else None
        with self._lookout, operations_kept(self.route), Stopping(self.call, self.connection, at_once):
            try:
                self._sequence()
            except RunStopped:
                self.stopped = True
            except EngineError:
                raise
            except BaseException as error:  # noqa: BLE001 -- operations and handlers raise anything, SystemExit too
                self._failed(error)

    def _failed(self, error: BaseException) -> None:
        """Keep what `error` says. What fails because all was cut off is no error of its own."""
        self.detail = failures.detail(error)
        if self.committed:
            self.post_migrate_error = failures.sentence(error)
        elif self.call.stopping and self.one_transaction:
            self.stopped = True
        else:
            self.error = failures.sentence(error)
            if not self.begun:
                self.error = "Before the first step: %s" % self.error
            elif self.one_transaction and len(self.reached) == len(self.route.pairs):
                self.error = "When all was to be committed: %s" % self.error
            self.operation = failures.failed_operation(error)
            self.blocked_by = self._lookout.blockers(error)

    @no_translations  # type: ignore[untyped-decorator, unused-ignore]
    def _sequence(self) -> None:
        """Do what the handle method of Django's migrate does (django/core/management/commands/migrate.py)."""
        import_management_modules()
        self.connection.prepare_database()
        executor = RunExecutor(self.connection, self.route, self)
        pairs = self.route.pairs
        state = executor.state_now()
        common = {"stdout": OutputWrapper(sys.stderr), "plan": pairs}
        alias = self.connection.alias
        emit_pre_migrate_signal(1, False, alias, apps=state.apps, **common)
        after = executor.migrate(executor.targets(), plan=pairs, state=state.clone())
        self.committed = True
        after.clear_delayed_apps_cache()
        emit_post_migrate_signal(1, False, alias, apps=_with_real_models(after.apps), **common)

    # -- what the executor tells
    def begins(self, connection: Any) -> None:
        """Have the run watched from here on: from here on it may wait for locks."""
        self._lookout.watch()

    def before_steps(self, recorder: Any) -> None:
        """Ask again, under the locks, what the user said yes to. Raises `StaleError`."""
        if applied(recorder) != self.records:
            raise StaleError(
                "Another program changed the history in this moment: nothing was done; look again."
            )
        if self.request.counted:
            self._refuse_more_loss()

    def _refuse_more_loss(self) -> None:
        asked = ask(self.impact.effects, self.connection).questions
        tables = {question.table for question in asked if question.table and not question.fails}
        databases.vendor(self.connection).hold(self.connection, sorted(tables))
        more = grown(self.request.accepted, measured(self.plan, self.impact, self.connection))
        if more:
            raise StaleError(
                "More would be lost than was shown (%s): nothing was done; look again." % "; ".join(more)
            )

    @contextlib.contextmanager
    def step(self, migration: Any, state: Any) -> Iterator[None]:
        """Surround one step: progress, a stop before it, pending constraints after it."""
        if self.call.stopping:
            raise RunStopped
        self.begun = True
        self._refuse_overtaken(migration)
        if self._keeper is not None:
            self._keeper.before(migration)
        self.under_way = migration
        self._tell("%s %s" % (self._verb, migration))
        yield
        if self.one_transaction:
            databases.vendor(self.connection).between_steps(self.connection)
            if self.call.stopping:  # asked while Python code ran: no statement was there to be cut off
                raise RunStopped
        if self._keeper is not None:
            self._keeper.after(migration, state)
        self.reached.append((migration.app_label, migration.name))
        self.under_way = None
        self._tell("%s %s: done" % (self._verb, migration))

    @property
    def _verb(self) -> str:
        return "Unapplying" if self.backwards else "Applying"

    def _tell(self, message: str) -> None:
        self.call.progress(len(self.reached), len(self.route.pairs), message)

    def _refuse_overtaken(self, migration: Any) -> None:
        """Look before each step that commits by itself: between two of them others may act."""
        if self.one_transaction or not self.reached:
            return
        if is_recorded(migration, applied(MigrationRecorder(self.connection))) != self.backwards:
            words = ("unapplied", "applied")[not self.backwards]
            raise Overtaken("another program has %s %s meanwhile" % (words, migration))

    def _may_be_cut_off(self) -> bool:
        return not self.committed


def applied(recorder: Any) -> Set[Key]:
    """Return the keys of what is recorded, as the connection of `recorder` sees it."""
    return set(recorder.applied_migrations()) if recorder.has_table() else set()


def _with_real_models(after: Any) -> Any:
    """Render the models of unmigrated apps again, with their relations, as migrate does."""
    with after.bulk_update():
        keys = [(model.app_label, model.name_lower) for model in after.real_models]
        for key in keys:
            after.unregister_model(*key)
    after.render_multiple([ModelState.from_model(apps.get_model(*key)) for key in keys])
    return after
