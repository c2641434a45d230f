"""The right half of the main screen: what the cursor is on, in six tabs."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Static

from djmig_tui.protocol import History, MigrationDetail, Plan, Project, Sql

from .. import describe
from ..action import TABS
from ..describe_plan import describe_cost
from ..nodes import Node
from ..text import one_line
from .code_view import CodeView
from .prose import Prose
from .tab_bar import TabBar

REVERSE, FORWARD, OPERATIONS, SOURCE, IMPACT, DEPENDS = range(1, 7)
_PROSE = {
    OPERATIONS: describe.describe_operations,
    IMPACT: describe.describe_impact,
    DEPENDS: describe.describe_depends,
}


class DetailPane(Vertical):
    """Shows a node; the screen hands it the SQL and the details when they arrive."""

    DEFAULT_CSS = """
    DetailPane {
        & > #detail-head { height: auto; max-height: 3; padding: 0 1; }
        & > #detail-notice { height: auto; max-height: 4; padding: 0 1; color: $warning; display: none; }
        & > #detail-notice.-shown { display: block; }
        & > ContentSwitcher { height: 1fr; }
        & > TabBar { margin-bottom: 1; }
        &.-overview > TabBar { display: none; }
        &.-overview > #detail-head { margin-bottom: 1; }
    }
    """

    tab = reactive(REVERSE)

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name=name)

    @property
    def backwards(self) -> bool:
        """Whether what is copied is the reverse: with every tab but the forward one."""
        return self.tab != FORWARD

    def compose(self) -> ComposeResult:
        """Head, tabs, a line for warnings, and the three kinds of text."""
        yield Static(id="detail-head", markup=False)
        yield TabBar()
        yield Static(id="detail-notice", markup=False)
        with ContentSwitcher(initial="detail-prose"):
            for kind, view in (
                ("sql", CodeView()),
                ("source", CodeView(wrap=False)),
                ("prose", Prose()),
            ):
                view.id = f"detail-{kind}"
                yield view

    def watch_tab(self, tab: int) -> None:
        """Mark the tab."""
        self.query_one(TabBar).chosen = tab
        if not self.has_class("-overview"):
            self.border_title = TABS[tab - 1]

    def warm_up(self) -> None:
        """Get ready for SQL while nothing else is to be done."""
        self.query_one("#detail-sql", CodeView).warm_up("sql")

    def show_node(self, node: Node, project: Project | None, history: History | None) -> None:
        """Show the head at once; the body of an app or of the project too."""
        migration = node.migration
        self.set_class(migration is None, "-overview")
        self.border_title = TABS[self.tab - 1] if migration else "App" if node.app else "Project"
        head = [describe.title_of(node, project)]
        if migration is not None:
            head.append(describe.state_of(migration))
        self.query_one("#detail-head", Static).update(Content("\n").join(head))
        self._notice("")
        if node.app is None:
            self._prose(describe.describe_project(project, history))
        elif migration is None:
            self._prose(describe.describe_app(node.app))

    def show_start(self, seconds: float, printed: str) -> None:
        """Show what the project prints while its engine does not come up."""
        self._notice("")
        self._prose(describe.describe_start(seconds, printed))

    def show_waiting(self, words: str = "") -> None:
        """Empty the body, or say what is being waited for."""
        self._notice("")
        self._prose(Content.styled(words, "$foreground 60%"))

    def show_sql(self, sql: Sql) -> None:
        """Show the SQL of the reverse or the forward tab."""
        self._notice(sql.error or "")
        view = self.query_one("#detail-sql", CodeView)
        text = sql.shown or sql.sql or ""
        view.show_code(text or "-- Nothing: this migration changes no table on this database.", "sql")
        self._switch(view)

    def show_detail(self, detail: MigrationDetail) -> None:
        """Show operations, source, impact or dependencies, as the tab asks."""
        self._notice("")
        if self.tab == SOURCE:
            view = self.query_one("#detail-source", CodeView)
            view.show_code(detail.source or "# There is no file to read.", "python")
            self._switch(view)
        elif self.tab in _PROSE:
            self._prose(_PROSE[self.tab](detail))

    def show_impact(self, plan: Plan, counting: str) -> None:
        """Show what a plan costs as far as it is counted; `counting` says how far that is."""
        if self.tab == IMPACT:
            self._prose(describe_cost(plan, counting), keep_place=True)

    def show_notice(self, text: str) -> None:
        """Say what is missing from what is shown."""
        self._notice(text)

    def show_trouble(self, message: str, detail: str = "") -> None:
        """Show why there is nothing to show."""
        self._notice("")
        self._prose(describe.describe_trouble(message, detail))

    def focus_body(self) -> None:
        """Give the focus to the text that is shown."""
        current = self.query_one(ContentSwitcher).visible_content
        if current is not None:
            current.focus()

    def _notice(self, text: str) -> None:
        notice = self.query_one("#detail-notice", Static)
        notice.set_class(bool(text), "-shown")
        notice.update(Content(f"▲ {one_line(text, 400)}"))

    def _prose(self, content: Content, *, keep_place: bool = False) -> None:
        view = self.query_one("#detail-prose", Prose)
        view.show(content, keep_place=keep_place)
        self._switch(view)

    def _switch(self, view: Widget) -> None:
        switcher = self.query_one(ContentSwitcher)
        if switcher.current == view.id:
            return
        focused = self.has_focus_within
        switcher.current = view.id
        if focused:
            view.focus()
