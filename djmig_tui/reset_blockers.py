"""What stands against starting over: where it is not allowed, and whose files would be left hanging."""

import contextlib
import os
from typing import Any, Dict, List, Sequence, Set, Tuple

from django.apps import apps
from django.conf import settings
from django.db.migrations.operations import AddField, CreateModel

from . import databases
from .alterations import database_default, effective_default
from .catalogue import TableNames
from .databases.schema import can_read
from .dependencies import needs
from .loading import Folder, Key
from .operations import leaves
from .protocol import RESET_PROJECT, PreviewReset, VerifySchema
from .reading import place_refusals
from .verify import verify_schema

#: What makemigrations calls an app's first migration: whoever depends on it finds it again.
FIRST = "0001_initial"
_ENDS = frozenset({"__first__", "__latest__"})


class Blockers:
    """Collects sentences, and the ways out of them."""

    def __init__(self, session: Any, request: PreviewReset) -> None:
        self.sentences: List[str] = []
        self.ways_out: List[str] = []
        self._session = session
        self._request = request

    def add(self, sentence: str, way_out: str = "") -> None:
        """Add what stands against it, once."""
        if sentence not in self.sentences:
            self.sentences.append(sentence)
        if way_out and way_out not in self.ways_out:
            self.ways_out.append(way_out)

    def about_place(self, folders: Sequence[Folder], aliases: Sequence[str]) -> None:
        """Only in development, and never the files of others."""
        for sentence, way_out in why_not_here(self._session, sorted({*aliases, self._request.database})):
            self.add(sentence, way_out)
        for folder in folders:
            if folder.third_party:
                self.add("%s belongs to an installed package: its files are never touched." % folder.label)
            else:
                self._about_folder(folder)

    def _about_folder(self, folder: Folder) -> None:
        """What would keep its files from going, or new ones from coming, while the rows are still there."""
        for name in folder.names:
            path = os.path.join(str(folder.path), name + ".py")
            refusals = place_refusals(path, os.lstat(path).st_mode)
            if refusals:
                self.add(" ".join(refusals))
                return  # the others of the folder are where this one is
        if not os.access(str(folder.path), os.W_OK | os.X_OK):
            self.add(
                "%s cannot be written to: its files could not go, and no new ones be made." % folder.path,
                "Give yourself the right to write there, then look again.",
            )

    def about_files(self, keys: Sequence[Key], hanging: Sequence[Tuple[Key, Key]]) -> None:
        """Nobody else may depend on a file that will not be there again, and the new ones need a place."""
        if self._request.kind == RESET_PROJECT:
            for child, parent in hanging:
                self.add("%s.%s depends on %s.%s, which is not made again." % (*child, *parent))
            return
        for child, parent in hanging:
            self.add(
                "%s.%s depends on %s.%s, which would not be there again." % (*child, *parent),
                "Have it depend on %s.%s instead, or reset the whole project." % (parent[0], FIRST),
            )
        self._about_circle({key[0] for key in keys})

    def about_return(self, alias: str, keys: Sequence[Key]) -> None:
        """What other apps lose is applied again: that fails where their rows need a value and get none."""
        migrations = self._session.disk().migrations
        undone = [(key, list(leaves(migrations[key].operations))) for key in keys if key in migrations]
        new = {
            (key[0], each.name_lower)
            for key, operations in undone
            for each in operations
            if isinstance(each, CreateModel)
        }
        for key, operations in undone:
            added = [each for each in operations if isinstance(each, AddField)]
            stay = [each for each in added if (key[0], each.model_name_lower) not in new]
            for table in _needing_a_value(alias, key[0], stay):
                self.add(
                    "%s.%s would be undone and could not be applied again: what it adds to %s may not be"
                    " empty and has no default, and %s has rows." % (*key, table, table),
                    "Reset the whole project instead, or take %s back to zero first." % key[0],
                )

    def _about_circle(self, labels: Set[str]) -> None:
        """What is made anew depends on the last migration of each app that its models point at."""
        below = needs(self._session.disk())
        for label in sorted(labels):
            dependants = _reachable(
                below, {key for key in self._session.disk().migrations if key[0] == label}
            )
            for pointed in sorted(_pointed_at(label)):
                behind = sorted(key for key in dependants if key[0] == pointed)
                if behind and not (pointed == _user_app() and not _is_root(self._session, behind)):
                    self.add(
                        "%s points at %s, and %s.%s depends on %s: what would be made anew and %s would need"
                        " each other." % (label, pointed, *behind[0], label, pointed),
                        "Reset the whole project instead: both are made anew together.",
                    )


def _needing_a_value(alias: str, app: str, added: Sequence[AddField]) -> List[str]:
    """Return the tables with rows to which fields are added that may not be empty and have no default."""
    connection = databases.looking(alias)
    there = TableNames(connection)
    found = []
    for each in added:
        if _fills_itself(each.field):
            continue
        with contextlib.suppress(LookupError):  # its model is not there any more
            table = apps.get_model(app, each.model_name)._meta.db_table
            if table in there and _has_rows(connection, table):
                found.append(table)
    return list(dict.fromkeys(found))


def _fills_itself(field: Any) -> bool:
    """Return whether rows that are there already get a value, or need none."""
    if field.null or field.many_to_many or getattr(field, "generated", False):
        return True
    return bool(database_default(field)) or effective_default(field) is not None


def _has_rows(connection: Any, table: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM %s LIMIT 1" % connection.ops.quote_name(table))
        return cursor.fetchone() is not None


def why_not_here(session: Any, aliases: Sequence[str]) -> List[Tuple[str, str]]:
    """Return why nothing starts over here, each with a way out: DEBUG is off, a database is not local."""
    found = []
    if session.read_only:
        found.append(("djmig-tui was started with --read-only: nothing is changed.", "Start it without."))
    if not settings.DEBUG:
        sentence = "DEBUG is off: a reset is for development only."
        found.append((sentence, "Roll back instead, migration by migration."))
    found.extend(
        (
            "%r is not on this machine: a reset is for development only." % alias,
            "Name its host in local-hosts below [tool.djmig-tui] if it is yours alone.",
        )
        for alias in aliases
        if not session.is_local(alias)
    )
    return found


def missing(session: Any, alias: str, labels: Set[str], call: Any) -> Tuple[str, ...]:
    """Return what the records of some apps claim and the schema lacks: undoing them would fail there."""
    if not labels or not can_read(databases.looking(alias)):
        return ()
    found = verify_schema(session, VerifySchema(alias), call).differences
    return tuple(one.message for one in found if one.app in labels and one.kind.startswith("missing"))


def blocking_dependencies(disk: Any, labels: Sequence[str]) -> List[Tuple[Key, Key]]:
    """Return (who depends, on what) for all that names a file which is not made again under its name."""
    going = set(labels)
    found = set()
    for key, migration in disk.migrations.items():
        if key[0] in going:
            continue
        for named in (*migration.dependencies, *migration.run_before):
            parent = (named[0], named[1])
            if parent[0] in going and parent[1] not in _ENDS and parent[1] != FIRST:
                found.add((key, parent))
    return sorted(found)


def _pointed_at(label: str) -> Set[str]:
    """Return the other apps that the models of an app point at, or inherit from."""
    found = set()
    for model in apps.get_app_config(label).get_models(include_auto_created=True):
        for field in model._meta.get_fields():
            related = getattr(field, "related_model", None)
            if related is not None and not field.auto_created and not isinstance(related, str):
                found.add(related._meta.app_label)
        found.update(base._meta.app_label for base in model._meta.parents)
    return found - {label}


def _user_app() -> str:
    return str(settings.AUTH_USER_MODEL).partition(".")[0]


def _is_root(session: Any, keys: Sequence[Key]) -> bool:
    """Return whether one of `keys` has no parent in its own app: `__first__` means that one."""
    migrations = session.disk().migrations
    return any(
        key in migrations and all(parent[0] != key[0] for parent in migrations[key].dependencies)
        for key in keys
    )


def _reachable(below: Dict[Key, List[Key]], start: Set[Key]) -> Set[Key]:
    found: Set[Key] = set()
    stack = list(start)
    while stack:
        for child in below.get(stack.pop(), []):
            if child not in found and child not in start:
                found.add(child)
                stack.append(child)
    return found
