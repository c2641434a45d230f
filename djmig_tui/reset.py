"""Start over: what a reset of one app, or of the whole project, would do. Changes nothing by itself.

The interface takes the steps one by one, since making the new files is the project's own
makemigrations and needs a fresh process after each change on disk.
"""

import hashlib
from typing import Any, Dict, Iterable, List, Optional, Sequence, Set

from django.db import connections

from . import databases
from .errors import EngineError, Refusal
from .loading import Folder, Key, scan_folders
from .operations import is_foreign, leaves
from .protocol import (
    RESET_APP,
    RESET_DROP,
    RESET_FORGET,
    RESET_KEEPING,
    RESET_MAKE,
    RESET_MIGRATE,
    RESET_PROJECT,
    RESET_RECORD,
    RESET_RECREATE,
    RESET_REMOVE,
    RESET_UNDO,
    RESETS,
    ZERO,
    Loss,
    PreviewPlan,
    PreviewReset,
    ResetPlan,
    ResetStep,
)
from .records import Records
from .reset_ahead import why_not_made
from .reset_blockers import Blockers, blocking_dependencies, missing
from .reset_databases import about_databases
from .reset_tables import WAY_OUT, pointing_at, tables_of

#: How many names are listed before the rest is counted.
LISTED = 6


def preview_reset(session: Any, request: PreviewReset, call: Any) -> ResetPlan:
    """Answer with the steps of starting over, or why that cannot be.

    Raises `Refusal` for what cannot be meant at all: an unknown app, an app without files.
    """
    if request.kind not in RESETS or (request.app is None) != (request.kind == RESET_PROJECT):
        raise Refusal("Say what to start over: one app, or the project.")
    databases.check_alias(request.database)
    session.refuse_changed_files()
    return _Planner(session, request, call).plan()


class _Planner:
    """Plans one reset."""

    def __init__(self, session: Any, request: PreviewReset, call: Any) -> None:
        self.session = session
        self.request = request
        self.call = call
        self.disk = session.disk()
        self.folders = _folders(request.app)
        self.apps = [folder.label for folder in self.folders]
        self.keys: List[Key] = [(folder.label, name) for folder in self.folders for name in folder.names]
        self.records: Dict[str, Records] = {}
        self.blockers = Blockers(session, request)
        self.gate: List[str] = []
        self.loss: List[Loss] = []
        self.notes: List[str] = []
        self.undone: Dict[str, List[Key]] = {}  # alias -> what other apps lose and get again

    def plan(self) -> ResetPlan:
        """Return the plan."""
        self._read_records()
        aliases = self._aliases()
        self.blockers.about_place(self.folders, aliases)
        self.blockers.about_files(self.keys, blocking_dependencies(self.disk, self.apps))
        about_databases(self.session, self.blockers, self.request, aliases, list(self.records))
        if not self.blockers.sentences:
            for sentence, way_out in why_not_made(self.disk, set(self.apps)).items():
                self.blockers.add(sentence, way_out)
        steps = self._steps(aliases)
        self._note_code()
        return ResetPlan(
            database=self.request.database,
            kind=self.request.kind,
            app=self.request.app,
            title=self._title(),
            steps=tuple(steps),
            fingerprint=self._fingerprint(),
            blockers=tuple(self.blockers.sentences),
            ways_out=tuple(self.blockers.ways_out),
            loss=tuple(self.loss),
            files=tuple("%s/%s.py" % (folder.path, name) for folder in self.folders for name in folder.names),
            notes=tuple(self.notes),
            gate=" ".join(self.gate),
        )

    def _read_records(self) -> None:
        for alias in connections.settings:
            try:
                self.records[alias] = self.session.refresh(alias)
            except EngineError as error:
                self.blockers.add("%r cannot be asked what is applied there: %s" % (alias, error))

    def _aliases(self) -> List[str]:
        """Return the databases that have records of what starts over, the one looked at first."""
        labels = set(self.apps)
        having = [alias for alias, records in self.records.items() if labels & {app for app, _ in records}]
        first = [alias for alias in having if alias == self.request.database]
        return first + [alias for alias in having if alias not in first]

    def _recorded(self, alias: str) -> List[Key]:
        return sorted(key for key in self.records.get(alias, {}) if key[0] in self.apps)

    # -- steps
    def _steps(self, aliases: Sequence[str]) -> List[ResetStep]:
        kind = self.request.kind
        steps: List[ResetStep] = []
        if kind == RESET_PROJECT:
            steps.extend(self._recreate(alias) for alias in aliases)
        elif kind == RESET_APP:
            for alias in aliases:
                steps.extend(self._emptied(alias))
        steps.append(_step(RESET_REMOVE, "Move %s to the trash." % _files(self.keys), keys=self.keys))
        steps.append(
            _step(RESET_MAKE, "python manage.py makemigrations %s" % " ".join(self.apps), apps=self.apps)
        )
        for alias in aliases if kind != RESET_PROJECT else aliases or [self.request.database]:
            steps.append(self._taken_up(alias))
        return steps

    def _recreate(self, alias: str) -> ResetStep:
        name = databases.settings_of(alias)["NAME"]
        words = "Put a new, empty database in the place of %s (%s)." % (name, alias)
        self.loss.append(Loss("", str(name), None, None, kind="drop database"))
        return _step(RESET_RECREATE, words, database=alias)

    def _emptied(self, alias: str) -> List[ResetStep]:
        """Return how the app gets off one database: back to zero, or its tables dropped."""
        recorded = self._recorded(alias)
        app = str(self.request.app)
        plan = self._plan_to_zero(alias, app)
        in_the_way = plan.blockers if plan is not None else ("its way back cannot be planned.",)
        if plan is not None and not in_the_way:
            in_the_way = missing(self.session, alias, {step.app for step in plan.steps}, self.call)
        if plan is not None and not in_the_way:
            self.loss.extend(plan.loss)
            going = [(step.app, step.name) for step in plan.steps]
            self.undone[alias] = [key for key in going if key[0] != app]
            self.blockers.about_return(alias, self.undone[alias])
            words = "Take %s back to zero on %s%s." % (app, alias, _also(self.undone[alias]))
            steps = [_step(RESET_UNDO, words, database=alias, keys=going)] if going else []
            left = [key for key in recorded if key not in going]
            if left:  # ghosts, and files that cannot be read: what they made goes with their tables
                words = "Forget the records of %s on %s." % (_names(left), alias)
                steps.append(_step(RESET_FORGET, words, alias, left))
            return steps
        why = " ".join(in_the_way)
        others = self._others_recorded(alias, app)
        if others:
            self.blockers.add(
                "%s cannot be taken back to zero on %s (%s), and its tables cannot be dropped either: "
                "%s stands on them." % (app, alias, why.rstrip("."), _names(others)),
                "Reset the whole project instead, or undo these first.",
            )
            return []
        tables = tables_of(self.session, databases.looking(alias), app)
        for sentence in pointing_at(databases.looking(alias), tables):
            self.blockers.add(sentence, WAY_OUT)
        self.loss.extend(Loss(app, table, None, kind="drop table") for table in tables)
        self.gate.append("%s is not undone on %s but its tables are dropped: %s" % (app, alias, why))
        return [_step(RESET_DROP, "Drop the tables of %s on %s." % (app, alias), alias, recorded, [app])]

    def _plan_to_zero(self, alias: str, app: str) -> Any:
        from .plan import build

        try:
            return build(self.session, PreviewPlan(alias, ZERO, app))
        except Refusal:  # no graph: the files are broken, which may be why somebody starts over
            return None

    def _others_recorded(self, alias: str, app: str) -> List[Key]:
        """Return what is applied of other apps and needs the app, directly or not."""
        from .dependencies import needs

        below = needs(self.disk)
        found: Set[Key] = set()
        known = {*self.disk.migrations, *self.disk.broken, *self._recorded(alias)}
        stack = [key for key in known if key[0] == app]
        while stack:
            for child in below.get(stack.pop(), []):
                if child not in found:
                    found.add(child)
                    stack.append(child)
        records = self.records.get(alias, {})
        return sorted(key for key in found if key[0] != app and key in records)

    def _taken_up(self, alias: str) -> ResetStep:
        if self.request.kind == RESET_KEEPING:
            words = (
                "Compare the schema of %s with what was made; only if they agree, forget the %d records of %s"
                " there and record what was made instead. Otherwise everything is put back."
                % (alias, len(self._recorded(alias)), self.request.app)
            )
            return _step(RESET_RECORD, words, alias, self._recorded(alias), self.apps)
        again = self.undone.get(alias, [])
        words = "Migrate %s on %s%s." % (", ".join(self.apps[:LISTED]), alias, _also(again, "applied again"))
        return _step(RESET_MIGRATE, words, alias, list(reversed(again)), self.apps)

    # -- words
    def _title(self) -> str:
        if self.request.kind == RESET_PROJECT:
            return "Reset the project: a new database, and new migrations of %s" % ", ".join(self.apps)
        if self.request.kind == RESET_KEEPING:
            return "Make the migrations of %s anew and keep its tables with all their rows" % self.request.app
        return "Reset %s: its tables and rows go, its migrations are made anew" % self.request.app

    def _note_code(self) -> None:
        """Name what makemigrations does not bring back: it knows the models only."""
        for key in self.keys:
            migration = self.disk.migrations.get(key)
            if migration is None:
                self.notes.append("%s.%s cannot be read; its file is kept in the trash." % key)
                continue
            lost = [
                each
                for each in leaves(migration.operations)
                if is_foreign(each) or type(each).__name__ in {"RunPython", "RunSQL"}
            ]
            if lost:
                self.notes.append(
                    "%s.%s runs code (%s), which is not in the new migrations: its file is kept in the trash."
                    % (*key, ", ".join(sorted({type(each).__name__ for each in lost})))
                )

    def _fingerprint(self) -> str:
        digest = hashlib.sha256()
        for text in (self.request.kind, self.request.database, *self.apps, *self._texts()):
            digest.update(text.encode("utf-8", "surrogateescape") + b"\0")
        return digest.hexdigest()[:32]

    def _texts(self) -> Iterable[str]:
        for folder in self.folders:
            for name in folder.names:
                with open("%s/%s.py" % (folder.path, name), "rb") as source:
                    yield "%s.%s %s" % (folder.label, name, hashlib.sha256(source.read()).hexdigest())
        for alias in sorted(self.records):
            for key in sorted(self.records[alias]):
                yield "%s %s.%s" % (alias, *key)


def _folders(app: Optional[str]) -> List[Folder]:
    """Return the folders of what starts over. Raises `Refusal` where there is nothing of the kind."""
    folders = scan_folders()
    if app is None:
        own = [folder for folder in folders if folder.names and not folder.third_party]
        if not own:
            raise Refusal("No app of the project itself has migrations: there is nothing to start over.")
        return own
    found = [folder for folder in folders if folder.label == app]
    if not found:
        raise Refusal("There is no app %r in INSTALLED_APPS." % app)
    if not found[0].names:
        raise Refusal(
            "%s has no migration files: %s"
            % (app, found[0].why_empty or "python manage.py makemigrations makes them.")
        )
    return found


def _step(
    action: str, words: str, database: str = "", keys: Sequence[Key] = (), apps: Sequence[str] = ()
) -> ResetStep:
    return ResetStep(action, words, database, tuple("%s.%s" % key for key in keys), tuple(apps))


def _files(keys: Sequence[Key]) -> str:
    return "the file %s.%s" % keys[0] if len(keys) == 1 else "%d files" % len(keys)


def _names(keys: Sequence[Key]) -> str:
    names = ["%s.%s" % key for key in keys[:LISTED]]
    more = len(keys) - len(names)
    return ", ".join(names) + (" and %d more" % more if more else "")


def _also(keys: Sequence[Key], verb: str = "undone") -> str:
    return "; also %s, because it depends on it: %s" % (verb, _names(keys)) if keys else ""
