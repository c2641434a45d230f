"""The headless twin: every command for scripts, on the same engine as the interface."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable

from ..backup_settings import DEFAULTS, BackupSettings
from ..engine.api import Engine
from ..engine.errors import EngineError, NotFound
from ..held_back import by_commands, changes
from ..options import Options
from ..output import ProgressLine, print_error, print_json, print_text
from ..state import State
from . import backups, files, kept, kept_databases, listing, plans, reset, restoring, sql, take_back, verify
from .answer import FAILED, USAGE, Answer, CommandError
from .interrupts import interrupts
from .session import Session

COMMANDS: dict[str, Callable[[Session], Awaitable[Answer]]] = {
    "list": listing.list_migrations,
    "sql": sql.print_sql,
    "plan": plans.show_plan,
    "rollback": plans.roll_back,
    "migrate": plans.migrate,
    "verify": verify.verify_schema,
    "take-back": take_back.take_back,
    "reset": reset.reset,
    "remove": files.remove,
    "backup": backups.back_up,
    "backups": kept_databases.answer,
    "restore": restoring.restore,
    "kept": kept.put_back,
}


def run(
    connect: Callable[[], Awaitable[Engine]],
    options: Options,
    state: State,
    local_hosts: tuple[str, ...] = (),
    settings: BackupSettings = DEFAULTS,
) -> int:
    """Do what the options ask for and return the exit code."""
    progress = ProgressLine()

    def session(engine: Engine) -> Session:
        return Session(engine, options, state, progress, local_hosts, connect, settings)

    try:
        answer = asyncio.run(_answer(connect, session))
    finally:
        progress.clear()
    report(answer, options)
    if state.trouble:
        print_error(state.trouble)
    return answer.code


def report(answer: Answer, options: Options) -> None:
    """Print an answer: JSON alone on stdout, or text there and the error on stderr."""
    if options.json:
        print_json(answer.data)
        return
    print_text(answer.text)
    if answer.error:
        print_error(answer.error, answer.detail)


def failure(sentence: str, code: int = FAILED, detail: str = "") -> Answer:
    """Return the answer of a command that got nowhere."""
    return Answer({"error": sentence}, "", sentence, detail, code)


def _hold_back(session: Session) -> None:
    """Raise `CommandError` for what changes anything while a reset is unfinished."""
    record = session.state.reset_under_way()
    if record is not None and changes(session.options):
        raise CommandError(by_commands(record))


async def _answer(connect: Callable[[], Awaitable[Engine]], begin: Callable[[Engine], Session]) -> Answer:
    session: Session | None = None
    try:
        with interrupts(asyncio.current_task()) as stopping:
            stopping.session = session = begin(await connect())
            _hold_back(session)
            return await COMMANDS[session.options.command or "list"](session)
    except CommandError as error:
        return failure(str(error), error.code)
    except NotFound as error:
        return failure(str(error), USAGE, error.detail)
    except EngineError as error:
        return failure(str(error), FAILED, error.detail)
    except asyncio.CancelledError:
        return failure("Stopped; nothing was changed.")
    except Exception as error:  # noqa: BLE001  # a sentence for the user; the traceback is folded
        sentence = f"Something unexpected went wrong in djmig-tui: {error!r}."
        return failure(sentence, FAILED, traceback.format_exc())
    finally:
        if session is not None:
            await session.engine.close()
