"""The tools of MySQL and MariaDB: which are there, whether they fit the server, how they are run."""

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from typing import IO, Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Tuple

from ..errors import FailedError

#: What is read from a tool, or written to one, in one go.
BLOCK = 64 * 1024
#: Seconds that a tool may take to say its version.
PATIENCE = 10

#: The names to look for, those of the server's own kind first: MariaDB's packages have both names for
#: one tool, and what is called mysqldump can be either's.
_DUMP = {True: ("mariadb-dump", "mysqldump"), False: ("mysqldump", "mariadb-dump")}
_CLIENT = {True: ("mariadb", "mysql"), False: ("mysql", "mariadb")}
_PACKAGES = {
    True: "Install mariadb-client on Debian, Ubuntu or Alpine, or mariadb with Homebrew.",
    False: "Install default-mysql-client on Debian, mysql-client on Ubuntu or with Homebrew.",
}
_MARIADB = re.compile(r"(\d+)\.(\d+)\.(\d+)-MariaDB")
_MYSQL = re.compile(r"Ver (?:\d+\.\d+ Distrib )?(\d+)\.(\d+)\.(\d+)")


class Tool(NamedTuple):
    """One of the tools, as it was found."""

    path: str
    mariadb: bool
    version: Tuple[int, ...]

    def __str__(self) -> str:
        """Name it with its version."""
        return "%s %s" % (os.path.basename(self.path), ".".join(str(part) for part in self.version))


class ToolMissing(FailedError):
    """There is no such tool, or none that fits the server; the sentence says what to install."""


def dump_tool(connection: Any) -> Tool:
    """Return the tool that dumps. Raises `ToolMissing`."""
    return _find(connection, _DUMP)


def client(connection: Any) -> Tool:
    """Return the tool that loads a dump. Raises `ToolMissing`."""
    return _find(connection, _CLIENT)


def server(connection: Any) -> str:
    """Return the server with its version."""
    version = ".".join(str(part) for part in connection.mysql_version)
    return "%s %s" % ("MariaDB" if connection.mysql_is_mariadb else "MySQL", version)


def _find(connection: Any, names: Mapping[bool, Tuple[str, ...]]) -> Tool:
    mariadb = bool(connection.mysql_is_mariadb)
    why_not = ""
    for name in names[mariadb]:
        path = shutil.which(name)
        tool = None if path is None else _ask(path)
        if tool is None:
            continue
        why_not = _why_not(tool, connection)
        if not why_not:
            return tool
    missing = "There is no %s where the engine runs." % " and no ".join(names[mariadb])
    raise ToolMissing("%s %s" % (why_not or missing, _PACKAGES[mariadb]))


def _ask(path: str) -> Optional[Tool]:
    try:
        done = subprocess.run(
            [path, "--version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    text = done.stdout.decode("utf-8", "replace")
    mariadb = _MARIADB.search(text)
    match = mariadb or _MYSQL.search(text)
    if done.returncode or match is None:
        return None
    return Tool(path, mariadb is not None, tuple(int(part) for part in match.groups()))


def _why_not(tool: Tool, connection: Any) -> str:
    """Return why `tool` does not fit the server, as a sentence; empty if it does."""
    if tool.mariadb != bool(connection.mysql_is_mariadb):
        # MariaDB's tool speaks with MySQL. MySQL's makes plain tables of MariaDB's sequences, and asks for
        # tables of statistics and for a binary log that MariaDB does not have.
        if tool.mariadb:
            return ""
        return "%s is MySQL's, which does not dump %s faithfully." % (tool, server(connection))
    if tool.version[:2] < tuple(connection.mysql_version)[:2]:
        return "%s is older than the server, %s." % (tool, server(connection))
    return ""


def command(connection: Any, tool: Tool, *options: str) -> List[str]:
    """Return the command that connects as Django does; a password is never part of it."""
    arguments, _ = _from_django(connection)
    if not any(each.startswith("--defaults-file=") for each in arguments):
        # Django's connection reads no option files, and their [mysqldump] could leave out triggers.
        arguments.insert(0, "--no-defaults")
    socket = connection.settings_dict["OPTIONS"].get("unix_socket")
    if socket:
        arguments.append("--socket=%s" % socket)
    return [tool.path, *arguments, "--default-character-set=utf8mb4", *options]


def _from_django(connection: Any) -> Tuple[List[str], Dict[str, str]]:
    """Return arguments and environment of Django's `dbshell`, without the database."""
    given = connection.settings_dict
    left_out = {"database", "db", "charset"}
    options = {key: value for key, value in given["OPTIONS"].items() if key not in left_out}
    settings = dict(given, NAME="", OPTIONS=options)
    arguments, env = type(connection.client).settings_to_cmd_args_env(settings, [])
    return [str(each) for each in arguments[1:]], {key: str(value) for key, value in (env or {}).items()}


class Child:
    """A tool at work, which is fed or read from by its `pipe`."""

    def __init__(self, process: "subprocess.Popen[bytes]", pipe: Any, tool: Tool, errors: IO[bytes]) -> None:
        self.process = process
        self.pipe = pipe
        self._tool = tool
        self._errors = errors

    def end(self) -> None:
        """Wait until it has ended. Raises `FailedError` with its own words if it failed, or complained."""
        code = self.process.wait()
        self._errors.seek(0)
        lines = [line.strip() for line in self._errors.read().decode("utf-8", "replace").splitlines()]
        errors = [line for line in lines if "error" in line.lower() and "[warning]" not in line.lower()]
        if code == 0 and not errors:
            return
        words = (errors or lines or ["it ended with %d" % code])[0]
        name = os.path.basename(self._tool.path)
        prefix = "" if words.startswith(name) else "%s: " % name
        raise FailedError("%s%s" % (prefix, words.rstrip(".") + "."), detail="\n".join(lines))


@contextlib.contextmanager
def at_work(connection: Any, tool: Tool, arguments: List[str], *, feed: bool) -> Iterator[Child]:
    """Run `tool`, which is fed or read from; it does not outlive what is inside."""
    environment = {**os.environ, **_from_django(connection)[1], "LC_ALL": "C.UTF-8"}
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            arguments,
            env=environment,
            stdin=subprocess.PIPE if feed else subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if feed else subprocess.PIPE,
            stderr=errors,
        )
        pipe: Any = process.stdin if feed else process.stdout
        try:
            yield Child(process, pipe, tool, errors)
        finally:
            if process.poll() is None:
                process.kill()
            with contextlib.suppress(OSError):  # what was not written has nobody to read it
                pipe.close()
            process.wait()
