"""The command line that turns the project's own `manage.py shell` into an engine's first stage."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import PurePath

#: One line without single quotes, backslashes, dollars or backticks: it has to survive shells.
#: The hello is its nonce reversed, so that an echo of this text is not taken for it. What it
#: executes is stage 1, which comes down the pipe once the hello has been seen: until then
#: something else may be reading there, such as a prompt of the project. An interface that is gone
#: by then ends the process at once, whatever threads the project has (SIGPIPE, _exit).
_STAGE0 = (
    "import os,signal,sys;"
    'f=open({fd},"rb",0,closefd=False);'
    'f.isatty() and sys.exit("djmig-tui: stdin is a terminal here, use -T");'
    "signal.signal(signal.SIGPIPE,signal.SIG_DFL);"
    'os.write(1,bytes([10])+b"{nonce}"[::-1]+bytes([10]));'
    'exec(eval(f.readline() or b"os._exit(1)"),dict(__name__="djmig_boot",fd={fd}))'
)

#: What stage 0 says when it refuses a terminal; the start error is made from it.
TTY = "djmig-tui: stdin is a terminal here"
#: What Python says when the pipe that was passed beside the standard ones did not arrive.
LOST_PIPE = "OSError: [Errno 9]"

_PYTHON = re.compile(r"(python|pypy)[0-9.]*$")


def stage0(nonce: str, fd: int = 0) -> str:
    """Return the Python source that says hello with `nonce` and then executes what it is sent on `fd`."""
    return _STAGE0.format(nonce=nonce, fd=fd)


def marker(nonce: str) -> bytes:
    """Return the bytes with which the other side answers `nonce`."""
    return b"\n" + nonce[::-1].encode("ascii") + b"\n"


def shell_command(command: tuple[str, ...], settings: str | None, code: str) -> list[str]:
    """Return `command` with `shell -c code`: through Django's own door, whatever manage.py does first."""
    options = ["shell", "-v", "0"]
    if settings is not None:
        options.append(f"--settings={settings}")
    return [*_without_bytecode(command), *options, "-c", _quoted(command, code)]


def python_command(command: tuple[str, ...], code: str) -> list[str] | None:
    """Return the interpreter of `command` with `-c code`, or None if there is none to be seen."""
    script, python = _script(command), _python(command)
    if script is None or python is None:
        return None
    return [*_without_bytecode(command)[: script + 1], "-c", _quoted(command, code)]


def runs_here(command: tuple[str, ...]) -> bool:
    """Return whether the interpreter is started directly, so that it can be given a pipe of its own."""
    return _python(command) == 0


def script_folder(command: tuple[str, ...]) -> str:
    """Return the folder of the manage.py in `command`, as the other side sees it."""
    script = _script(command)
    return "" if script is None else str(PurePath(command[script]).parent)


def _quoted(command: tuple[str, ...], code: str) -> str:
    # A shell on the other machine takes the words apart again.
    return shlex.quote(code) if PurePath(command[0]).name in ("ssh", "autossh") else code


def _without_bytecode(command: tuple[str, ...]) -> tuple[str, ...]:
    # Our environment says so too, but it does not pass docker or ssh.
    python = _python(command)
    return command if python is None else (*command[: python + 1], "-B", *command[python + 1 :])


def _script(command: tuple[str, ...]) -> int | None:
    """Return the place of the manage.py in `command`."""
    return _last(command, lambda word: word.endswith(".py"))


def _python(command: tuple[str, ...]) -> int | None:
    """Return the place of the interpreter that runs the manage.py in `command`."""
    return _last(command[: _script(command)], lambda word: bool(_PYTHON.match(PurePath(word).name)))


def _last(words: tuple[str, ...], fits: Callable[[str], bool]) -> int | None:
    return next((place for place in reversed(range(len(words))) if fits(words[place])), None)
