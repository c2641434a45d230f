"""Removing several files in one step: in which order, which stay and why, and what is left of their apps."""

from typing import Any, Dict, List, Set

from django.db.migrations.autodetector import MigrationAutodetector

from .dependencies import removal_order
from .errors import Refusal
from .loading import Key
from .protocol import MigrationFile, PreviewRemoval, Remaining, Removal
from .reading import Look, read


def preview_removal(session: Any, request: PreviewRemoval, call: Any) -> Removal:
    """Answer with the files that can go, in the order of removing, with those that stay, and what is left.

    A file stays if it is refused itself, or needed by one that stays.
    """
    look = Look(session)
    keys = [_key(name) for name in request.keys]
    order = _order(look, keys, request.dependents)
    files: List[MigrationFile] = []
    stay: List[MigrationFile] = []
    for done, key in enumerate(order):
        call.progress(done, len(order), "Reading %s.%s" % key)
        file = read(look, key)
        if file.refusals:
            stay.append(file)
        else:
            files.append(file)
            look.remove(key, file)
    apps = sorted({key[0] for key in order})
    return Removal(tuple(files), tuple(stay), tuple(_remaining(look, app) for app in apps))


def _key(name: str) -> Key:
    app, dot, own = name.partition(".")
    if not (app and dot and own):
        raise Refusal("%r is not the name of a migration: it is written app.name." % name)
    return app, own


def _order(look: Look, keys: List[Key], dependents: bool) -> List[Key]:
    """Return the keys, and with `dependents` what needs them, so that none comes before one that needs it."""
    wanted: Set[Key] = set(keys)
    if not wanted:
        raise Refusal("Say which migrations: none was named.")
    found: Dict[Key, None] = {}
    for key in sorted(wanted, reverse=True):
        for each in [*removal_order(look.below, key), key]:
            if dependents or each in wanted:
                found.setdefault(each)
    return list(found)


def _remaining(look: Look, app: str) -> Remaining:
    heads = look.heads(app)
    numbers = [MigrationAutodetector.parse_number(name) or 0 for name in heads]
    says = look.max_migration(app)
    return Remaining(
        app=app,
        heads=tuple(heads),
        next_number="%04d" % (max(numbers, default=0) + 1),
        max_migration=None if says is None else says.strip(),
    )
