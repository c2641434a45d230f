"""Shows SQL or Python in colour: read-only, fast for long texts, with our keys instead of an editor's."""

from __future__ import annotations

from importlib.util import find_spec

from rich.style import Style
from textual.binding import Binding
from textual.widgets import TextArea
from textual.widgets.text_area import TextAreaTheme

from ..action import move_bindings
from ..text import clean

#: Longer texts are shown without colours: parsing them would be felt.
MAX_COLOURED = 100_000

#: What the grammars call things → the theme variable that colours it, and its weight.
_SYNTAX = {
    "keyword": "secondary",
    "keyword.function": "secondary",
    "keyword.return": "secondary",
    "keyword.operator": "secondary",
    "include": "secondary",
    "conditional": "secondary",
    "repeat": "secondary",
    "exception": "secondary",
    "type.qualifier": "secondary",
    "storageclass": "secondary",
    "attribute": "secondary",
    "string": "success",
    "number": "accent",
    "float": "accent",
    "boolean": "accent",
    "constant.builtin": "accent",
    "function": "primary",
    "function.call": "primary",
    "method": "primary",
    "method.call": "primary",
    "type.class": "primary",
    "type.builtin": "accent",
}


class CodeView(TextArea, inherit_bindings=False):
    """A text that can be read, selected and copied, and nothing else."""

    BINDINGS = [
        *move_bindings(),
        Binding("shift+up", "cursor_up(True)", show=False),
        Binding("shift+down", "cursor_down(True)", show=False),
        Binding("shift+left", "cursor_left(True)", show=False),
        Binding("shift+right", "cursor_right(True)", show=False),
        Binding("ctrl+c,super+c", "copy", show=False),
    ]
    DEFAULT_CSS = """
    CodeView {
        border: none;
        padding: 0 1;
        background: transparent;
        scrollbar-size-vertical: 1;
        scrollbar-size-horizontal: 1;
        &:focus { border: none; background-tint: transparent; }
        & .text-area--cursor-line { background: transparent; }
        &.-read-only .text-area--cursor { background: $border; color: $background; }
        &:focus .text-area--cursor-line { background: $block-cursor-blurred-background; }
        & .text-area--selection { background: $input-selection-background; }
    }
    """

    def __init__(self, name: str | None = None, *, wrap: bool = True) -> None:
        super().__init__("", name=name, read_only=True, soft_wrap=wrap, show_line_numbers=False)
        self._shown: tuple[str, str | None] = ("", None)

    def on_mount(self) -> None:
        """Take the syntax colours from the theme, also when it changes."""
        self.cursor_blink = False
        self._colour()
        self.app.theme_changed_signal.subscribe(self, lambda _: self._colour())

    def _colour(self) -> None:
        variables = self.app.theme_variables
        styles = {token: Style(color=variables[name]) for token, name in _SYNTAX.items() if name in variables}
        styles["comment"] = Style(color=variables["muted"], italic=True)
        self.register_theme(TextAreaTheme("djmig", syntax_styles=styles))
        self.theme = "djmig"

    def show_code(self, text: str, language: str | None = None, *, keep_place: bool = False) -> None:
        """Show `text` from its top, in the colours of `language` ("sql", "python") where possible."""
        if (text, language) == self._shown:
            return
        self._shown = (text, language)
        self._speak(None if len(text) > MAX_COLOURED else language)
        place = self.scroll_offset
        # An edit of the one document, not a new one: compiling SQL's colour query takes 50 ms each time.
        self.replace(clean(text), (0, 0), self.document.end, maintain_selection_offset=False)
        self.history.clear()
        self.move_cursor((0, 0))
        self.refresh()  # a text of as many lines as the last one would not be drawn otherwise
        self.scroll_to(*(place if keep_place else (0, 0)), animate=False)

    def warm_up(self, language: str) -> None:
        """Load a language's grammar before the first text comes."""
        self._speak(language)

    def _speak(self, language: str | None) -> None:
        if language is not None and not _has_grammar(language):
            language = None
        if language != self.language:
            self.load_text("")
            self.language = language

    def action_move(self, how: str) -> None:
        """Move the cursor line; sideways where lines are not wrapped."""
        half = max(1, self.content_size.height // 2)
        if how in ("left", "right"):
            self.scroll_relative(x=-8 if how == "left" else 8, animate=False)
        elif how in ("top", "bottom"):
            self.move_cursor((0, 0) if how == "top" else self.document.end)
        else:
            move = self.action_cursor_down if how.endswith("down") else self.action_cursor_up
            for _ in range(half if how.startswith("half") else 1):
                move()


def _has_grammar(language: str) -> bool:
    return find_spec("tree_sitter") is not None and find_spec(f"tree_sitter_{language}") is not None
