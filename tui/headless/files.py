"""`djmig-tui remove` and `restore`: a migration's file into the trash, and back from it."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Sequence

from djmig_tui.protocol import (
    DeleteFile,
    FileDeleted,
    FileRestored,
    FilesRestored,
    MigrationFile,
    PreviewRemoval,
    Removal,
    RestoreFiles,
    to_wire,
)

from .. import asking
from ..describe_removal import after
from ..engine.errors import EngineError, Refused, Stale
from ..journal import DONE as DID
from ..journal import PUT_BACK, REMOVE, Deed, new_id
from ..store import StateError, TrashEntry
from ..text import sentence
from .answer import DONE, FAILED, USAGE, Answer, CommandError, lines
from .names import find_app, find_migration, find_name
from .session import Session


async def remove(session: Session) -> Answer:
    """Keep the file in the trash and delete it, with --with-dependents all that needs it; or say why not."""
    options = session.options
    await session.project()
    app = find_app(await session.history(), options.app or "")
    migration = find_migration(app, options.name or "")
    request = PreviewRemoval(options.database, (f"{app.label}.{migration.name}",), options.with_dependents)
    removal = await session.engine.preview_removal(request, session.on_progress)
    text = about(removal)
    if refusal := why_not(session, removal):
        return Answer(_removal(removal, [], refusal), text, refusal, code=FAILED)
    removed, error = await delete_all(session, removal)
    for deleted in removed:
        text += lines(f"Removed {deleted.path}", *(f"Removed {path}" for path in deleted.also))
        text += lines(f"Rewrote {deleted.max_migration}") if deleted.max_migration else ""
    one = f"djmig-tui restore {app.label} {migration.name}"
    way_back = f"To put it back: {one}" if len(removed) == 1 else "To put them back: djmig-tui take-back"
    text += lines(f"{way_back} --yes")
    return Answer(_removal(removal, removed, error), text, error, code=FAILED if error else DONE)


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


async def write_back(session: Session, entry: TrashEntry) -> FileRestored:
    """Put one file back, and write it down."""
    restored = await session.engine.restore_file(asking.put_back(entry))
    _written_back(session, entry, new_id(), "")
    return restored


async def write_all_back(session: Session, entries: Sequence[TrashEntry], takes_back: str) -> FilesRestored:
    """Put files back, all or none, and write it down as one action."""
    restored = await session.engine.restore_files(RestoreFiles(tuple(map(asking.put_back, entries))))
    deed = new_id()
    for entry in entries:
        _written_back(session, entry, deed, takes_back)
    return restored


def _written_back(session: Session, entry: TrashEntry, deed: str, takes_back: str) -> None:
    session.state.forget_trash(entry)
    written = Deed(
        session.state.log, PUT_BACK, session.options.database, f"restore {shlex.quote(entry.path)}",
        id=deed, takes_back=takes_back,
    )  # fmt: skip
    written.end(DID, entry.path, subject=f"{entry.app}.{entry.name}")


async def delete_all(
    session: Session, removal: Removal, takes_back: str = ""
) -> tuple[list[FileDeleted], str | None]:
    """Delete the files in their order as one action; return those that went, and why the rest did not.

    Raises what stands against the first one.
    """
    deed = new_id()
    removed: list[FileDeleted] = []
    for file in removal.files:
        try:
            removed.append(await _delete(session, file, deed=deed, takes_back=takes_back))
        except (EngineError, CommandError) as error:
            if not removed:
                raise
            paths = ", ".join(each.path for each in removed)
            return removed, f"{sentence(str(error))} Removed before that: {paths}."
    return removed, None


async def _delete(session: Session, file: MigrationFile, *, deed: str, takes_back: str) -> FileDeleted:
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


def why_not(session: Session, removal: Removal) -> str | None:
    """Return why the files are not removed, as a sentence, or None."""
    options = session.options
    if removal.stay:
        return " ".join(dict.fromkeys(reason for one in removal.stay for reason in one.refusals))
    if options.read_only:
        return "Nothing was done, because --read-only was given."
    firsts = [file for file in removal.files if file.first]
    if firsts and not options.initial:
        them = "it" if len(firsts) == 1 else "them"
        which = " and ".join(f"{one.name} is the first migration of {one.app}" for one in firsts)
        return f"{which}, so nothing was done. To remove {them} all the same, add --initial."
    if not options.yes:
        return f"Nothing was done. To remove the {'file' if len(removal.files) == 1 else 'files'}, add --yes."
    return None


def about(removal: Removal) -> str:
    """Return what would go, what is to be known before, and what is left afterwards."""
    text = "".join(_about(file) for file in (*removal.files, *removal.stay))
    return text if removal.stay else text + lines(*(f"After it: {each}" for each in after(removal.remaining)))


def _about(file: MigrationFile) -> str:
    content = base64.b64decode(file.content)
    size = f"{len(content)} bytes, {content.count(bytes([10]))} lines"
    return lines(f"{file.app}.{file.name}: {file.path} ({size})", *file.warnings)


def _removal(removal: Removal, removed: list[FileDeleted], error: str | None) -> dict[str, object]:
    files = [*removal.files, *removal.stay]
    data: dict[str, object] = to_wire(files[-1])  # the one that was named: all the others need it
    del data["content"]
    return {
        **data,
        "removed": len(removed) == len(files),
        "also": [path for deleted in removed for path in deleted.also],
        "files": [{"app": one.app, "name": one.name, "path": one.path} for one in removal.files],
        "stay": [{"app": one.app, "name": one.name, "refusals": list(one.refusals)} for one in removal.stay],
        "remaining": [to_wire(one) for one in removal.remaining],
        "error": error,
    }
