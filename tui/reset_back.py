"""Puts everything back that a reset has done so far: new files go, old ones and the data come back."""

from __future__ import annotations

from dataclasses import replace

from djmig_tui.protocol import (
    RESET_KEEPING,
    CountTables,
    DeleteFiles,
    FileHash,
    ReadFiles,
    RestoreFiles,
    ScanHistory,
)

from . import asking, backups, restores
from .engine.api import OnProgress
from .engine.errors import EngineError, Failed, Refused
from .journal import DONE, FAILED, RESET_BACK, Deed
from .reset_words import about
from .resetting import OTHERWISE, Host, alone
from .source import from_entry
from .state_resets import ResetRecord
from .store import BackupEntry, StateError, TrashEntry

#: Steps of a reset that change rows or tables; without one of them the database is as it was.
_CHANGES = frozenset({"undo", "drop", "recreate", "forget", "migrate", "record"})


async def put_back(host: Host, record: ResetRecord, on_progress: OnProgress) -> list[str]:
    """Put everything back; return what was done, as sentences. Raises `EngineError` where it cannot go on."""
    with alone(host.state):
        under_way = host.state.reset_under_way()
        if under_way is not None and under_way.id != record.id:  # its record would be written over
            raise Refused(f"{about(under_way)} That one comes first.")
        known = under_way or host.state.finished_reset(record.id)
        if known is None or replace(known, going_back=record.going_back) != record:
            raise Refused(OTHERWISE)
        return await _put_back(host, record, on_progress)


async def _put_back(host: Host, record: ResetRecord, on_progress: OnProgress) -> list[str]:
    deed = Deed(
        host.write, RESET_BACK, record.plan.database, "djmig-tui reset --put-back --yes", takes_back=record.id
    )
    deed.begin()
    entries = [entry for mark in record.trash if (entry := host.state.in_trash(mark)) is not None]
    try:
        backed = await _to_restore(host, record, on_progress)  # what cannot be is found before a file goes
        host.state.save_reset(replace(record, going_back=True))
        done = [*await _files_back(host, record, entries), *await _data_back(host, backed, on_progress)]
    except (EngineError, StateError) as error:
        deed.end(FAILED, str(error))
        if isinstance(error, StateError):
            raise Failed(str(error)) from error
        raise
    host.state.forget_reset()
    # Last of all: cut off anywhere before, all of it is there to begin again with.
    for entry in entries:
        host.state.forget_trash(entry)
    deed.end(DONE, " ".join(done))
    return done


async def _files_back(host: Host, record: ResetRecord, entries: list[TrashEntry]) -> list[str]:
    old = {f"{entry.app}.{entry.name}": entry for entry in entries}
    history = await host.engine.scan_history(ScanHistory(record.plan.database))
    there = [f"{app.label}.{one.name}" for app in history.apps for one in app.migrations if one.file]
    labels = {key.partition(".")[0] for key in old}
    now = (await host.engine.read_files(
        ReadFiles(record.plan.database, tuple(key for key in there if key.partition(".")[0] in labels))
    )).files  # fmt: skip
    kept = {
        key
        for key, entry in old.items()
        for file in now
        if (f"{file.app}.{file.name}", file.sha256) == (key, entry.sha256)
    }
    made = {(each.app, each.name, each.sha256) for each in record.made}
    new = [file for file in now if f"{file.app}.{file.name}" not in kept]
    foreign = [file for file in new if record.made and (file.app, file.name, file.sha256) not in made]
    if foreign:
        raise Failed(f"{foreign[0].path} was changed after the reset made it. Move it away, then try again.")
    for file in new:
        if (file.app, file.name, file.sha256) not in made:  # it may be somebody's work
            host.state.keep_in_trash(file, record.plan.database)
    hashes = tuple(FileHash(file.app, file.name, file.sha256) for file in new)
    deleted = await host.engine.delete_files(DeleteFiles(record.plan.database, RESET_KEEPING, hashes))
    if deleted.error:
        raise Failed(deleted.error)
    missing = [entry for key, entry in old.items() if key not in kept]
    restored = await host.engine.restore_files(RestoreFiles(tuple(asking.put_back(each) for each in missing)))
    await host.renew()
    said = [f"Removed {len(hashes)} files that the reset made."] if hashes else []
    return [*said, f"Put back {len(restored.paths)} files."] if restored.paths else said


def databases_to_restore(record: ResetRecord) -> list[str]:
    """Return the aliases that a step was begun on: their rows of now go when it is put back."""
    begun = record.plan.steps[: record.done + 1]
    changed = {step.database for step in begun if step.action in _CHANGES}
    return [each.database for each in record.backups if each.database in changed]


async def _to_restore(host: Host, record: ResetRecord, on_progress: OnProgress) -> list[BackupEntry]:
    """Return the backups that are restored, each read whole. Raises `Failed` if one cannot be."""
    entries = {one.id: one for one in host.state.backups()}
    changed = databases_to_restore(record)
    found = []
    for each in record.backups:
        if each.database not in changed:
            continue
        if each.backup not in entries:
            raise Failed(
                f"The backup {each.backup} made before the reset is gone, so nothing was put back: the trash "
                f"has the files. To leave all of it as it is now, delete {host.state.reset_file()}."
            )
        source = await from_entry(host.state, entries[each.backup], on_progress)
        plan = await restores.preview(host.keeping(each.database), source, on_progress)
        if plan.blockers:
            raise Failed(f"{' '.join(plan.blockers)} So nothing was put back.")
        found.append(entries[each.backup])
    return found


async def _data_back(host: Host, backed: list[BackupEntry], on_progress: OnProgress) -> list[str]:
    """Restore each backup; of what is there now one is made first."""
    done = []
    for entry in backed:
        keeping = host.keeping(entry.database)
        # Killed once it was made anew, it is empty: a dump without a table would be refused as no backup.
        holds = (await host.engine.count_tables(CountTables(entry.database), on_progress)).tables
        if holds and (await backups.means(keeping)).why_not is None:
            await backups.make(keeping, "before: put back a reset", on_progress, spare=entry.id)
        source = await from_entry(host.state, entry, on_progress)
        plan = await restores.preview(keeping, source, on_progress)
        finished = await restores.restore(keeping, source, plan, on_progress, end_others=True)
        if not finished.done:
            raise Failed(finished.error or f"{entry.database} was not restored.")
        await host.renew()
        done.append(f"Restored {entry.database} from the backup {entry.id}.")
    return done
