"""The actions of starting over: the key on the main screen, and the screens that it leads to."""

from __future__ import annotations

from . import why_reset as why
from .action import HELP, MOVE, QUIT, Action

RESET_ACTION = Action(
    "reset",
    ("x",),
    "reset",
    "reset: start over with the app, or the project; finish or put back one that was cut off",
    why.reset,
)
_LEAVE = Action("leave", ("escape",), "leave", "leave; nothing was changed", shown="Esc")
_LOOK_AGAIN = Action("look_again", ("r",), "look again", "look at files and databases again")
RESET_ACTIONS = (
    MOVE,
    Action(
        "run", ("R",), "start over", "take the steps, after a second question; nothing else does", why.run
    ),
    _LEAVE,
    _LOOK_AGAIN,
    HELP,
    QUIT,
)
RESET_BACK_ACTIONS = (
    MOVE,
    Action("run", ("R",), "put it back", "put all of it back; nothing else does", why.run),
    _LEAVE,
    _LOOK_AGAIN,
    HELP,
    QUIT,
)
RESETTING_ACTIONS = (
    MOVE,
    Action("stop", ("s",), "stop", "stop after the step under way; asks first", why.stop),
    Action("finish", ("r",), "finish it", "try again from the step that was cut off or failed", why.finish),
    Action(
        "put_back",
        ("p",),
        "put it back",
        "see what it takes to have everything as it was before; R there does it",
        why.put_back,
    ),
    Action("leave", ("escape",), "leave", "to the tree; asks first while steps are taken", shown="Esc"),
    Action("unfold", ("l",), "", "show, hide the traceback of what went wrong"),
    HELP,
    QUIT,
)
