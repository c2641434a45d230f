"""Which operations of one migration are in the schema, told by what each of them changes in it."""

from typing import Any, Dict, List, Optional, Set, Tuple

from django.db.migrations.operations import SeparateDatabaseAndState

from ..databases.schema import Schema
from ..protocol import OperationPlace
from .expected import Expectation, ModelKey
from .facts import COLUMN, NULL, PRIMARY_KEY, TABLE, TYPE, Fact, Key, agrees, found

#: Key → the fact before the operation, and after it; None where there is none.
Changes = Dict[Key, Tuple[Optional[Fact], Optional[Fact]]]

#: What tells most about an operation comes first: indexes and foreign keys of a table that
#: CREATE TABLE made come later, at the end of the migration, and may never have come.
_LEVELS = ({TABLE}, {COLUMN}, {TYPE, NULL, PRIMARY_KEY})


#: How the note of an operation begins of which one part is in and another is not.
PARTLY = "partly: "


def is_begun(place_: OperationPlace) -> bool:
    """Return whether an operation is in the schema, or a part of it."""
    return bool(place_.done) or place_.note.startswith(PARTLY)


def place(migration: Any, state: Any, expectation: Expectation) -> List[OperationPlace]:
    """Return which operations are in the schema. `state` is that before the migration, and moves on."""
    changes = [_changes(operation, migration, state, expectation) for operation in migration.operations]
    votes: List[Dict[Key, bool]] = [{} for _ in changes]
    for key in {key for each in changes for key in each}:
        for index, done in _told_by(key, changes, expectation.schema):
            votes[index][key] = done
    placed = [
        _placed(str(operation.describe()), found_, changed)
        for operation, found_, changed in zip(migration.operations, votes, changes)
    ]
    return [_settled(index, placed, bool(changes[index])) for index in range(len(placed))]


def _settled(index: int, placed: List[OperationPlace], changes: bool) -> OperationPlace:
    """Let the neighbours tell of an operation whose own trace a later one has covered: order is kept."""
    place_ = placed[index]
    if place_.done is None and changes:
        if any(later.done for later in placed[index + 1 :]):
            return OperationPlace(place_.description, True)
        if any(earlier.done is False for earlier in placed[:index]):
            return OperationPlace(place_.description, False)
    return place_


def _changes(operation: Any, migration: Any, state: Any, expectation: Expectation) -> Changes:
    app = migration.app_label
    before = {key: _shape(model) for key, model in state.models.items() if key[0] == app}
    old = state.clone()
    operation.state_forwards(app, state)
    if isinstance(operation, SeparateDatabaseAndState) and not operation.database_operations:
        return {}  # the models alone
    after = {key: _shape(model) for key, model in state.models.items() if key[0] == app}
    changed = {key for key in set(before) | set(after) if before.get(key) != after.get(key)}
    if not changed:
        return {}
    keys = sorted(changed | _pointing_at(changed, old, app) | _pointing_at(changed, state, app))
    facts_before, facts_after = (expectation.of(each, keys).facts for each in (old, state))
    return {
        key: (facts_before.get(key), facts_after.get(key))
        for key in set(facts_before) | set(facts_after)
        if _value(facts_before.get(key)) != _value(facts_after.get(key))
    }


def _value(fact: Optional[Fact]) -> Any:
    return None if fact is None else fact.value


def _shape(model: Any) -> Any:
    """Return what changes when an operation touches a ModelState: fields are replaced, not changed."""
    return [(name, id(field)) for name, field in model.fields.items()], dict(model.options)


def _pointing_at(keys: Set[ModelKey], state: Any, app: str) -> Set[ModelKey]:
    """Return the app's models whose columns follow the primary keys of `keys`."""
    pointing: Set[ModelKey] = set()
    for key in keys & set(state.models):
        for model in state.relations.get(key, {}):
            if model[0] == app:
                pointing.add(model)
    return pointing


def _told_by(key: Key, changes: List[Changes], schema: Schema) -> List[Tuple[int, bool]]:
    """Return for each operation that changes `key` whether it is in, as far as this key tells.

    The values that the key goes through, one operation after the other, are compared with the one
    that is there; if just one of them fits, what comes before it is in and the rest is not.
    """
    steps = [(index, each[key]) for index, each in enumerate(changes) if key in each]
    values = [_value(steps[0][1][0])] + [_value(after) for _, (_, after) in steps]
    there = found(schema, key)
    fitting = [place_ for place_, value in enumerate(values) if agrees(key, value, there)]
    if len(fitting) != 1:
        return []
    return [(index, number < fitting[0]) for number, (index, _) in enumerate(steps)]


def _placed(description: str, votes: Dict[Key, bool], changes: Changes) -> OperationPlace:
    for level in (*_LEVELS, None):
        told = {key: done for key, done in votes.items() if level is None or key[0] in level}
        if not told:
            continue
        done = all(told.values())
        if not done and any(told.values()):
            return OperationPlace(description, False, PARTLY + _named(told, True, changes))
        opposed = {key: other for key, other in votes.items() if other != done}
        note = ""
        if opposed:
            note = ("without %s" if done else "but %s") % _named(opposed, not done, changes)
        return OperationPlace(description, done, note)
    return OperationPlace(description, None)


def _named(votes: Dict[Key, bool], done: bool, changes: Changes) -> str:
    names = []
    for key in sorted(votes, key=str):
        if votes[key] == done:
            fact = changes[key][1] or changes[key][0]
            name = fact.name if fact is not None else ""
            names.append("the %s of %s%s" % (key[0], fact.table if fact else "", "." + name if name else ""))
    return ", ".join(names)
