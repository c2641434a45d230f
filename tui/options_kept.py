"""What can be typed about kept rows: how much of a rollback is kept, and the command `kept`."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable

#: So many bytes are kept of a rollback, unless the user or the project says otherwise.
LIMIT = 64_000_000
#: What the project says, if it says anything.
USUAL = -1

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmg]?)b?", re.IGNORECASE)

PUT_BACK, SHOW, DELETE = "put-back", "show", "delete"


def size_of(typed: str) -> int:
    """Return a size like 64MB in bytes. Raises `ArgumentTypeError`, with a sentence, for anything else."""
    match = _SIZE.fullmatch(typed.strip())
    size = int(float(match[1]) * _UNITS[match[2].lower()]) if match else 0
    if size < 1:
        raise argparse.ArgumentTypeError(f"{typed!r} is not a size. Examples: 64MB, 500kB, 2GB")
    return size


def add_keep_rows(parser: argparse.ArgumentParser) -> None:
    """Add --keep-rows and --no-keep-rows."""
    parser.add_argument(
        "--keep-rows",
        metavar="SIZE",
        nargs="?",
        const=USUAL,
        type=size_of,
        help="keep the rows that it drops in the state folder, up to SIZE (64MB, or the limit in "
        "pyproject.toml); of more, nothing is done. That is done with local databases unless you say no",
    )
    parser.add_argument(
        "--no-keep-rows", dest="keep_rows", action="store_const", const=0, help="do not keep them"
    )


def add_kept(add: Callable[[str, str], argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the command `kept`, and return it."""
    kept = add("kept", "list what rollbacks dropped and was kept; put it back, show its SQL, delete it")
    kept.add_argument(
        "action", nargs="?", default=None, choices=(PUT_BACK, SHOW, DELETE), metavar="put-back|show|delete"
    )
    kept.add_argument(
        "id", nargs="?", default=None, metavar="ID", help="of the kept rows, or a unique beginning of it"
    )
    return kept
