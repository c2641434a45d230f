"""Reads the text of a mysqldump, however long its lines: what it holds, and whether it is whole."""

import re
from typing import Dict, Iterable, Iterator, Optional, Set, Tuple

from ..errors import FailedError

#: A line that is longer than this comes in pieces.
LONG = 64 * 1024

_NAME = rb"`(?:[^`]|``)+`"
_CREATE = re.compile(rb"CREATE TABLE (" + _NAME + rb")")
_INSERT = re.compile(
    rb"(?:INSERT(?: IGNORE)?|REPLACE)(?: +INTO)? +(" + _NAME + rb")"
    rb"(?: +\((?:" + _NAME + rb"[, ]*)+\))? +VALUES"
)
_ELSEWHERE = re.compile(rb"(?:/\*!\d+ *)?(?:USE `|CREATE DATABASE |DROP DATABASE )")
_BEGINS = re.compile(rb"-- (?:MySQL|MariaDB) dump ")
#: Newer tools of MariaDB begin with this, which forbids the client to run commands.
_SANDBOX = (b"/*M!999999", b"/*!999999")
_TRAILER = b"-- Dump completed"

#: A text and its quotes; of one that is cut off, its first quote is left, and half an escape at its end.
_TEXT = re.compile(
    rb"'[^'\\]*(?:\\.[^'\\]*)*'|(')[^'\\]*(?:\\.[^'\\]*)*(\\?)\Z",
    re.DOTALL,
)
_REST_OF_TEXT = re.compile(rb"[^'\\]*(?:\\.[^'\\]*)*", re.DOTALL)

_DEFINER = re.compile(
    rb"\A(/\*!50013 |/\*!50003 CREATE\*/ /\*!50017 |/\*!50106 CREATE\*/ /\*!50117 |CREATE )"
    rb"DEFINER=(" + _NAME + rb"(?:@`[^`]*`)?) ?"
)
_ALTER_DATABASE = re.compile(rb"\AALTER DATABASE " + _NAME + rb" ")
_EVENT = re.compile(rb"\A(/\*!50106 CREATE\*/ .*?EVENT (" + _NAME + rb") .*? PRESERVE )ENABLE ")


def pieces(blocks: Iterable[bytes]) -> Iterator[Tuple[bytes, bool]]:
    """Yield a text line by line, long lines in pieces, and of each whether a line begins with it."""
    begins, held = True, b""
    for block in blocks:
        lines = (held + block).split(b"\n")
        held = lines.pop()
        for line in lines:
            yield line + b"\n", begins
            begins = True
        if len(held) > LONG:
            yield held, begins
            begins, held = False, b""
    if held:
        yield held, begins


def name_of(quoted: bytes) -> str:
    """Return a name without its quotes."""
    return quoted[1:-1].replace(b"``", b"`").decode("utf-8", "replace")


class Contents:
    """What a dump holds, learned while it passes by."""

    def __init__(self) -> None:
        self.rows: Dict[str, int] = {}
        #: The longest statement that fills a table, in bytes, and the table.
        self.longest: Tuple[int, str] = (0, "")
        self._length = 0
        self._whole = False
        self._known = False
        self._into: Optional[str] = None
        self._bare = _Bare()

    def take(self, piece: bytes, begins: bool) -> None:
        """Take the next piece. Raises `FailedError` for what is no dump of one database."""
        if not self._known:
            self._recognise(piece)
        elif self._into is not None:
            self._count(piece)
        elif begins and piece.strip():
            self._whole = piece.startswith(_TRAILER)
            self._statement(piece)

    def finish(self) -> None:
        """Raise `FailedError` if this was not all of a dump."""
        if not self._known:
            raise FailedError("The backup is empty.")
        if not self._whole:
            raise FailedError("The backup is not whole: it does not end with mysqldump's last line.")
        if not self.rows:
            raise FailedError("The backup holds no table.")

    def _recognise(self, piece: bytes) -> None:
        if piece.startswith(_SANDBOX):
            return
        if not _BEGINS.match(piece):
            raise FailedError("The backup does not begin as mysqldump's do.")
        self._known = True

    def _statement(self, piece: bytes) -> None:
        if _ELSEWHERE.match(piece):
            raise FailedError(
                "The backup names the database that it goes to, and would change another one than this:"
                " make it without --databases and --all-databases."
            )
        created, insert = _CREATE.match(piece), _INSERT.match(piece)
        if created:
            self.rows.setdefault(name_of(created.group(1)), 0)
        elif insert:
            self._into = name_of(insert.group(1))
            self.rows.setdefault(self._into, 0)
            self._length = insert.end()
            self._count(piece[insert.end() :])

    def _count(self, piece: bytes) -> None:
        # Values are literals, so outside of texts a parenthesis opens a row and nothing else.
        bare = self._bare.of(piece)
        self.rows[str(self._into)] += bare.count(b"(")
        self._length += len(piece)
        if bare.endswith(b";\n"):
            self.longest = max(self.longest, (self._length, str(self._into)))
            self._into = None


class _Bare:
    """Leaves out the texts of a statement, which may go on from one piece to the next."""

    def __init__(self) -> None:
        self._inside = False
        self._held = b""

    def of(self, piece: bytes) -> bytes:
        piece, self._held = self._held + piece, b""
        if self._inside:
            match = _REST_OF_TEXT.match(piece)
            end = match.end() if match else 0
            if end == len(piece) or piece[end:] == b"\\":
                self._held = piece[end:]
                return b""
            piece = piece[end + 1 :]
        bare = _TEXT.sub(rb"\1\2", piece)
        if bare.endswith(b"'\\"):
            self._held, bare = b"\\", bare[:-1]
        self._inside = bare.endswith(b"'")
        return bare[:-1] if self._inside else bare


class Rewriter:
    """Changes the few lines of a dump that would not do what they did where they came from."""

    def __init__(self, database: str, own_definers: bool, asleep: bool) -> None:
        """`own_definers`: this user may name no other; `asleep`: events are not to run yet."""
        self.definers: Set[str] = set()
        self.events: Set[str] = set()  # that were awake
        self._database = b"ALTER DATABASE `%s` " % database.replace("`", "``").encode("utf-8")
        self._own_definers = own_definers
        self._asleep = asleep

    def line(self, piece: bytes, begins: bool) -> bytes:
        """Return `piece` as it is to be loaded."""
        if not begins or piece[:1] not in {b"A", b"C", b"/"}:
            return piece
        # Around a trigger that was made under another collation, the database is named.
        piece = _ALTER_DATABASE.sub(lambda match: self._database, piece, count=1)
        if self._asleep:
            piece = _EVENT.sub(self._put_to_sleep, piece, count=1)
        if self._own_definers:
            piece = _DEFINER.sub(self._drop_definer, piece, count=1)
        return piece

    def _put_to_sleep(self, match: "re.Match[bytes]") -> bytes:
        self.events.add(name_of(match.group(2)))
        return match.group(1) + b"DISABLE "

    def _drop_definer(self, match: "re.Match[bytes]") -> bytes:
        self.definers.add(match.group(2).decode("utf-8", "replace").replace("`", ""))
        return match.group(1)
