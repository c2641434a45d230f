"""What a plan destroys and where it may fail, and the verdict. Static: rows are not counted yet."""

from dataclasses import dataclass, field
from typing import Any, Dict, List, Sequence, Tuple

from django.db.migrations.state import ProjectState

from .changes import (
    ADD_COLUMN,
    ADD_CONSTRAINT,
    ALTER_COLUMN,
    CODE,
    CREATE_TABLE,
    DROP_COLUMN,
    DROP_TABLE,
    HARMLESS,
    IRREVERSIBLE,
    Around,
    Effect,
)
from .effects import effects, models_around
from .loading import Key, ancestry
from .protocol import BLOCKED, LOSES, SAFE, UNKNOWN, Failure, Loss


@dataclass
class Impact:
    """What was found in the steps of a plan, in the order in which they run."""

    loss: List[Loss] = field(default_factory=list)
    failures: List[Failure] = field(default_factory=list)
    code: List[str] = field(default_factory=list)
    irreversible: List[str] = field(default_factory=list)
    notes: List[str] = field(default_factory=list)
    effects: List[Effect] = field(default_factory=list)  # in the order in which they will happen
    steps: Dict[str, List[Effect]] = field(default_factory=dict)  # the same, by "app.name"

    def verdict(self) -> str:
        """Return the worst that is known; `SAFE` only if every operation was understood."""
        if self.irreversible:
            return BLOCKED
        if self.loss:
            return LOSES
        return UNKNOWN if self.code or self.failures else SAFE

    def why(self, blocked: bool = False) -> Tuple[str, ...]:
        """Return the reasons, the worst first, but for the blockers, which the plan names itself."""
        reasons = [_loss_sentence(loss) for loss in self.loss]
        reasons.extend(failure.message + "; the rows were not counted." for failure in self.failures)
        reasons.extend(sentence + "; only its source tells what it does." for sentence in self.code)
        if reasons or blocked:
            return tuple(reasons)
        return ("Every operation is understood, and none destroys anything.",)


def _loss_sentence(loss: Loss) -> str:
    if loss.kind == DROP_TABLE:
        return "The table %s goes, with all its rows; they were not counted." % loss.table
    if loss.kind == DROP_COLUMN:
        return "The column %s.%s goes, with its values; they were not counted." % (loss.table, loss.column)
    return "Values of %s.%s may be cut or changed; they were not counted." % (loss.table, loss.column)


def measure(steps: Sequence[Tuple[Any, bool]], loader: Any, connection: Any) -> Impact:
    """Return the impact of `steps`, (migration, backwards) pairs in the order in which they run.

    One replay of the project's state serves all of them: whatever a step needs to be true before
    it is an ancestor of a step.
    """
    impact = Impact()
    if not steps:
        return impact
    backwards = steps[0][1]
    keys = [(migration.app_label, migration.name) for migration, _ in steps]
    state = _state_before(keys, loader)
    found: List[Tuple[str, List[Effect]]] = []
    for migration, _ in reversed(steps) if backwards else steps:
        found.append((str(migration), _effects_of(migration, state, connection, backwards)))
    for name, each in reversed(found) if backwards else found:
        impact.effects.extend(each)
        impact.steps[name] = each
        for effect in each:
            _file(impact, name, effect)
    gone = {loss.table for loss in impact.loss if loss.column is None}
    once = dict.fromkeys(impact.loss)  # two steps may lose the same
    impact.loss = [loss for loss in once if loss.column is None or loss.table not in gone]
    return impact


def _state_before(keys: List[Key], loader: Any) -> Any:
    """Return the state that the ancestors of `keys` make, without those that depend on one of them.

    There are such only where the history is inconsistent (EDGES 18): applied before what they need.
    """
    late = set(keys)
    order = ancestry(loader.graph, keys)
    for key in order:
        if any(parent.key in late for parent in loader.graph.node_map[key].parents):
            late.add(key)
    if late == set(keys):
        return loader.project_state(keys, at_end=False)
    state = ProjectState(real_apps=loader.unmigrated_apps)
    for key in order:
        if key not in late:
            state = loader.graph.nodes[key].mutate_state(state, preserve=False)
    return state


def _effects_of(migration: Any, state: Any, connection: Any, backwards: bool) -> List[Effect]:
    app = migration.app_label
    found: List[List[Effect]] = []
    for operation in migration.operations:
        before = models_around(operation, app, state)
        try:
            operation.state_forwards(app, state)
        except Exception as error:  # noqa: BLE001 -- a foreign operation, or one that misses what is not applied
            words = "%s cannot be followed (%s: %s)" % (operation.describe(), type(error).__name__, error)
            found.append([Effect(CODE, sentence=words)])
            continue
        around = Around(app, before, models_around(operation, app, state), connection)
        found.append(effects(operation, around, backwards))
    ordered = reversed(found) if backwards else found
    return [effect for each in ordered for effect in each]


def _file(impact: Impact, name: str, effect: Effect) -> None:
    if effect.kind in {DROP_TABLE, DROP_COLUMN, ALTER_COLUMN}:
        impact.loss.append(Loss(effect.app, effect.table, effect.column, kind=effect.kind))
    elif effect.kind == CODE:
        impact.code.append("%s: %s" % (name, effect.sentence))
    elif effect.kind == IRREVERSIBLE:
        impact.irreversible.append("%s: %s." % (name, effect.sentence))
    elif effect.fails_on_rows:
        impact.failures.append(Failure(effect.table, effect.column or "", None, effect.sentence))
    elif effect.sentence and effect.kind in {ADD_COLUMN, CREATE_TABLE, ADD_CONSTRAINT, HARMLESS}:
        impact.notes.append("%s: %s." % (name, effect.sentence))
