"""`djmig-tui reset`: start over with an app or the project, in development only; finish it, put it back."""

from __future__ import annotations

from dataclasses import replace

from djmig_tui.protocol import (
    RESET_APP,
    RESET_KEEPING,
    RESET_PROJECT,
    RESET_RECREATE,
    DatabaseSession,
    PreviewReset,
    Project,
    ResetPlan,
    to_wire,
)

from .. import reset_back, reset_ground, reset_stakes, resetting
from ..describe_sessions import in_words
from ..engine.api import Engine
from ..engine.errors import EngineError
from ..keeping import Keeping
from ..options import Options
from ..reset_words import about
from ..state_resets import ResetRecord
from ..store import JournalEntry, ResetStore, StateError
from ..text import sentence
from .answer import FAILED, Answer, CommandError, lines
from .consent import is_confirmed
from .session import Session


class _Host:
    """A command, as the one that takes the steps."""

    def __init__(self, session: Session, project: Project) -> None:
        self.state: ResetStore = session.state
        self._session = session
        self.project: Project | None = project

    @property
    def engine(self) -> Engine:
        """The engine of the moment."""
        return self._session.engine

    async def renew(self) -> None:
        """Go on with a fresh engine."""
        await self._session.renew()

    def keeping(self, alias: str) -> Keeping:
        """Whose backups those of an alias are."""
        databases = self.project.databases if self.project is not None else ()
        database = next((each for each in databases if each.alias == alias), None)
        if database is None:
            raise CommandError(f"There is no database {alias} any more, and that is one of the reset's.")
        return Keeping(self.engine, self.state, database, self._session.settings)

    def write(self, entry: JournalEntry) -> None:
        """Write into the journal."""
        self.state.log(entry)


async def reset(session: Session) -> Answer:
    """Start over, finish what was cut off, or put it back; or say why not."""
    options, project = session.options, await session.project()
    under_way = session.state.reset_under_way()
    if options.finish or options.put_back:
        return await _settle(session, project, under_way)
    if under_way is not None:
        raise CommandError(
            f"{about(under_way)} Finish it (--finish), or put everything back (--put-back), first."
        )
    kind = RESET_PROJECT if options.app is None else RESET_KEEPING if options.keep_data else RESET_APP
    plan = await session.engine.preview_reset(PreviewReset(options.database, kind, options.app))
    others = await _others(session, plan)
    text = _text(plan) + lines(*(f"Connected now: {in_words(one)}" for one in others))
    if refusal := _why_not(options, project, plan, others):
        return Answer(_data(plan, [], refusal), text, refusal, code=FAILED)
    try:
        record = reset_ground.begin(session.state, plan, project.databases)
    except StateError as error:
        raise CommandError(str(error)) from error
    return await _go_on(session, project, record, text, fresh=True)


async def _go_on(
    session: Session, project: Project, record: ResetRecord, text: str, *, fresh: bool = False
) -> Answer:
    host, said = _Host(session, project), list[str]()

    def on_step(number: int, step: object) -> None:
        said.append(record.plan.steps[number].words)

    run = resetting.Reset(host, record, on_step, session.on_progress)
    try:
        await run.go_on()
    except EngineError as error:
        wrong = sentence(str(error))
        if not said and fresh and reset_ground.forget_unless_taken(session.state, run.record):
            wrong += " So nothing was done."
        elif said and resetting.puts_itself_back(record):
            said += await reset_back.put_back(host, run.record, session.on_progress)
            wrong += " Everything was put back."
        else:
            wrong += f" {about(run.record)} Finish it (--finish), or put everything back (--put-back)."
        return Answer(_data(record.plan, said, wrong), text + lines(*said), wrong, error.detail, FAILED)
    return Answer(_data(record.plan, said, None), text + lines(*said, "Done."))


async def _settle(session: Session, project: Project, record: ResetRecord | None) -> Answer:
    with reset_ground.alone(session.state):  # what nobody can read says so
        pass
    if record is None:
        raise CommandError("No reset was cut off: there is nothing to finish and nothing to put back.")
    text = _text(record.plan)
    if session.options.read_only or not session.options.yes:
        refusal = f"{about(record)} Nothing was done. To do it, add --yes."
        return Answer(_data(record.plan, [], refusal), text, refusal, code=FAILED)
    finish = session.options.finish
    restored = [] if finish else reset_back.databases_to_restore(record)
    left = replace(record.plan, steps=record.plan.steps[record.done :])
    others = await (_others(session, left) if finish else _connected(session, restored))
    if others and not session.options.end_sessions:
        return _would_be_ended(record, text, others)
    if finish:
        return await _go_on(session, project, record, text)
    if restored and not session.options.accept_loss:
        refusal = (
            f"Nothing was done. {', '.join(restored)} would be restored, and what was written since the "
            "reset began would go: to do it, add --accept-loss."
        )
        return Answer(_data(record.plan, [], refusal), text, refusal, code=FAILED)
    said = await reset_back.put_back(_Host(session, project), record, session.on_progress)
    return Answer(_data(record.plan, said, None), lines(*said, "Everything was put back."))


def _would_be_ended(record: ResetRecord, text: str, others: tuple[DatabaseSession, ...]) -> Answer:
    text += lines(*(f"Connected now: {in_words(one)}" for one in others))
    refusal = "Nothing was done. Who is connected would be ended: to do it, add --end-sessions."
    return Answer(_data(record.plan, [], refusal), text, refusal, code=FAILED)


async def take_reset_back(session: Session, project: Project, id: str) -> Answer:
    """Put everything back that a reset has done which came to its end, or say why not."""
    record = session.state.finished_reset(id)
    if record is None:
        raise CommandError("What would lead back from it is gone: djmig-tui backups lists what there is.")
    text = lines(
        f"Take back: {record.plan.title}",
        "What was written since goes: the backups made before it are restored.",
    )
    if session.options.read_only or not (session.options.yes and session.options.accept_loss):
        refusal = "Nothing was done. To do it, add --yes --accept-loss."
        return Answer(_data(record.plan, [], refusal), text, refusal, code=FAILED)
    said = await reset_back.put_back(_Host(session, project), record, session.on_progress)
    return Answer(_data(record.plan, said, None), lines(*said, "Everything was put back."))


async def _others(session: Session, plan: ResetPlan) -> tuple[DatabaseSession, ...]:
    """Return who else is connected to a database in whose place another one is put."""
    aliases = [step.database for step in plan.steps if step.action == RESET_RECREATE]
    return await _connected(session, aliases)


async def _connected(session: Session, aliases: list[str]) -> tuple[DatabaseSession, ...]:
    return (await reset_stakes.others(session.engine, aliases)).sessions


def _why_not(
    options: Options, project: Project, plan: ResetPlan, others: tuple[DatabaseSession, ...]
) -> str | None:
    if plan.blockers:
        return " ".join(["Nothing was done:", *plan.blockers, *plan.ways_out])
    if options.read_only:
        return "Nothing was done, because --read-only was given."
    missing = [] if options.yes else ["--yes"]
    if plan.kind != RESET_KEEPING and not options.accept_loss:
        missing.append("--accept-loss")
    if plan.gate and not options.drop_tables:
        missing.append("--drop-tables")
    database = next(each for each in project.databases if each.alias == plan.database)
    if plan.kind == RESET_PROJECT and not is_confirmed(options, database):
        missing.append(f"--confirm {database.name}")
    if others and not options.end_sessions:
        missing.append("--end-sessions")
    return f"Nothing was done. To do it, add {' '.join(missing)}." if missing else None


def _text(plan: ResetPlan) -> str:
    steps = [f"{number}. {step.words}" for number, step in enumerate(plan.steps, 1)]
    lost = [f"Lost: {each.table}{f'.{each.column}' if each.column else ''}" for each in plan.loss]
    notes = [f"- {note}" for note in plan.notes]
    gate = [plan.gate] if plan.gate else []
    backup = [] if plan.blockers else ["A backup of each database that changes is made first."]
    return lines(plan.title, *steps, *lost, *gate, *notes, *backup)


def _data(plan: ResetPlan, done: list[str], error: str | None) -> dict[str, object]:
    data: dict[str, object] = to_wire(plan)
    data.update(done=list(done), error=error)
    return data
