"""The command line: reads it, starts the engine, then imports what is needed, Textual last of all."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .engine.errors import EngineError, NotFound
from .options import Options, UsageError, parse
from .options_kept import PUT_BACK

if TYPE_CHECKING:
    from .engine.ahead import Ahead
    from .engine.discover import Launch
    from .engine.process import Spawned

USAGE = 2
FAILED = 1


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line says and return the exit code."""
    typed = sys.argv[1:] if argv is None else list(argv)
    try:
        return _main(parse(typed))
    except (UsageError, NotFound) as error:
        return _refuse(str(error), USAGE, typed, getattr(error, "detail", ""))
    except EngineError as error:
        return _refuse(str(error), FAILED, typed, error.detail)
    except KeyboardInterrupt:
        return _refuse("Stopped; nothing was changed.", FAILED, typed)
    except BrokenPipeError:
        from .output import silence_closed_pipe

        silence_closed_pipe()
        return FAILED
    except Exception as error:  # noqa: BLE001  # a sentence for the user; the traceback is folded
        import traceback

        sentence = f"Something unexpected went wrong in djmig-tui: {error!r}."
        return _refuse(sentence, FAILED, typed, traceback.format_exc())


def _main(options: Options) -> int:
    from . import start

    opens_interface = options.command is None and not options.where
    if opens_interface and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "The interface needs a terminal, and this is none. For scripts: djmig-tui list, sql, plan, "
            "rollback, migrate, take-back, reset, verify, backup, backups, kept, remove or restore; see "
            "djmig-tui --help."
        )
    if options.where:
        return _print_where(options)
    if _needs_no_engine(options):
        return _without_engine(options)
    launch = start.demo_launch() if options.demo else start.find_launch(options, _here(), os.environ)
    if options.command is not None:
        start.ask_about_backups(options, launch, os.environ)
    from .engine.process import spawn

    # Before anything that takes long to import: the project starts meanwhile.
    spawned = spawn(launch, ahead=_ahead(options, launch) if opens_interface else ())
    return _interface(options, launch, spawned) if opens_interface else _headless(options, launch, spawned)


def _draw_often() -> None:
    """Have Textual look 120 times a second for what is to be drawn: the cursor and its SQL are two drawings.

    It reads how often when it is imported; what the user set stays, and no program of ours inherits it.
    """
    if "TEXTUAL_FPS" not in os.environ:
        os.environ["TEXTUAL_FPS"] = "120"
        from textual import constants  # noqa: F401 -- reads it

        del os.environ["TEXTUAL_FPS"]


def _ahead(options: Options, launch: Launch) -> tuple[Ahead, ...]:
    from .engine.ahead import opening
    from .engine.discover import local_hosts

    return opening(options.database, read_only=options.read_only, local_hosts=local_hosts(launch.root))


def _interface(options: Options, launch: Launch, spawned: Spawned) -> int:
    # What is imported stays: it is not searched for garbage, neither here nor later.
    gc.disable()
    _draw_often()
    from . import start
    from .app import DjmigApp
    from .backup_settings import backup_settings
    from .engine.discover import local_hosts
    from .engines import Engines
    from .messages import Where

    engines = Engines(launch, spawned)
    app = DjmigApp(
        connect=engines.connect,
        where=Where(str(launch.root), launch.command, launch.how, str(launch.cwd), launch.settings),
        state=start.demo_state(launch) if options.demo else start.state_of(launch.root, options, os.environ),
        database=options.database,
        read_only=options.read_only,
        demo=options.demo,
        printed=engines.printed,
        has_answered=engines.has_answered,
        local_hosts=local_hosts(launch.root),
        settings=backup_settings(launch.root),
    )
    gc.freeze()
    gc.enable()
    app.run()
    return app.return_code or 0


def _headless(options: Options, launch: Launch, spawned: Spawned) -> int:
    from . import headless, start
    from .backup_settings import backup_settings
    from .engine.discover import local_hosts
    from .engines import Engines
    from .output import prepare_streams, print_error

    def tell(printed: str) -> None:
        print_error(f"The project takes long to start. It printed: {printed.strip() or 'nothing'}")

    prepare_streams()
    state = start.state_of(launch.root, options, os.environ)
    hosts, settings = local_hosts(launch.root), backup_settings(launch.root)
    return headless.run(Engines(launch, spawned, tell).connect, options, state, hosts, settings)


def _needs_no_engine(options: Options) -> bool:
    """Whether the command looks into the state folder only."""
    if options.command == "kept":
        return options.action != PUT_BACK
    return options.command == "backups" and not options.about_kept


def _without_engine(options: Options) -> int:
    """List, check or delete backups or kept rows. That works while the project does not."""
    from . import headless, start
    from .headless import backup_list, kept
    from .headless.answer import CommandError
    from .output import prepare_streams

    prepare_streams()
    state = start.state_of(start.project_root(options, _here()), options, os.environ)
    try:
        answers = backup_list.answer if options.command == "backups" else kept.answer
        answer = answers(state, options)
    except CommandError as error:
        answer = headless.failure(str(error), error.code)
    headless.report(answer, options)
    return answer.code


def _print_where(options: Options) -> int:
    from . import start
    from .output import prepare_streams, print_json, print_text

    folder = start.state_of(start.project_root(options, _here()), options, os.environ).folder
    prepare_streams()
    if options.json:
        print_json({"folder": str(folder)})
    else:
        print_text(f"{folder}\n")
    return 0


def _here() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise NotFound(
            "The current folder does not exist any more. Change into your Django project."
        ) from error


def _refuse(sentence: str, code: int, typed: Sequence[str], detail: str = "") -> int:
    """Print a sentence, as JSON if that was asked for, however little of the command line was understood."""
    from .output import prepare_streams, print_error, print_json

    prepare_streams()
    if "--json" in typed:
        print_json({"error": sentence})
    else:
        print_error(sentence, detail)
    return code
