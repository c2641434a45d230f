"""What the backups of all vendors share: the words for how a restore is done, and counting."""

from typing import Any, Callable, List, NamedTuple, Optional, Sequence, Tuple

from ..protocol import DatabaseSession, RestoreFinished, TableRows
from ..sessions import blocked_sentence


class Way(NamedTuple):
    """How a restore will be done, for its plan."""

    in_place: bool  # not beside the database, to be swapped when all is there
    why: str  # the sentence
    notes: Tuple[str, ...] = ()
    why_not: Optional[str] = None  # it cannot be done at all


class Blocked(Exception):
    """Others are connected and keep the database from being replaced. Nothing was changed."""

    def __init__(self, sessions: Sequence[DatabaseSession]) -> None:
        super().__init__(sessions)
        self.sessions = tuple(sessions)

    def finished(self, notes: Sequence[str] = ()) -> RestoreFinished:
        """Return it as the answer to who asked."""
        sentences = (
            "The database is in use, and nothing was replaced.",
            blocked_sentence(self.sessions).replace("The lock is held by", "It is used by"),
            "Wait until it is free, or allow the sessions to be ended.",
        )
        error = " ".join(each for each in sentences if each)
        return RestoreFinished(False, error=error, notes=tuple(notes), blocked_by=self.sessions)


class Stopped(Exception):
    """Asked to stop before anything was replaced."""


def count_rows(
    execute: Callable[[str], Any], tables: Sequence[Tuple[str, str]], call: Any
) -> Tuple[TableRows, ...]:
    """Count `tables`, (name, quoted name) pairs, by ``execute(sql)``, which returns one row."""
    counted: List[TableRows] = []
    for done, (name, quoted) in enumerate(tables):
        call.progress(done, len(tables), "Counting the rows of %s" % name)
        counted.append(TableRows(name, int(execute("SELECT count(*) FROM %s" % quoted)[0])))
    return tuple(counted)


def differing(claimed: Sequence[TableRows], found: Sequence[TableRows]) -> List[str]:
    """Return which tables do not hold what was claimed of them, as clauses; only exact claims count."""
    rows = {each.table: each.rows for each in found}
    return [
        "%s has %s rows where the backup claims %d" % (each.table, rows.get(each.table, "no"), each.rows)
        for each in claimed
        if each.exact and rows.get(each.table) != each.rows
    ]
