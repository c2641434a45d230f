"""How one line of the tree is written: mark, name, signs, and the time at the right."""

from __future__ import annotations

from collections.abc import Callable

from rich.cells import cell_len, set_cell_size
from rich.style import Style
from rich.text import Text

from djmig_tui.protocol import App, Migration

from ..nodes import ERROR, GHOST, IRREVERSIBLE, MARKED, Node, mark, signs
from ..text import one_line, when

#: Name of a `HistoryTree` component class → its style.
Styles = Callable[[str], Style]

#: What a click on the arrow does.
_TOGGLE = Style(meta={"toggle": True})
_DATE = 10  # cells of "2026-02-11"


def node_label(
    node: Node, title: str, arrow: str, width: int, style: Styles, *, full_name: bool, marked: bool
) -> Text:
    """Return a node's line. `title` is the project's; `arrow` is "" where nothing is under the node."""
    app, migration = node.app, node.migration
    if migration is not None and app is not None:
        return migration_label(app, migration, width, style, full_name=full_name, below=arrow, marked=marked)
    if app is not None:
        return app_label(app, arrow or "·", width, style)
    return fit(Text(one_line(title), style("app")), "", width)


def app_label(app: App, arrow: str, width: int, style: Styles) -> Text:
    """Return an app's line: how many of its migrations are applied stands at the right."""
    applied = sum(one.applied for one in app.migrations)
    number = f"{applied}/{len(app.migrations)}" if app.migrations else "none"
    name = Text.assemble((f"{arrow} ", style("dim") + _TOGGLE), (one_line(app.label), style("app")))
    if app.third_party:
        name.stylize(style("dim"), 2)
    if app.orphan:
        name.append(" not installed", style("bad"))
    return fit(name, number, width, style("dim"))


def migration_label(
    app: App, migration: Migration, width: int, style: Styles, *, full_name: bool, below: str, marked: bool
) -> Text:
    """Return a migration's line; the name is cut before mark and signs are.

    `below` is the arrow of a squash with the migrations it replaces folded under it.
    """
    name = one_line(f"{app.label}.{migration.name}" if full_name else migration.name)
    flags = Text()
    for sign in signs(migration):
        bad = sign in (ERROR, GHOST, IRREVERSIBLE)
        flags.append(f" {sign.glyph}", style("bad" if bad else "sign"))
    if below:
        flags.append(f" {below}", style("dim") + _TOGGLE)
    chosen = Text(f"{MARKED.glyph} " if marked else "", style("sign"))
    room = width - 4 - flags.cell_len - chosen.cell_len
    if cell_len(name) > room:
        name = set_cell_size(name, max(1, room - 1)).rstrip() + "…"
    mark_style = style(migration.mark if migration.mark in ("applied", "squashed") else "unapplied")
    label = Text.assemble((mark(migration), mark_style), " ", chosen, name, flags)
    return fit(label, when(migration.applied_at)[:_DATE], width, style("dim"))


def fit(left: Text, right: str, width: int, style: Style | None = None) -> Text:
    """Return `left` padded to the width, with `right` at its end if both fit."""
    gap = width - left.cell_len - len(right)
    if right and gap >= 2:
        left.append(" " * gap)
        left.append(right, style)
    elif left.cell_len <= width:
        left.append(" " * (width - left.cell_len))
    else:
        left.truncate(width, overflow="ellipsis")
    return left
