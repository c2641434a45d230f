"""The main screen: the tree of migrations, what the cursor is on, and the way to everything else."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from textual import on
from textual.containers import Horizontal
from textual.reactive import reactive
from textual.widget import Widget

from djmig_tui.protocol import BACK_TO, FORWARD, UNDO, ZERO, History, PreviewPlan, Project

from .. import editor, forward_fix, marking, removal, starting_over, take_back, why_reset
from ..actions import MAIN, bindings
from ..applied_runs import is_anything_applied
from ..commands import shown_command
from ..context import Context
from ..following import Follower
from ..long_start import watch_start
from ..messages import ActivityChanged, EngineReplaced, HistoryRead, LogGrew, ProjectOpened, Where
from ..nodes import Node
from ..reset_words import is_cut_off
from ..session import Session
from ..widgets.bars import Banner, StatusBar
from ..widgets.command_log import CommandLog
from ..widgets.detail_pane import DetailPane
from ..widgets.history_tree import HistoryTree
from ..widgets.tab_bar import TabBar
from ..widgets.tree_pane import TreePane
from .backups import BackupsScreen
from .base import ActionScreen
from .choose import choose_database
from .make import open_make
from .opening import open_plan
from .timeline import TimelineScreen
from .verify import VerifyScreen


class MainScreen(ActionScreen[None]):
    """Tree left, detail right. The app hands it the project and each new history."""

    SCOPE = MAIN
    BINDINGS = bindings(MAIN)
    AUTO_FOCUS = "HistoryTree"

    project: reactive[Project | None] = reactive(None)
    history: reactive[History | None] = reactive(None)
    stale = reactive(False)
    node: reactive[Node] = reactive(Node(), always_update=True)

    def __init__(
        self,
        session: Session,
        where: Where,
        *,
        read_only: bool,
        demo: bool,
        printed: Callable[[], str] | None = None,
    ) -> None:
        super().__init__()
        self._printed = printed or str
        self._session = session
        self._read_only = read_only
        self._built = False  # what arrives before the widgets are there is shown by on_mount
        self._where = where
        self._status = StatusBar(where, read_only=read_only, demo=demo)
        self._pane = TreePane()
        self._tree = self._pane.history_tree
        self._detail = DetailPane("detail")
        self._follower = Follower(
            self, session, self._detail, self._tree.neighbours, arrived=self.refresh_keys
        )

    def body(self) -> Iterable[Widget]:
        """Status, warning, the two panes, the log."""
        yield self._status
        yield Banner()
        yield Horizontal(self._pane, self._detail, id="panes")
        yield CommandLog(self._session.logbook.shown)

    def on_mount(self) -> None:
        """Show what has arrived already."""
        self._built = True
        self.watch_history(self.history)
        self.show_again()
        watch_start(self, self._session, self._status, self._detail, self._printed)
        self.set_timer(0.05, self._detail.warm_up)

    def context(self) -> Context:
        """The node under the cursor, and what is known of the project."""
        file = self._tree.pointed.file
        return Context(
            connected=self._session.ready,
            read_only=self._read_only,
            roomy=self.roomy,
            node=self._tree.pointed,
            databases=len(self.project.databases) if self.project else 1,
            third_party=any(app.third_party for app in self.history.apps) if self.history else False,
            filter=self._tree.view.filter,
            marked=tuple(self._pane.marks),
            sql_ready=self._follower.known_sql(self._tree.pointed) is not None,
            recorded=is_anything_applied(self.history),
            deeds=self._session.logbook.has_deeds or self._session.trash is not None,
            editor=editor.command() is not None,
            no_reset=why_reset.not_here(self.project, self._session.database),
            cut_off=is_cut_off(self.history),
            file_here=file is None or Path(file).is_file(),
        )

    # ---------------------------------------------------------- what is shown
    def watch_project(self, project: Project | None) -> None:
        """Name the project and the database."""
        self._status.project = project
        self._status.database = self._session.database
        self._show_history()

    def watch_history(self, history: History | None) -> None:
        """Show the history and what is wrong with it."""
        self._status.database = self._session.database
        self._show_history()
        if self._built:
            self.query_one(Banner).show_problems(history.problems if history else ())

    def watch_stale(self, stale: bool) -> None:
        """Dim what is only remembered."""
        self._pane.stale = stale

    def _show_history(self) -> None:
        if self.history is not None and self._built:
            title = self.project.name if self.project else Path(self._where.folder).name
            self._pane.show_history(self.history, title)

    def watch_node(self, node: Node) -> None:
        """Follow the cursor."""
        if self._built:
            self._detail.show_node(node, self.project, self.history)
            self._follower.follow(node)
            self.refresh_keys()

    def show_again(self) -> None:
        """Ask again for what the cursor is on: a fresh engine may say something else."""
        self.node = self._tree.pointed

    # ------------------------------------------------- what the session tells
    @on(ProjectOpened)
    def _project_opened(self, event: ProjectOpened) -> None:
        self.project = event.project

    @on(HistoryRead)
    def _history_read(self, event: HistoryRead) -> None:
        self.stale = event.stale
        self.history = event.history

    @on(ActivityChanged)
    def _activity_changed(self, event: ActivityChanged) -> None:
        self._status.activity = event.activity

    @on(LogGrew)
    def _log_grew(self) -> None:
        self.query_one(CommandLog).grew()

    @on(EngineReplaced)
    def _engine_replaced(self) -> None:
        self.show_again()

    # ------------------------------------------------------- what widgets tell
    @on(HistoryTree.Pointed)
    def _pointed(self, event: HistoryTree.Pointed) -> None:
        self.node = event.node

    @on(TabBar.Chosen)
    def _tab_chosen(self, event: TabBar.Chosen) -> None:
        self.action_tab(str(event.tab))

    # --------------------------------------------------------------- movement
    def action_tab(self, tab: str) -> None:
        """Choose a detail tab."""
        self._detail.tab = int(tab)
        self.show_again()

    def action_open(self) -> None:
        """Fold or unfold an app; go into the text of a migration."""
        if self._tree.has_focus and not self._tree.toggle():
            self._detail.focus_body()

    def action_back(self) -> None:
        """Back to the tree; there, drop the filter, then the marks."""
        if not self._tree.has_focus:
            self._tree.focus()
        elif self._tree.view.filter:
            self._pane.drop_filter()
        elif self._pane.marks:
            self._pane.drop_marks()

    def action_filter(self) -> None:
        """Ask for part of a name."""
        self._pane.open_filter()

    @on(TreePane.ViewChanged)
    def _view_changed(self) -> None:
        self.refresh_keys()

    def action_next_match(self) -> None:
        """Next line that matches the filter."""
        self._pane.go_to_match(1)

    def action_previous_match(self) -> None:
        """Previous line that matches the filter."""
        self._pane.go_to_match(-1)

    def action_order(self) -> None:
        """Tree, or the order in which Django applies them."""
        self._pane.toggle_order()

    def action_others(self) -> None:
        """Hide or show other people's apps."""
        self._pane.toggle_others()

    def action_log(self) -> None:
        """Show or hide the command log."""
        log = self.query_one(CommandLog)
        if not log.toggle() and log.has_focus:
            self._tree.focus()

    # ------------------------------------------------------ what leads onward
    def action_back_to(self) -> None:
        """Plan to go back to here."""
        self._plan(BACK_TO if self._tree.pointed.migration else ZERO)

    def action_undo(self) -> None:
        """Plan to undo this one and what needs it."""
        self._plan(UNDO)

    def action_migrate(self) -> None:
        """Plan to migrate to here."""
        self._plan(FORWARD)

    def _plan(self, intent: str) -> None:
        node = self._tree.pointed
        open_plan(self.djmig, PreviewPlan(self._session.database, intent, node.label, node.name))

    def action_mark(self) -> None:
        """Mark this one and what needs it, or unmark it and what it needs."""
        marking.toggle(self.djmig, self._pane, self._tree.pointed.key)

    def action_delete(self) -> None:
        """Lead to the removal of all that is marked, or of the file under the cursor."""
        removal.start(self.djmig, list(self._pane.marks) or [self._tree.pointed.key])

    def action_last_run(self) -> None:
        """Show what was applied, with the cursor where the last run began."""
        self.app.push_screen(TimelineScreen(self._session))

    def action_verify(self) -> None:
        """Compare the schema with the records."""
        self.app.push_screen(VerifyScreen(self._session, self._session.database, self.node.label))

    def action_backups(self) -> None:
        """Show the backups of the database that is looked at."""
        screen = BackupsScreen(self._session, self._session.database, read_only=self._read_only)
        self.app.push_screen(screen)

    def action_forward_fix(self) -> None:
        """Write a new migration instead of rolling back."""
        forward_fix.offer(self.djmig, self.node.label or "", self.node.name or "")

    def action_make(self) -> None:
        """Show what makemigrations would make."""
        open_make(self.djmig, self.node.label)

    def action_take_back(self) -> None:
        """Take back what was done last."""
        take_back.start(self.djmig)

    def action_reset(self) -> None:
        """Lead to starting over, or to a reset that was cut off."""
        starting_over.start(self.djmig, self._tree.pointed.label)

    def action_alias(self) -> None:
        """Choose another database."""
        choose_database(self.djmig)

    def action_refresh(self) -> None:
        """Look at everything again, with a fresh engine."""
        self.djmig.start_engine()

    # ------------------------------------------------------------ copy, edit
    def action_copy_command(self) -> None:
        """Copy the manage.py command for what is shown."""
        backwards = self._detail.backwards
        command = shown_command(self._tree.pointed, self._session.database, backwards=backwards)
        self.djmig.copy(command, "the command")

    def action_copy_sql(self) -> None:
        """Copy the SQL of the reverse tab, or of the forward one if that is shown."""
        if known := self._follower.known_sql(self._tree.pointed):
            self.djmig.copy(known.sql or known.shown, "the SQL")

    def action_edit(self) -> None:
        """Open the file in the user's editor."""
        if file := self._tree.pointed.file:
            editor.edit(self.djmig, Path(file), os.environ)
