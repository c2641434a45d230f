"""The tree of apps and migrations: marks, signs and times, drawn when they come into view."""

from __future__ import annotations

from dataclasses import replace

from rich.style import Style
from rich.text import Text
from textual import events, on
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from djmig_tui.protocol import History

from ..action import move_bindings
from ..marks import Marks
from ..nodes import Branch, Node, View, arrange, matches
from .tree_labels import node_label


class HistoryTree(Tree[Node], inherit_bindings=False):
    """Shows a history; keeps cursor and expansion while histories come and go."""

    BINDINGS = move_bindings()
    COMPONENT_CLASSES = {
        "history-tree--app",
        "history-tree--applied",
        "history-tree--unapplied",
        "history-tree--squashed",
        "history-tree--sign",
        "history-tree--bad",
        "history-tree--dim",
    }
    DEFAULT_CSS = """
    HistoryTree {
        background: transparent;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        &:focus { background-tint: transparent; }
        & > .tree--guides, & > .tree--guides-hover, & > .tree--guides-selected { color: $border-blurred; }
        &:focus > .tree--guides, &:focus > .tree--guides-selected { color: $border-blurred; }
        & > .history-tree--app { color: $foreground; text-style: bold; }
        & > .history-tree--applied { color: $success; }
        & > .history-tree--unapplied { color: $foreground; }
        & > .history-tree--squashed { color: $secondary; }
        & > .history-tree--sign { color: $accent; }
        & > .history-tree--bad { color: $error; text-style: bold; }
        & > .history-tree--dim { color: $muted; }
    }
    """

    #: The history is what was known last time, not what is there now.
    stale = reactive(False)

    class Pointed(Message):
        """The cursor is on another node, or the node under it changed."""

        def __init__(self, node: Node) -> None:
            super().__init__()
            self.node = node

    def __init__(self, name: str | None = None) -> None:
        super().__init__(Text(), Node(), name=name)
        self.guide_depth = 2
        self.auto_expand = False
        self.view = View()
        self.marks = Marks()
        self._title = "project"
        self._history: History | None = None
        self._shape: tuple[object, ...] = ()
        self._folded: dict[str, bool] = {}
        self._by_key: dict[str, TreeNode[Node]] = {}
        self._styles: dict[str, Style] = {}

    # ---------------------------------------------------------------- content
    def show_history(self, history: History, title: str) -> None:
        """Show `history`. Lines that stay keep their place; cursor, folds and filter are kept."""
        self._history, self._title = history, title
        self.marks.keep(history)
        self._arrange()

    def show_view(self, **changes: bool | str) -> None:
        """Change order, filter or what is hidden."""
        self.view = replace(self.view, **changes)  # type: ignore[arg-type]
        self._arrange()

    @property
    def pointed(self) -> Node:
        """The node under the cursor; the project if there is none."""
        node = self.cursor_node
        return node.data if node is not None and node.data is not None else Node()

    def point_at(self, key: str) -> None:
        """Put the cursor on a node, unfolding what hides it; do nothing if it is not there."""
        if key in self._by_key:
            self._show(self._by_key[key])

    def _arrange(self) -> None:
        if self._history is None:
            return
        tree = arrange(self._history, self.view)
        shape = tree.shape()
        if shape == self._shape:
            for branch in tree.walk():
                self._by_key[branch.node.key].data = branch.node
            self.draw_again()
        else:
            self._rebuild(tree, self.pointed.key)
            self._shape = shape
        self._tell_pointed()

    def _tell_pointed(self) -> None:
        # Its sender is this tree and not the pane that asked: what a parent sends does not bubble past it.
        self.post_message(self.Pointed(self.pointed).set_sender(self))

    def _rebuild(self, tree: Branch, pointed: str) -> None:
        above = self._keys_above(pointed)
        with self.app.batch_update():
            self.clear()
            self.root.data = tree.node
            self._by_key = {"": self.root}
            self._add(self.root, tree)
            self.root.expand()
            place = next((key for key in (pointed, *above) if key in self._by_key), "")
            if self.view.filter and not self._matches(self._data(place)):
                place = next((key for key in self._by_key if self._matches(self._data(key))), place)
            self._show(self._by_key[place])

    def _show(self, node: TreeNode[Node]) -> None:
        """Move the cursor to a node of a tree that was just built, unfolding what hides it."""
        above = node.parent
        while above is not None:
            if not above.is_expanded:
                above.expand()
            above = above.parent
        if self.last_line >= 0:  # asking for it numbers the lines
            self.move_cursor(node)
            self.scroll_to_line(self.cursor_line, animate=False)

    def _data(self, key: str) -> Node:
        return self._by_key[key].data or Node()

    def _matches(self, node: Node) -> bool:
        return node.migration is not None and matches(node, self.view.filter)

    def _keys_above(self, key: str) -> list[str]:
        """Return where the cursor goes if its line is gone: the nearest line above that stays."""
        line = self._by_key[key].line if key in self._by_key else -1
        nodes = [self.get_node_at_line(above) for above in range(line - 1, 0, -1)]
        return [node.data.key for node in nodes if node is not None and node.data is not None]

    def _add(self, parent: TreeNode[Node], branch: Branch) -> None:
        for child in branch.branches:
            key = child.node.key
            if child.branches:
                node = parent.add(Text(), child.node, expand=self._opened(child.node))
                self._add(node, child)
            else:
                node = parent.add_leaf(Text(), child.node)
            self._by_key[key] = node

    def _opened(self, node: Node) -> bool:
        if self.view.filter:
            return True
        return self._folded.get(node.key, node.migration is None and not node.third_party)

    # --------------------------------------------------------------- movement
    def action_move(self, how: str) -> None:
        """Move the cursor, or fold and unfold."""
        half = max(1, self.size.height // 2)
        last = self.last_line
        steps = {"up": -1, "down": 1, "half_up": -half, "half_down": half, "top": -last, "bottom": last}
        if how in steps:
            self.cursor_line = min(max(self.cursor_line + steps[how], 0), last)
            self.scroll_to_line(self.cursor_line, animate=False)
        elif how == "left":
            self._fold()
        else:
            self._unfold()

    def _fold(self) -> None:
        node = self.cursor_node
        if node is None:
            return
        if node.is_expanded and node.children and not node.is_root:
            self.fold(node, opened=False)
        elif node.parent is not None:
            self.move_cursor(node.parent)
            self.scroll_to_node(node.parent, animate=False)

    def _unfold(self) -> None:
        node = self.cursor_node
        if node is None or not node.children:
            return
        if node.is_expanded:
            self.action_move("down")
        else:
            self.fold(node, opened=True)

    def fold(self, node: TreeNode[Node], *, opened: bool) -> None:
        """Fold or unfold a node, and remember it over refreshes."""
        if node.data is not None:
            self._folded[node.data.key] = opened
        if opened:
            node.expand()
        else:
            node.collapse()

    def toggle(self) -> bool:
        """Fold or unfold the node under the cursor; say whether it has anything under it."""
        node = self.cursor_node
        if node is None or not node.children:
            return node is None
        if not node.is_root:
            self.fold(node, opened=not node.is_expanded)
        return True

    def go_to_match(self, step: int) -> bool:
        """Move to the next (1) or previous (-1) line that matches the filter; say whether there is one."""
        total = self.last_line + 1
        for distance in range(1, total + 1):
            line = (self.cursor_line + step * distance) % total
            node = self.get_node_at_line(line)
            if node is not None and node.data is not None and self._matches(node.data):
                self.move_cursor(node)
                self.scroll_to_line(line, animate=False)
                return True
        return False

    def neighbours(self, reach: int = 2) -> list[Node]:
        """Return the migrations that are a few lines away, the nearest first."""
        found = []
        for distance in range(1, reach + 1):
            for line in (self.cursor_line + distance, self.cursor_line - distance):
                node = self.get_node_at_line(line) if 0 <= line <= self.last_line else None
                if node is not None and node.data is not None and node.data.migration is not None:
                    found.append(node.data)
        return found

    def on_tree_node_highlighted(self, event: Tree.NodeHighlighted[Node]) -> None:
        """Tell the screen where the cursor is."""
        event.stop()
        self._tell_pointed()

    @on(Tree.NodeExpanded)
    @on(Tree.NodeCollapsed)
    def _folded_by_mouse(self, event: Tree.NodeExpanded[Node] | Tree.NodeCollapsed[Node]) -> None:
        """Remember what the mouse folded and unfolded."""
        event.stop()
        if event.node.data is not None and not self.view.filter:
            self._folded[event.node.data.key] = isinstance(event, Tree.NodeExpanded)

    # ---------------------------------------------------------------- drawing
    def notify_style_update(self) -> None:
        """Forget the styles of the old theme."""
        self._styles = {}
        super().notify_style_update()

    def watch_stale(self) -> None:
        """Draw all lines again."""
        self.draw_again()

    def draw_again(self) -> None:
        """Draw all lines again: what they show beside the history is another."""
        self._clear_line_cache()
        self.refresh()

    def on_resize(self, event: events.Resize) -> None:
        """Draw all lines for the new width."""
        self._clear_line_cache()

    def get_label_width(self, node: TreeNode[Node]) -> int:
        """Lines are cut to the pane's width, so none is wider; this keeps 5,000 of them fast."""
        return 1

    def render_label(self, node: TreeNode[Node], base_style: Style, style: Style) -> Text:
        """Draw one line, full width, with its time at the right where there is room."""
        data = node.data or Node()
        depth = 0
        above = node.parent
        while above is not None:
            depth, above = depth + 1, above.parent
        width = self.scrollable_content_region.width - self.show_vertical_scrollbar
        width = max(1, width - depth * self.guide_depth)
        arrow = ("▾" if node.is_expanded else "▸") if node.children else ""
        full, marked = self.view.plan_order, data.key in self.marks
        label = node_label(data, self._title, arrow, width, self._style, full_name=full, marked=marked)
        if self.stale or (data.third_party and data.migration):
            label.stylize(self._style("dim"))
        label.stylize_before(style)
        return label

    def _style(self, name: str) -> Style:
        if name not in self._styles:
            self._styles[name] = self.get_component_rich_style(f"history-tree--{name}", partial=True)
        return self._styles[name]
