"""Says in words what a node of the tree is, what its operations do and what undoing it costs."""

from __future__ import annotations

from collections.abc import Iterable

from textual.content import Content

from djmig_tui.protocol import (
    APPLIED,
    BLOCKED,
    FAILS,
    LOSES,
    SAFE,
    SQUASHED,
    UNKNOWN,
    App,
    History,
    Loss,
    Migration,
    MigrationDetail,
    Operation,
    Project,
)

from .nodes import ERROR, GHOST, IRREVERSIBLE, MARKED, SIGNS, Node, mark, signs
from .text import clean, count, one_line, sentence, when

#: Verdict → sign, word and theme colour: told three ways.
VERDICTS = {
    SAFE: ("✔", "SAFE", "$success"),
    LOSES: ("▼", "LOSES DATA", "$warning"),
    FAILS: ("✖", "WILL FAIL", "$error"),
    BLOCKED: ("■", "BLOCKED", "$error"),
    UNKNOWN: ("?", "NOT KNOWN", "$accent"),
}
_MARK_WORDS = {APPLIED: "applied", SQUASHED: "squashed, not recorded yet"}

_MUTED = "$foreground 60%"
#: What stands in place of a number of rows: nobody asked, somebody is asking, there was not time enough.
NOT_COUNTED, COUNTING, NOT_IN_TIME = "rows not counted", "counting…", "not counted in time"


def verdict(name: str) -> Content:
    """Return a verdict as sign and word, in its colour."""
    glyph, word, colour = VERDICTS.get(name, VERDICTS[UNKNOWN])
    return Content.styled(f" {glyph} {word} ", f"bold reverse {colour}")


def heading(text: str) -> Content:
    """Return a section's heading."""
    return Content.styled(text, "bold $secondary")


def bullets(lines: Iterable[str | Content], sign: str = "•", style: str = "$accent") -> list[Content]:
    """Return each line behind a sign; what others wrote is made clean."""
    made = []
    for line in lines:
        text = Content(one_line(line, 1000)) if isinstance(line, str) else line
        made.append(Content.assemble((f"{sign} ", style), text))
    return made


def stack(*parts: Content | Iterable[Content] | None) -> Content:
    """Return the parts under each other; None and empty lists leave no line."""
    lines: list[Content] = []
    for part in parts:
        if isinstance(part, Content):
            lines.append(part)
        elif part is not None:
            lines.extend(part)
    return Content("\n").join(lines)


def section(title: str, lines: Iterable[Content]) -> list[Content]:
    """Return heading, lines and a blank line; nothing if there are no lines."""
    found = list(lines)
    return [heading(title), *found, Content()] if found else []


def state_of(migration: Migration) -> Content:
    """Return mark, time and signs of a migration, in words."""
    words = _MARK_WORDS.get(migration.mark, "not applied")
    moment = when(migration.applied_at)
    parts = [Content.assemble((mark(migration), "bold"), f" {words}{' ' + moment if moment else ''}")]
    for sign in signs(migration):
        bad = sign in (GHOST, ERROR, IRREVERSIBLE)
        parts.append(Content.assemble((f"{sign.glyph} ", "bold $error" if bad else "$accent"), sign.word))
    if migration.replaced_by:
        parts.append(Content(f"replaced by {one_line(migration.replaced_by)}"))
    return Content.styled(" · ", _MUTED).join(parts)


def title_of(node: Node, project: Project | None) -> Content:
    """Return the name of what is under the cursor."""
    if node.app is None:
        return Content.styled(one_line(project.name if project else "project"), "bold")
    if node.migration is None:
        return Content.styled(one_line(node.app.label), "bold")
    name = Content.styled(one_line(node.migration.name), "bold")
    return Content.assemble((f"{one_line(node.app.label)}.", "$foreground 70%"), name)


def describe_project(project: Project | None, history: History | None) -> Content:
    """Return the overview that stands beside the tree's root."""
    if history is None:
        return Content("Reading the project's files and records…")
    migrations = [one for app in history.apps for one in app.migrations]
    applied = sum(one.applied for one in migrations)
    facts = [
        Content(f"{count(len(history.apps), 'app')}, {count(len(migrations), 'migration')}"),
        Content(f"{applied:,} applied, {len(migrations) - applied:,} not, on {one_line(history.database)}"),
    ]
    about: list[Content] = []
    if project is not None:
        pairs = {
            "folder": project.folder,
            "settings": project.settings,
            "Django": project.django,
            "Python": f"{project.python}  {project.executable}",
        }
        about = [Content.assemble((f"{key:<9}", _MUTED), one_line(value)) for key, value in pairs.items()]
    problems = bullets((problem.message for problem in history.problems), "▲", "$warning")
    return stack(
        section("What is wrong", problems),
        section("Migrations", facts),
        section("Project", about),
        section("Marks and signs", legend()),
    )


def legend() -> list[Content]:
    """Return what the marks and signs of the tree mean."""
    marks = {"[X]": "applied", "[ ]": "not applied", "[-]": "squashed: what it replaces is applied"}
    lines = [Content.assemble((f"{glyph:<5}", "bold"), meaning) for glyph, meaning in marks.items()]
    return lines + [
        Content.assemble((f"{one.glyph:<5}", "bold $accent"), one.meaning) for one in (*SIGNS, MARKED)
    ]


def describe_app(app: App) -> Content:
    """Return the overview that stands beside an app."""
    applied = [one for one in app.migrations if one.applied]
    facts = [Content(f"{len(applied):,} of {count(len(app.migrations), 'migration')} applied")]
    if applied and (moment := max(when(one.applied_at) for one in applied)):
        facts.append(Content(f"last applied {moment}"))
    heads = [one.name for one in app.migrations if one.head]
    notes = []
    if app.why_empty:
        notes.append(app.why_empty)
    if app.orphan:
        notes.append("It is not in INSTALLED_APPS any more, but its records are in the database.")
    if app.third_party:
        notes.append("It comes with a package: its files are not the project's to remove.")
    if len(heads) > 1:
        notes.append("It has two heads: M joins them, by makemigrations --merge.")
    where = [Content(one_line(text)) for text in (app.name, app.path or "") if text]
    return stack(
        section("Migrations", facts),
        section("Last of its app" if len(heads) == 1 else "Ends", bullets(heads, "◆")),
        section("Worth knowing", bullets(notes, "▲", "$warning")),
        section("Where", where),
    )


def describe_operations(detail: MigrationDetail) -> Content:
    """Return the operations of a migration, in its own order."""
    lines: list[Content] = []
    for place, operation in enumerate(detail.operations, 1):
        lines += _operation(operation, f"{place:>2}. ", "    ")
    whole = "All in one transaction." if detail.atomic else "Not atomic: each operation stands by itself."
    if not lines:
        lines = [Content("No operations: it only joins or orders other migrations.")]
    return stack(lines, Content(), Content.styled(whole, _MUTED))


def _operation(operation: Operation, number: str, indent: str) -> list[Content]:
    flags = []
    if not operation.reversible:
        flags.append(("  ⊘ irreversible", "bold $error"))
    if not operation.sql:
        flags.append(("  λ not SQL", "$accent"))
    text = one_line(operation.description, 500)
    lines = [
        Content.assemble((number, _MUTED), text, *flags),
        Content.styled(indent + operation.kind, _MUTED),
    ]
    for inner in operation.inner:
        lines += _operation(inner, f"{indent}• ", f"{indent}  ")
    return lines


def describe_impact(detail: MigrationDetail) -> Content:
    """Return what undoing this one migration costs."""
    why = [Content(sentence(one_line(reason, 500))) for reason in detail.why]
    return stack(
        heading("If this one is undone"),
        verdict(detail.verdict),
        why,
        Content(),
        section("What goes", loss_lines(detail.loss)),
        Content.styled("b or u shows the whole plan, with everything that needs this one.", _MUTED),
    )


def loss_lines(loss: Iterable[Loss], uncounted: str = NOT_COUNTED) -> list[Content]:
    """Return one line for each table or column that goes, with its rows where they were counted."""
    lines = []
    for one in loss:
        if one.kind == "alter column":
            what = f"values of {one.table}.{one.column} change"
        else:
            what = f"column {one.table}.{one.column}" if one.column else f"table {one.table}"
        if one.rows is None:
            rows = uncounted
        else:
            rows = f"{count(one.rows, 'row')} ({'exact' if one.exact else 'as of now'})"
        lines.append(Content.assemble(("▼ ", "$warning"), one_line(what), (f"  {rows}", _MUTED)))
    return lines


def describe_depends(detail: MigrationDetail) -> Content:
    """Return what this migration needs and what needs it."""
    nothing = [Content.styled("nothing", _MUTED)]
    return stack(
        section("Depends on", bullets(detail.depends_on, "←") or nothing),
        section("Needed by", bullets(detail.needed_by, "→") or nothing),
        section("Must run before", bullets(detail.run_before, "→")),
    )


def describe_trouble(message: str, detail: str = "") -> Content:
    """Return an error's sentence, with what stands behind it below."""
    lines = [Content.assemble(("✖ ", "bold $error"), clean(sentence(message)))]
    if detail:
        lines += [Content(), Content.styled(clean(detail, strip_ansi=True), _MUTED)]
    return stack(lines)


def describe_start(seconds: float, printed: str) -> Content:
    """Return what is known of a start that takes long."""
    said = clean(printed.strip("\n"), strip_ansi=True).splitlines()[-200:]
    return stack(
        Content(f"The project has been starting for {seconds:.0f} s. Wait, or press q to quit."),
        Content(),
        section("It printed so far", [Content(line) for line in said] or [Content("nothing")]),
    )
