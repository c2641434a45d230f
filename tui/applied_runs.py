"""What was applied, newest first, in runs: records whose applied times belong together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from djmig_tui.protocol import UNDO_THESE, History, PreviewPlan

from .journal import DONE, MIGRATE, RUNS, acts
from .store import JournalEntry
from .taking_back import Errand, names
from .text import count

#: A pause longer than this begins another run, in seconds. A migration is recorded when it has ended:
#: one that took longer than this seems to be a run's first, and the bound has to be moved over it.
PAUSE = 60.0
#: How far the clocks of the two machines may be apart for the journal to be believed, in seconds.
SKEW = 300.0


@dataclass(frozen=True)
class Applied:
    """A record with its time."""

    app: str
    name: str
    at: datetime
    order: int  # place in the plan of the whole project
    ghost: bool = False  # there is no file: nobody knows how to undo it

    @property
    def key(self) -> str:
        """The record as "app.name"."""
        return f"{self.app}.{self.name}"


@dataclass(frozen=True)
class Run:
    """Records that were applied together, the newest first."""

    records: tuple[Applied, ...]
    ours: bool = False  # known from the journal, not told by the pauses

    @property
    def first(self) -> datetime:
        """When its first record was written."""
        return self.records[-1].at

    @property
    def last(self) -> datetime:
        """When its last record was written."""
        return self.records[0].at


def is_anything_applied(history: History | None) -> bool:
    """Return whether there is any record with a time."""
    apps = history.apps if history else ()
    return any(one.applied_at for app in apps for one in app.migrations)


def applied(history: History) -> list[Applied]:
    """Return the records that have a time, newest first; those of one moment as they depend on each other."""
    found = []
    for app in history.apps:
        for one in app.migrations:
            at = _moment(one.applied_at)
            if at is not None:  # a squash that counts as applied need not have a record
                found.append(Applied(app.label, one.name, at, one.order, one.ghost))
    return sorted(found, key=lambda record: (record.at, record.order, record.key), reverse=True)


def _moment(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat((text or "").replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def runs(
    records: Sequence[Applied], journal: Iterable[JournalEntry], database: str, pause: float = PAUSE
) -> list[Run]:
    """Return `records`, which are newest first, in runs: ours as the journal has them, others by pauses."""
    owners = _owners(records, journal, database)
    found: list[Run] = []
    together: list[Applied] = []
    for record in records:
        if together and not _belongs(together[-1], record, owners, pause):
            found.append(Run(tuple(together), together[-1].key in owners))
            together = []
        together.append(record)
    if together:
        found.append(Run(tuple(together), together[-1].key in owners))
    return found


def _belongs(later: Applied, earlier: Applied, owners: Mapping[str, str], pause: float) -> bool:
    if later.key in owners or earlier.key in owners:
        return owners.get(later.key) == owners.get(earlier.key)
    return (later.at - earlier.at).total_seconds() <= pause


def _owners(records: Sequence[Applied], journal: Iterable[JournalEntry], database: str) -> dict[str, str]:
    """Return the id of the run of ours that wrote each record, for those that one did."""
    windows: dict[str, tuple[str, datetime, datetime]] = {}
    skew = timedelta(seconds=SKEW)
    for act in acts(journal):
        began, ended = _moment(act.began), _moment(act.end.at)
        if act.end.database != database or act.end.action not in RUNS or not (act.id and began and ended):
            continue
        for key in act.end.steps:
            if act.end.action == MIGRATE and act.end.outcome == DONE:
                windows[key] = (act.id, began - skew, ended + skew)
            else:
                windows.pop(key, None)  # what was undone was applied again by somebody else
    return {
        record.key: windows[record.key][0]
        for record in records
        if record.key in windows and windows[record.key][1] <= record.at <= windows[record.key][2]
    }


# ---------------------------------------------------------------- in words
def moment(at: datetime) -> str:
    """Return a moment on the user's clock, to the second."""
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S}"


def between(records: Sequence[Applied]) -> str:
    """Return "5 migrations of 3 apps applied between … and …" for records that are newest first."""
    apps = {record.app for record in records}
    number = f"{count(len(records), 'migration')} of {count(len(apps), 'app')}"
    first, last = moment(records[-1].at), moment(records[0].at)
    if first == last:
        return f"{number} applied at {first}"
    if first[:10] == last[:10]:
        last = last[11:]
    return f"{number} applied between {first} and {last}"


def how_known(run: Run, pause: float = PAUSE) -> str:
    """Return by what the records are taken for one run, as a sentence."""
    if run.ours:
        return "The journal has this run: djmig-tui applied them together."
    return (
        f"No pause between them is longer than {pause:.0f} s. A migration that took longer to apply looks"
        " like a pause: move the cursor over it."
    )


def request(records: Sequence[Applied], database: str) -> PreviewPlan:
    """Return the intent to undo records; those without a file are left out, as nobody can undo them."""
    return PreviewPlan(database, UNDO_THESE, keys=tuple(one.key for one in records if not one.ghost))


def errand(records: Sequence[Applied], stays: Applied | None, *more: str) -> Errand:
    """Return what to say on the plan: the bounds, what stays, and what cannot go."""
    notes = [f"It undoes {between(records)}, and what needs them."]
    if stays is not None:
        notes.append(f"Back to the moment of {moment(stays.at)}: {stays.key} stays.")
    ghosts = tuple(one.key for one in records if one.ghost)
    if ghosts:
        they = "its file is" if len(ghosts) == 1 else "their files are"
        notes.append(f"Left out, because {they} gone: {names(ghosts)}.")
    return Errand(notes=(*notes, *more))
