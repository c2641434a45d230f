"""What an action may ask about the moment, and the reasons why it cannot act now, as sentences."""

from __future__ import annotations

from dataclasses import dataclass, field

from djmig_tui.protocol import APPLIED, BLOCKED, FAILS, FORWARDS, Plan

from .nodes import Node


@dataclass(frozen=True)
class Context:
    """The moment in which a key is pressed, without the widgets."""

    connected: bool = False
    read_only: bool = False
    roomy: bool = True  # the terminal is large enough to show what is being decided
    node: Node = field(default_factory=Node)
    databases: int = 1
    third_party: bool = False  # the project has apps of other people
    filter: str = ""
    marked: tuple[str, ...] = ()  # "app.name" of what is marked to be removed together
    sql_ready: bool = False  # the SQL under the cursor has arrived
    recorded: bool = False  # something is applied, and it is known when
    newer: int = 0  # how many records are newer than the one under the cursor
    deeds: bool = False  # something was done that can be taken back
    editor: bool = True  # $VISUAL or $EDITOR is set, or a well-known one is there
    file_here: bool = True  # the file under the cursor is on this machine
    plan: Plan | None = None
    outdated: bool = False  # the project changed since this screen was made
    running: bool = False
    busy: str = ""  # why nothing else can be done while something is under way
    named: bool = True  # the name that had to be typed was typed
    refused: bool = False  # the file cannot be removed
    undoable: bool = False  # rolling back would clear the way
    locked_out: bool = False  # the run gave up because another session held a lock
    remedies: bool = False  # there are ways to finish or undo what is half done
    chosen: bool = False  # there is a backup, or a kept database, under the cursor
    cut_off: bool = False  # a reset was cut off: it is finished, or put back
    going_back: bool = False  # it was being put back, or is
    held_back: str = ""  # why nothing but that reset changes anything
    read: bool = False  # what a reset, or putting one back, would do has been read
    no_reset: str = ""  # why nothing starts over here
    copy_instead: bool = False  # what was rehearsed in vain could be on a copy
    kept: bool = False  # rows of what was applied are kept, and can be put back
    no_backup: str = ""  # why no backup is made before this plan, where none can be


TOO_SMALL = "Make the terminal at least 60x16 first: what this would change must be readable."
READ_ONLY = "djmig-tui was opened with --read-only: nothing is changed."
CANNOT_TRY = (
    "This plan will fail, and here the steps before the failure would stay undone: it is not run. "
    "Change the rows that are in the way first, then press r."
)
STARTING = "The engine is not ready. Wait for the tree, or press r to start it again."


def always(_: Context) -> str | None:
    """Nothing stands against it."""
    return None


def connected(context: Context) -> str | None:
    """Needs an engine that answers."""
    return None if context.connected else STARTING


def back_to(context: Context) -> str | None:
    """Needs something applied under the cursor: an app or a migration."""
    app, migration = context.node.app, context.node.migration
    if not context.connected:
        return STARTING
    if app is None:
        return "Move to an app or a migration first: a whole project is not rolled back at once."
    if migration is None:
        if any(one.applied for one in app.migrations):
            return None
        return f"Nothing of {app.label} is applied here, so there is nothing to undo."
    if migration.applied:
        return None
    return f"{migration.name} is not applied here, so there is no way back to it; m migrates to it."


def undo(context: Context) -> str | None:
    """Needs an applied migration under the cursor."""
    app, migration = context.node.app, context.node.migration
    if not context.connected:
        return STARTING
    if app is None or migration is None:
        return "Move to a migration first: u undoes one and what needs it; b on an app takes it to zero."
    if migration.applied:
        return None
    return f"{migration.name} is not applied here, so there is nothing to undo; d deletes its file."


def migrate(context: Context) -> str | None:
    """Needs something under the cursor that is not applied yet."""
    app, migration = context.node.app, context.node.migration
    if not context.connected:
        return STARTING
    if migration is not None and migration.mark == APPLIED:
        return f"{migration.name} is applied already; b goes back to it, u undoes it."
    if app is not None and not app.migrations:
        return app.why_empty or f"{app.label} has no migrations; makemigrations makes them."
    return None


def delete(context: Context) -> str | None:
    """Needs a migration with a file under the cursor, or marks."""
    migration = context.node.migration
    if not context.connected:
        return STARTING
    if context.read_only:
        return READ_ONLY
    if context.marked:
        return None
    if migration is None:
        return "Move to a migration first: d deletes one migration's file."
    if migration.file is None:
        return f"{migration.name} has no file to delete; only its record in the database is left."
    return None


def next_match(context: Context) -> str | None:
    """Needs a filter."""
    return None if context.filter else "There is no filter yet: press / and type part of a name."


def others(context: Context) -> str | None:
    """Needs apps of other people."""
    return None if context.third_party else "Every app here is the project's own; there is nothing to hide."


def alias(context: Context) -> str | None:
    """Needs more than one database."""
    if not context.connected:
        return STARTING
    return None if context.databases > 1 else "This project has one database only."


def copy_sql(context: Context) -> str | None:
    """Needs the SQL of the migration under the cursor."""
    if context.node.migration is None:
        return "Move to a migration first: then Y copies its SQL."
    return None if context.sql_ready else "The SQL is not here yet; try again when the pane shows it."


def edit(context: Context) -> str | None:
    """Needs a file on this machine, and an editor."""
    migration = context.node.migration
    if migration is None or migration.file is None:
        return "Move to a migration that has a file first: then e opens it in your editor."
    if not context.file_here:
        return f"{migration.file} is on the engine's machine, not on this one; edit it there."
    return None if context.editor else "Set $EDITOR first, for example: export EDITOR=nano"


def run_plan(context: Context) -> str | None:
    """Needs a plan that is up to date, complete and not blocked."""
    plan = context.plan
    if plan is None:
        return "The plan is not here yet; wait for it, or press Esc to leave."
    if context.outdated:
        return "The project changed since this plan was made; press r to look again."
    if plan.verdict == BLOCKED or plan.blockers:
        return "This plan is blocked and is never run; the reasons and the ways out are above."
    if not plan.steps:
        return "There is nothing to do; press Esc to leave."
    if context.read_only:
        return READ_ONLY
    if plan.verdict == FAILS and not plan.one_transaction:
        return CANNOT_TRY
    if not context.connected:
        return STARTING
    return None if context.roomy else TOO_SMALL


def forward_fix(context: Context) -> str | None:
    """Needs a plan that goes back, of an app."""
    plan = context.plan
    if plan is None:
        return "The plan is not here yet."
    if plan.intent in FORWARDS or plan.app is None:
        return "This plan goes forward already; a forward fix is what is written instead of a rollback."
    return _new_migration(context)


def forward_fix_here(context: Context) -> str | None:
    """Needs an app under the cursor."""
    app = context.node.app
    if app is None:
        return "Move to an app or a migration first: a forward fix is a new migration of one app."
    if app.third_party or app.orphan:
        return f"{app.label} is not the project's own, so a new migration does not belong there."
    return _new_migration(context)


def _new_migration(context: Context) -> str | None:
    if context.read_only:
        return READ_ONLY
    return None if context.editor else "Set $EDITOR first, for example: export EDITOR=nano"


def verify(context: Context) -> str | None:
    """Needs an engine; and an app that has migrations, or the project."""
    app = context.node.app
    if not context.connected:
        return STARTING
    if app is not None and not app.migrations:
        return app.why_empty or f"{app.label} has no migrations to compare the schema with."
    return None


def verify_after(context: Context) -> str | None:
    """Needs the end of the run, and an engine after it."""
    if context.running:
        return "The run is still under way; it is verified when it has ended."
    return None if context.connected else "A fresh engine is starting; press V again in a moment."


def retry(context: Context) -> str | None:
    """Needs a run that gave up waiting for a lock."""
    if context.running:
        return "The run is still under way."
    if not context.locked_out:
        return "Only a run that waited in vain for a lock is tried again; Esc leads back to the tree."
    return None if context.connected else "A fresh engine is starting; press r again in a moment."


def copy_remedies(context: Context) -> str | None:
    """Needs something half done."""
    return None if context.remedies else "Nothing is half done here, so there is nothing to copy."


def with_plan(context: Context) -> str | None:
    """Needs the plan."""
    return None if context.plan else "The plan is not here yet."


def plan_command(context: Context) -> str | None:
    """Needs a plan that a manage.py command expresses."""
    if context.plan is None:
        return "The plan is not here yet."
    return None if context.plan.commands else "No manage.py command does exactly this."


def plan_sql(context: Context) -> str | None:
    """Needs the SQL of all steps."""
    return None if context.plan and context.sql_ready else "The SQL is still being rendered."


def while_running(context: Context) -> str | None:
    """Needs a run under way."""
    return None if context.running else "The run has ended; press Esc to go back to the tree."


def remove(context: Context) -> str | None:
    """Needs a file that may go, and its name where it had to be typed."""
    if context.read_only:
        return READ_ONLY
    if context.refused:
        return "This file cannot be removed; the reason and the way out are above."
    if context.outdated:
        return "The project changed since this was read; press Esc and look again."
    if not context.named:
        return "Type the migration's name first: it is the first one of its app."
    return None if context.roomy else TOO_SMALL


def undo_first(context: Context) -> str | None:
    """Needs a file that is in the way only because its migration is applied."""
    return None if context.undoable else "Rolling back would not help here; the way out is above."


def confirm(context: Context) -> str | None:
    """Needs the name where it had to be typed."""
    if not context.named:
        return "Type the name first, exactly as it is shown."
    return None if context.roomy else TOO_SMALL
