"""Finds migrations that are in the schema by halves, or whose record says the contrary of it."""

from typing import Any, Iterator, List, Set

from ..loading import Key
from ..protocol import HalfDone, OperationPlace
from .expected import Expectation
from .place import is_begun, place
from .records import Claims
from .remedies import remedies


class Search:
    """The search for half-done migrations on one database."""

    def __init__(self, loader: Any, claims: Claims, expectation: Expectation) -> None:
        self.loader = loader
        self.claims = claims
        self.expectation = expectation

    def recorded(self, app: str) -> Iterator[HalfDone]:
        """Yield the last recorded migrations of `app` of which something is not in the schema.

        Goes back until one leaves a trace that is in: a later one would not have come otherwise.
        """
        ends = [key for key in self._own(app, self.claims.recorded) if not self._later(key)]
        seen: Set[Key] = set()
        while ends:
            key = ends.pop()
            if key in seen:
                continue
            seen.add(key)
            places = self._placed(key, self._before(key))
            if any(each.done is False for each in places):
                yield self._half_done(key, True, places)
            if not any(is_begun(each) for each in places):
                ends.extend(self._own(app, {parent.key for parent in self._node(key).parents}))

    def unrecorded(self, apps: Set[str]) -> Iterator[HalfDone]:
        """Yield the next migrations, of `apps`, of which something is in the schema already.

        Goes on as long as they are wholly in, or leave no trace.
        """
        state = self.claims.state.clone()
        reached = set(self.claims.recorded)
        for key in self.claims.order:
            if key in reached or not {parent.key for parent in self._node(key).parents} <= reached:
                continue
            if key[0] not in apps:
                continue
            after = self._before(key) if key in self.claims.standing else state.clone()
            places = self._placed(key, after)
            if any(is_begun(each) for each in places):
                yield self._half_done(key, False, places)
            if not any(each.done is False for each in places):
                reached.add(key)
                if key not in self.claims.standing:
                    state = after

    def _own(self, app: str, keys: Set[Key]) -> List[Key]:
        return sorted(key for key in keys if key[0] == app and key in self.claims.recorded)

    def _later(self, key: Key) -> List[Key]:
        return self._own(key[0], {child.key for child in self._node(key).children})

    def _node(self, key: Key) -> Any:
        return self.claims.graph.node_map[key]

    def _before(self, key: Key) -> Any:
        return self.loader.project_state(key, at_end=False)

    def _placed(self, key: Key, state: Any) -> List[OperationPlace]:
        return place(self.claims.graph.nodes[key], state, self.expectation)

    def _half_done(self, key: Key, recorded: bool, places: List[OperationPlace]) -> HalfDone:
        migration = self.claims.graph.nodes[key]
        finish, undo = remedies(self.loader, self.expectation.connection, migration, recorded, places)
        return HalfDone(
            app=key[0],
            name=key[1],
            recorded=recorded,
            operations=tuple(places),
            message=_sentence(key, recorded, places),
            finish=finish,
            undo=undo,
        )


def _sentence(key: Key, recorded: bool, places: List[OperationPlace]) -> str:
    name = "%s.%s" % key
    here = [_words(each) for each in places if is_begun(each)]
    away = [_words(each) for each in places if each.done is False]
    if recorded:
        said = "is recorded as applied"
        lack = "none of it is in the schema" if not here else "not in the schema: %s" % ", ".join(away)
    else:
        said = "is not recorded as applied"
        lack = "all of it is in the schema" if not away else "in the schema already: %s" % ", ".join(here)
    return "%s %s, but %s." % (name, said, lack)


def _words(place_: OperationPlace) -> str:
    return place_.description + (" (%s)" % place_.note if place_.note else "")
