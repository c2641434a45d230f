"""Django's executor as runs and rehearsals use it: one transaction where there can be one, records in it."""

import contextlib
import inspect
from importlib import import_module
from typing import Any, List, Tuple

from django.apps import apps
from django.db.migrations.executor import MigrationExecutor
from django.utils.module_loading import module_has_submodule

from . import databases
from .routes import PlanExecutor, Route

RECORDS_BOTH_WAYS = "forward" in inspect.signature(MigrationExecutor.record_migration).parameters


class DatabaseGone(Exception):
    """Raised at the end of a run if what it changed is not what others will see."""


class RunExecutor(PlanExecutor):
    """Runs the plan of a route on a connection that may write.

    `run` is told where it stands: ``begins(connection)`` when the transaction is open and nothing
    is locked yet, ``before_steps(recorder)`` when the locks are held, and ``step(migration, state)``
    surrounds each step, with the project's state before `migration`.
    """

    def __init__(self, connection: Any, route: Route, run: Any) -> None:
        super().__init__(connection, route.executor.loader)
        self.route = route
        self.run = run

    def state_now(self) -> Any:
        """Return the project's state as the applied migrations make it."""
        return self._create_project_state(with_applied_migrations=True)  # type: ignore[attr-defined, unused-ignore]

    def targets(self) -> List[Tuple[str, str]]:
        """Return what `migrate` takes with a plan: it looks at the plan alone."""
        return self.route.keys

    def migrate(  # type: ignore[override, unused-ignore]
        self, targets: Any, plan: Any = None, state: Any = None, **kwargs: Any
    ) -> Any:
        """Run `plan`; the transaction is in here so that post_migrate handlers are outside it."""
        vendor = databases.vendor(self.connection)
        one: bool = self.run.one_transaction
        with vendor.transaction(self.connection) if one else contextlib.nullcontext():
            self.run.begins(self.connection)
            vendor.guard(self.connection, one)
            file = vendor.file(self.connection.settings_dict)
            self.run.before_steps(self.recorder)
            state = super().migrate(targets, plan=plan, state=state, **kwargs)
            if vendor.file(self.connection.settings_dict) != file:
                raise DatabaseGone(
                    "%s is not the file any more that the run began on"
                    % self.connection.settings_dict["NAME"]
                )
            return state

    def unapply_migration(self, state: Any, migration: Any, fake: bool = False) -> Any:
        """Undo one migration; its record goes in the same transaction where there is one (EDGES 29)."""
        with self.run.step(migration, state):
            with self.connection.schema_editor(atomic=migration.atomic) as editor:
                state = migration.unapply(state, editor)
                if editor.atomic_migration:
                    self.record(migration, False)
            if not editor.atomic_migration:
                self.record(migration, False)
        return state

    def apply_migration(
        self, state: Any, migration: Any, fake: bool = False, fake_initial: bool = False
    ) -> Any:
        """Apply one migration; its record comes in the same transaction where there is one."""
        with self.run.step(migration, state):
            with self.connection.schema_editor(atomic=migration.atomic) as editor:
                state = migration.apply(state, editor)
                if editor.atomic_migration:
                    self.record(migration, True)
            if not editor.atomic_migration:
                self.record(migration, True)
        return state

    def record(self, migration: Any, forward: bool) -> None:
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


@contextlib.contextmanager
def operations_kept(route: Route) -> Any:
    """Take back what pre_migrate handlers put into the migrations: contenttypes adds operations of its own.

    The migrations are shared by all that this process still plans.
    """
    kept = [(migration, list(migration.operations)) for migration, _ in route.pairs]
    try:
        yield
    finally:
        for migration, operations in kept:
            migration.operations = operations


def import_management_modules() -> None:
    """Register the signal handlers that apps keep in their management modules, as migrate does."""
    for app_config in apps.get_app_configs():
        if module_has_submodule(app_config.module, "management"):
            import_module(".management", app_config.name)
