"""From the command line to an engine on its way: which project, and may its own command be run."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
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


def _ask_to_trust(command: tuple[str, ...], root: Path, state: State) -> None:
    """Ask once per project. Raises `NotFound` if nobody can be asked, or the answer is no."""
    if state.trusts(command):
        return
    shown = shlex.join(command)
    typed = f"To run it: djmig-tui -- {shown}"
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise NotFound(
            f"The pyproject.toml for {root} names a command to start this project with, and you were not "
            f"asked about it yet. {typed}"
        )
    sys.stderr.write(
        f"The pyproject.toml for {root} says that this starts the project:\n\n  {ascii(shown)[1:-1]}\n\n"
        "Run it, now and from now on? [y/N] "
    )
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise NotFound(f"Nothing was run. {typed}")
    state.trust(command)
