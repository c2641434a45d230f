"""Backups by commands of the project's own, where the engine has no tool, as in a slim container."""

from __future__ import annotations

import hashlib
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from djmig_tui.protocol import (
    BackupMade,
    BackupMeans,
    CountTables,
    Progress,
    TableRows,
    TablesCounted,
)

from . import own_process
from .engine.api import OnProgress
from .engine.errors import Failed, Refused
from .formats import ENOUGH, ends_as_mysqldump, format_of
from .keeping import Keeping
from .store import BackupWriter
from .text import one_line

DATABASE = "{database}"

_NEXT_CHECK = (
    "Name a command that reads a backup from its stdin as `check` below [tool.djmig-tui.backup] in "
    "pyproject.toml, such as docker compose exec -T db pg_restore -f /dev/null."
)


def stands_in(how: BackupMeans) -> bool:
    """Whether a backup is made by the project's own command."""
    return how.missing and how.why_not is None


def means(keeping: Keeping, found: BackupMeans) -> BackupMeans:
    """Return what the engine says of a database that it has no tool for, with the project's own command."""
    own = keeping.settings
    shown = one_line(shlex.join(own.dump), 200)
    if untrusted(keeping, own.dump, own.check):
        why_not: str | None = (
            f"The pyproject.toml for {own.root} names a command that makes backups, and you were not asked "
            f"about it yet: {shown}. Make one in a terminal to be asked: {keeping.command('backup')}."
        )
    elif keeping.database.vendor == "postgresql" and not (own.check or shutil.which("pg_restore")):
        why_not = f"There is no pg_restore here to read a backup to its end with. {_NEXT_CHECK}"
    else:
        why_not = None
    return replace(found, why_not=why_not, tools=(shown,))


def untrusted(keeping: Keeping, *commands: Sequence[str]) -> list[Sequence[str]]:
    """Return those of the commands that the user was not asked about yet."""
    return [command for command in commands if command and not keeping.state.trusts(command)]


def filled(command: Sequence[str], keeping: Keeping) -> list[str]:
    """Return a command with the database's name where it asks for that."""
    return [word.replace(DATABASE, keeping.database.name) for word in command]


async def dump(
    keeping: Keeping, how: BackupMeans, writer: BackupWriter, on_progress: OnProgress
) -> BackupMade:
    """Have the project's command write a backup, and read all of it back. Raises `EngineError`."""
    counted = CountTables(keeping.database.alias)
    before = await keeping.engine.count_tables(counted, on_progress)
    digest, size, head, end = hashlib.sha256(), 0, b"", b""

    def on_output(data: bytes) -> None:
        nonlocal size, head, end
        writer.write(data)
        digest.update(data)
        size += len(data)
        head, end = (head + data[:ENOUGH])[:ENOUGH], (end + data[-ENOUGH:])[-ENOUGH:]
        on_progress(Progress(size, how.size or 0, "Making the backup"))

    words = filled(keeping.settings.dump, keeping)
    await own_process.read_from(words, keeping.settings.root, on_output)
    if not size:
        raise Failed(f"{one_line(shlex.join(words), 120)} wrote nothing, so there is no backup. Correct it.")
    after = await keeping.engine.count_tables(counted, on_progress)
    if before.records != after.records:
        raise Failed("Migrations were run meanwhile, so nothing of the backup was kept. Make it again.")
    format = format_of(head)
    await _read_back(keeping, format, end, Path(writer.path), on_progress)
    tools = (one_line(shlex.join(words), 200),)
    tables = _of_both(before, after)
    return BackupMade(format, size, digest.hexdigest(), tables, after.records, tools, after.server)


def _of_both(before: TablesCounted, after: TablesCounted) -> tuple[TableRows, ...]:
    """Return the rows after the backup: exact where they were as many before it."""
    counts = {table.table: table.rows for table in before.tables}
    return tuple(
        replace(table, exact=table.exact and counts.get(table.table) == table.rows) for table in after.tables
    )


async def _read_back(keeping: Keeping, format: str, end: bytes, path: Path, on_progress: OnProgress) -> None:
    """Read a backup to its end by the best means there are. Raises `EngineError` if that cannot be done."""
    if format == "mysqldump" and not ends_as_mysqldump(end):
        raise Failed("The dump was cut off: it does not end as mysqldump ends one. Make it again.")
    words = filled(keeping.settings.check, keeping)
    if not words and format == "pg_dump" and (tool := shutil.which("pg_restore")):
        words = [tool, "-f", "/dev/null"]
    if not words:
        if format == "mysqldump":
            return
        known = (
            "Nothing here can read it to its end" if format else "Its format is not one that is known here"
        )
        raise Refused(f"{known}, so it is no backup to rely on. {_NEXT_CHECK}")

    size = path.stat().st_size

    def on_fed(done: int) -> None:
        on_progress(Progress(done, size, "Reading the backup once more"))

    await own_process.feed(words, keeping.settings.root, path, on_fed)
