"""Restoring by a command of the project's own, where the engine has no tool: in place, then counted."""

from __future__ import annotations

import asyncio
import hashlib
import shlex
from collections.abc import Iterator
from pathlib import Path

from djmig_tui.protocol import (
    LOSES,
    RESTORE,
    UNKNOWN,
    CheckBackup,
    CountTables,
    Loss,
    Plan,
    Progress,
    RestoreFinished,
    TableRows,
    TablesCounted,
)

from . import own_commands, own_process
from .engine.api import OnProgress
from .engine.errors import Failed, Refused, Stale
from .keeping import Keeping
from .source import Source
from .text import count, one_line, when

#: How the fingerprint of a plan begins that a command of the project's own carries out.
_OWN = "own:"
_HOW = (
    "A command of the project's own works on the database as it is. Whether a failure in its middle is taken "
    "back is the command's business: a backup of the present state is the way back."
)
_REST = (
    "Tables that the backup does not have stay if the command leaves them. Afterwards the rows are counted "
    "and compared with the backup's manifest."
)
#: What is left to do after a command that failed or was stopped.
AFTERWARDS = "What stands is up to the command: look with djmig-tui verify, or restore a backup."


async def stands_in(keeping: Keeping) -> bool:
    """Whether the engine has no tool to restore with, and the project names a command."""
    if not keeping.settings.restore:
        return False
    return (await keeping.engine.check_backup(CheckBackup(keeping.database.alias))).missing


def is_own(plan: Plan) -> bool:
    """Whether the plan is carried out by the project's own command."""
    return plan.fingerprint.startswith(_OWN)


async def preview(keeping: Keeping, source: Source, on_progress: OnProgress | None) -> Plan:
    """Return what the command would replace, by the rows now against the manifest. Changes nothing."""
    now = await keeping.engine.count_tables(CountTables(keeping.database.alias), on_progress)
    words = own_commands.filled(keeping.settings.restore, keeping)
    shown = one_line(shlex.join(words), 200)
    loss = tuple(_lost(now, source))
    title = f"Put the backup of {when(source.made_at)} in the place of {keeping.database.name}"
    return Plan(
        database=keeping.database.alias,
        intent=RESTORE,
        app=None,
        name=None,
        target=f"the backup of {when(source.made_at)}",
        title=title,
        verdict=LOSES if loss else UNKNOWN,
        why=_why(loss, source),
        steps=(),
        blockers=tuple(_blockers(keeping, shown)),
        loss=loss,
        failures=(),
        commands=(f"{shown} < {shlex.quote(source.path)}",),
        fingerprint=_fingerprint(keeping, source, now),
        transaction_why=_HOW,
        notes=(_REST,),
        counted=True,
    )


async def put_in_place(
    keeping: Keeping, source: Source, plan: Plan, on_progress: OnProgress | None
) -> RestoreFinished:
    """Run the command with the backup as its stdin. Raises `Stale`; a cancel kills the command."""
    counted = CountTables(keeping.database.alias)
    if keeping.read_only:
        raise Refused("This session is read-only. Start djmig-tui without --read-only.")
    before = await keeping.engine.count_tables(counted, on_progress)
    if _fingerprint(keeping, source, before) != plan.fingerprint:
        raise Stale("The database changed since this was shown, so nothing was done. Look at it again.")

    def on_fed(done: int) -> None:
        if on_progress is not None:
            on_progress(Progress(done, source.size, "Restoring"))

    begun = asyncio.get_running_loop().time()
    words = own_commands.filled(keeping.settings.restore, keeping)
    try:
        await own_process.feed(words, keeping.settings.root, Path(source.path), on_fed)
    except Failed as error:
        return RestoreFinished(False, error=f"{error} {AFTERWARDS}", detail=error.detail)
    now = await keeping.engine.count_tables(counted, on_progress)
    wrong = _difference(now, source)
    seconds = asyncio.get_running_loop().time() - begun
    if wrong:
        return RestoreFinished(False, error=f"{wrong} {AFTERWARDS}", seconds=seconds)
    return RestoreFinished(True, seconds=seconds)


def _blockers(keeping: Keeping, shown: str) -> Iterator[str]:
    if keeping.read_only:
        yield "This session is read-only. Start djmig-tui without --read-only."
    if own_commands.untrusted(keeping, keeping.settings.restore):
        yield (
            f"The pyproject.toml for {keeping.settings.root} names the command that would restore it, and "
            f"you were not asked about it yet: {shown}. Restore in a terminal to be asked."
        )


def _lost(now: TablesCounted, source: Source) -> Iterator[Loss]:
    then = {table.table: table.rows for table in source.tables}
    for table in now.tables:
        rows = table.rows - then.get(table.table, 0)
        if rows > 0:
            yield Loss("", table.table, None, rows, table.exact and table.table in then, "replace table")


def _why(loss: tuple[Loss, ...], source: Source) -> tuple[str, ...]:
    if not source.tables:
        return ("What the backup holds is not known, so all rows that are there count as lost.",)
    if not loss:
        return ("No table has more rows than in the backup, which does not prove that they are the same.",)
    return tuple(f"{count(each.rows or 0, 'row')} of {each.table} more than in the backup." for each in loss)


def _difference(now: TablesCounted, source: Source) -> str | None:
    """Return where the rows are not those of the manifest, as far as that is exact."""
    found = {table.table: table.rows for table in now.tables}
    for table in source.tables:
        if table.exact and found.get(table.table) != table.rows:
            return f"{table.table} {_has(found, table)}, and the backup holds {table.rows:,}."
    if source.records and set(now.records) != set(source.records):
        return "The records of applied migrations are not those of the backup."
    return None


def _has(found: dict[str, int], table: TableRows) -> str:
    return f"has {count(found[table.table], 'row')}" if table.table in found else "is not there"


def _fingerprint(keeping: Keeping, source: Source, now: TablesCounted) -> str:
    database, command = keeping.database, keeping.settings.restore
    stands = (database.name, database.host, source.sha256, command, now.tables, sorted(now.records))
    return _OWN + hashlib.sha256(repr(stands).encode()).hexdigest()
