"""An engine without a process: answers for the bookshop, remembers what was asked and what was changed."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

from djmig_tui import protocol as p
from tui.engine.api import Engine, OnChunk, OnKeep, OnProgress
from tui.engine.errors import EngineEnded, Failed, Refused, Stale

from . import bookshop

#: What a backup is made of: two chunks.
BACKUP = (b"SQLite format 3\0" + bytes(48), bytes(64))
#: The rows that a rollback drops: a price.
KEPT = b'["1","12.50"]\n'
KEPT_PART = p.KeptPart(
    "store.0002_add_price_to_product",
    "store_product",
    "price",
    (p.KeptColumn("id", "bigint"), p.KeptColumn("price", "numeric(6,2)")),
    1,
    1,
    len(KEPT),
    hashlib.sha256(KEPT).hexdigest(),
)
KEPT_ROWS = (
    p.KeepRows(1, base64.b64encode(KEPT).decode("ascii")),
    p.KeepRows(2, "", KEPT_PART),
)
#: The rollback that drops them.
KEPT_PLAN = p.Plan(
    "default", p.BACK_TO, "store", "0001_initial", "store.0001_initial", "Back to 0001_initial", p.LOSES,
    (), (p.Step("store", "0002_add_price_to_product", True, (), True, None),),
    (), (), (), (), "f" * 64, one_transaction=True,
)  # fmt: skip
CONTENT = bookshop.SOURCE.format(label="store").encode()


Intent = p.PreviewPlan | p.MeasurePlan | p.RehearsePlan | p.RunPlan


class FakeEngine(Engine):
    """Give it a history; hold `gate` closed to make it slow; put errors into `errors` by method name."""

    def __init__(self, history: p.History | None = None, project: p.Project = bookshop.PROJECT) -> None:
        self.history = history or bookshop.bookshop()
        self.project = project
        self.asked: list[Any] = []
        self.writes: list[Any] = []
        self.cancelled: list[Any] = []
        self.errors: dict[str, Exception] = {}
        self.answers: dict[str, Any] = {}
        self.gate = asyncio.Event()
        self.gate.set()
        self.run_gate = asyncio.Event()
        self.run_gate.set()
        #: Method → an event that its answer waits for, after its first progress.
        self.held: dict[str, asyncio.Event] = {}
        self.closed = False
        self.stop_asked = False
        self.uploaded = b""  # what came of the last upload

    async def _asked(self, method: str, request: Any) -> None:
        if self.closed:
            raise EngineEnded("The engine ended.")
        self.asked.append(request)
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled.append(request)
            raise
        if method in self.errors:
            raise self.errors[method]

    async def _held(self, method: str, request: Any) -> None:
        if method not in self.held:
            return
        try:
            await self.held[method].wait()
        except asyncio.CancelledError:
            self.cancelled.append(request)
            raise

    def count(self, request: type) -> int:
        """How many requests of this type were asked."""
        return Counter(type(one) for one in self.asked)[request]

    def die(self, tail: str = "Segmentation fault") -> None:
        """End unasked, as a killed process does."""
        self.closed = True
        if self.on_ended is not None:
            self.on_ended(tail)

    def _find(self, app: str, name: str) -> p.Migration:
        for one in self.history.apps:
            for migration in one.migrations:
                if (one.label, migration.name) == (app, name):
                    return migration
        raise Refused(f"{app} has no migration {name}; look at the tree again with r.")

    # ------------------------------------------------------------------ reads
    async def open_project(self, request: p.OpenProject) -> p.Project:
        await self._asked("open_project", request)
        return self.project

    async def scan_history(self, request: p.ScanHistory) -> p.History:
        await self._asked("scan_history", request)
        return replace(self.history, database=request.database, complete=False)

    async def load_history(self, request: p.LoadHistory, on_progress: OnProgress | None = None) -> p.History:
        await self._asked("load_history", request)
        return replace(self.history, database=request.database)

    async def render_sql(self, request: p.RenderSql, *, prefetch: bool = False) -> p.Sql:
        await self._asked("render_sql", request)
        key = f"{request.app}.{request.name}"
        sql = self.answers.get(key) or bookshop.reverse_sql(key)
        if not request.backwards:
            sql = sql.replace("DROP COLUMN", "ADD COLUMN").replace("DROP TABLE", "CREATE TABLE")
        if key in bookshop.IRREVERSIBLE and request.backwards:
            error = "Raw Python operation is irreversible: reviews/migrations/0002_anonymise.py, line 14."
            return p.Sql(request.app, request.name, True, None, error, f"-- {error}\n")
        return p.Sql(request.app, request.name, request.backwards, sql, shown=sql)

    async def show_migration(self, request: p.ShowMigration, *, prefetch: bool = False) -> p.MigrationDetail:
        await self._asked("show_migration", request)
        key = f"{request.app}.{request.name}"
        migration = self._find(request.app, request.name)
        loss = _loss(key)
        return p.MigrationDetail(
            request.app,
            request.name,
            migration.file,
            bookshop.SOURCE.format(label=request.app),
            atomic=True,
            operations=bookshop.operations(key),
            depends_on=bookshop.DEPENDS.get(key, ()),
            needed_by=tuple(one for one, needs in bookshop.DEPENDS.items() if key in needs),
            loss=loss,
            verdict=_verdict([key]),
            why=_why([key]),
        )

    # ------------------------------------------------------------------- plan
    def _undone(self, request: Intent) -> list[tuple[str, str]]:
        """Return the keys to undo or apply with the reason, in order."""
        label, name = request.app, request.name
        keys = [f"{app.label}.{one.name}" for app in self.history.apps for one in app.migrations]
        applied = {
            f"{app.label}.{one.name}" for app in self.history.apps for one in app.migrations if one.applied
        }
        if request.intent == p.APPLY_THESE:
            return [(key, "") for key in keys if key in request.keys and key not in applied]
        own = [key for key in keys if label is None or key.startswith(f"{label}.")]
        if request.intent == p.FORWARD:
            last = own.index(f"{label}.{name}") + 1 if name else len(own)
            return [(key, "") for key in own[:last] if key not in applied]
        if request.intent == p.ZERO:
            start = own
        elif request.intent == p.UNDO_THESE:
            start = [key for key in keys if key in request.keys]
        elif request.intent == p.BACK_TO:
            start = own[own.index(f"{label}.{name}") + 1 :]
        else:
            start = own[own.index(f"{label}.{name}") :]
        chosen = dict.fromkeys((key for key in start if key in applied), "")
        for key, needs in bookshop.DEPENDS.items():
            for needed in needs:
                if needed in chosen and key in applied and key not in chosen:
                    chosen[key] = f"{key} depends on {needed}."
                    app = key.partition(".")[0]
                    later = [one for one in keys if one.startswith(f"{app}.") and one in applied]
                    for one in later[later.index(key) :]:
                        chosen.setdefault(one, f"{one} depends on {key}.")
        return list(reversed(chosen.items()))

    async def preview_plan(self, request: p.PreviewPlan) -> p.Plan:
        await self._asked("preview_plan", request)
        return self._plan(request)

    def _plan(self, request: Intent) -> p.Plan:
        if "preview_plan" in self.answers:
            return self.answers["preview_plan"]  # type: ignore[no-any-return]
        backwards = request.intent not in p.FORWARDS
        chosen = self._undone(request)
        keys = [key for key, _ in chosen]
        verdict = _verdict(keys) if backwards else p.SAFE
        steps = tuple(
            p.Step(
                key.partition(".")[0],
                key.partition(".")[2],
                backwards,
                tuple(("Undo " if backwards else "") + words for words in bookshop.OPERATIONS.get(key, ())),
                key not in bookshop.IRREVERSIBLE,
                because or None,
                runs_python=key in bookshop.PYTHON,
            )
            for key, because in chosen
        )
        blocked = verdict == p.BLOCKED
        before, after = (p.APPLIED, p.UNAPPLIED) if backwards else (p.UNAPPLIED, p.APPLIED)
        target = f"{request.app or 'all'}.{request.name}" if request.name else f"{request.app or 'all'}"
        return p.Plan(
            database=request.database,
            intent=request.intent,
            app=request.app,
            name=request.name,
            target=target,
            title=_title(request, keys),
            verdict=verdict,
            why=_why(keys) if backwards else ("Nothing is destroyed by migrating forward.",),
            steps=steps,
            blockers=("reviews.0002_anonymise cannot be undone: its RunPython has no reverse_code.",)
            if blocked
            else (),
            loss=tuple(loss for key in keys for loss in _loss(key)) if backwards else (),
            failures=(),
            commands=(f"python manage.py migrate {request.app or ''} {request.name or ''}".strip(),),
            fingerprint=hashlib.sha256(repr((self.history, request.keys)).encode()).hexdigest(),
            marks=tuple(
                p.MarkChange(key.partition(".")[0], key.partition(".")[2], before, after) for key in keys
            ),
            one_transaction=True,
            transaction_why="SQLite takes back schema changes, and every step is atomic.",
            notes=("The code will be ahead of the database: edit the models next.",),
            ways_out=("Go back to reviews.0002_anonymise instead: b on it.",) if blocked else (),
            keys=request.keys,
        )

    # ----------------------------------------------------------------- writes
    async def measure_plan(self, request: p.MeasurePlan, on_progress: OnProgress | None = None) -> p.Plan:
        await self._asked("measure_plan", request)
        plan = self._plan(request)
        if plan.fingerprint != request.fingerprint:
            raise Stale("The history or a file changed since the plan was shown: look again.")
        loss = tuple(replace(each, rows=5, exact=True) for each in plan.loss)
        if on_progress is not None:
            first = replace(plan, loss=(*loss[:1], *plan.loss[1:]))
            on_progress(p.Progress(1, len(loss), "Counting rows", first))
        await self._held("measure_plan", request)
        return self.answers.get("measure_plan") or replace(plan, loss=loss, counted=True)

    async def rehearse_plan(
        self, request: p.RehearsePlan, on_progress: OnProgress | None = None
    ) -> p.Rehearsal:
        await self._asked("rehearse_plan", request)
        plan = self._plan(request)
        if plan.fingerprint != request.fingerprint:
            raise Stale("The history changed since this plan was shown; nothing was done. Look again with r.")
        code = [step for step in plan.steps if step.runs_python]
        if code and not request.consent:
            sources = tuple(
                p.SqlPart("Raw Python operation", "python", "def back(apps, editor): ...", step.file)
                for step in code
            )
            return p.Rehearsal(False, "It cannot be rehearsed without your own yes.", sources=sources)
        if on_progress is not None:
            on_progress(
                p.Progress(
                    0,
                    len(plan.steps),
                    f"Rehearsing {plan.steps[0].app}.{plan.steps[0].name}",
                    note="It runs on a copy. 2 other sessions are connected.",
                )
            )
        await self._held("rehearse_plan", request)
        if self.closed:
            raise EngineEnded("The engine ended during the rehearsal.", "Killed")
        if "rehearse_plan" in self.answers:
            return self.answers["rehearse_plan"]  # type: ignore[no-any-return]
        diff = "--- before\n+++ after\n-    price decimal NOT NULL\n"
        return p.Rehearsal(True, seconds=0.2, schema_diff=diff, where="on a copy")

    async def match_rows(self, request: p.MatchRows, on_progress: OnProgress | None = None) -> p.RowsMatched:
        await self._asked("match_rows", request)
        if on_progress is not None:
            on_progress(p.Progress(0, 2_000, "Matching store_product"))
        await self._held("match_rows", request)
        return self._matched(request)

    def _matched(self, request: p.MatchRows | p.PutRowsBack) -> p.RowsMatched:
        all_match = p.RowsMatched(
            tuple(p.PartMatched(part.table, part.column, part.rows, part.rows) for part in request.parts),
            tuple(p.DefinitionMatched(each.kind, each.name, match=True) for each in request.definitions),
        )
        return self.answers.get("match_rows", all_match)  # type: ignore[no-any-return]

    async def put_rows_back(
        self, request: p.PutRowsBack, on_progress: OnProgress | None = None
    ) -> p.RowsMatched:
        await self._asked("put_rows_back", request)
        if on_progress is not None:
            on_progress(p.Progress(0, 2_000, "Putting back store_product"))
        try:
            await self._held("put_rows_back", request)
        except asyncio.CancelledError:  # asked to stop, it answers what stands
            raise Failed("Stopped: nothing was put back.") from None
        if self.closed:
            raise EngineEnded("The engine ended.", "Killed")
        self.writes.append(request)
        return self._matched(request)

    async def run_plan(
        self, request: p.RunPlan, on_progress: OnProgress | None = None, on_keep: OnKeep | None = None
    ) -> p.RunFinished:
        await self._asked("run_plan", request)
        plan = self._plan(request)
        if plan.fingerprint != request.fingerprint:
            raise Stale("The history changed since this plan was shown; nothing was done. Look again with r.")
        self.writes.append(request)
        if on_progress is not None:
            first = plan.steps[0]
            on_progress(p.Progress(0, len(plan.steps), f"{first.app}.{first.name}: Alter field price"))
        if request.keep and on_keep is not None:
            for rows in KEPT_ROWS:
                on_keep(rows)
        await self.run_gate.wait()
        if self.closed:
            raise EngineEnded("The engine ended during the run.", "Killed")
        if "run_plan" in self.answers:
            return self.answers["run_plan"]  # type: ignore[no-any-return]
        if self.stop_asked:
            return p.RunFinished((), stopped=True, taken_back=True, seconds=1.5)
        changed = {(step.app, step.name): not step.backwards for step in plan.steps}
        self._mark(changed)
        if on_progress is not None:
            on_progress(p.Progress(len(plan.steps), len(plan.steps), "post_migrate"))
        done = tuple(p.StepDone(step.app, step.name) for step in plan.steps)
        return p.RunFinished(done, next_steps=("Edit the models, then run makemigrations.",), seconds=0.4)

    def _mark(self, changed: dict[tuple[str, str], bool]) -> None:
        def one(app: p.App, migration: p.Migration) -> p.Migration:
            applied = changed.get((app.label, migration.name))
            if applied is None:
                return migration
            at = "2026-03-01T12:00:00+00:00" if applied else None
            mark = p.APPLIED if applied else p.UNAPPLIED
            return replace(migration, applied=applied, mark=mark, applied_at=at)

        apps = tuple(
            replace(app, migrations=tuple(one(app, migration) for migration in app.migrations))
            for app in self.history.apps
        )
        self.history = replace(self.history, apps=apps)

    def stop_run(self) -> None:
        self.stop_asked = True

    async def list_sessions(self, request: p.ListSessions) -> p.Sessions:
        await self._asked("list_sessions", request)
        return self.answers.get("list_sessions", p.Sessions())  # type: ignore[no-any-return]

    async def verify_schema(
        self, request: p.VerifySchema, on_progress: OnProgress | None = None
    ) -> p.Verification:
        await self._asked("verify_schema", request)
        if on_progress is not None:
            on_progress(p.Progress(0, 0, "Reading the schema"))
        await self._held("verify_schema", request)
        agrees = p.Verification(request.database, checked=12)
        return self.answers.get("verify_schema", agrees)  # type: ignore[no-any-return]

    async def read_file(self, request: p.ReadFile) -> p.MigrationFile:
        await self._asked("read_file", request)
        key = f"{request.app}.{request.name}"
        migration = self._find(request.app, request.name)
        app = next(app for app in self.history.apps if app.label == request.app)
        names = [one.name for one in app.migrations]
        needed_by = tuple(
            f"{request.app}.{name}" for name in reversed(names[names.index(request.name) + 1 :])
        )
        refusals = []
        if migration.applied:
            refusals.append(f"{key} is applied on default. Roll it back first, then remove it.")
        if needed_by:
            refusals.append(f"{needed_by[-1]} depends on it. Remove that one first.")
        if app.third_party:
            refusals = [f"{key} belongs to a package in site-packages; uninstall or upgrade that instead."]
        return p.MigrationFile(
            request.app,
            request.name,
            migration.file or "",
            base64.b64encode(CONTENT).decode(),
            0o644,
            hashlib.sha256(CONTENT).hexdigest(),
            refusals=tuple(refusals),
            applied_on=("default",) if migration.applied else (),
            needed_by=needed_by,
            first=request.name.startswith("0001"),
            warnings=("It is tracked by git and on origin/main: others may have applied it.",),
        )

    async def preview_removal(
        self, request: p.PreviewRemoval, on_progress: OnProgress | None = None
    ) -> p.Removal:
        await self._asked("preview_removal", request)
        order: dict[str, p.MigrationFile] = {}
        for key in sorted(request.keys, reverse=True):
            file = await self.read_file(p.ReadFile(request.database, *key.split(".", 1)))
            for one in (*file.needed_by, key) if request.dependents else (key,):
                order[one] = await self.read_file(p.ReadFile(request.database, *one.split(".", 1)))
        files: list[p.MigrationFile] = []
        stay: list[p.MigrationFile] = []
        for file in order.values():
            gone = {f"{one.app}.{one.name}" for one in files}
            left = [one for one in file.needed_by if one not in gone]
            free = not left and not file.applied_on and "site-packages" not in file.path
            (files if free else stay).append(replace(file, refusals=()) if free else file)
        return p.Removal(tuple(files), tuple(stay), tuple(self._remaining(files, stay)))

    def _remaining(self, files: list[p.MigrationFile], stay: list[p.MigrationFile]) -> Iterator[p.Remaining]:
        gone = {(one.app, one.name) for one in files}
        for label in sorted({one.app for one in (*files, *stay)}):
            app = next(app for app in self.history.apps if app.label == label)
            left = [one.name for one in app.migrations if (label, one.name) not in gone]
            chain = {f"{label}.{name}": f"{label}.{before}" for before, name in pairwise(left)}
            needed = {key for one in chain for key in bookshop.DEPENDS.get(one, (chain[one],))}
            heads = tuple(name for name in left if f"{label}.{name}" not in needed)
            number = max((int(name[:4]) for name in heads), default=0) + 1
            yield p.Remaining(label, heads, f"{number:04}")

    async def delete_file(self, request: p.DeleteFile) -> p.FileDeleted:
        await self._asked("delete_file", request)
        file = await self.read_file(p.ReadFile(request.database, request.app, request.name))
        if file.refusals:
            raise Refused(file.refusals[0])
        if file.sha256 != request.sha256:
            raise Stale("The file changed since it was shown; nothing was deleted.")
        self.writes.append(request)
        await self._held("delete_file", request)
        apps = tuple(
            replace(app, migrations=tuple(one for one in app.migrations if one.name != request.name))
            if app.label == request.app
            else app
            for app in self.history.apps
        )
        self.history = replace(self.history, apps=apps)
        return p.FileDeleted(file.path, (file.path + "c",))

    async def restore_file(self, request: p.RestoreFile) -> p.FileRestored:
        await self._asked("restore_file", request)
        self.writes.append(request)
        apps = tuple(
            replace(
                app,
                migrations=_with(
                    app, p.Migration(request.name, p.UNAPPLIED, False, file=request.path, head=True)
                ),
            )
            if app.label == request.app
            else app
            for app in self.history.apps
        )
        self.history = replace(self.history, apps=apps)
        return p.FileRestored(request.path)

    # ---------------------------------------------------------------- backups
    async def check_backup(self, request: p.CheckBackup) -> p.BackupMeans:
        await self._asked("check_backup", request)
        await self._held("check_backup", request)
        size = sum(map(len, BACKUP))
        means = p.BackupMeans("sqlite", tools=("sqlite 3.46",), server="SQLite 3.46", size=size)
        return self.answers.get("check_backup", means)  # type: ignore[no-any-return]

    async def make_backup(
        self, request: p.MakeBackup, on_chunk: OnChunk, on_progress: OnProgress | None = None
    ) -> p.BackupMade:
        await self._asked("make_backup", request)
        size = sum(map(len, BACKUP))
        on_chunk(BACKUP[0])
        if on_progress is not None:
            on_progress(p.Progress(len(BACKUP[0]), size, "Copying the database"))
        await self._held("make_backup", request)
        on_chunk(BACKUP[1])
        digest = hashlib.sha256(b"".join(BACKUP)).hexdigest()
        tables, records = self._tables(), self._records()
        return p.BackupMade("sqlite", size, digest, tables, records, ("sqlite 3.46",), "SQLite 3.46", 0.3)

    def _tables(self) -> tuple[p.TableRows, ...]:
        return (p.TableRows("orders_order", 12), p.TableRows("store_product", 5))

    def _records(self) -> tuple[str, ...]:
        return tuple(
            f"{app.label}.{one.name}" for app in self.history.apps for one in app.migrations if one.applied
        )

    async def count_tables(
        self, request: p.CountTables, on_progress: OnProgress | None = None
    ) -> p.TablesCounted:
        await self._asked("count_tables", request)
        return p.TablesCounted(self._tables(), self._records(), "SQLite 3.46")

    async def begin_upload(self, request: p.BeginUpload) -> p.Uploaded:
        await self._asked("begin_upload", request)
        self.uploaded = b""
        return p.Uploaded("upload-1", 0)

    async def send_chunk(self, request: p.SendChunk) -> p.Uploaded:
        await self._asked("send_chunk", request)
        await self._held("send_chunk", request)
        self.uploaded += base64.b64decode(request.data)
        return p.Uploaded(request.upload, len(self.uploaded))

    async def drop_upload(self, request: p.DropUpload) -> p.Uploaded:
        await self._asked("drop_upload", request)
        return p.Uploaded(request.upload, 0)

    async def preview_restore(
        self, request: p.PreviewRestore, on_progress: OnProgress | None = None
    ) -> p.Plan:
        await self._asked("preview_restore", request)
        if "preview_restore" in self.answers:
            return self.answers["preview_restore"]  # type: ignore[no-any-return]
        return p.Plan(
            database=request.database,
            intent=p.RESTORE,
            app=None,
            name=None,
            target=f"the backup of {request.made_at}",
            title=f"Put the backup of {request.made_at} in the place of {request.database}",
            verdict=p.LOSES,
            why=("2 rows of store_product were written since.",),
            steps=(),
            blockers=(),
            loss=(p.Loss("", "store_product", None, 2, True, "replace table"),),
            failures=(),
            commands=(),
            fingerprint=self._restore_fingerprint(request.sha256),
            counted=True,
        )

    def _restore_fingerprint(self, sha256: str) -> str:
        return hashlib.sha256((sha256 + repr(self.history)).encode()).hexdigest()

    async def restore_backup(
        self, request: p.RestoreBackup, on_progress: OnProgress | None = None
    ) -> p.RestoreFinished:
        await self._asked("restore_backup", request)
        if request.fingerprint != self._restore_fingerprint(request.sha256):
            raise Stale("The database changed since this was shown; nothing was done. Look again with r.")
        self.writes.append(request)
        if on_progress is not None:
            on_progress(p.Progress(1, 3, "Loading the backup"))
        await self.run_gate.wait()
        if self.closed:
            raise EngineEnded("The engine ended during the restore.", "Killed")
        return self.answers.get("restore_backup", p.RestoreFinished(True, seconds=0.5))  # type: ignore[no-any-return]

    async def list_kept(self, request: p.ListKept) -> p.Kept:
        await self._asked("list_kept", request)
        return self.answers.get("list_kept", p.Kept())  # type: ignore[no-any-return]

    async def drop_kept(self, request: p.DropKept) -> p.Kept:
        await self._asked("drop_kept", request)
        self.writes.append(request)
        return p.Kept()

    async def swap_kept(
        self, request: p.SwapKept, on_progress: OnProgress | None = None
    ) -> p.RestoreFinished:
        await self._asked("swap_kept", request)
        self.writes.append(request)
        return self.answers.get("swap_kept", p.RestoreFinished(True, seconds=0.1))  # type: ignore[no-any-return]

    # ----------------------------------------------------------------- resets
    async def preview_reset(self, request: p.PreviewReset) -> p.ResetPlan:
        await self._asked("preview_reset", request)
        if "preview_reset" in self.answers:
            return self.answers["preview_reset"]  # type: ignore[no-any-return]
        apps = [
            one
            for one in self.history.apps
            if one.label == request.app or (request.app is None and not one.third_party and one.migrations)
        ]
        if not apps:
            raise Refused(f"There is no app {request.app!r} in INSTALLED_APPS.")
        return _reset_plan(request, apps, hashlib.sha256(repr(self.history).encode()).hexdigest())

    async def recreate_database(
        self, request: p.RecreateDatabase, on_progress: OnProgress | None = None
    ) -> p.RestoreFinished:
        await self._asked("recreate_database", request)
        self.writes.append(request)
        if on_progress is not None:
            on_progress(p.Progress(1, 3, "Making the new database"))
        await self._held("recreate_database", request)
        self._mark({(app.label, one.name): False for app in self.history.apps for one in app.migrations})
        return p.RestoreFinished(True, seconds=0.1)

    async def read_files(self, request: p.ReadFiles) -> p.MigrationFiles:
        await self._asked("read_files", request)
        reads = [p.ReadFile(request.database, *key.split(".", 1)) for key in request.keys]
        return p.MigrationFiles(tuple([await self.read_file(each) for each in reads]))

    async def delete_files(self, request: p.DeleteFiles) -> p.FilesDeleted:
        await self._asked("delete_files", request)
        self.writes.append(request)
        gone = {(each.app, each.name) for each in request.files}
        apps = tuple(
            replace(
                app,
                migrations=tuple(
                    # Its record stays.
                    replace(one, file=None, ghost=True) if (app.label, one.name) in gone else one
                    for one in app.migrations
                    if one.applied or (app.label, one.name) not in gone
                ),
            )
            for app in self.history.apps
        )
        self.history = replace(self.history, apps=apps)
        return p.FilesDeleted(tuple(f"/site/{app}/migrations/{name}.py" for app, name in sorted(gone)))

    async def restore_files(self, request: p.RestoreFiles) -> p.FilesRestored:
        await self._asked("restore_files", request)
        for each in request.files:
            await self.restore_file(each)
        return p.FilesRestored(tuple(each.path for each in request.files))

    async def change_records(self, request: p.ChangeRecords) -> p.RecordsChanged:
        await self._asked("change_records", request)
        self.writes.append(request)
        for keys, applied in ((request.forget, False), (request.record, True)):
            self._mark({(key.partition(".")[0], key.partition(".")[2]): applied for key in keys})
        return p.RecordsChanged(tuple(sorted({*request.before, *request.record} - {*request.forget})))

    async def make_migrations(self, request: p.MakeMigrations) -> p.MigrationsMade:
        await self._asked("make_migrations", request)
        self.writes.append(request)
        await self._held("make_migrations", request)
        new = p.Migration("0001_initial", p.UNAPPLIED, False, initial=True, head=True)
        self.history = replace(
            self.history,
            apps=tuple(
                replace(
                    app,
                    migrations=_with(app, replace(new, file=f"/site/{app.label}/migrations/0001_initial.py")),
                )
                if app.label in request.apps
                else app
                for app in self.history.apps
            ),
        )
        made = tuple(f"{label}.0001_initial" for label in request.apps)
        paths = tuple(f"/site/{label}/migrations/0001_initial.py" for label in request.apps)
        return p.MigrationsMade(made, paths, "Migrations for …")

    async def drop_tables(self, request: p.DropTables) -> p.TablesDropped:
        await self._asked("drop_tables", request)
        self.writes.append(request)
        return p.TablesDropped((f"{request.app}_product",))

    # --------------------------------------------------------------- lifetime
    async def watch(self, request: p.Watch) -> p.Watching:
        await self._asked("watch", request)
        return p.Watching()

    async def close(self) -> None:
        self.closed = True


def _reset_plan(request: p.PreviewReset, apps: list[p.App], fingerprint: str) -> p.ResetPlan:
    labels = tuple(app.label for app in apps)
    keys = tuple(f"{app.label}.{one.name}" for app in apps for one in app.migrations if one.file)
    applied = tuple(f"{app.label}.{one.name}" for app in apps for one in app.migrations if one.applied)
    on, what = request.database, ", ".join(labels)
    first = {
        p.RESET_APP: (p.ResetStep(p.RESET_UNDO, f"Take {what} back to zero on {on}.", on, applied),),
        p.RESET_PROJECT: (
            p.ResetStep(p.RESET_RECREATE, f"Put a new, empty database in the place of {on}.", on),
        ),
        p.RESET_KEEPING: (),
    }[request.kind]
    last = {
        p.RESET_KEEPING: p.ResetStep(
            p.RESET_RECORD, f"Compare, then record what was made for {what}.", on, applied, labels
        ),
    }.get(request.kind, p.ResetStep(p.RESET_MIGRATE, f"Migrate {what} on {on}.", on, (), labels))
    return p.ResetPlan(
        database=on,
        kind=request.kind,
        app=request.app,
        title={
            p.RESET_APP: f"Reset {what}: its tables and rows go, its migrations are made anew",
            p.RESET_KEEPING: f"Make the migrations of {what} anew and keep its tables with all their rows",
            p.RESET_PROJECT: f"Reset the project: a new database, and new migrations of {what}",
        }[request.kind],
        steps=(
            *first,
            p.ResetStep(p.RESET_REMOVE, f"Move {len(keys)} files to the trash.", "", keys, labels),
            p.ResetStep(p.RESET_MAKE, f"python manage.py makemigrations {' '.join(labels)}", "", (), labels),
            last,
        ),
        fingerprint=fingerprint,
        loss=tuple(loss for key in applied for loss in _loss(key)) if request.kind == p.RESET_APP else (),
        files=tuple(one.file for app in apps for one in app.migrations if one.file),
    )


def _with(app: p.App, new: p.Migration) -> tuple[p.Migration, ...]:
    """Return an app's migrations with a new file, which is applied if there is a record of that name."""
    old = next((one for one in app.migrations if one.name == new.name), None)
    if old is not None and old.applied:
        new = replace(new, mark=p.APPLIED, applied=True, applied_at=old.applied_at)
    return (*(one for one in app.migrations if one.name != new.name), new)


def _loss(key: str) -> tuple[p.Loss, ...]:
    label, _, _ = key.partition(".")
    found = []
    for words in bookshop.OPERATIONS.get(key, ()):
        table = f"{label}_{words.split()[-1].lower()}"
        if words.startswith("Create model"):
            found.append(p.Loss(label, table, None))
        elif words.startswith("Add field"):
            found.append(p.Loss(label, table, words.split()[2]))
    return tuple(found)


def _verdict(keys: list[str]) -> str:
    if any(key in bookshop.IRREVERSIBLE for key in keys):
        return p.BLOCKED
    if any(_loss(key) for key in keys):
        return p.LOSES
    if any(key in bookshop.PYTHON for key in keys):
        return p.UNKNOWN
    return p.SAFE


def _why(keys: list[str]) -> tuple[str, ...]:
    verdict = _verdict(keys)
    if verdict == p.BLOCKED:
        return ("reviews.0002_anonymise is irreversible.",)
    if verdict == p.UNKNOWN:
        return ("orders.0004_backfill_totals runs Python code; what it does cannot be told beforehand.",)
    if verdict == p.LOSES:
        lost = [loss for key in keys for loss in _loss(key)]
        return tuple(
            f"Column {loss.table}.{loss.column} is dropped."
            if loss.column
            else f"Table {loss.table} is dropped."
            for loss in lost
        )
    return ("Nothing is destroyed.",)


def _title(request: Intent, keys: list[str]) -> str:
    short = ", ".join(key.partition(".")[2] for key in keys[:4]) + (" and more" if len(keys) > 4 else "")
    if request.intent == p.BACK_TO:
        return f"Back to {request.app}.{request.name}: it stays applied; undoes {short or 'nothing'}"
    if request.intent == p.UNDO:
        return f"Undo {request.app}.{request.name} and what needs it: undoes {short}"
    if request.intent == p.ZERO:
        return f"{request.app} to zero: undoes all of it: {short}"
    if request.intent in (p.UNDO_THESE, p.APPLY_THESE):
        undo = request.intent == p.UNDO_THESE
        return f"{'Undo' if undo else 'Apply'} {len(request.keys)} chosen: {', '.join(keys)}"
    return f"Migrate forward to {request.app or 'the latest of everything'}: applies {short or 'nothing'}"
