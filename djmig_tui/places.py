"""Where a plan is rehearsed, on a copy of the database or in one transaction, and why there."""

from typing import Any, NamedTuple, Optional, Tuple

from . import databases
from .protocol import ON_COPY, ON_TRANSACTION
from .routes import Route

ALWAYS_A_COPY = "SQLite is always rehearsed on a copy."
#: What a rehearsal on a copy of a server's database cannot tell.
NOT_SHOWN = (
    "On a copy nobody else is at work: whether a run waits for locks of others is not shown.",
    "A copy is written anew, or fresh from the disk: the time a run takes may be another one.",
)
OTHERS_REAL = "Code that asks other databases finds the real ones, which it may only read."


class Place(NamedTuple):
    """Where a plan is rehearsed, or why it cannot be."""

    trial: Any = None  # as `databases.trial` has it
    why: str = ""  # the sentence why there
    cannot: Optional[str] = None  # the clause why nowhere
    copy_instead: bool = False  # it could be done on a copy
    no_copy: str = ""  # the sentence why not, where it is asked for
    notes: Tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """Say where it is done, while it is done."""
        return " ".join(each for each in ("It runs %s." % self.trial.WHERE, self.why) if each)


def place_of(connection: Any, route: Route, wanted: Optional[str], runs_code: bool) -> Place:
    """Return where the steps of `route` are rehearsed; `wanted` is what the user chose, if so."""
    why_not = databases.vendor(connection).one_transaction_why_not(connection)
    if why_not is not None:
        return Place(cannot="%s, so nothing could be taken back." % why_not)
    trial = databases.trial(connection)
    if trial.COPY:
        if wanted == ON_TRANSACTION:
            return Place(cannot=ALWAYS_A_COPY + " Leave the choice to djmig-tui.")
        return Place(trial)
    return _beside(connection, route, wanted, runs_code)


def _beside(connection: Any, route: Route, wanted: Optional[str], runs_code: bool) -> Place:
    """Return the place on a server that takes one transaction back, and has room for a copy beside it."""
    trial = databases.trial(connection)
    others = len(databases.peers(connection).sessions(connection)[0])
    left = tuple(trial.sweep(connection))
    no_copy = trial.copy_why_not(connection, others > 0)
    loose = loose_step(route)
    if wanted == ON_TRANSACTION or (wanted is None and not others and loose is None):
        why = "" if wanted else "Nobody else is connected who would wait for its locks."
        cannot = None if loose is None else "%s: it is no transaction that could be rolled back." % loose
        neither = "" if no_copy is None else "No copy of the database can be made, because %s." % no_copy
        if cannot is not None:
            cannot = " ".join([cannot, neither]).strip()
        return Place(trial, why, cannot, not neither, neither, left)
    if no_copy is None:
        notes = (*left, *NOT_SHOWN, *((OTHERS_REAL,) if runs_code else ()))
        return Place(trial.on_copy(), _why_copy(wanted, others, loose), notes=notes)
    return without_copy(Place(trial, notes=left), wanted, loose, no_copy)


def without_copy(place: Place, wanted: Optional[str], loose: Optional[str], why: str) -> Place:
    """Return what is left at `place`, of one transaction, where no copy can be made."""
    why = "No copy of the database was made, because %s." % why
    if wanted == ON_COPY:
        return place._replace(cannot="%s In one transaction it may be possible." % why)
    if loose is not None:
        return place._replace(cannot="%s: only on a copy could it be. %s" % (loose, why))
    return place._replace(why="%s Others wait for its locks as long as it takes." % why)


def loose_step(route: Route) -> Optional[str]:
    """Return the clause that names the first step that is no transaction, None if all are."""
    for number, (migration, _) in enumerate(route.pairs, 1):
        if not migration.atomic:
            return "step %d, %s, because it says atomic = False" % (number, migration)
    return None


def _why_copy(wanted: Optional[str], others: int, loose: Optional[str]) -> str:
    if wanted == ON_COPY:
        return ""
    if others:
        connected = "Another session is" if others == 1 else "%d other sessions are" % others
        return "%s connected, and would wait for its locks." % connected
    return "Nothing else can take back %s." % (loose or "it")
