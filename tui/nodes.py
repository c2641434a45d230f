"""What stands in the tree: which nodes in which order, and the marks and signs that each one carries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from djmig_tui.protocol import APPLIED, SQUASHED, App, History, Migration

#: Mark → how Django's showmigrations writes it, and in words.
MARKS = {APPLIED: "[X]", SQUASHED: "[-]"}
NOT_APPLIED = "[ ]"


@dataclass(frozen=True)
class Sign:
    """A flag of a migration: one character for the tree, words for everywhere else."""

    glyph: str
    word: str
    meaning: str


ERROR = Sign("✖", "cannot be imported", "its file cannot be imported; the SQL pane says why")
GHOST = Sign("†", "ghost", "recorded as applied, but its file is gone")
IRREVERSIBLE = Sign("⊘", "irreversible", "cannot be undone: an operation has no way back")
PYTHON = Sign("λ", "runs Python", "runs Python code, which SQL does not show")
SQUASH = Sign("≡", "squash", "replaces other migrations, which are folded under it")
HEAD = Sign("◆", "head", "the last of its app: nothing in the app comes after it")
SIGNS = (ERROR, GHOST, IRREVERSIBLE, PYTHON, SQUASH, HEAD)
#: Stands before the name: it is the user's, and not the migration's own.
MARKED = Sign("●", "marked", "marked with space: d removes all that are marked in one step")


@dataclass(frozen=True)
class Node:
    """One line of the tree: the project (no app), an app, or a migration of an app."""

    app: App | None = None
    migration: Migration | None = None

    @property
    def key(self) -> str:
        """What tells this node from all others, over refreshes: "", "store", "store.0001_initial"."""
        if self.app is None:
            return ""
        return self.app.label if self.migration is None else f"{self.app.label}.{self.migration.name}"

    @property
    def label(self) -> str | None:
        """The app's label; None: the whole project."""
        return self.app.label if self.app else None

    @property
    def name(self) -> str | None:
        """The migration's name; None: a whole app or project."""
        return self.migration.name if self.migration else None

    @property
    def file(self) -> str | None:
        """The migration's file, if it has one."""
        return self.migration.file if self.migration else None

    @property
    def third_party(self) -> bool:
        """Whether it belongs to an app that is not the project's own."""
        return self.app is not None and self.app.third_party


@dataclass
class Branch:
    """A node with what is shown under it."""

    node: Node
    branches: list[Branch] = field(default_factory=list)

    def shape(self) -> tuple[object, ...]:
        """Return what changes exactly when lines come, go or move."""
        return (self.node.key, tuple(branch.shape() for branch in self.branches))

    def walk(self) -> Iterator[Branch]:
        """Yield this branch and all below it, top down."""
        yield self
        for branch in self.branches:
            yield from branch.walk()


@dataclass(frozen=True)
class View:
    """How the user wants to see the history."""

    plan_order: bool = False
    hide_third_party: bool = False
    filter: str = ""


def mark(migration: Migration) -> str:
    """Return the mark of a migration as showmigrations writes it."""
    return MARKS.get(migration.mark, NOT_APPLIED)


def signs(migration: Migration) -> tuple[Sign, ...]:
    """Return the flags of a migration, the worst first."""
    flags = (
        (ERROR, migration.error is not None),
        (GHOST, migration.ghost),
        (IRREVERSIBLE, migration.reversible is False),
        (PYTHON, migration.runs_python),
        (SQUASH, bool(migration.replaces)),
        (HEAD, migration.head),
    )
    return tuple(sign for sign, carried in flags if carried)


def arrange(history: History, view: View) -> Branch:
    """Return the whole tree as it is to be shown."""
    root = Branch(Node())
    apps = [app for app in history.apps if not (view.hide_third_party and app.third_party)]
    if view.plan_order:
        nodes = [Node(app, migration) for app in apps for migration in app.migrations]
        nodes.sort(key=lambda node: node.migration.order if node.migration else 0)
        root.branches = [Branch(node) for node in nodes]
    else:
        root.branches = [_app_branch(app) for app in apps]
    if view.filter:
        root.branches = [found for branch in root.branches if (found := _filtered(branch, view.filter))]
    return root


def matches(node: Node, words: str) -> bool:
    """Say whether a node's full name holds each of the words, in any case."""
    name = node.key.lower()
    return all(word in name for word in words.lower().split())


def _app_branch(app: App) -> Branch:
    squashes = {f"{app.label}.{migration.name}": Branch(Node(app, migration)) for migration in app.migrations}
    branch = Branch(Node(app))
    for child in squashes.values():
        migration = child.node.migration
        squash = squashes.get(migration.replaced_by or "") if migration else None
        (branch if squash is None or squash is child else squash).branches.append(child)
    return branch


def _filtered(branch: Branch, words: str) -> Branch | None:
    below = [found for child in branch.branches if (found := _filtered(child, words))]
    if below or matches(branch.node, words):
        return Branch(branch.node, below)
    return None
