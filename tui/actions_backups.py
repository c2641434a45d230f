"""The actions of the screens of backups and restores."""

from __future__ import annotations

from . import context as why
from . import why_backups
from .action import HELP, MOVE, PANE, QUIT, Action

BACKUPS_ACTIONS = (
    MOVE,
    PANE,
    Action("make", ("m",), "back up now", "make a backup now", why_backups.make),
    Action(
        "restore",
        ("enter",),
        "restore",
        "see what restoring it would replace, or how many kept rows match; asks before it changes anything",
        why_backups.restore,
        shown="Enter",
    ),
    Action("delete", ("D",), "delete", "delete it, after a question", why_backups.delete),
    Action("copy_path", ("c",), "copy path", "copy where it is", why_backups.copy),
    Action("leave", ("escape",), "leave", "stop what is under way; leave", shown="Esc"),
    HELP,
    QUIT,
)
RESTORE_ACTIONS = (
    Action(
        "run", ("R",), "restore it", "put the backup in place; nothing else does", why_backups.run_restore
    ),
    Action(
        "back_up",
        ("b",),
        "back up first",
        "make a backup of what is there now before it is replaced, or do not",
        why_backups.toggle,
    ),
    Action("leave", ("escape",), "leave", "leave; nothing was changed", shown="Esc"),
    Action("look_again", ("r",), "look again", "look at the database again"),
    HELP,
    QUIT,
)
RESTORING_ACTIONS = (
    MOVE,
    Action("stop", ("s",), "stop", "ask the restore to stop; asks first", why.while_running),
    Action("leave", ("escape",), "leave", "to the tree after the restore; asks first during it", shown="Esc"),
    Action("unfold", ("l",), "", "show, hide the traceback of what went wrong"),
    HELP,
    QUIT,
)
