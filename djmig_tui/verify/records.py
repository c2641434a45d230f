"""What the records claim: the state that the applied migrations make, and what was ever named on the way."""

import re
from typing import Any, Dict, Iterable, Iterator, List, Optional, Set, Tuple

from django.db.migrations.operations import RunPython, RunSQL, SeparateDatabaseAndState
from django.db.migrations.state import ProjectState

from ..changes import column_name, link_table, table_name
from ..databases.schema import Schema
from ..history import full_order
from ..loading import Key
from ..operations import leaves, source_of
from .expected import ModelKey


class Claims:
    """The project's state by the records of one database."""

    def __init__(self, loader: Any, connection: Any, schema: Schema, assumed: Iterable[Key] = ()) -> None:
        """`assumed` are looked at as if they were recorded too."""
        self.graph = loader.graph
        self.schema = schema
        self.connection = connection
        self.recorded: Set[Key] = (set(loader.applied_migrations) | set(assumed)) & set(loader.graph.nodes)
        self.order: List[Key] = full_order(loader.graph)
        #: With what the recorded ones need, which may not be recorded itself (EDGES 18).
        self.standing: Set[Key] = self._with_ancestors()
        #: Table → the model that has it at some point of the project's history, and the migration of it.
        self.ever: Dict[str, Tuple[ModelKey, Key]] = {}
        #: Tables and (table, column) pairs that were taken from the models but maybe not from the database.
        self.left_behind: Set[Any] = set()
        self.state = ProjectState(real_apps=loader.unmigrated_apps)
        for key in self.order:
            if key in self.standing:
                self._replay(self.state, key)
        self.mentioned: Set[str] = set(self._tables(self.state, None, managed=False))
        later = self.state.clone()
        for key in self.order:
            if key not in self.standing:
                self._replay(later, key)

    def _with_ancestors(self) -> Set[Key]:
        standing: Set[Key] = set()
        stack = list(self.recorded)
        while stack:
            key = stack.pop()
            if key not in standing:
                standing.add(key)
                stack.extend(parent.key for parent in self.graph.node_map[key].parents)
        return standing

    def _replay(self, state: Any, key: Key) -> None:
        migration = self.graph.nodes[key]
        apart = any(isinstance(each, SeparateDatabaseAndState) for each in migration.operations)
        before = self._names(state, key[0]) if apart else set()
        migration.mutate_state(state, preserve=False)
        for table, model in self._tables(state, key[0], managed=True).items():
            self.ever.setdefault(table, (model, key))
        if apart and key in self.standing:
            self.left_behind |= before - self._names(state, key[0])

    def _tables(self, state: Any, app: Optional[str], managed: bool) -> Dict[str, ModelKey]:
        """Return table → model of an app, or of all; with `managed` only those that Django makes."""
        found: Dict[str, ModelKey] = {}
        for key, model in state.models.items():
            if app is not None and key[0] != app:
                continue
            if managed and (model.options.get("managed") is False or model.options.get("proxy")):
                continue
            found[self.schema.table_key(table_name(model, self.connection))] = key
            for name, field in model.fields.items():
                if field.many_to_many:
                    link = link_table(model, name, field, self.connection)
                    if link:
                        found[self.schema.table_key(link)] = key
        return found

    def _names(self, state: Any, app: str) -> Set[Any]:
        names: Set[Any] = set(self._tables(state, app, managed=False))
        for key, model in state.models.items():
            if key[0] == app:
                table = self.schema.table_key(table_name(model, self.connection))
                for name, field in model.fields.items():
                    names.add((table, self.schema.column_key(column_name(name, field))))
        return names

    def inconsistent(self) -> Iterator[Tuple[Key, Key]]:
        """Yield (recorded, needed by it but not recorded)."""
        for key in sorted(self.recorded):
            for parent in sorted(self.graph.node_map[key].parents):
                if parent.key not in self.recorded:
                    yield key, parent.key

    def mentions(self, *words: str) -> Optional[Key]:
        """Return the applied migration whose own SQL or Python has all `words` in it, None if none."""
        patterns = [re.compile(r"(?<!\w)%s(?!\w)" % re.escape(word), re.IGNORECASE) for word in words]
        for key, text in self._texts():
            if all(pattern.search(text) for pattern in patterns):
                return key
        return None

    def _texts(self) -> List[Tuple[Key, str]]:
        if not hasattr(self, "_read_texts"):
            self._read_texts = [
                (key, _text(operation))
                for key in self.order
                if key in self.standing
                for operation in leaves(self.graph.nodes[key].operations)
                if isinstance(operation, (RunSQL, RunPython))
            ]
        return self._read_texts


def _text(operation: Any) -> str:
    if isinstance(operation, RunPython):
        return source_of(operation.code)
    if isinstance(operation.sql, (list, tuple)):
        return "\n".join(str(each[0] if isinstance(each, (list, tuple)) else each) for each in operation.sql)
    return str(operation.sql)
