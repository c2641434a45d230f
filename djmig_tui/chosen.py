"""What a set of migrations stands for in a graph: itself, what needs it, what it needs, in Django's order."""

from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple

from .loading import Key, ancestry

#: The arguments of one `migrate`: an app, and a name, "zero" or nothing.
Target = List[str]


def parsed(keys: Iterable[str]) -> List[Key]:
    """Return "app.name" as pairs, each once."""
    pairs = [(label, name) for label, _, name in (key.partition(".") for key in keys)]
    return list(dict.fromkeys(pairs))


def without_replaced(loader: Any, keys: Sequence[Key]) -> List[Key]:
    """Return `keys` without those that a squash among them replaces: they come and go with it."""
    replaced: Set[Key] = set()
    for key in keys:
        if key in loader.replacements:
            replaced.update(tuple(each) for each in loader.replacements[key].replaces)
    return [key for key in keys if key not in replaced]


def needed_by(graph: Any, keys: Iterable[Key], applied: Mapping[Key, Any]) -> List[Key]:
    """Return those of `keys` and of all that depends on them that are applied, the last one first."""
    found: Set[Key] = set()
    stack = list(keys)
    while stack:
        key = stack.pop()
        if key not in found:
            found.add(key)
            stack.extend(child.key for child in graph.node_map[key].children)
    return [key for key in reversed(ancestry(graph, graph.leaf_nodes())) if key in found and key in applied]


def needs(graph: Any, keys: Iterable[Key], applied: Mapping[Key, Any]) -> List[Key]:
    """Return those of `keys` and of all that they depend on that are not applied, in order."""
    wanted = {key for key in ancestry(graph, keys) if key not in applied}
    return [key for key in ancestry(graph, graph.leaf_nodes()) if key in wanted]


# ----------------------------------------------------------------- as commands
def undoing_targets(loader: Any, steps: Sequence[Key]) -> Optional[List[Target]]:
    """Return the arguments of the `migrate` commands that undo exactly `steps`, None if there are none.

    From the step that everything else rests on upwards: what depends on it falls with it.
    """
    left, standing = set(steps), dict(loader.applied_migrations)
    targets: List[Target] = []
    for key in reversed(steps):
        if key not in left:
            continue
        for name in _places_below(loader.graph, key, left, standing):
            falls = _falls(loader.graph, key[0], name, standing)
            if key in falls and falls <= left:
                break
        else:
            return None
        targets.append([key[0], name or "zero"])
        left -= falls
        for each in falls:
            del standing[each]
    return targets


def _places_below(graph: Any, key: Key, going: Set[Key], standing: Dict[Key, Any]) -> List[Optional[str]]:
    """Return where `migrate` could go back to so that `key` falls: what it stands on in its app, or zero."""
    parents = [parent.key for parent in sorted(graph.node_map[key].parents) if parent.key[0] == key[0]]
    return [name for label, name in parents if (label, name) in standing and (label, name) not in going] or (
        [None] if not parents else []
    )


def _falls(graph: Any, app: str, name: Optional[str], standing: Dict[Key, Any]) -> Set[Key]:
    """Return what `migrate app name` undoes (MigrationExecutor.migration_plan); without a name, zero."""
    if name is None:
        starts = [root for root in graph.root_nodes() if root[0] == app]
    else:
        starts = [child.key for child in graph.node_map[(app, name)].children if child.key[0] == app]
    return set(needed_by(graph, starts, standing))


def applying_targets(loader: Any, steps: Sequence[Key]) -> List[Target]:
    """Return the arguments of the `migrate` commands that apply exactly `steps`."""
    left, standing = set(steps), dict(loader.applied_migrations)
    targets: List[Target] = []
    for key in reversed(steps):
        if key in left:
            targets.append(list(key))
            left.difference_update(needs(loader.graph, [key], standing))
    return targets


def as_pairs(graph: Any, keys: Iterable[Key], *, backwards: bool) -> List[Tuple[Any, bool]]:
    """Return `keys` as the steps of a plan, as Django's executor has them."""
    return [(graph.nodes[key], backwards) for key in keys]
