"""Loads a mysqldump into a MySQL or MariaDB database, and compares the rows."""

import os
from typing import Any, Callable, Dict, Iterable, Iterator, List

from ..errors import FailedError, Refusal
from ..protocol import TableRows
from . import beside_mysql as names
from . import mysql_tools as tools
from .mysql_text import Contents, Rewriter, pieces

#: Seconds that a statement of the dump may wait for a lock.
_LOCK_TIMEOUT = 60
#: What is sent around a statement, at most, and what the limit of the server is a multiple of.
_AROUND, _UNIT = 1024, 1024 * 1024


class Stopped(Exception):
    """It was asked to stop, and nothing was replaced yet."""


def read_dump(path: str, told: Callable[[int, int], None] = lambda done, size: None) -> Contents:
    """Return what a file holds; `told` hears how many bytes were read, of how many.

    Raises `FailedError` if it is not all of a dump of one database.
    """
    contents = Contents()
    for piece, begins in pieces(_blocks(path, told)):
        contents.take(piece, begins)
    contents.finish()
    return contents


def load(connection: Any, path: str, database: str, rewriter: Rewriter, call: Any, *, stops: bool) -> None:
    """Load the dump at `path` into `database`.

    Raises `FailedError` with the client's own words, and `Stopped` where it `stops` when asked to.
    """
    tool = tools.client(connection)
    options = (
        # No command of the client's own is obeyed, and bytes are left as they are.
        "--binary-mode",
        "--max-allowed-packet=1G",
        "--init-command=SET SESSION lock_wait_timeout = %d" % _LOCK_TIMEOUT,
        database,
    )
    arguments = tools.command(connection, tool, *options)
    with tools.at_work(connection, tool, arguments, feed=True) as child:
        if stops:
            call.on_stop(child.process.kill)
        try:
            for piece, begins in pieces(
                _blocks(path, lambda done, size: call.progress(done, size, "Loading the backup"))
            ):
                child.pipe.write(rewriter.line(piece, begins))
            child.pipe.close()
        except BrokenPipeError:
            pass  # it has ended, and says why
        if stops:
            call.on_stop(lambda: None)
            if call.stopping:
                raise Stopped
        child.end()


def _blocks(path: str, told: Callable[[int, int], None]) -> Iterator[bytes]:
    size, done = os.path.getsize(path), 0
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(tools.BLOCK), b""):
            yield block
            done += len(block)
            told(done, size)


def check_claims(held: Dict[str, int], claimed: Iterable[TableRows]) -> None:
    """Raise `FailedError` if the backup does not hold what its manifest claims, where that is exact."""
    wrong = [
        "%s rows in %s and not %d" % (held.get(each.table, "no"), each.table, each.rows)
        for each in claimed
        if each.exact and held.get(each.table) != each.rows
    ]
    if wrong:
        raise FailedError("The backup is not what was made: it has %s." % "; ".join(wrong))


def check_length(cursor: Any, contents: Contents) -> None:
    """Raise `Refusal` if the server would not take a row: in hexadecimal it is twice as long as it was."""
    cursor.execute("SELECT @@GLOBAL.max_allowed_packet")
    most = int(cursor.fetchone()[0])
    longest, table = contents.longest
    if longest + _AROUND > most:
        raise Refusal(
            "Rows of %s take %d bytes at once, and the server takes %d: SET GLOBAL max_allowed_packet = %d"
            " there, and restore again." % (table, longest, most, -(-(longest + _AROUND) // _UNIT) * _UNIT)
        )


def compare(cursor: Any, database: str, held: Dict[str, int]) -> None:
    """Raise `FailedError` if `database` has not the rows that the backup holds."""
    wrong: List[str] = []
    present = {name for name, _ in names.tables(cursor, database)}
    for name, rows in sorted(held.items()):
        found = names.count(cursor, database, name) if name in present else None
        if found != rows:
            wrong.append("%s has %s rows and not %d" % (name, "no" if found is None else found, rows))
    if wrong:
        raise FailedError("What was loaded is not what was backed up: %s." % "; ".join(wrong))
