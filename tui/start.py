"""From the command line to an engine on its way: which project, and may its own command be run."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .engine.discover import Launch, configured_command, discover, find_root, settings_of
from .engine.errors import NotFound
from .options import Options

if TYPE_CHECKING:
    from .state import State


def find_launch(options: Options, cwd: Path, environ: Mapping[str, str]) -> Launch:
    """Return how to start the project's engine. Raises `NotFound` with what to type instead."""
    if options.manage:
        return discover(cwd, options.manage, options.settings, environ)
    root = project_root(options, cwd)
    configured = configured_command(root)
    if configured is None:
        return discover(cwd, (), options.settings, environ)
    _ask_to_trust(configured, root, state_of(root, options, environ))
    launch = discover(root, configured, options.settings, environ)
    return replace(launch, how="pyproject.toml")


def demo_launch() -> Launch:
    """Return how to start the engine of a fresh copy of the bookshop. Raises `StartFailed`."""
    from . import demo

    folder = demo.prepare()
    for name in set(os.environ) - set(demo.environment()):
        del os.environ[name]
    os.environ.update(demo.environment())
    return Launch((sys.executable, "manage.py"), folder, folder, "demo", None, sys.executable, explicit=False)


def demo_state(launch: Launch) -> State:
    """Return a state beside the demo's folder: it goes when that goes."""
    from .state import State

    return State(launch.root.parent / "state")


def project_root(options: Options, cwd: Path) -> Path:
    """Return the project's folder; with a command of its own it needs no manage.py here."""
    try:
        return find_root(cwd)
    except NotFound:
        if options.manage or configured_command(cwd) is not None:
            return cwd
        raise


def state_of(root: Path, options: Options, environ: Mapping[str, str]) -> State:
    """Return the kept state of the project in `root` with the settings that it will use."""
    from .state import State  # the protocol's dataclasses take 40 ms: only after the engine is spawned

    settings = options.settings or settings_of(root, environ) or ""
    return State.of_project(root, settings, environ)


def ask_about_backups(options: Options, launch: Launch, environ: Mapping[str, str]) -> None:
    """Ask once about the project's own commands that the backups of this command may need.

    Whoever cannot be asked, or says no, is refused later, and only if there is no other way.
    """
    from .backup_settings import backup_settings

    makes = options.command == "backup" or options.back_up or options.backup is not None
    settings = backup_settings(launch.root) if makes else None
    if settings is None or not settings.dump or not _can_be_asked():
        return
    state = state_of(launch.root, options, environ)
    commands = [settings.dump, settings.check]
    if options.backup is not None:
        commands.append(settings.restore)
    new = [command for command in commands if command and not state.trusts(command)]
    what = "makes, checks or restores backups where the project's environment has no tool for it"
    if new and _agrees(new, launch.root, what):
        for command in new:
            state.trust(command)


def _ask_to_trust(command: tuple[str, ...], root: Path, state: State) -> None:
    """Ask once per project. Raises `NotFound` if nobody can be asked, or the answer is no."""
    if state.trusts(command):
        return
    typed = f"To run it: djmig-tui -- {shlex.join(command)}"
    if not _can_be_asked():
        raise NotFound(
            f"The pyproject.toml for {root} names a command to start this project with, and you were not "
            f"asked about it yet. {typed}"
        )
    if not _agrees([command], root, "starts the project"):
        raise NotFound(f"Nothing was run. {typed}")
    state.trust(command)


def _can_be_asked() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _agrees(commands: Sequence[Sequence[str]], root: Path, what: str) -> bool:
    shown = "".join(f"  {ascii(shlex.join(command))[1:-1]}\n" for command in commands)
    sys.stderr.write(
        f"The pyproject.toml for {root} says that this {what}:\n\n{shown}\n"
        "Run it, now and from now on? [y/N] "
    )
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
