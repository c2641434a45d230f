"""Rows that a rollback drops: kept while it runs, counted and put back once it is migrated again."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

from djmig_tui.protocol import (
    Database,
    DefinitionMatched,
    DropUpload,
    History,
    MatchRows,
    PartMatched,
    Plan,
    PutRowsBack,
    RowsMatched,
    RunFinished,
    RunPlan,
)

from .engine.api import Engine, OnProgress
from .engine.errors import EngineEnded, EngineError, Failed, Refused
from .guards import needs_second_yes
from .journal import DONE, FAILED, PUT_ROWS_BACK, REFUSED, STOPPED, Deed
from .sending import send
from .store import KeptEntry, StateError, StateStore
from .text import count


def by_default(plan: Plan, database: Database | None) -> bool:
    """Whether the rows of a plan are kept unless the user says otherwise: a local one that loses some."""
    return database is not None and database.local and concerns(plan)


def concerns(plan: Plan) -> bool:
    """Whether there is anything to keep: a rollback that may lose rows, or takes something along."""
    loses = needs_second_yes(plan) or bool(plan.objects)
    return bool(plan.steps) and plan.steps[0].backwards and loses and not plan.blockers


class RowsKept:
    """Keeps the rows of one run. `entry` is what it kept, once the run has ended."""

    def __init__(self, state: StateStore, database: Database, plan: Plan, limit: int) -> None:
        self._state, self._database, self._plan = state, database, plan
        self.limit = limit
        self.entry: KeptEntry | None = None

    async def run(self, engine: Engine, request: RunPlan, on_progress: OnProgress | None) -> RunFinished:
        """Run the plan; what the steps dropped that do not stand is forgotten again.

        What a step that failed half-way may have dropped stays. Of a run whose answer never came, or is
        that something failed beside its steps, all is left: the records say what stands.
        """
        writer = self._state.begin_kept(self._database, self._plan)
        try:
            finished = await engine.run_plan(replace(request, keep=self.limit), on_progress, writer.take)
        except BaseException:
            writer.leave()
            raise
        if finished.untold:
            writer.leave()
            return finished
        # What another program applied again right after this run was dropped by it all the same.
        done = [f"{one.app}.{one.name}" for one in (*finished.done, *finished.reached)]
        failed = finished.failed_step if finished.half_done else None
        half_done = f"{failed.app}.{failed.name}" if failed is not None else None
        try:
            self.entry = await asyncio.to_thread(writer.finish, done, half_done)
        except OSError:  # no room for the last of it: what there is stays, and the records say what stands
            writer.leave()
        return finished


def to_put_back(entries: list[KeptEntry], history: History) -> list[KeptEntry]:
    """Return those of which a migration is applied again, so that something could be put back."""
    applied = {
        f"{app.label}.{migration.name}"
        for app in history.apps
        for migration in app.migrations
        if migration.applied
    }
    return [one for one in entries if one.database == history.database and applied & set(one.steps)]


async def match(
    engine: Engine, state: StateStore, entry: KeptEntry, on_progress: OnProgress | None = None
) -> RowsMatched:
    """Return how much of it could be put back. Changes nothing. Raises `EngineError`."""
    uploads = await _send(engine, state, entry, on_progress)
    try:
        return await engine.match_rows(
            MatchRows(entry.database, entry.parts, uploads, entry.definitions), on_progress
        )
    finally:
        await _drop(engine, uploads)


async def put_back(
    engine: Engine, state: StateStore, entry: KeptEntry, on_progress: OnProgress | None = None
) -> RowsMatched:
    """Put back what matches, in one transaction, and say so in the journal. Raises `EngineError`.

    A cancel while it is written asks the engine to stop, whose answer says what stands.
    """
    command = f"djmig-tui kept put-back {entry.id} --yes"
    deed = Deed(state.log, PUT_ROWS_BACK, entry.database, command)
    deed.begin()
    asked = False
    try:
        uploads = await _send(engine, state, entry, on_progress)
        asked = True
        try:
            request = PutRowsBack(entry.database, entry.parts, uploads, entry.definitions)
            found = await engine.put_rows_back(request, on_progress)
        finally:
            await _drop(engine, uploads)
    except asyncio.CancelledError:
        deed.end(STOPPED, _UNTOLD if asked else "nothing was put back", subject=entry.id)
        raise
    except EngineEnded:
        deed.end(FAILED, f"the engine ended; {_UNTOLD}", subject=entry.id)
        raise
    except EngineError as error:
        deed.end(REFUSED if isinstance(error, Refused) else FAILED, str(error), subject=entry.id)
        raise
    kept = entry.rows + len(entry.definitions)
    deed.end(DONE, f"{matching(found)} of {kept} that were kept put back", subject=entry.id)
    return found


#: Of one transaction whose answer never came.
_UNTOLD = "how many match, asked again, says whether they are back"


async def _send(
    engine: Engine, state: StateStore, entry: KeptEntry, on_progress: OnProgress | None
) -> tuple[str, ...]:
    uploads: list[str] = []
    try:
        for part in entry.parts:
            path = state.kept_file(entry, part)
            words = "Sending the kept rows"
            uploads.append(await send(engine, path, part.size, part.sha256, on_progress, words=words))
    except BaseException:
        await _drop(engine, tuple(uploads))
        raise
    return tuple(uploads)


async def _drop(engine: Engine, uploads: tuple[str, ...]) -> None:
    for upload in uploads:
        with contextlib.suppress(EngineError):
            await engine.drop_upload(DropUpload(upload))


def matching(found: RowsMatched) -> int:
    """Return how many match, or were put back."""
    return sum(part.match for part in found.parts) + sum(each.match for each in found.definitions)


def delete(state: StateStore, entry: KeptEntry) -> None:
    """Delete what is kept. Raises `EngineError`."""
    try:
        state.delete_kept(entry)
    except StateError as error:
        raise Failed(str(error)) from error


def all_in_words(found: RowsMatched, done: bool = False) -> list[str]:
    """Return a line on each part and definition."""
    parts = [in_words(part, done) for part in found.parts]
    return parts + [_definition_in_words(each, done) for each in found.definitions]


def _definition_in_words(one: DefinitionMatched, done: bool) -> str:
    what = f"{one.kind} {one.name}"
    if one.why_not:
        return f"{what}: cannot be made again. {one.why_not}"
    if one.there:
        return f"{what}: there already."
    made = f"{what}: {'made again' if done else 'to be made again'}."
    return f"{made} But: {one.error}" if one.error else made


def in_words(part: PartMatched, done: bool = False) -> str:
    """Return a line on one part: what matches, and what keeps the rest from being put back."""
    where = part.table if part.column is None else f"{part.table}.{part.column}"
    if part.why_not:
        return f"{where}: nothing can be put back. {part.why_not}"
    counts = (
        (part.match, "put back" if done else "to be put back"),
        (part.there, "there already"),
        (part.gone, "whose row is gone"),
        (part.changed, "changed meanwhile"),
        (part.unfit, "that the column does not take"),
        (part.taken, "that another row has, and it is unique"),
        (part.dangling, "that point at a row that is not there"),
    )
    said = [f"{number} {words}" for number, words in counts if number]
    what = count(part.rows, "row" if part.column is None else "value")
    line = f"{where}: of {what} {', '.join(said) or 'none'}"
    return f"{line}. The first that was refused: {part.error}" if part.error else f"{line}."
