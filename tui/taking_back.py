"""Taking back what was done, in words: what it would do, what does not come back, and why it is refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from djmig_tui.protocol import APPLY_THESE, LOSES, UNDO_THESE, UNKNOWN, History, Plan, PreviewPlan

from .journal import FILES, PUT_BACK, REMOVE, RESET, RESTORE, ROLLBACK, RUNS, SWAP, Act, digest, recorded
from .text import one_line, when

#: How many names a sentence lists.
NAMED = 4

NO_BACKUP_BEFORE = "No backup of what it replaced is there any more; B lists those that are."

_CALLED = {
    REMOVE: "removal",
    PUT_BACK: "putting back",
    RESTORE: "restore",
    SWAP: "swap",
    RESET: "reset",
}


@dataclass(frozen=True)
class Errand:
    """Why a plan is looked at, beside its own intent: what is told on its screen and in the journal."""

    takes_back: str = ""  # id of the action that running it takes back
    notes: tuple[str, ...] = ()


def what(act: Act) -> str:
    """Return an action in words: "rollback of 2026-03-01 12:00: store.0003, store.0002"."""
    called = _CALLED.get(act.end.action, act.end.action)
    things = act.end.steps if act.end.action in RUNS else tuple(_thing(each) for each in act.subjects)
    return f"{called} of {when(act.end.at)}" + (f": {names(things)}" if things else "")


def not_in_trash(act: Act, there: int) -> str:
    """Return what is to be said if the trash holds only so many of the files of a removal."""
    gone = len(act.subjects) - there
    if not gone:
        return ""
    return (
        f"{gone} of its {len(act.subjects)} files {'is' if gone == 1 else 'are'} not in the trash any more."
    )


def _thing(subject: str) -> str:
    return subject.partition(" ")[0]  # the mark of a trash entry has its moment behind the name


def names(keys: tuple[str, ...]) -> str:
    """Return the first few of `keys`, and how many more there are."""
    listed = ", ".join(one_line(key, 80) for key in keys[:NAMED])
    return listed + (f" and {len(keys) - NAMED} more" if len(keys) > NAMED else "")


def does(act: Act) -> str:
    """Return what taking `act` back does, as a phrase."""
    if act.end.action == ROLLBACK:
        return f"migrates forward again: {names(act.end.steps[::-1])}"
    if act.end.action in RUNS:
        return f"undoes {names(act.end.steps[::-1])}"
    things = names(tuple(_thing(each) for each in act.subjects))
    if act.end.action == REMOVE:
        return f"puts back the {'file' if len(act.subjects) == 1 else 'files'} of {things}"
    if act.end.action == PUT_BACK:
        return f"removes the {'file' if len(act.subjects) == 1 else 'files'} of {things} again"
    if act.end.action == RESET:
        return "puts the files and the databases back as they were before it"
    return "puts the database back that it replaced"


def request_for(act: Act) -> PreviewPlan:
    """Return the intent that takes a run back: exactly its steps, the other way."""
    intent = APPLY_THESE if act.end.action == ROLLBACK else UNDO_THESE
    return PreviewPlan(act.end.database, intent, keys=act.end.steps)


def errand_for(act: Act) -> Errand:
    """Return what to say on the plan that takes a run back."""
    again = f"It does again what was taken back by the {what(act)}." if act.end.takes_back else ""
    takes = again or f"It takes back the {what(act)}."
    return Errand(act.id, (takes, *_data(act)))


def _data(act: Act) -> tuple[str, ...]:
    if act.end.action != ROLLBACK:
        return ()
    gone = "Rows that the rollback dropped do not come back by this: tables and columns come back empty."
    if act.end.backup:
        return (gone, f"The backup {act.end.backup}, made before the rollback, holds them: B restores it.")
    return (gone, "No backup was made before the rollback.")


def why_not(act: Act, records: History) -> str | None:
    """Return why a run is not taken back: the records (by a scan) are not what it left. None if they are."""
    if act.end.action in FILES or not act.end.records:
        return None
    now = recorded(records)
    if digest(now) == act.end.records:
        return None
    later = tuple(
        f"{app.label}.{one.name}"
        for app in records.apps
        for one in app.migrations
        if one.applied and _after(one.applied_at, act.end.at)
    )
    since = f": since then {names(later)} {'was' if len(later) == 1 else 'were'} applied" if later else ""
    return (
        f"The records of {one_line(records.database)} are not what the {what(act)} left{since}."
        " It is not taken back blindly; u, b, m and L go on from how things are."
    )


def _after(moment: str | None, other: str) -> bool:
    try:
        return moment is not None and datetime.fromisoformat(moment) > datetime.fromisoformat(other)
    except (TypeError, ValueError):  # one of them without an offset, or no time at all
        return False


def beforehand(plan: Plan, by: str = "z") -> str:
    """Return whether `by` can take a plan back once it has run, as a sentence; "" for one that cannot run."""
    if not plan.steps or plan.blockers:
        return ""
    if plan.steps[0].backwards:
        back = f"{by} takes it back: it migrates forward again."
        if plan.loss or plan.verdict in (LOSES, UNKNOWN):
            return f"{back} That does not bring the data back; only a backup does."
        return back
    fixed = tuple(f"{step.app}.{step.name}" for step in plan.steps if not step.reversible)
    if fixed:
        return f"{by} cannot take it back: {names(fixed)} cannot be undone. Only a backup leads back."
    these = "exactly this step" if len(plan.steps) == 1 else "exactly these steps"
    return f"{by} takes it back: it undoes {these}."
