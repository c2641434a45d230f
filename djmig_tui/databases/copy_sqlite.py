"""Copies a SQLite database while others write to it: of one moment, by SQLite's online backup."""

import os
import shutil
from typing import Any

from ..errors import Refusal

#: Pages that are copied between two looks at whether to stop.
PAGES = 2000


def copy_database(connection: Any, copy: str, call: Any, message: str, room: int = 1) -> None:
    """Copy the database behind `connection` to the new file `copy`.

    The disk must have `room` times its size. Raises `Refusal` if it does not.
    """
    folder = os.path.dirname(copy)
    connection.ensure_connection()
    raw = connection.connection
    target = type(raw)(copy)
    try:
        target.execute("PRAGMA synchronous = OFF")
        # Without a read transaction a writer would make the copy begin again and again.
        raw.execute("BEGIN")
        size = raw.execute("SELECT * FROM pragma_page_count(), pragma_page_size()").fetchone()
        raw.execute("SELECT count(*) FROM sqlite_master").fetchone()
        need, free = size[0] * size[1] * room, shutil.disk_usage(folder).free
        if need > free:
            raise Refusal(
                "%s needs %d MB in %s, where %d MB are free: make room, or set TMPDIR."
                % (message, need >> 20, os.path.dirname(os.path.dirname(folder)), free >> 20)
            )
        raw.backup(
            target,
            pages=PAGES,
            progress=lambda status, left, total: call.progress(total - left, total, message),
        )
    finally:
        target.close()
        if raw.in_transaction:
            raw.rollback()
