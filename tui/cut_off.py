"""What became of a run that was cut off while it kept rows: the records tell, if they tell anything."""

from __future__ import annotations

from djmig_tui.protocol import History

from .store import KeptEntry

#: Problems of a history whose records say nothing.
_NO_RECORDS = ("database", "fresh")


def what_stands(entry: KeptEntry, history: History) -> bool | None:
    """Return whether the steps whose rows are kept stand: all of them, none of them, or None: not known.

    A step stands if its migration has no record any more, or another one. A record that is still there
    says that it does not, but only of one transaction: elsewhere the schema may be undone before it.
    """
    if not history.complete or any(problem.kind in _NO_RECORDS for problem in history.problems):
        return None
    times = {
        f"{app.label}.{one.name}": one.applied_at
        for app in history.apps
        for one in app.migrations
        if one.applied
    }
    before = {one.step: one.applied_at for one in entry.recorded}
    stand = [step not in times or _is_another(before.get(step), times[step]) for step in entry.steps]
    if all(stand):
        return True
    return False if entry.one_transaction and not any(stand) else None


def _is_another(before: str | None, now: str | None) -> bool:
    return None not in (before, now) and before != now
