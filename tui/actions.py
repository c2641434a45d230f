"""Every user action once. Footer, palette, help and the README's key table are made from these records."""

from __future__ import annotations

from collections.abc import Iterable

from textual.binding import Binding, BindingType

from . import context as why
from . import why_back, why_backups, why_files, why_kept, why_rehearsal
from .action import FOLD, HELP, MOVE, PANE, QUIT, TABS, Action
from .actions_backups import BACKUPS_ACTIONS, RESTORE_ACTIONS, RESTORING_ACTIONS
from .actions_reset import RESET_ACTION, RESET_ACTIONS, RESET_BACK_ACTIONS, RESETTING_ACTIONS

MAIN, PLAN, RUN, REMOVE, ASK, TROUBLE, TEXT = "main", "plan", "run", "remove", "ask", "trouble", "text"
CHOOSE = "choose"
REHEARSE, VERIFY, TIMELINE, MAKE = "rehearse", "verify", "timeline", "make"

BACKUPS, RESTORE, RESTORING = "backups", "restore", "restoring"
RESET, RESETTING, RESET_BACK = "reset", "resetting", "reset_back"

#: Words over each part of the help screen and of the README's table.
SCOPES = {
    MAIN: "Main screen",
    PLAN: "Plan screen: nothing that changes a database happens without it",
    REHEARSE: "Rehearsal: the plan is run and taken back",
    RUN: "Run screen",
    TIMELINE: "What was applied: the last run, or back to a moment",
    VERIFY: "Verify screen: does the schema agree with the records?",
    BACKUPS: "Backups",
    RESTORE: "Restoring a backup: what it would replace",
    RESTORING: "A restore under way",
    RESET: "Reset: what starting over would do, step by step",
    RESETTING: "A reset under way, or one that was cut off",
    RESET_BACK: "Putting a reset back: what it would do",
    REMOVE: "Removing a file",
    MAKE: "Making migrations: a dry run first",
    ASK: "Questions",
}


ACTIONS: dict[str, tuple[Action, ...]] = {
    MAIN: (
        MOVE,
        FOLD,
        PANE,
        Action("tab", ("1", "2", "3", "4", "5", "6"), "", ", ".join(TABS), shown="1-6"),
        Action("open", ("enter",), "", "open, fold; never changes anything", shown="Enter"),
        Action("back", ("escape",), "", "back; never changes anything", shown="Esc"),
        Action(
            "back_to",
            ("b",),
            "back to",
            "back to here: here stays applied; on an app: to zero",
            why.back_to,
        ),
        Action("undo", ("u",), "undo", "undo this one and what needs it", why.undo),
        Action(
            "migrate",
            ("m",),
            "migrate",
            "migrate to here; on an app: to its latest; on the project: everything",
            why.migrate,
        ),
        Action(
            "mark",
            ("space",),
            "",
            "mark it and all that needs it, to be removed in one step; again: unmark it and what it needs",
            why_files.mark,
            shown="space",
        ),
        Action(
            "delete",
            ("d",),
            "delete",
            "delete the migration's file, or all files that are marked, into the trash",
            why.delete,
        ),
        Action(
            "take_back",
            ("z",),
            "take back",
            "take back what was done last: a rollback, a migrate, removed files; never without asking",
            why_back.take_back,
        ),
        Action(
            "last_run",
            ("L",),
            "last run",
            "undo the last run, or go back to any moment: what was applied, newest first",
            why_back.last_run,
        ),
        Action(
            "verify",
            ("V",),
            "verify",
            "verify the schema against the records: of this app, or of the whole project",
            why.verify,
        ),
        Action(
            "forward_fix",
            ("f",),
            "",
            "write a forward fix: a new migration instead of a rollback",
            why.forward_fix_here,
        ),
        Action(
            "make",
            ("M",),
            "",
            "make migrations: a dry run first; where an app has two heads, merge them",
            why_files.make_here,
        ),
        Action(
            "backups",
            ("B",),
            "backups",
            "backups and kept rows: make one, look at them, restore one, put rows back",
            why_backups.backups,
        ),
        RESET_ACTION,
        Action("filter", ("slash",), "filter", "filter by part of a name", shown="/"),
        Action("next_match", ("n",), "", "next match", why.next_match),
        Action("previous_match", ("N",), "", "previous match", why.next_match),
        Action("order", ("p",), "order", "tree, or the order in which Django applies them"),
        Action("others", ("o",), "others", "hide, show other people's apps", why.others),
        Action("alias", ("A",), "database", "look at another database of the project", why.alias),
        Action("copy_command", ("y",), "copy", "copy the manage.py command for what is shown"),
        Action("copy_sql", ("Y",), "", "copy the SQL", why.copy_sql),
        Action("edit", ("e",), "edit", "open the file in $EDITOR", why.edit),
        Action("refresh", ("r",), "refresh", "look at files and database again, with a fresh engine"),
        Action("log", ("at",), "log", "show, hide the log of commands", shown="@"),
        HELP,
        QUIT,
    ),
    PLAN: (
        Action("run", ("R",), "run it", "run the plan; nothing else does", why.run_plan),
        Action("rehearse", ("t",), "rehearse", "rehearse: run it and take it back", why_rehearsal.rehearse),
        Action(
            "back_up",
            ("b",),
            "back up first",
            "make a backup before it is run, or do not",
            why_backups.toggle,
        ),
        Action("keep_rows", ("K",), "", "keep more of what it drops, or nothing", why_kept.keep),
        Action("leave", ("escape",), "leave", "leave; nothing was changed", shown="Esc"),
        Action("copy_command", ("c",), "copy command", "copy the manage.py command", why.plan_command),
        Action("copy_sql", ("C",), "copy SQL", "copy the SQL of all steps", why.plan_sql),
        Action(
            "forward_fix",
            ("f",),
            "forward fix",
            "write a forward fix instead: a new migration; nothing is rolled back",
            why.forward_fix,
        ),
        Action("save", ("s",), "save as script", "save the SQL as a script; never over a file", why.plan_sql),
        Action("look_again", ("r",), "look again", "make the plan again from how things are"),
        HELP,
        QUIT,
    ),
    RUN: (
        MOVE,
        Action("stop", ("s",), "stop", "ask the run to stop; asks first", why.while_running),
        Action(
            "leave",
            ("escape",),
            "leave",
            "to the tree as it is after the run; asks first during it",
            shown="Esc",
        ),
        Action("retry", ("r",), "try again", "try again after waiting in vain for a lock", why.retry),
        Action("verify", ("V",), "verify", "verify the schema after the run", why.verify_after),
        Action("make", ("M",), "make", "see what makemigrations would make", why_files.make_after),
        Action(
            "put_rows_back",
            ("p",),
            "put back",
            "put back what was kept of these migrations",
            why_kept.put_back,
        ),
        Action("unfold", ("l",), "", "show, hide the traceback of what went wrong"),
        HELP,
        QUIT,
    ),
    REHEARSE: (
        MOVE,
        Action("leave", ("escape",), "leave", "stop it, back to the plan; nothing is changed", shown="Esc"),
        Action(
            "on_copy",
            ("o",),
            "on a copy",
            "rehearse it on a copy of the database, where it could not be done in one transaction",
            why_rehearsal.on_copy,
        ),
        Action("unfold", ("l",), "", "show, hide the traceback of what went wrong"),
        HELP,
        QUIT,
    ),
    TIMELINE: (
        MOVE,
        Action(
            "undo",
            ("u",),
            "undo to here",
            "undo the one under the cursor and all that was applied after it",
            why_back.undo_to_here,
        ),
        Action(
            "back_to",
            ("b",),
            "back to here",
            "back to this moment: the one under the cursor stays, all that was applied after it goes",
            why_back.back_to_moment,
        ),
        Action("leave", ("escape",), "leave", "leave; nothing was changed", shown="Esc"),
        HELP,
        QUIT,
    ),
    VERIFY: (
        MOVE,
        Action("leave", ("escape",), "leave", "stop looking, back to where you were", shown="Esc"),
        Action("look_again", ("r",), "look again", "look at the schema again"),
        Action(
            "copy_remedies",
            ("c",),
            "copy ways out",
            "copy how to finish and how to undo what is half done",
            why.copy_remedies,
        ),
        Action("unfold", ("l",), "", "show, hide the traceback of what went wrong"),
        HELP,
        QUIT,
    ),
    BACKUPS: BACKUPS_ACTIONS,
    RESTORE: RESTORE_ACTIONS,
    RESTORING: RESTORING_ACTIONS,
    RESET: RESET_ACTIONS,
    RESETTING: RESETTING_ACTIONS,
    RESET_BACK: RESET_BACK_ACTIONS,
    REMOVE: (
        Action("remove", ("D",), "delete the file", "delete what is listed; nothing else does", why.remove),
        Action("undo_first", ("u",), "roll back first", "roll it back, then remove it", why.undo_first),
        Action("leave", ("escape",), "leave", "leave; nothing was changed", shown="Esc"),
        HELP,
        QUIT,
    ),
    MAKE: (
        Action(
            "run",
            ("R",),
            "run it in the terminal",
            "run makemigrations in this terminal, where it can ask you; nothing else does",
            why_files.make,
        ),
        Action("leave", ("escape",), "leave", "end the dry run, leave; nothing was written", shown="Esc"),
        Action("look_again", ("r",), "look again", "begin the dry run anew"),
        HELP,
        QUIT,
    ),
    ASK: (
        Action("confirm", ("y",), "yes", "yes, do it; nothing else says so", why.confirm),
        Action("leave", ("escape",), "no", "no; nothing was changed", shown="Esc"),
    ),
    CHOOSE: (
        MOVE,
        Action("choose", ("enter",), "choose", "choose the line that is lit", shown="Enter"),
        Action("leave", ("escape",), "leave", "leave; nothing was changed", shown="Esc"),
        QUIT,
    ),
    TROUBLE: (
        MOVE,
        Action("restart", ("r",), "start again", "start the engine again"),
        Action("unfold", ("l",), "show output", "show, hide what the project printed"),
        QUIT,
    ),
    TEXT: (
        Action("leave", ("escape", "question_mark"), "close", "close this", shown="Esc"),
        QUIT,
    ),
}

#: Keys of what comes later: nothing else may be bound to them.
RESERVED: tuple[tuple[str, str], ...] = (("number_sign", "dependency graph"),)


def find(scope: str, action_id: str) -> Action:
    """Return the action of a screen by its id."""
    return next(action for action in ACTIONS[scope] if action.id == action_id)


def bindings(scope: str) -> list[BindingType]:
    """Return a screen's bindings: every key of its actions leads through ``action_do``."""
    made: list[BindingType] = []
    for action in ACTIONS[scope]:
        if action in (MOVE, FOLD, PANE):  # panes move and fold; Tab is Textual's own
            continue
        for key in action.keys:
            argument = f", {key!r}" if action.id == "tab" else ""
            made.append(Binding(key, f"screen.do({action.id!r}{argument})", action.label, show=False))
    return made


def key_table(scopes: Iterable[str] = tuple(SCOPES)) -> str:
    """Return the keys as the README shows them: one Markdown table a screen."""
    parts = []
    for scope in scopes:
        rows = [f"| `{action.key}` | {action.help} |" for action in ACTIONS[scope]]
        parts.append("\n".join([f"**{SCOPES[scope]}**", "", "| key | what it does |", "|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"
