"""Says in one sentence why no engine came up, from what the project printed on its way."""

from __future__ import annotations

import re
import shlex

from . import stage0
from .discover import Launch
from .errors import StartFailed

_OVERRIDDEN = re.compile(
    r"unrecognized arguments|no such option|unknown option|unexpected argument|invalid choice"
    r"|unknown command:? .?shell",
    re.IGNORECASE,
)
_NO_DJANGO = re.compile(r"No module named '?django'?$|Couldn't import Django", re.MULTILINE)


def shell_is_overridden(code: int, output: str) -> bool:
    """Return whether the project's `shell` command is one that does not know Django's options."""
    if "can't open file" in output:
        return False
    return code == 2 or bool(_OVERRIDDEN.search(output))


def not_started(launch: Launch, error: OSError) -> StartFailed:
    """Return the error for a command that the system would not start."""
    program = launch.command[0]
    if isinstance(error, FileNotFoundError) and launch.cwd.is_dir():
        return StartFailed(
            f"There is no program {program} to start the project with. Check the name, or name the "
            "whole command: djmig-tui -- COMMAND.",
            str(error),
        )
    return StartFailed(f"{_shown(launch)} cannot be started: {error.strerror or error}.", str(error))


def ended(launch: Launch, code: int, output: str) -> StartFailed:
    """Return the error for a project that ended with `code` before the engine was there."""
    command = _shown(launch)
    if stage0.TTY in output:
        sentence = (
            f"{command} gives the engine a terminal where it needs a pipe. Leave it out: "
            "docker compose exec -T, docker exec -i, kubectl exec -i, ssh -T."
        )
    elif "can't open file" in output:
        sentence = f"{command} finds no manage.py. Check the command and the folder that it runs in."
    elif _NO_DJANGO.search(output):
        sentence = (
            f"{launch.python or command} has no Django. Activate the project's virtual environment, or "
            "name the command that runs its manage.py: djmig-tui -- COMMAND."
        )
    elif (exception := _exception(output)) is not None:
        sentence = f"The project does not start: {exception}"
    else:
        sentence = f"{command} {_how(code)} before the engine could start.{_last_words(output)}"
    return StartFailed(sentence, output)


def too_long(launch: Launch, seconds: float, output: str) -> StartFailed:
    """Return the error for a project that is still not there after `seconds`."""
    return StartFailed(f"{_shown(launch)} did not start in {seconds:.0f} s.{_last_words(output)}", output)


def _exception(output: str) -> str | None:
    """Return the line that ends the last traceback in `output`, or Django's own CommandError."""
    _, found, after = output.rpartition("Traceback (most recent call last):\n")
    lines = (
        after.splitlines() if found else [line for line in output.splitlines() if "CommandError: " in line]
    )
    for line in lines:
        if line.strip() and not line[0].isspace():
            return line if line.endswith((".", "!", "?")) else line + "."
    return None


def _last_words(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return f" Its last words: {lines[-1][:300]}" if lines else " It printed nothing."


def _how(code: int) -> str:
    return f"ended with exit code {code}" if code >= 0 else f"was ended by signal {-code}"


def _shown(launch: Launch) -> str:
    return f"`{shlex.join(launch.command)}`"
