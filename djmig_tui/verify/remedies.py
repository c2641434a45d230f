"""How to finish a half-done migration and how to undo it: SQL to run by hand, and commands for the record."""

import copy
import traceback
from typing import Any, List, Optional, Sequence, Tuple

from .. import databases
from ..errors import first_error
from ..operations import hides_code, is_reversible, part
from ..protocol import OperationPlace
from ..sql import collecting, statements
from .place import is_begun

_BY_HAND = (
    "-- What is in the schema is not the beginning of the migration: only a look at each operation tells"
    " how to go on."
)


def remedies(
    loader: Any, connection: Any, migration: Any, recorded: bool, places: Sequence[OperationPlace]
) -> Tuple[str, str]:
    """Return (how to finish, how to undo)."""
    command = _Commands(loader, migration, connection.alias)
    done = boundary(places)
    if done is None:
        return _BY_HAND, _BY_HAND
    if done == 0:  # recorded, and nothing is there
        return command.lines(command.unrecord(), command.migrate()), command.lines(command.unrecord())
    writer = _Writer(loader, connection, migration)
    undo = writer.backwards(done) + (["-- Then: " + command.unrecord()] if recorded else [])
    finish = writer.ends(done) if any(each.done and each.note for each in places) else []
    if any(each.done is False for each in places):
        finish.extend(writer.forwards(done))
    if not recorded:
        finish.append(("-- Then: " if finish else "") + command.record())
    return "\n".join(finish), "\n".join(undo)


def boundary(places: Sequence[OperationPlace]) -> Optional[int]:
    """Return how many operations are done, the first ones; None if it is not just the first ones."""
    done = [index for index, each in enumerate(places) if each.done]
    missing = [index for index, each in enumerate(places) if each.done is False]
    if any(is_begun(each) and not each.done for each in places):
        return None
    if done and missing and done[-1] > missing[0]:
        return None
    return done[-1] + 1 if done else 0


class _Commands:
    """The commands of manage.py about one migration's record."""

    def __init__(self, loader: Any, migration: Any, alias: str) -> None:
        self.app, self.name = migration.app_label, migration.name
        node = loader.graph.node_map[self.app, self.name]
        parents = sorted(parent.key[1] for parent in node.parents if parent.key[0] == self.app)
        self.before = parents[-1] if parents else "zero"
        self.database = "" if alias == "default" else " --database %s" % alias

    def record(self) -> str:
        """Return the command that records it without running it."""
        return "%s %s --fake%s" % (self._migrate(), self.name, self.database)

    def unrecord(self) -> str:
        """Return the command that forgets the record without running anything."""
        return "%s %s --fake%s" % (self._migrate(), self.before, self.database)

    def migrate(self) -> str:
        """Return the command that runs it."""
        return "%s %s%s" % (self._migrate(), self.name, self.database)

    def _migrate(self) -> str:
        return "python manage.py migrate %s" % self.app

    @staticmethod
    def lines(*commands: str) -> str:
        """Return commands one below the other."""
        return "\n".join(commands)


class _Writer:
    """Renders single operations of a migration."""

    def __init__(self, loader: Any, connection: Any, migration: Any) -> None:
        self.connection = connection
        self.migration = migration
        state = loader.project_state((migration.app_label, migration.name), at_end=False)
        self.states = []  # before each operation
        for operation in migration.operations:
            self.states.append(state.clone())
            operation.state_forwards(migration.app_label, state)

    def forwards(self, done: int) -> List[str]:
        """Return the SQL of the operations from number `done` on."""
        lines: List[str] = []
        for index in range(done, len(self.states)):
            lines.extend(self._operation(index, backwards=False))
        return lines

    def backwards(self, done: int) -> List[str]:
        """Return the reverse SQL of the first `done` operations, the last one first."""
        lines: List[str] = []
        for index in reversed(range(done)):
            lines.extend(self._operation(index, backwards=True))
        return lines

    def ends(self, done: int) -> List[str]:
        """Return the SQL that the first `done` operations leave to the end of the migration.

        Those are indexes and foreign keys. One editor sees all the operations, for later ones rename
        what earlier ones left.
        """
        with collecting(self.connection, self.migration) as editor:
            for operation, before in zip(self.migration.operations[:done], self.states):
                after = before.clone()
                operation.state_forwards(self.migration.app_label, after)
                if operation.reduces_to_sql and not hides_code(operation):
                    operation.database_forwards(self.migration.app_label, editor, before, after)
            lines = ["%s;" % statement for statement in editor.deferred_sql]
        heading = "-- Left to the end of the migration (leave out what is there already)"
        return ["--", heading, "--", *lines] if lines else []

    def _operation(self, index: int, backwards: bool) -> List[str]:
        operation = self.migration.operations[index]
        heading = ["--", "-- %s" % operation.describe(), "--"]
        code = hides_code(operation) or not operation.reduces_to_sql
        if code or (backwards and not is_reversible(operation)):
            shown = part(self.migration, operation, backwards)
            return heading + ["-- " + line for line in shown.text.splitlines()]
        try:
            alone = copy.copy(self.migration)
            alone.operations = [operation]
            return statements(self.connection, alone, self.states[index].clone(), backwards)
        except Exception as error:  # noqa: BLE001 -- an operation may fail in any way; the text says how
            traceback.print_exc()
            databases.discard(self.connection)
            return [*heading, "-- It cannot be rendered: %s" % first_error(error)]
