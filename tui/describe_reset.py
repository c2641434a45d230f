"""Says in words what a reset would do, how far one is, how it ended, and what putting one back takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from textual.content import Content

from djmig_tui.protocol import (
    BLOCKED,
    LOSES,
    RESET_KEEPING,
    RESET_PROJECT,
    RESET_RECREATE,
    SAFE,
    BackupMeans,
    Loss,
    ResetPlan,
    ResetStep,
    Sessions,
    TableRows,
)

from .describe import bullets, describe_trouble, heading, loss_lines, section, stack, verdict
from .describe_backups import entry_line
from .describe_sessions import others_on_it
from .reset_stakes import Stakes
from .reset_words import command
from .state_resets import ResetRecord
from .store import BackupEntry, TrashEntry
from .text import count, one_line, sentence, size_in_words, when

_MUTED = "$foreground 60%"
#: Files and tables that are listed before the rest is counted.
LISTED = 20

_KEEPS = "Nothing: the tables stay with all their rows, or everything is put back."
_RESTART = "Restart what runs on this project (runserver, workers)."


def verdict_of(plan: ResetPlan) -> Content:
    """Return what a reset comes to, with the worst reason."""
    if plan.blockers:
        name, reason = BLOCKED, plan.blockers[0]
    elif plan.kind == RESET_KEEPING:
        name, reason = SAFE, "No row goes, and nothing is recorded unless the tables are what is made anew."
    elif plan.kind == RESET_PROJECT:
        name, reason = LOSES, "The whole database is dropped and made anew, empty."
    else:
        name, reason = LOSES, plan.gate or f"Every table of {plan.app} goes with all its rows."
    return Content.assemble(verdict(name), "  ", one_line(sentence(reason), 400))


def describe_reset(plan: ResetPlan, stakes: Stakes) -> Content:
    """Return everything about a reset that has not begun but its title and its verdict."""
    return stack(
        section("What blocks it", bullets([*plan.blockers, *_no_backup(stakes)], "■", "$error")),
        section("Ways out", bullets(plan.ways_out, "→", "$success")),
        section(
            "Dropped because it cannot be undone", bullets([plan.gate] if plan.gate else [], "⊘", "$error")
        ),
        section("What is lost", _lost(plan, stakes)),
        others_on_it(stakes.others),
        section(f"{count(len(plan.steps), 'step')}, in this order", steps(plan.steps)),
        section("Before the first step: backups", _backups(stakes)),
        section(f"{count(len(plan.files), 'file')} to the trash", _listed(plan.files)),
        section("Worth knowing", bullets(plan.notes, "▲", "$warning")),
        section(
            "Afterwards", bullets(["z takes all of it back: the files, the tables, the rows as they were."])
        ),
        section("The same by hand", [Content.assemble(("$ ", "$primary"), one_line(command(plan), 500))]),
    )


def _no_backup(stakes: Stakes) -> list[str]:
    return (
        [f"No backup can be made first, so nothing starts over. {stakes.no_backup}"]
        if stakes.no_backup
        else []
    )


def _lost(plan: ResetPlan, stakes: Stakes) -> list[Content]:
    if plan.kind == RESET_KEEPING:
        return [Content(_KEEPS)]
    lines: list[Content] = []
    for step in plan.steps:
        if step.action == RESET_RECREATE:
            lines += _whole(step.database, stakes.rows.get(step.database))
    return lines or loss_lines(counted(plan.loss, stakes))


def _whole(alias: str, tables: Sequence[TableRows] | None) -> list[Content]:
    """Return what goes with a whole database."""
    if tables is None:
        return [
            Content.assemble(
                ("▼ ", "$warning"), f"everything in {one_line(alias)}", ("  rows not counted", _MUTED)
            )
        ]
    held = sorted((one for one in tables if one.rows), key=lambda one: -one.rows)
    rows = f"{count(len(tables), 'table')}, {count(sum(one.rows for one in tables), 'row')}"
    lines = [Content.assemble(("▼ ", "$warning"), f"everything in {one_line(alias)}", (f"  {rows}", _MUTED))]
    lines += loss_lines(Loss("", one.table, None, one.rows, one.exact) for one in held[:LISTED])
    return [*lines, *_more(len(held))]


def counted(loss: Iterable[Loss], stakes: Stakes) -> list[Loss]:
    """Return the tables that go, with their rows on all databases together; columns of them go along."""
    found = {(one.table, one.column): one for one in loss}
    tables = {table for table, column in found if column is None}
    return [_counted(one, stakes) for one in found.values() if one.column is None or one.table not in tables]


def _counted(loss: Loss, stakes: Stakes) -> Loss:
    there = [one for tables in stakes.rows.values() for one in tables or () if one.table == loss.table]
    if loss.rows is not None or not there or None in stakes.rows.values():
        return loss
    return replace(loss, rows=sum(one.rows for one in there), exact=all(one.exact for one in there))


def _backups(stakes: Stakes) -> list[Content]:
    return [
        Content.assemble(("● ", "$success"), one_line(alias), (f"  {_size(one)}", _MUTED))
        for alias, one in stakes.means.items()
        if not one.why_not
    ]


def _size(means: BackupMeans) -> str:
    size = f"up to {size_in_words(means.size)}" if means.size else "size not known"
    return f"{size}, {', '.join(map(one_line, means.tools))}"


def _listed(paths: Sequence[str]) -> list[Content]:
    return [*(Content(one_line(path, 300)) for path in paths[:LISTED]), *_more(len(paths))]


def _more(number: int) -> list[Content]:
    return [Content.styled(f"and {number - LISTED:,} more", _MUTED)] if number > LISTED else []


# ------------------------------------------------------------------ under way
def steps(wanted: Sequence[ResetStep], done: int = 0, under_way: int | None = None) -> list[Content]:
    """Return the steps, with a sign before those that stand and the one that is taken."""
    lines = []
    for number, step in enumerate(wanted):
        sign, style = (
            ("✔ ", "$success")
            if number < done
            else ("▶ ", "bold $accent")
            if number == under_way
            else ("  ", "")
        )
        lines.append(Content.assemble((sign, style), f"{number + 1}. ", one_line(step.words, 500)))
    return lines


def describe_under_way(record: ResetRecord, under_way: int | None, preparing: bool) -> Content:
    """Return how far a reset is."""
    sign = "▶ " if preparing else "✔ " if record.backups else "  "
    first = [
        Content.assemble(
            (sign, "$success"), "Backups first: ", ", ".join(one.backup for one in record.backups) or "…"
        )
    ]
    return stack(first, Content(), heading("The steps"), steps(record.plan.steps, record.done, under_way))


def describe_done(record: ResetRecord, seconds: float) -> Content:
    """Return that a reset is done, and what comes next."""
    after = ["Look through the new migration files, and commit them.", _RESTART]
    if record.plan.kind == RESET_PROJECT:
        after.insert(
            1, "Fill the new database: manage.py createsuperuser, manage.py loaddata, or your own way."
        )
    after.append("z takes all of it back: the files, the tables, the rows as they were.")
    return stack(
        Content.styled(f"✔ The reset is done. {seconds:.1f} s", "bold $success"),
        Content(),
        section("What was done", steps(record.plan.steps, len(record.plan.steps))),
        section("Next", bullets(after, "→", "$success")),
        section("The backups made before", bullets(one.backup for one in record.backups)),
    )


def describe_back(done: Iterable[str], seconds: float, why: str = "") -> Content:
    """Return that everything was put back; `why`, where that was not asked for."""
    return stack(
        [describe_trouble(why), Content()] if why else None,
        Content.styled(f"✔ Everything is as it was before the reset. {seconds:.1f} s", "bold $success"),
        Content(),
        section("What was done", bullets(done)),
        section("Next", bullets([_RESTART], "→", "$success")),
    )


def describe_cut_off(record: ResetRecord, why: str) -> Content:
    """Return why a reset is not done, what stands of it, and the two ways on."""
    ways = [] if record.going_back else ["r finishes it: it tries again from the step that is not done."]
    ways.append("p puts everything back as it was before; what that takes is shown first.")
    return stack(
        describe_trouble(why),
        Content(),
        section("The ways on", bullets(ways, "→", "$success")),
        section("What stands", steps(record.plan.steps, record.done)),
        section("The backups made before", bullets(one.backup for one in record.backups)),
    )


# ---------------------------------------------------------------- put back
def verdict_of_putting_back(backed: Sequence[BackupEntry], why_not: str) -> Content:
    """Return what putting a reset back comes to."""
    if why_not:
        return Content.assemble(verdict(BLOCKED), "  ", one_line(why_not, 400))
    if backed:
        return Content.assemble(verdict(LOSES), "  What was written since the reset goes.")
    return Content.assemble(verdict(SAFE), "  No database was changed yet: only files go and come back.")


def describe_putting_back(
    record: ResetRecord,
    files: Sequence[TrashEntry],
    backed: Sequence[BackupEntry],
    others: Sessions,
    why_not: str,
) -> Content:
    """Return everything about putting a reset back but its title and its verdict."""
    made = [f"{one.app}.{one.name}: the file that the reset made" for one in record.made]
    since = [f"{one.database}: all that was written since {when(record.at)}" for one in backed]
    return stack(
        section("What blocks it", bullets([why_not] if why_not else [], "■", "$error")),
        section("What goes", bullets([*made, *since], "▼", "$warning")),
        others_on_it(others) if backed else None,
        section("Databases that are restored", [entry_line(one) for one in backed]),
        section(f"{count(len(files), 'file')} from the trash", _listed([one.path for one in files])),
        section(
            "Before that",
            bullets(["A backup of each of these databases, as it is now: B lists it."] if backed else []),
        ),
        section("What stands of the reset", steps(record.plan.steps, record.done)),
    )
