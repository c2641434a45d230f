"""What the detail tabs show of one migration: operations, source, dependencies, what undoing loses."""

from typing import Any, Optional, Tuple

from . import databases, failures
from .dependencies import children
from .errors import EngineError
from .impact import Impact, measure
from .loading import Folder, Key
from .operations import describe
from .protocol import UNKNOWN, MigrationDetail, ShowMigration
from .sql import missing_sentence, sql_loader


def show_migration(session: Any, request: ShowMigration, call: Any) -> MigrationDetail:
    """Answer for files that cannot be imported, and for ghosts, with what there is.

    Raises `Refusal` for a migration that is neither on disk nor recorded.
    """
    key = (request.app, request.name)
    disk = session.disk()
    file, source = read_source(disk.folders, key)
    migration = disk.migrations.get(key)
    if migration is None:
        broken = disk.broken.get(key)
        why = broken.message if broken else missing_sentence(session, request.database, key)
        return MigrationDetail(*key, file, source, True, (), (), (), why=(why,))
    impact, why_not = _impact(session, request.database, key)
    verdict, why = UNKNOWN, (why_not,)
    if impact is not None:
        verdict = impact.verdict()
        why = tuple(impact.irreversible) + impact.why(bool(impact.irreversible))
    return MigrationDetail(
        app=key[0],
        name=key[1],
        file=file,
        source=source,
        atomic=bool(migration.atomic),
        operations=tuple(describe(operation) for operation in migration.operations),
        depends_on=tuple("%s.%s" % tuple(parent) for parent in migration.dependencies),
        needed_by=tuple("%s.%s" % child for child in children(disk, key)),
        loss=() if impact is None else tuple(impact.loss),
        verdict=verdict,
        why=why,
        run_before=tuple("%s.%s" % tuple(child) for child in migration.run_before),
    )


def _impact(session: Any, alias: str, key: Key) -> Tuple[Optional[Impact], str]:
    """Return what undoing this one migration does; None, and why, where graph or database do not tell."""
    try:
        loader = sql_loader(session, alias)
        if key not in loader.graph.nodes:
            return None, "%s.%s has no place in the graph of migrations." % key
        connection = databases.looking(alias)
        return measure([(loader.graph.nodes[key], True)], loader, connection), ""
    except EngineError as error:
        return None, str(error)
    except Exception as error:  # noqa: BLE001 -- an operation of the project; source and names are shown all the same
        return None, "What it does cannot be told: %s" % failures.sentence(error)


def read_source(folders: Tuple[Folder, ...], key: Key) -> Tuple[Any, str]:
    """Return path and text of a migration's file; (None, "") if there is none. Bad UTF-8 is shown escaped."""
    folder = next((each for each in folders if each.label == key[0]), None)
    if folder is None or folder.path is None or key[1] not in folder.names:
        return None, ""
    path = "%s/%s.py" % (folder.path, key[1])
    try:
        with open(path, encoding="utf-8", errors="backslashreplace") as source:
            return path, source.read()
    except OSError as error:
        return path, "# %s" % error
