"""`djmig-tui remove` and `restore`: a migration's file into the trash, and back from it."""

from __future__ import annotations

import base64
import shlex

from djmig_tui.protocol import DeleteFile, FileDeleted, FileRestored, MigrationFile, ReadFile, to_wire

from .. import asking
from ..engine.errors import Refused, Stale
from ..journal import DONE as DID
from ..journal import PUT_BACK, REMOVE, Deed
from ..store import StateError, TrashEntry
from .answer import DONE, FAILED, USAGE, Answer, CommandError, lines
from .names import find_app, find_migration, find_name
from .session import Session


async def remove(session: Session) -> Answer:
    """Keep the file in the trash and delete it, or say why not."""
    options = session.options
    await session.project()
    app = find_app(await session.history(), options.app or "")
    migration = find_migration(app, options.name or "")
    file = await session.engine.read_file(ReadFile(options.database, app.label, migration.name))
    refusal = why_not(session, file)
    if refusal:
        return Answer(_removal(file, None, refusal), about(file), refusal, code=FAILED)
    deleted = await delete(session, file)
    text = lines(f"Removed {deleted.path}", *(f"Removed {path}" for path in deleted.also))
    text += lines(f"Rewrote {deleted.max_migration}") if deleted.max_migration else ""
    text += lines(f"To put it back: djmig-tui restore {file.app} {file.name} --yes")
    return Answer(_removal(file, deleted, None), about(file) + text, code=DONE)


async def restore(session: Session) -> Answer:
    """Put back the file that was removed last under this name, or say why not."""
    options = session.options
    entries = [entry for entry in session.state.trash() if entry.app == options.app]
    if not entries:
        raise CommandError(f"There is no removed migration of an app '{options.app}' in the trash.", USAGE)
    name = find_name(entries[0].app, list(dict.fromkeys(entry.name for entry in entries)), options.name or "")
    entry = next(entry for entry in entries if entry.name == name)
    data: dict[str, object] = {"app": entry.app, "name": entry.name, "path": entry.path}
    data.update(removed_at=entry.removed_at, restored=False, error=None)
    if options.read_only or not options.yes:
        refusal = (
            "Nothing was done, because --read-only was given."
            if options.read_only
            else "Nothing was done. To put the file back, add --yes."
        )
        text = lines(f"Would write {entry.path}, removed at {entry.removed_at}")
        return Answer({**data, "error": refusal}, text, refusal, code=FAILED)
    restored = await write_back(session, entry)
    data.update(path=restored.path, restored=True, max_migration=restored.max_migration, note=restored.note)
    return Answer(data, lines(f"Put back {restored.path}", *_also(restored)))


def _also(restored: FileRestored) -> list[str]:
    """Return what is to be said of max_migration.txt."""
    return [f"Put back {restored.max_migration}"] * bool(restored.max_migration) + [restored.note] * bool(
        restored.note
    )


async def write_back(
    session: Session, entry: TrashEntry, *, deed: str = "", takes_back: str = ""
) -> FileRestored:
    """Put one file back, and write it down."""
    written = Deed(
        session.state.log, PUT_BACK, session.options.database, f"restore {shlex.quote(entry.path)}",
        id=deed, takes_back=takes_back,
    )  # fmt: skip
    restored = await session.engine.restore_file(asking.put_back(entry))
    session.state.forget_trash(entry)
    written.end(DID, restored.path, subject=f"{entry.app}.{entry.name}")
    return restored


async def delete(
    session: Session, file: MigrationFile, *, deed: str = "", takes_back: str = ""
) -> FileDeleted:
    """Keep one file in the trash, delete it, and write it down."""
    try:
        entry = session.state.keep_in_trash(file, session.options.database)
    except StateError as error:
        raise CommandError(str(error)) from error
    request = DeleteFile(session.options.database, file.app, file.name, file.sha256, session.options.initial)
    try:
        deleted = await session.engine.delete_file(request)
    except (Refused, Stale):
        session.state.forget_trash(entry)  # the file is still where it was
        raise
    written = Deed(
        session.state.log, REMOVE, session.options.database, f"rm {shlex.quote(deleted.path)}",
        id=deed, takes_back=takes_back,
    )  # fmt: skip
    written.end(DID, deleted.path, subject=entry.mark)
    return deleted


def why_not(session: Session, file: MigrationFile) -> str | None:
    """Return why the file is not removed, as a sentence, or None."""
    options = session.options
    if file.refusals:
        return " ".join(file.refusals)
    if options.read_only:
        return "Nothing was done, because --read-only was given."
    if file.first and not options.initial:
        return (
            f"{file.name} is the first migration of {file.app}, so nothing was done. "
            "To remove it all the same, add --initial."
        )
    if not options.yes:
        return "Nothing was done. To remove the file, add --yes."
    return None


def about(file: MigrationFile) -> str:
    """Return what would go, and what is to be known before."""
    content = base64.b64decode(file.content)
    size = f"{len(content)} bytes, {content.count(bytes([10]))} lines"
    return lines(f"{file.app}.{file.name}: {file.path} ({size})", *file.warnings)


def _removal(file: MigrationFile, deleted: FileDeleted | None, error: str | None) -> dict[str, object]:
    data: dict[str, object] = to_wire(file)
    del data["content"]
    return {
        **data,
        "removed": deleted is not None,
        "also": list(deleted.also) if deleted else [],
        "error": error,
    }
