"""Making a backup: asked for by hand or before a run, from the screens and from the command line."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

from djmig_tui.protocol import BackupMade, BackupMeans, CheckBackup, MakeBackup, Progress

from . import own_commands
from .engine.api import OnProgress
from .engine.errors import EngineError, Failed, Refused
from .journal import BACKUP, DONE, FAILED, REFUSED, STOPPED, Deed
from .keeping import Keeping
from .store import BackupEntry, BackupWriter, StateError, StateStore

T = TypeVar("T")

_READING = "Reading the backup once more"


async def means(keeping: Keeping) -> BackupMeans:
    """Return whether and how a backup can be made, the project's own command included."""
    found = await keeping.engine.check_backup(CheckBackup(keeping.database.alias))
    return own_commands.means(keeping, found) if found.missing and keeping.settings.dump else found


async def make(
    keeping: Keeping, reason: str, on_progress: OnProgress | None = None, *, spare: str = ""
) -> BackupEntry:
    """Make a backup, read to its end before this returns. Raises `EngineError`; nothing is left then.

    Old backups that nobody asked for go: as many as the project's settings keep are left,
    and the one with the id `spare`, which is to be restored next.
    """
    deed = Deed(keeping.state.log, BACKUP, keeping.database.alias, keeping.command("backup"))
    how = await means(keeping)
    if how.why_not is not None:
        raise Refused(how.why_not)
    deed.begin()
    try:
        entry = await _make(keeping, how, reason, on_progress or _unheard, spare)
    except asyncio.CancelledError:
        deed.end(STOPPED, "nothing of it is kept")
        raise
    except (EngineError, StateError) as error:
        deed.end(REFUSED if isinstance(error, Refused) else FAILED, str(error))
        if isinstance(error, StateError):
            raise Failed(str(error)) from error
        raise
    deed.end(DONE, entry.path, subject=entry.id)
    return entry


async def _make(
    keeping: Keeping, how: BackupMeans, reason: str, on_progress: OnProgress, spare: str
) -> BackupEntry:
    state = keeping.state
    writer = await asyncio.to_thread(state.begin_backup, keeping.database, how.size)
    try:
        if own_commands.stands_in(how):
            made = await own_commands.dump(keeping, how, writer, on_progress)
        else:
            request = MakeBackup(keeping.database.alias)
            made = await keeping.engine.make_backup(request, writer.write, on_progress)
        entry = await _finish(keeping, writer, made, reason)
    except BaseException:
        writer.abort()
        raise
    try:
        await check(state, entry, on_progress)
    except BaseException:
        state.delete_backup(entry)
        raise
    await asyncio.to_thread(state.drop_old_backups, entry.database, keeping.settings.keep, (spare,))
    return entry


async def _finish(keeping: Keeping, writer: BackupWriter, made: BackupMade, reason: str) -> BackupEntry:
    finishing = asyncio.ensure_future(asyncio.to_thread(writer.finish, made, reason))
    try:
        return await asyncio.shield(finishing)
    except asyncio.CancelledError:  # the thread goes on to its end; then nothing is left of it either
        await asyncio.wait([finishing])
        if finishing.exception() is None:
            keeping.state.delete_backup(finishing.result())
        raise


async def check(state: StateStore, entry: BackupEntry, on_progress: OnProgress | None = None) -> None:
    """Read all of a backup. Raises `StateError` if it is not what its manifest says."""

    def read(on_read: Callable[[int], None]) -> None:
        state.check_backup(entry, on_read)

    await in_thread(read, entry.size, _READING, on_progress or _unheard)


class _GivenUp(Exception):
    """Nobody waits any more for what a thread reads."""


async def in_thread(
    read: Callable[[Callable[[int], None]], T], total: int, message: str, on_progress: OnProgress
) -> T:
    """Let a thread read, which says how far it is; a cancel ends it."""
    loop, given_up = asyncio.get_running_loop(), threading.Event()

    def on_read(done: int) -> None:
        if given_up.is_set():
            raise _GivenUp
        loop.call_soon_threadsafe(on_progress, Progress(done, total, message))

    try:
        return await asyncio.to_thread(read, on_read)
    except asyncio.CancelledError:
        given_up.set()
        raise


def _unheard(progress: Progress) -> None:
    """Hear nothing."""
