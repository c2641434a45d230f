"""A plan in words that cannot be misread: its title, its target, and why each step is in it."""

from typing import Any, Iterable, List, Optional, Sequence, Set

from .chosen import parsed
from .loading import Key
from .protocol import APPLY_THESE, BACK_TO, UNDO, UNDO_THESE, ZERO, Step
from .routes import Intent, Route

#: How many steps a title names.
NAMED = 6


def target_of(request: Intent) -> str:
    """Return what the plan goes to, in a word."""
    if request.intent in (UNDO_THESE, APPLY_THESE):
        keys = parsed(request.keys)
        return "%s.%s" % keys[0] if len(keys) == 1 else _count_of(keys)
    if request.app is None:
        return "all"
    if request.name is None:
        return "%s %s" % (request.app, "zero" if request.intent == ZERO else "latest")
    return "%s.%s" % (request.app, request.name)


def title_of(request: Intent, steps: Sequence[Step]) -> str:
    """Return the plan's title."""
    listed = [step.name if step.app == request.app else "%s.%s" % (step.app, step.name) for step in steps]
    names = ", ".join(listed[:NAMED])
    if len(listed) > NAMED:
        names += " and %d more" % (len(listed) - NAMED)
    names = names or "nothing"
    if request.intent in (UNDO_THESE, APPLY_THESE):
        return _title_of_these(request, steps, names)
    if request.intent == BACK_TO:
        return "Back to %s: it stays applied; undoes %s" % (request.name, names)
    if request.intent == UNDO:
        if len(steps) == 1:
            return "Undo %s: nothing else needs it" % names
        return "Undo %s and what needs it: undoes %s" % (request.name, names)
    if request.intent == ZERO:
        return "Take %s back to zero: undoes %s" % (request.app, names)
    where = request.name or ("the latest of %s" % request.app if request.app else "the latest of everything")
    return "Migrate to %s: applies %s" % (where, names)


def _title_of_these(request: Intent, steps: Sequence[Step], names: str) -> str:
    keys = set(parsed(request.keys))
    chosen = [key for key in ((step.app, step.name) for step in steps) if key in keys]
    added = len(steps) - len(chosen)
    verb, does = ("Undo", "undoes") if request.intent == UNDO_THESE else ("Apply", "applies")
    more = ""
    if added:
        needing = "needs" if added == 1 else "need"
        them = "it" if len(chosen) == 1 else "them"
        if request.intent == UNDO_THESE:
            more = " and %d more that %s %s" % (added, needing, them)
        else:
            more = " and %d more that %s" % (added, "it needs" if len(chosen) == 1 else "they need")
    return "%s %s%s: %s %s" % (verb, _count_of(chosen), more, does, names)


def _count_of(keys: Sequence[Key]) -> str:
    apps = {app for app, _ in keys}
    return "%s of %s" % (_number(len(keys), "migration"), _number(len(apps), "app"))


def _number(count: int, noun: str) -> str:
    return "%d %s%s" % (count, noun, "" if count == 1 else "s")


class Reasons:
    """Why each step is in the plan, where it was not asked for itself."""

    def __init__(self, route: Route, request: Intent) -> None:
        self._route = route
        self._app = request.app
        self._asked = set(parsed(request.keys)) if request.intent in (UNDO_THESE, APPLY_THESE) else None
        self._place = {key: place for place, key in enumerate(route.keys)}

    def because(self, key: Key) -> Optional[str]:
        """Return the dependency that pulls `key` into the plan, None if nothing has to."""
        if self._asked is None and (self._app is None or key[0] == self._app):
            return None
        if self._asked is not None and key in self._asked:
            return None
        backwards = self._route.pairs[self._place[key]][1]
        node = self._route.graph.node_map[key]
        links = self._links(key, node.parents if backwards else node.children)
        if not links:
            return None
        # Of several the one that was asked for, if any was.
        other = next((each for each in links if each in (self._asked or ())), links[0])
        pair = (key, other) if backwards else (other, key)
        return "%s.%s depends on %s.%s" % (pair[0] + pair[1])

    def _links(self, key: Key, others: Iterable[Any]) -> List[Key]:
        """Return those of `others` that the plan comes to after `key`."""
        later: Set[Key] = {each.key for each in others if self._place.get(each.key, -1) > self._place[key]}
        return sorted(later)
