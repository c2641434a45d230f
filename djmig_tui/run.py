"""Run a confirmed plan: the sequence of Django's migrate, with the plan that was shown and no other.

Going through the `migrate` command would be wrong: it refuses two heads before it is asked for a
plan, and a project's override may do something else (EDGES 15, 52).
"""

import contextlib
import inspect
import sys
import time
import traceback
from importlib import import_module
from typing import Any, Iterator, List, Optional, Set, Tuple

from django.apps import apps
from django.core.management.base import OutputWrapper, no_translations
from django.core.management.sql import emit_post_migrate_signal, emit_pre_migrate_signal
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import ModelState
from django.utils.module_loading import module_has_submodule

from . import databases
from .errors import EngineError, Refusal, StaleError, first_error
from .loading import Key
from .plan import Pairs, PlanExecutor, Route, build, route_of
from .protocol import BLOCKED, Plan, RunFinished, RunPlan, StepDone
from .records import read_records

RECORDS_BOTH_WAYS = "forward" in inspect.signature(MigrationExecutor.record_migration).parameters


class RunStopped(Exception):
    """Raised between two steps when a stop was asked for."""


def run_plan(session: Any, request: RunPlan, call: Any) -> RunFinished:
    """Run the plan that was shown, and say what stands in the database afterwards.

    Raises `StaleError` if it would not be that plan any more, `Refusal` if it is blocked or this
    engine was told never to write. A failure of the run itself is an answer, not an exception;
    the process must not go on after it, for Python state may be left behind.
    """
    if session.read_only:
        raise Refusal("djmig-tui was started with --read-only: nothing is run. Start it without to go on.")
    plan = build(session, request)
    if plan.fingerprint != request.fingerprint:
        raise StaleError(
            "The history or a file changed since the plan was shown: nothing was done; look again."
        )
    if plan.verdict == BLOCKED:
        raise Refusal("The plan is blocked: %s" % "; ".join(plan.blockers))
    route = route_of(session, request)
    records = set(session.refresh(request.database))
    started = time.monotonic()
    with databases.writing(request.database) as connection:
        run = _Run(connection, route, plan, records, call)
        run.go()
    session.forget_records()
    session.finished = run.error is not None or run.stopped
    return run.finished(request.database, time.monotonic() - started)


class RunExecutor(PlanExecutor):
    """Django's executor, in one transaction where the database can, recording with the schema change."""

    def __init__(self, run: "_Run") -> None:
        super().__init__(run.connection, run.route.executor.loader)
        self.run = run

    def state_now(self) -> Any:
        """Return the project's state as the applied migrations make it."""
        return self._create_project_state(with_applied_migrations=True)  # type: ignore[attr-defined, unused-ignore]

    def migrate(  # type: ignore[override, unused-ignore]
        self, targets: Any, plan: Any = None, state: Any = None, **kwargs: Any
    ) -> Any:
        """Run `plan`; the transaction is in here so that post_migrate handlers are outside it."""
        vendor = databases.vendor(self.connection)
        if not self.run.plan.one_transaction:
            vendor.guard(self.connection, False)
            self.run.confirm_records(self.recorder)
            return super().migrate(targets, plan=plan, state=state, **kwargs)
        with vendor.transaction(self.connection):
            vendor.guard(self.connection, True)
            self.run.confirm_records(self.recorder)
            return super().migrate(targets, plan=plan, state=state, **kwargs)

    def unapply_migration(self, state: Any, migration: Any, fake: bool = False) -> Any:
        """Undo one migration; its record goes in the same transaction where there is one (EDGES 29)."""
        with self.run.step(migration):
            with self.connection.schema_editor(atomic=migration.atomic) as editor:
                state = migration.unapply(state, editor)
                if editor.atomic_migration:
                    self._record(migration, False)
            if not editor.atomic_migration:
                self._record(migration, False)
        return state

    def _record(self, migration: Any, forward: bool) -> None:
        """Record as this version of Django does; 6.0 also records the squashes inside a squash."""
        record: Any = self.record_migration
        if RECORDS_BOTH_WAYS:
            record(migration.app_label, migration.name, forward=forward)
        elif forward:
            record(migration)
        else:
            for app, name in migration.replaces:
                self.recorder.record_unapplied(app, name)
            self.recorder.record_unapplied(migration.app_label, migration.name)

    def apply_migration(
        self, state: Any, migration: Any, fake: bool = False, fake_initial: bool = False
    ) -> Any:
        """Apply one migration; its record comes in the same transaction where there is one."""
        with self.run.step(migration):
            with self.connection.schema_editor(atomic=migration.atomic) as editor:
                state = migration.apply(state, editor)
                if editor.atomic_migration:
                    self._record(migration, True)
            if not editor.atomic_migration:
                self._record(migration, True)
        return state


class _Run:
    """One run under way, and what became of it."""

    def __init__(self, connection: Any, route: Route, plan: Plan, records: Set[Key], call: Any) -> None:
        self.connection = connection
        self.route = route
        self.plan = plan
        self.records = records  # of the plan that was confirmed
        self.call = call
        self.backwards = bool(route.pairs) and route.pairs[0][1]
        self.reached: List[Key] = []
        self.under_way: Optional[Key] = None
        self.committed = False
        self.stopped = False
        self.error: Optional[str] = None
        self.detail = ""
        self.post_migrate_error: Optional[str] = None

    def go(self) -> None:
        """Run it. Every failure ends up in the fields of this object."""
        if not self.route.pairs:
            return
        if self.plan.one_transaction:
            self.call.on_stop(databases.cancel_all)  # what is cut off is rolled back whole
        try:
            self._sequence()
        except RunStopped:
            self.stopped = True
        except EngineError:
            raise
        except Exception as error:  # noqa: BLE001 -- operations and handlers may raise anything; it is the answer
            first = first_error(error)
            self.stopped = self.call.stopping and not self.committed
            sentence = "%s: %s" % (type(first).__name__, str(first).strip() or "no message")
            self.detail = traceback.format_exc()
            if self.committed:
                self.post_migrate_error = sentence
            elif not self.stopped:
                self.error = sentence

    @no_translations  # type: ignore[untyped-decorator, unused-ignore]
    def _sequence(self) -> None:
        """Do what the handle method of Django's migrate does (django/core/management/commands/migrate.py)."""
        _import_management_modules()
        self.connection.prepare_database()
        executor = RunExecutor(self)
        pairs: Pairs = self.route.pairs
        state = executor.state_now()
        stdout = OutputWrapper(sys.stderr)
        common = {"stdout": stdout, "plan": pairs}
        alias = self.connection.alias
        emit_pre_migrate_signal(1, False, alias, apps=state.apps, **common)
        after = executor.migrate(self._targets(), plan=pairs, state=state.clone())
        self.committed = True
        after.clear_delayed_apps_cache()
        emit_post_migrate_signal(1, False, alias, apps=_with_real_models(after.apps), **common)

    def _targets(self) -> List[Tuple[str, Optional[str]]]:
        """Return what `migrate` takes with a plan: it looks at the plan alone."""
        return [(migration.app_label, migration.name) for migration, _ in self.route.pairs]

    def confirm_records(self, recorder: Any) -> None:
        """Raise `StaleError` if another program changed the history between plan and lock."""
        applied = set(recorder.applied_migrations()) if recorder.has_table() else set()
        if applied != self.records:
            raise StaleError(
                "Another program changed the history in this moment: nothing was done; look again."
            )

    @contextlib.contextmanager
    def step(self, migration: Any) -> Iterator[None]:
        """Surround one step: progress, a stop before it, pending constraints after it."""
        if self.call.stopping:
            raise RunStopped
        self.under_way = (migration.app_label, migration.name)
        verb = "Unapplying" if self.backwards else "Applying"
        self.call.progress(len(self.reached), len(self.route.pairs), "%s %s" % (verb, migration))
        yield
        if self.plan.one_transaction:
            databases.vendor(self.connection).between_steps(self.connection)
            if self.call.stopping:  # asked while Python code ran: no statement was there to be cut off
                raise RunStopped
        self.reached.append(self.under_way)
        self.under_way = None
        self.call.progress(len(self.reached), len(self.route.pairs), "%s %s: done" % (verb, migration))

    def finished(self, alias: str, seconds: float) -> RunFinished:
        """Return how it ended, with the truth read from the records where they can be read."""
        done = self._standing(alias)
        failed = self.under_way if self.error is not None else None
        return RunFinished(
            done=tuple(StepDone(*key) for key in done),
            error=self.error if failed is None else "%s.%s: %s" % (*failed, self.error),
            detail=self.detail,
            failed_step=None if failed is None else StepDone(*failed),
            stopped=self.stopped,
            taken_back=self.plan.one_transaction and not self.committed,
            post_migrate_error=self.post_migrate_error,
            next_steps=self._next_steps(done),
            seconds=seconds,
        )

    def _standing(self, alias: str) -> List[Key]:
        try:
            records = read_records(alias)
        except EngineError:  # the database went away: what was committed is what we know
            return [] if self.plan.one_transaction and not self.committed else list(self.reached)
        return [key for key in self.route.keys if (key in records) != self.backwards]

    def _next_steps(self, done: List[Key]) -> Tuple[str, ...]:
        if self.error is not None or self.stopped:
            if not done:
                return ("Nothing was changed. Mend the cause, then look at the plan again.",)
            return (
                "%d of %d steps stand. Mend the cause, then go on, or migrate forward again to where it was."
                % (len(done), len(self.route.pairs)),
            )
        restart = "Restart what runs on this database (runserver, workers)."
        if not self.backwards:
            return (restart,)
        names = ", ".join("%s.%s" % key for key in done)
        return (
            "The code is ahead of the database: edit the models, or check out the code that fits.",
            "Remove the files you do not want any more (d): %s." % names,
            "Make them again: python manage.py makemigrations.",
            restart,
        )


def _import_management_modules() -> None:
    """Register the signal handlers that apps keep in their management modules, as migrate does."""
    for app_config in apps.get_app_configs():
        if module_has_submodule(app_config.module, "management"):
            import_module(".management", app_config.name)


def _with_real_models(after: Any) -> Any:
    """Render the models of unmigrated apps again, with their relations, as migrate does."""
    with after.bulk_update():
        keys = [(model.app_label, model.name_lower) for model in after.real_models]
        for key in keys:
            after.unregister_model(*key)
    after.render_multiple([ModelState.from_model(apps.get_model(*key)) for key in keys])
    return after
