"""The one-line parts of a screen: status, warnings, keys, and the word that the terminal is too small."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from djmig_tui.protocol import Database, Problem, Project

from ..action import Action
from ..messages import Where
from ..text import count, one_line


class KeyBar(Widget):
    """The keys that act here, made from actions; one that cannot act is dimmed and says why when pressed."""

    DEFAULT_CSS = """
    KeyBar { dock: bottom; height: 1; padding: 0 1; background: $footer-background; }
    """

    #: Each action with the reason why it cannot act, or None.
    actions: reactive[Sequence[tuple[Action, str | None]]] = reactive((), layout=False)

    def _shown(self) -> list[tuple[Action, str | None]]:
        """Return what fits; the last two (help and quit) always do."""
        labelled = [(action, reason) for action, reason in self.actions if action.label]
        room = self.content_size.width - sum(_width(action) for action, _ in labelled[-2:])
        shown = []
        for action, reason in labelled[:-2]:
            room -= _width(action)
            if room < 0:
                break
            shown.append((action, reason))
        return [*shown, *labelled[-2:]]

    def render(self) -> Content:
        """Key and label, one after the other."""
        parts: list[Content] = []
        for action, reason in self._shown():
            if reason is None:
                key, label = "bold $footer-key-foreground", "$foreground 80%"
            else:
                key = label = "$foreground 32%"
            parts.append(Content.assemble((_key(action), key), " ", (action.label, label)))
        return Content("  ").join(parts)

    async def on_click(self, event: events.Click) -> None:
        """Do what the key under the mouse would do."""
        place = self.styles.padding.left
        for action, _ in self._shown():
            place += _width(action)
            if event.x < place:
                await self.run_action(f"screen.do({action.id!r})")
                return


def _key(action: Action) -> str:
    return action.key.split()[0]


def _width(action: Action) -> int:
    return len(_key(action)) + 1 + len(action.label) + 2


class StatusBar(Widget):
    """Which project, which settings, which database on which host, by which interpreter."""

    DEFAULT_CSS = """
    StatusBar { dock: top; height: 1; padding: 0 1; background: $panel; }
    """

    project: reactive[Project | None] = reactive(None)
    database: reactive[str] = reactive("default")
    #: What is going on, "" when all is settled.
    activity: reactive[str] = reactive("")

    def __init__(self, where: Where, *, read_only: bool = False, demo: bool = False) -> None:
        super().__init__()
        self._where = where
        self._flags = [word for word, is_set in (("demo", demo), ("read-only", read_only)) if is_set]

    def render(self) -> Content:
        """Left: the project; right: the database, and the interpreter where there is room for it."""
        width = self.content_size.width
        left = self._left()
        rights = self._rights()
        right = next((one for one in rights if left.cell_length + one.cell_length + 2 <= width), rights[-1])
        left = left.truncate(max(0, width - right.cell_length - 2), ellipsis=True)
        return Content.assemble(left, " " * max(1, width - left.cell_length - right.cell_length), right)

    def _left(self) -> Content:
        name = one_line(self.project.name if self.project else self._where.folder, 60)
        parts = [Content.styled(name, "bold $primary")]
        parts += [Content.styled(f" {flag} ", "bold reverse $warning") for flag in self._flags]
        if self.activity:
            parts.append(Content.styled(self.activity, "$accent"))
        elif self.project is not None:
            parts.append(Content.styled(one_line(self.project.settings, 60), "$foreground 70%"))
        return Content("  ").join(parts)

    def _rights(self) -> list[Content]:
        """Return what the right side may say, the longest first."""
        database = self._database()
        parts = [Content.styled(f"{one_line(self.database, 40)}: ", "$foreground 70%")]
        if database is not None:
            parts.append(Content.styled(place_of(database), "bold"))
            if not database.local:
                parts.append(Content.styled("  REMOTE", "bold $warning"))
        if self.project is not None and not self.project.debug:
            parts.append(Content.styled("  DEBUG off", "bold $warning"))
        short = Content("").join(parts)
        if self.project is None:
            return [short]
        versions = (
            f"   Python {one_line(self.project.python, 20)} · Django {one_line(self.project.django, 20)}"
        )
        middle = Content.assemble(short, (versions, "$foreground 60%"))
        return [
            Content.assemble(middle, (f" · {one_line(self._where.how, 60)}", "$foreground 60%")),
            middle,
            short,
        ]

    def _database(self) -> Database | None:
        databases = self.project.databases if self.project else ()
        return next((one for one in databases if one.alias == self.database), None)


def place_of(database: Database) -> str:
    """Return "name@host", or the file's name for a database in a file."""
    name = one_line(database.name.rsplit("/", 1)[-1] if not database.host else database.name, 40)
    return f"{name}@{one_line(database.host, 40)}" if database.host else f"{name} ({database.vendor})"


class Banner(Static):
    """A warning over the panes; hidden when there is none."""

    DEFAULT_CSS = """
    Banner {
        height: auto; max-height: 3; padding: 0 1;
        background: $warning-muted; color: $foreground; display: none;
        &.-shown { display: block; }
    }
    """

    def show(self, text: str) -> None:
        """Show a sentence; "" hides the banner."""
        self.set_class(bool(text), "-shown")
        self.update(Content.assemble(("▲ ", "bold $warning"), one_line(text, 400)))

    def show_problems(self, problems: Sequence[Problem]) -> None:
        """Show the first problem of a history, and how many more there are."""
        more = f" (and {count(len(problems) - 1, 'more')}, listed on the project)" if problems[1:] else ""
        self.show(problems[0].message + more if problems else "")


class TooSmall(Static):
    """Stands in front of everything while the terminal is too small to decide by."""

    DEFAULT_CSS = """
    TooSmall {
        layer: front; width: 100%; height: 100%; display: none;
        background: $background; color: $foreground; content-align: center middle; text-align: center;
    }
    """

    def __init__(self) -> None:
        super().__init__(
            Content("djmig-tui needs a terminal of at least 60x16. Make this one larger, or press q to quit.")
        )
