"""Which migrations on disk need which, told without a graph: it must work where none can be built."""

from typing import Any, Dict, List, Optional, Set, Tuple

from .loading import Key

#: Key → those that need it directly, sorted.
Needs = Dict[Key, List[Key]]


def children(disk: Any, key: Key) -> List[Key]:
    """Return the migrations that need `key` directly: they name it, or it names them in run_before."""
    return needs(disk).get(key, [])


def removal_order(below: Needs, key: Key) -> List[Key]:
    """Return everything that depends on `key`, directly or not, the last one first."""
    order: List[Key] = []
    seen: Set[Key] = {key}
    stack: List[Tuple[Key, List[Key]]] = [(key, list(below.get(key, [])))]
    while stack:  # not by recursion: a chain may be longer than Python's limit
        each, rest = stack[-1]
        child = next((other for other in rest if other not in seen), None)
        if child is None:
            stack.pop()
            order.append(each)
        else:
            seen.add(child)
            stack.append((child, list(below.get(child, []))))
    return order[:-1]


def named_in_run_before(disk: Any, key: Key) -> List[Key]:
    """Return the migrations that say they run before `key`: without it, their line breaks the graph."""
    return sorted(
        other
        for other, migration in disk.migrations.items()
        if key in {tuple(named) for named in migration.run_before}
    )


def needs(disk: Any) -> Needs:
    """Return who needs whom, names such as ``__first__`` resolved as Django's loader does."""
    squashes = {
        tuple(replaced): key for key, migration in disk.migrations.items() for replaced in migration.replaces
    }
    found: Dict[Key, Set[Key]] = {}
    for key, migration in disk.migrations.items():
        for named in migration.dependencies:
            parent = _resolved(disk, squashes, tuple(named), key[0])
            if parent is not None:
                found.setdefault(parent, set()).add(key)
        for named in migration.run_before:
            child = _resolved(disk, squashes, tuple(named), key[0])
            if child is not None and (child in disk.migrations or child in disk.broken):
                found.setdefault(key, set()).add(child)
    return {key: sorted(needing - {key}) for key, needing in found.items()}


def _resolved(disk: Any, squashes: Any, named: Any, app: str) -> Optional[Key]:
    """Return the migration that a dependency means; None for one that means none."""
    if named[1] in {"__first__", "__latest__"}:
        return None if named[0] == app else _end(disk, named[0], named[1] == "__first__")
    if named not in disk.migrations and named not in disk.broken and named in squashes:
        squash: Key = squashes[named]  # the file of what it replaces is gone already
        return squash
    key: Key = named
    return key


def _end(disk: Any, app: str, first: bool) -> Optional[Key]:
    """Return the first or the latest migration of `app`, as `MigrationLoader.check_key` picks it."""
    own = {key: migration for key, migration in disk.migrations.items() if key[0] == app}
    own.update({key: None for key in disk.broken if key[0] == app})
    links = {
        (tuple(parent), key)
        for key, migration in own.items()
        for parent in (migration.dependencies if migration is not None else ())
        if parent[0] == app and tuple(parent) in own
    }
    inner = {child for _, child in links} if first else {parent for parent, _ in links}
    # A file that cannot be imported tells nothing of its parents; its name is all there is.
    ends = sorted(set(own) - inner) or sorted(own)
    return ends[0] if ends else None
