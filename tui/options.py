"""What can be typed on the command line, read with argparse alone: nothing heavy is imported here."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

from djmig_tui import __version__

from .options_kept import add_keep_rows, add_kept
from .options_reset import add_reset

ZERO = "zero"

EPILOG = """\
Without a command the interface opens. Everything after -- is the command that starts the
project's manage.py, for projects whose Python is not on this machine:

  djmig-tui -- docker compose exec -T web python manage.py

Exit codes: 0 done, 1 refused or failed, 2 wrong usage.
"""


class UsageError(Exception):
    """What was typed cannot be meant; ``str(error)`` is a sentence. Exit code 2."""


@dataclass(frozen=True)
class Options:
    """The command line, read. A member that the command does not have keeps its default."""

    command: str | None = None  # None: the interface
    manage: tuple[str, ...] = ()  # what stands after --
    settings: str | None = None
    database: str = "default"
    read_only: bool = False
    demo: bool = False
    where: bool = False
    json: bool = False
    app: str | None = None
    name: str | None = None  # of a migration: a target, or a prefix of one
    forward: bool = False
    undo: bool = False
    yes: bool = False
    accept_loss: bool = False
    try_anyway: bool = False
    rehearse: bool = False
    rehearse_on: str | None = None  # "copy" or "transaction"; None: as it fits
    initial: bool = False
    with_dependents: bool = False  # remove a whole tail
    redo: bool = False
    last_run: bool = False  # in place of a target
    confirm: str | None = None
    fingerprint: str | None = None
    back_up: bool = False  # before a rollback or a migrate
    keep_rows: int | None = None  # bytes of what a rollback drops; None: as it is by default
    action: str | None = None  # of `kept`: None lists
    id: str | None = None  # of kept rows
    backup: str | None = None  # to be restored: an id, or a path
    back_up_first: bool | None = None  # before a restore; None: if the database is local
    end_sessions: bool = False
    check: bool = False
    delete: str | None = None
    kept: bool = False
    drop_kept: str | None = None
    swap_kept: str | None = None
    project: bool = False  # a reset of all of it
    keep_data: bool = False
    drop_tables: bool = False
    finish: bool = False
    put_back: bool = False

    @property
    def about_kept(self) -> bool:
        """Whether `backups` is asked about databases that restores replaced, which needs an engine."""
        return self.kept or self.drop_kept is not None or self.swap_kept is not None


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message[:1].upper()}{message[1:].rstrip('.')}. See {self.prog} --help.")


def parse(argv: Sequence[str]) -> Options:
    """Read the command line. Raises `UsageError`, and SystemExit after --help and --version."""
    typed, manage = _split(list(argv))
    namespace = _parser().parse_args(typed)
    options = Options(manage=manage, **vars(namespace))
    if options.rehearse_on is not None:
        options = replace(options, rehearse=True)
    if manage == () and len(typed) < len(argv):
        raise UsageError("There is no command after --. Example: djmig-tui -- python manage.py.")
    if options.json and options.command is None and not options.where:
        raise UsageError("--json needs a command. Example: djmig-tui list --json.")
    if options.command and (options.demo or options.where):
        raise UsageError("--demo and --where stand alone, without a command.")
    if options.command in ("plan", "rollback") and options.last_run != (options.name is None):
        raise UsageError(
            f"{options.command} takes APP and TARGET, or --last-run alone. "
            f"See djmig-tui {options.command} --help."
        )
    if options.last_run and (options.app or options.undo):
        raise UsageError("--last-run stands alone: it says itself what is undone.")
    if options.undo and options.name == ZERO:
        raise UsageError("--undo takes a migration. Without it, 'zero' undoes the whole app.")
    if options.command == "migrate" and options.name == ZERO:
        raise UsageError(f"'zero' is where a rollback ends. Type: djmig-tui rollback {options.app} zero.")
    if options.command == "backups" and options.end_sessions and options.swap_kept is None:
        raise UsageError("--end-sessions goes with --swap-kept NAME. See djmig-tui backups --help.")
    if options.command == "reset" and options.end_sessions and options.app:
        raise UsageError("--end-sessions goes with --project. See djmig-tui reset --help.")
    if options.command == "kept" and (options.action is None) != (options.id is None):
        raise UsageError("kept takes nothing, put-back ID, show ID or delete ID. See djmig-tui kept --help.")
    if options.command == "restore" and (options.backup is None) == (options.name is None):
        raise UsageError(
            "restore takes APP and NAME of a removed migration, or --backup ID. See djmig-tui restore --help."
        )
    return options


def _split(argv: list[str]) -> tuple[list[str], tuple[str, ...]]:
    if "--" not in argv:
        return argv, ()
    at = argv.index("--")
    return argv[:at], tuple(argv[at + 1 :])


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="djmig-tui",
        description="See, preview and roll back Django migrations in the terminal.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    everywhere = _everywhere()
    _add_all(parser, everywhere)
    parser.add_argument(
        "--demo", action="store_true", help="open a copy of a small bookshop to try things on"
    )
    parser.add_argument(
        "--where", action="store_true", help="print the folder with the trash, the backups and the journal"
    )
    parser.add_argument("--version", action="version", version=f"djmig-tui {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands for scripts")
    # Without a command the attribute is to be None, though defaults are suppressed elsewhere.
    parser.set_defaults(command=None)

    def add(name: str, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(
            name,
            help=text,
            description=f"{text[:1].upper()}{text[1:]}.",
            argument_default=argparse.SUPPRESS,
            allow_abbrev=False,
        )
        _add_all(command, everywhere)
        return command

    add("list", "list all apps with their migrations and marks")
    sql = add("sql", "print the reverse SQL of a migration, of an app's, or of all")
    sql.add_argument("app", nargs="?", metavar="APP")
    sql.add_argument("name", nargs="?", metavar="NAME")
    sql.add_argument("--forward", action="store_true", help="print the forward SQL instead")
    plan = add("plan", "show what going to a migration would do; changes nothing")
    _add_target(plan)
    rollback = add("rollback", "roll back to a migration, which stays applied, or to zero")
    _add_target(rollback)
    rollback.add_argument(
        "--rehearse",
        action="store_true",
        help="run it for real and take it back first, code of the migrations included; alone: only that",
    )
    rollback.add_argument(
        "--rehearse-on",
        choices=("copy", "transaction"),
        help="as --rehearse, and where on PostgreSQL; a copy is usual where others are connected",
    )
    _add_run(rollback)
    add_keep_rows(rollback)
    migrate = add("migrate", "migrate everything, an app, or an app up to a migration")
    migrate.add_argument("app", nargs="?", metavar="APP")
    migrate.add_argument("name", nargs="?", metavar="TARGET")
    _add_run(migrate)
    verify = add("verify", "say where the real schema disagrees with the records; changes nothing")
    verify.add_argument("app", nargs="?", metavar="APP")
    remove = add("remove", "move the file of an unapplied migration to the trash")
    _add_migration(remove)
    remove.add_argument("--initial", action="store_true", help="also if it is the app's first migration")
    remove.add_argument(
        "--with-dependents", action="store_true", help="and the files of all that need it, the last one first"
    )
    reset = add("reset", "start over with an app or the project, in development only; shows the steps first")
    add_reset(reset)
    _add_yes(reset)
    _add_consent(reset)
    take_back = add("take-back", "take back what was done last: a rollback, a migrate, a removed file")
    take_back.add_argument(
        "--redo", action="store_true", help="do again what was taken back last, if nothing came after it"
    )
    take_back.add_argument(
        "--initial", action="store_true", help="also if it removes an app's first migration"
    )
    _add_run(take_back)
    add_keep_rows(take_back)
    _add_backups(add)
    _add_yes(add_kept(add))
    return parser


def _add_backups(add: Callable[[str, str], argparse.ArgumentParser]) -> None:
    add("backup", "make a backup of the database and read it to its end")
    backups = add("backups", "list the backups of this project; their content is not read")
    one = backups.add_mutually_exclusive_group()
    one.add_argument("--check", action="store_true", help="read all of each and say which are damaged")
    one.add_argument("--delete", metavar="ID", help="delete a backup")
    one.add_argument("--kept", action="store_true", help="list the databases that restores replaced instead")
    one.add_argument("--drop-kept", metavar="NAME", help="drop a database that a restore replaced")
    one.add_argument("--swap-kept", metavar="NAME", help="put a database that a restore replaced back")
    backups.add_argument(
        "--end-sessions", action="store_true", help="with --swap-kept: end others that are connected"
    )
    _add_yes(backups)
    restore = add("restore", "put back a removed migration's file, or with --backup a whole database")
    restore.add_argument("app", nargs="?", metavar="APP")
    restore.add_argument("name", nargs="?", metavar="NAME", help="a migration whose file is in the trash")
    restore.add_argument("--backup", metavar="ID|PATH", help="put this backup in the database's place")
    restore.add_argument(
        "--backup-first",
        dest="back_up_first",
        action=argparse.BooleanOptionalAction,
        help="make a backup of the present state first; what is done with local databases unless you say no",
    )
    restore.add_argument("--end-sessions", action="store_true", help="end others that are connected")
    _add_yes(restore)
    _add_consent(restore)


def _everywhere() -> list[tuple[str, dict[str, str]]]:
    """Return the options that are understood before and after the command."""
    return [
        ("--settings", {"metavar": "MODULE", "help": "settings module, as manage.py --settings"}),
        ("--database", {"metavar": "ALIAS", "help": "alias of DATABASES to look at (default: default)"}),
        ("--read-only", {"action": "store_true", "help": "never change a database or a file"}),
        ("--json", {"action": "store_true", "help": "print JSON (commands for scripts only)"}),
    ]


def _add_all(parser: argparse.ArgumentParser, options: list[tuple[str, dict[str, str]]]) -> None:
    for flag, keywords in options:
        parser.add_argument(flag, **keywords)  # type: ignore[arg-type]  # argparse's overloads


def _add_target(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("app", metavar="APP", nargs="?")
    parser.add_argument(
        "name", metavar="TARGET", nargs="?", help="a migration, a unique beginning of its name, or zero"
    )
    parser.add_argument(
        "--last-run",
        action="store_true",
        help="instead of APP and TARGET: undo what was applied together last",
    )
    parser.add_argument("--undo", action="store_true", help="undo TARGET itself and what needs it")


def _add_migration(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("app", metavar="APP")
    parser.add_argument("name", metavar="NAME")
    _add_yes(parser)


def _add_yes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="do it; without this, it is only shown")


def _add_run(parser: argparse.ArgumentParser) -> None:
    _add_yes(parser)
    parser.add_argument(
        "--backup", dest="back_up", action="store_true", help="make a backup first; without it, nothing runs"
    )
    parser.add_argument("--try-anyway", action="store_true", help="also if it is expected to fail")
    _add_consent(parser)


def _add_consent(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--accept-loss", action="store_true", help="also if data is, or may be, lost")
    parser.add_argument("--confirm", metavar="NAME", help="the database's name, where it must be typed")
    parser.add_argument("--fingerprint", metavar="F", help="only if the plan is still the one that had this")
