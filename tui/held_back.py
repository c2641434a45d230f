"""What is held back while a reset is unfinished: all that changes something, but its own way on, or back."""

from __future__ import annotations

from collections.abc import Mapping

from .action import Action
from .actions import BACKUPS, MAIN, MAKE, PLAN, REMOVE, RESTORE, RUN, TIMELINE
from .context import Context
from .options import Options
from .options_kept import PUT_BACK
from .reset_words import about
from .state_resets import ResetRecord

#: Screen → its actions that change files or databases, or lead to that. Making a backup does not.
HELD_BACK: Mapping[str, frozenset[str]] = {
    MAIN: frozenset(
        {"back_to", "undo", "migrate", "delete", "take_back", "last_run", "forward_fix", "make"},
    ),
    PLAN: frozenset({"run", "forward_fix"}),
    RUN: frozenset({"retry", "make", "put_rows_back"}),
    TIMELINE: frozenset({"undo", "back_to"}),
    BACKUPS: frozenset({"restore"}),
    RESTORE: frozenset({"run"}),
    REMOVE: frozenset({"remove", "undo_first"}),
    MAKE: frozenset({"run"}),
}

_COMMANDS = frozenset({"rollback", "migrate", "take-back", "remove", "restore"})


def why_not(scope: str, action: Action, moment: Context) -> str | None:
    """Return why an action cannot act now, as a sentence, or None."""
    if moment.held_back and action.id in HELD_BACK.get(scope, ()):
        return moment.held_back
    return action.why_not(moment)


def changes(options: Options) -> bool:
    """Say whether a command changes files or databases; a rehearsal, or a look at kept rows, does not."""
    if options.command == "backups":
        return options.swap_kept is not None
    if options.command == "kept":
        return options.action == PUT_BACK and options.yes
    return options.command in _COMMANDS and (options.yes or not options.rehearse)


def by_keys(record: ResetRecord | None) -> str:
    """Return why nothing else is changed, with the keys that come first; "" without an unfinished reset."""
    return "" if record is None else _sentence(record, "x in the tree, then r", "x in the tree, then p")


def by_commands(record: ResetRecord) -> str:
    """Return the same with the commands that come first."""
    return _sentence(record, "djmig-tui reset --finish", "djmig-tui reset --put-back")


def _sentence(record: ResetRecord, finish: str, put_back: str) -> str:
    ways = [] if record.going_back else [f"finished ({finish})"]
    ways.append(f"put back ({put_back})")
    return f"{about(record)} Nothing else is changed before it is {' or '.join(ways)}."
