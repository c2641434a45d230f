"""PostgreSQL's own tools: are they there and new enough, and how they connect as Django does."""

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from typing import IO, Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ..errors import FailedError

#: Seconds that a tool may take to say its version.
PATIENCE = 10
#: What is read from a tool in one go.
BLOCK = 256 * 1024

_VERSION = re.compile(r"\(PostgreSQL\) (\d+)(?:\.(\d+))?")


class Tool(NamedTuple):
    """One of the tools, as it was found."""

    path: str
    version: Tuple[int, int]

    def __str__(self) -> str:
        """Name it with its version."""
        return "%s %d.%d" % (os.path.basename(self.path), *self.version)


def server(connection: Any) -> str:
    """Return the server with its version."""
    return "PostgreSQL %d.%d" % divmod(int(connection.pg_version), 10000)


def why_not(connection: Any) -> Optional[str]:
    """Return why there are no tools for this server, with the package that has them; None if there are."""
    major = int(connection.pg_version) // 10000
    for name in ("pg_dump", "pg_restore"):
        tool = find(name)
        package = (
            "Install postgresql-client-%d on Debian and Ubuntu, postgresql%d-client on Alpine, or"
            " postgresql@%d with Homebrew." % (major, major, major)
        )
        if tool is None:
            return "There is no %s where the engine runs. %s" % (name, package)
        if tool.version[0] < major:
            return "%s is older than the server, %s. %s" % (tool, server(connection), package)
    return None


def find(name: str) -> Optional[Tool]:
    """Return a tool by its name, None if there is none that answers."""
    path = shutil.which(name)
    if path is None:
        return None
    try:
        done = subprocess.run(
            [path, "--version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    match = _VERSION.search(done.stdout.decode("utf-8", "replace"))
    return None if match is None else Tool(path, (int(match.group(1)), int(match.group(2) or 0)))


def command(connection: Any, name: str, *options: str, database: Optional[str] = None) -> List[str]:
    """Return the command of a tool that connects as Django's `dbshell` does; a password is never in it."""
    arguments, _ = _from_django(connection, database)
    role = (connection.settings_dict.get("OPTIONS") or {}).get("assume_role")
    roles = ["--role=%s" % role] if role else []
    return [name, *arguments[:-1], *roles, *options, "--dbname=%s" % arguments[-1]]


def environment(connection: Any, **more: str) -> Dict[str, str]:
    """Return the environment in which a tool finds the password."""
    _, own = _from_django(connection, None)
    return {**os.environ, **{key: str(value) for key, value in own.items()}, "LC_ALL": "C.UTF-8", **more}


def _from_django(connection: Any, database: Optional[str]) -> Tuple[List[str], Dict[str, Any]]:
    settings = dict(connection.settings_dict)
    with connection.cursor() as cursor:  # NAME may be that of a service only
        cursor.execute("SELECT current_database()")
        settings["NAME"] = database or cursor.fetchone()[0]
    arguments, own = type(connection.client).settings_to_cmd_args_env(settings, [])
    return [str(each) for each in arguments[1:]], own or {}


class Child:
    """A tool at work; what it complains of is kept until it has ended."""

    def __init__(self, process: "subprocess.Popen[bytes]", name: str, errors: IO[bytes]) -> None:
        self.process = process
        self._name = name
        self._errors = errors

    def end(self) -> None:
        """Wait until it has ended. Raises `FailedError` with its own words if it failed."""
        if self.process.wait() == 0:
            return
        lines = self.complaints()
        words = next((line for line in lines if "error" in line.lower()), lines[0] if lines else "")
        words = re.sub(r"^%s:\s*(error:\s*)?" % re.escape(self._name), "", words).rstrip(".")
        raise FailedError(
            "%s failed: %s." % (self._name, words or "it ended with %d" % self.process.returncode),
            detail="\n".join(lines),
        )

    def complaints(self) -> List[str]:
        """Return the lines that it wrote to stderr."""
        self._errors.seek(0)
        return [line.strip() for line in self._errors.read().decode("utf-8", "replace").splitlines()]


@contextlib.contextmanager
def at_work(arguments: Sequence[str], env: Dict[str, str], **pipes: Any) -> Iterator[Child]:
    """Run a tool; it does not outlive what is inside."""
    with tempfile.TemporaryFile() as errors:
        given = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, **pipes}
        process = subprocess.Popen(list(arguments), env=env, stderr=errors, **given)
        try:
            yield Child(process, os.path.basename(arguments[0]), errors)
        finally:
            if process.poll() is None:
                process.kill()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):  # what was not written has nobody to read it
                        pipe.close()
            process.wait()
