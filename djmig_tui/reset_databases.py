"""What in the databases stands against starting over: what would be gone and could not be put back."""

from typing import Any, Dict, List, Sequence

from django.apps import apps

from . import databases
from .databases import extensions_postgresql
from .loading import Folder, scan_folders
from .protocol import RESET_KEEPING, RESET_PROJECT, PreviewReset
from .reset_tables import forgotten, there_of


def about_databases(
    session: Any, blockers: Any, request: PreviewReset, aliases: Sequence[str], reachable: Sequence[str]
) -> None:
    """Add to `blockers` what the reset would lose on `aliases`, forget, or could not put back."""
    if request.kind == RESET_KEEPING:
        _about_keeping(session, blockers, str(request.app), aliases)
        return
    if request.kind == RESET_PROJECT:
        _about_same(blockers, aliases, reachable)
        without = [folder for folder in scan_folders() if not folder.names]
        for alias in aliases:
            for folder in without:
                _about_unmigrated(blockers, folder, alias)
    for alias in aliases:
        _about_extensions(blockers, alias)


def _about_keeping(session: Any, blockers: Any, app: str, aliases: Sequence[str]) -> None:
    """What is kept must be in the migrations that are made anew: they know the models of now only."""
    if not list(apps.get_app_config(app).get_models(include_swapped=True)):
        blockers.add(
            "%s has no models any more: no migration would be made anew." % app,
            "Put its models back first, or reset it without keeping its tables.",
        )
    for alias in aliases:
        for table in forgotten(session, databases.looking(alias), app):
            blockers.add(
                "%s on %s is the table of no model any more: it would be forgotten with its rows."
                % (table, alias),
                "Make and apply the migration that deletes its model first, or put the model back.",
            )


def _about_same(blockers: Any, aliases: Sequence[str], reachable: Sequence[str]) -> None:
    """One database is not made anew twice, nor from under an alias that has a schema of its own there."""
    same: Dict[str, List[str]] = {}
    for alias in reachable:
        connection = databases.looking(alias)
        identity = databases.vendor(connection).identity(connection)
        if identity is not None:
            same.setdefault(identity, []).append(alias)
    for names in same.values():
        if len(names) > 1 and set(names) & set(aliases):
            blockers.add(
                "%s are the same database, which would be made anew from under each other."
                % " and ".join(repr(name) for name in names),
                "Leave only one of them in DATABASES if they mean the same tables, or reset app by app.",
            )


def _about_unmigrated(blockers: Any, folder: Folder, alias: str) -> None:
    """What migrate --run-syncdb made is in no migration, so nothing would make it again."""
    models = apps.get_app_config(folder.label).get_models(include_auto_created=True)
    tables = there_of(databases.looking(alias), models)
    if tables:
        blockers.add(
            "%s has no migrations: its tables on %s (%s) would be gone, and nothing makes them again."
            % (folder.label, alias, ", ".join(tables)),
            "Give %s migrations (makemigrations, then migrate --fake-initial), or back up and reset by hand"
            " with migrate --run-syncdb." % folder.label,
        )


def _about_extensions(blockers: Any, alias: str) -> None:
    """The way back is a backup, and restoring it makes its extensions again."""
    connection = databases.looking(alias)
    if connection.vendor != "postgresql":
        return
    names = extensions_postgresql.not_creatable(connection)
    if names:
        blockers.add(
            "This user may not create what is installed on %s (%s), so its backup could not be put back."
            % (alias, ", ".join(names)),
            "Connect as a superuser for the reset, or drop the extension if nothing uses it.",
        )
