"""Puts everything back that a reset has done so far: new files go, old ones and the data come back."""

from __future__ import annotations

from dataclasses import replace

from djmig_tui.protocol import (
    RESET_KEEPING,
    RESET_RECORD,
    ChangeRecords,
    MigrationFile,
    ReadFiles,
    RestoreFiles,
    ScanHistory,
)

from . import asking, backups, restores
from .engine.api import OnProgress
from .engine.errors import EngineError, Failed, Refused
from .journal import DONE, FAILED, RESET_BACK, Deed
from .reset_ground import OTHERWISE, alone, expect_same
from .reset_steps import Host, delete, has_file, holds_tables, keys_of, recorded
from .reset_words import about
from .source import from_entry
from .state_resets import ResetRecord
from .store import BackupEntry, StateError, TrashEntry

#: Steps of a reset that change rows or tables; without one of them the database is as it was.
_CHANGES = frozenset({"undo", "drop", "recreate", "forget", "migrate"})


async def put_back(host: Host, record: ResetRecord, on_progress: OnProgress) -> list[str]:
    """Put everything back; return what was done, as sentences. Raises `EngineError` where it cannot go on."""
    with alone(host.state):
        under_way = host.state.reset_under_way()
        if under_way is not None and under_way.id != record.id:  # its record would be written over
            raise Refused(f"{about(under_way)} That one comes first.")
        known = under_way or host.state.finished_reset(record.id)
        if known is None or replace(known, going_back=record.going_back) != record:
            raise Refused(OTHERWISE)
        expect_same(host.project, record)
        return await _put_back(host, record, on_progress)


async def _put_back(host: Host, record: ResetRecord, on_progress: OnProgress) -> list[str]:
    deed = Deed(
        host.write, RESET_BACK, record.plan.database, "djmig-tui reset --put-back --yes", takes_back=record.id
    )
    deed.begin()
    try:
        # What cannot be is found before a file goes.
        entries = _old_files(host, record)
        new = await _new_files(host, record, entries)
        exchanges = await _exchanges(host, record)
        backed = await _to_restore(host, record, on_progress)
        host.state.save_reset(replace(record, going_back=True))
        done = await _files_back(host, record, entries, new)
        for exchange in exchanges:
            await host.engine.change_records(exchange)
        done += await _data_back(host, backed, on_progress)
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


def _old_files(host: Host, record: ResetRecord) -> list[TrashEntry]:
    """Return what the trash has of the files that went. Raises `Failed` if it has not got all."""
    found = {mark: host.state.in_trash(mark) for mark in record.trash}
    gone = [mark for mark, entry in found.items() if entry is None]
    if gone:
        raise Failed(
            f"{len(gone)} of {len(found)} files that the reset removed are not in the trash any more, or are "
            "damaged there, so nothing was put back. Get them from git; the backups have the rows. "
            f"To leave all of it as it is now, delete {host.state.reset_file()}, if it is there."
        )
    return [entry for entry in found.values() if entry is not None]


async def _new_files(host: Host, record: ResetRecord, entries: list[TrashEntry]) -> list[MigrationFile]:
    """Return the files that came since, which have to go. Raises `Failed` if one is somebody's work."""
    old = {(entry.app, entry.name, entry.sha256) for entry in entries}
    history = await host.engine.scan_history(ScanHistory(record.plan.database))
    there = keys_of(history, has_file, {entry.app for entry in entries})
    now = (await host.engine.read_files(ReadFiles(record.plan.database, there))).files
    made = {(each.app, each.name, each.sha256) for each in record.made}
    new = [file for file in now if (file.app, file.name, file.sha256) not in old]
    foreign = [file for file in new if record.made and (file.app, file.name, file.sha256) not in made]
    if foreign:
        raise Failed(
            f"{foreign[0].path} is not as the reset made it, or came later. Move it away, then try again."
        )
    return new


async def _files_back(
    host: Host, record: ResetRecord, entries: list[TrashEntry], new: list[MigrationFile]
) -> list[str]:
    for file in new:  # one may be somebody's work
        host.state.keep_in_trash(file, record.plan.database)
    await delete(host.engine, record.plan.database, RESET_KEEPING, new)
    there = keys_of(await host.engine.scan_history(ScanHistory(record.plan.database)), has_file)
    missing = [entry for entry in entries if f"{entry.app}.{entry.name}" not in there]
    says = {file.app: file.max_migration for file in new}
    requests = [
        replace(asking.put_back(each), max_migration_after=says.get(each.app, each.max_migration))
        for each in missing
    ]
    restored = await host.engine.restore_files(RestoreFiles(tuple(requests)))
    await host.renew()
    said = [f"Removed {len(new)} files that the reset made."] if new else []
    return [*said, f"Put back {len(restored.paths)} files."] if restored.paths else said


def databases_to_restore(record: ResetRecord) -> list[str]:
    """Return the aliases that a step was begun on: their rows of now go when it is put back.

    None where the tables are kept: records alone are exchanged then.
    """
    if record.plan.kind == RESET_KEEPING:
        return []
    begun = record.done if record.untouched else record.done + 1
    changed = {step.database for step in record.plan.steps[:begun] if step.action in _CHANGES}
    return [each.database for each in record.backups if each.database in changed]


async def _exchanges(host: Host, record: ResetRecord) -> list[ChangeRecords]:
    """Return how the records of an app whose tables were kept become what they were."""
    found = []
    made = {f"{each.app}.{each.name}" for each in record.made}
    for step in record.plan.steps:
        if step.action != RESET_RECORD:
            continue
        now, before = await recorded(host.engine, step.database, step.apps), set(step.keys)
        if set(now) not in (before, made):
            there = ", ".join(now) or "nothing"
            raise Failed(
                f"What is recorded of {', '.join(step.apps)} on {step.database} ({there}) is neither what "
                "was there before the reset nor what it recorded, so nothing was put back. "
                "Roll back what was applied since, then try again."
            )
        gone, again = set(now) - before, before - set(now)
        if gone or again:
            found.append(ChangeRecords(step.database, now, tuple(sorted(gone)), tuple(sorted(again))))
    return found


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
        # Killed once it was made anew, it is empty.
        holds = await holds_tables(host, entry.database, on_progress)
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
