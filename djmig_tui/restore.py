"""Putting a backup in the place of a database: what that replaces, how it is done, and what is kept of it."""

import hashlib
import time
from typing import Any, Dict, List, Set, Tuple

from . import databases, uploads
from .errors import EngineError, FailedError, Refusal, StaleError, first_error
from .protocol import (
    APPLIED,
    BLOCKED,
    LOSES,
    RESTORE,
    SAFE,
    UNAPPLIED,
    UNKNOWN,
    DropKept,
    Kept,
    ListKept,
    Loss,
    MarkChange,
    Plan,
    PreviewRestore,
    RecreateDatabase,
    RestoreBackup,
    RestoreFinished,
    SwapKept,
    TableRows,
)
from .records import read_records
from .reset_blockers import why_not_here
from .sessions import in_words

#: What a loss by a restore is called.
REPLACE = "replace table"


def preview_restore(session: Any, request: PreviewRestore, call: Any) -> Plan:
    """Answer with what the database has now that the backup has not. Changes nothing."""
    return _Present(session, request, call).plan()


class _Present:
    """The database as it is, against what a backup claims to hold."""

    def __init__(self, session: Any, request: Any, call: Any) -> None:
        self.session = session
        self.request = request
        self.connection = databases.looking(request.database)
        self.vendor = databases.dumper(self.connection)
        self.means = self.vendor.means(self.connection)
        self.records = {"%s.%s" % key for key in read_records(request.database)}
        self.tables: Tuple[TableRows, ...] = self.vendor.count(self.connection, call)

    def fingerprint(self) -> str:
        """Return a hash of all that the plan rests on: the database as it is, and the backup."""
        given = databases.settings_of(self.request.database)
        parts = [self.request.database, str(given.get("NAME")), str(given.get("HOST")), self.request.sha256]
        parts.extend(sorted(self.records))
        parts.extend("%s %d" % (each.table, each.rows) for each in self.tables)
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:32]

    def plan(self) -> Plan:
        """Return the plan."""
        way = self.vendor.preview(self.connection)
        blockers = self.blockers(way)
        loss = self._loss()
        verdict, why = self._verdict(loss)
        made = self.request.made_at or "a file"
        return Plan(
            database=self.request.database,
            intent=RESTORE,
            app=None,
            name=None,
            target="the backup of %s" % made,
            title="Put the backup of %s in the place of %s" % (made, self._name()),
            verdict=BLOCKED if blockers else verdict,
            why=(*blockers, *why),
            steps=(),
            blockers=tuple(blockers),
            loss=tuple(loss),
            failures=(),
            commands=(),
            fingerprint=self.fingerprint(),
            marks=tuple(self._marks()),
            one_transaction=not way.in_place,
            transaction_why=way.why,
            notes=(*way.notes, *self._notes()),
            counted=True,
        )

    def _name(self) -> str:
        return str(databases.settings_of(self.request.database).get("NAME"))

    def blockers(self, way: Any) -> List[str]:
        """Return what stands against doing it this way."""
        found = []
        if self.session.read_only:
            found.append("djmig-tui was started with --read-only: nothing is restored. Start it without.")
        if self.request.format != self.vendor.FORMAT:
            found.append(
                "The backup is one of %s, and this database takes %s: choose another one."
                % (self.request.format, self.vendor.FORMAT or "none")
            )
        if self.means.why_not is not None and not databases.missing(self.request.database):
            found.append(self.means.why_not)
        if way.why_not is not None:
            found.append(way.why_not)
        return found

    def _loss(self) -> List[Loss]:
        """Return what is here and not there: rows written since, and tables that the backup does not have."""
        claimed: Dict[str, TableRows] = {each.table: each for each in self.request.tables}
        loss = []
        for each in self.tables:
            there = claimed.get(each.table)
            since = each.rows - (there.rows if there is not None else 0)
            if since > 0:
                loss.append(Loss("", each.table, None, since, there is None or there.exact, kind=REPLACE))
        return loss

    def _verdict(self, loss: List[Loss]) -> Tuple[str, Tuple[str, ...]]:
        if loss:
            rows = sum(each.rows or 0 for each in loss)
            return LOSES, ("%d rows more than in the backup go, and what was changed since." % rows,)
        if not self.tables:
            return SAFE, ("There is nothing in this database that could be replaced.",)
        why = (
            "No table has more rows than in the backup, but rows may have been changed since: what they hold"
            " now is replaced."
        )
        return UNKNOWN, (why,)

    def _marks(self) -> List[MarkChange]:
        there: Set[str] = set(self.request.records)
        if not there and not self.request.tables:
            return []  # a bare file: nobody says what is in it
        changes = []
        for name in sorted(self.records ^ there):
            app, _, migration = name.partition(".")
            before, after = (UNAPPLIED, APPLIED) if name in there else (APPLIED, UNAPPLIED)
            changes.append(MarkChange(app, migration, before, after))
        return changes

    def _notes(self) -> List[str]:
        if databases.missing(self.request.database):
            return []
        others, _ = databases.peers(self.connection).sessions(self.connection)
        notes = ["Connected now: %s." % in_words(each) for each in others]
        if not self.request.tables:
            notes.append("Nothing is known of what the backup holds: it was not made by djmig-tui.")
        return notes


def restore_backup(session: Any, request: RestoreBackup, call: Any) -> RestoreFinished:
    """Put an uploaded backup in the place of the database.

    Raises `StaleError` if anything was written since `preview_restore`, and `Refusal` if it is
    blocked or this engine was told never to write. A failure of the restore itself is an answer.
    """
    _refuse_read_only(session)
    path = uploads.path_of(request.upload, request.sha256)
    present = _Present(session, request, call)
    if present.fingerprint() != request.fingerprint:
        raise StaleError("The database changed since this was shown: nothing was replaced; look again.")
    blockers = present.blockers(present.vendor.preview(present.connection))
    if blockers:
        raise Refusal("The restore is blocked: %s" % " ".join(blockers))
    return _written(session, request, lambda vendor, at: vendor.restore(at, path, request, call))


def list_kept(session: Any, request: ListKept, call: Any) -> Kept:
    """Answer with the databases that restores replaced and that are still there."""
    connection = databases.looking(request.database)
    return Kept(databases.dumper(connection).kept(connection))


def drop_kept(session: Any, request: DropKept, call: Any) -> Kept:
    """Drop one of them. Raises `Refusal` for any other database."""
    _refuse_read_only(session)
    databases.refuse_missing(request.database)
    with databases.writing(request.database) as connection:
        connection.ensure_connection()
        databases.dumper(connection).drop_kept(connection, request.name)
    return list_kept(session, ListKept(request.database), call)


def swap_kept(session: Any, request: SwapKept, call: Any) -> RestoreFinished:
    """Put one of them back in its place. Raises `Refusal` for any other database."""
    _refuse_read_only(session)
    return _written(session, request, lambda vendor, at: vendor.swap_kept(at, request.name, request, call))


def recreate_database(session: Any, request: RecreateDatabase, call: Any) -> RestoreFinished:
    """Put a new, empty database in the place of one, where a reset is allowed."""
    databases.check_alias(request.database)
    reasons = why_not_here(session, [request.database])
    if reasons:
        raise Refusal(" ".join(sentence for sentence, _ in reasons))
    return _written(session, request, lambda vendor, at: vendor.recreate(at, request.end_others, call))


def _written(session: Any, request: Any, work: Any) -> RestoreFinished:
    """Return how `work` ended, with its time; whatever this engine knew of the database is over."""
    begun = time.monotonic()
    with databases.writing(request.database) as connection:
        vendor = databases.dumper(connection)
        try:
            if not databases.missing(request.database):
                connection.ensure_connection()
            finished: RestoreFinished = work(vendor, connection)
        except (Refusal, StaleError):
            raise
        except FailedError as error:
            finished = RestoreFinished(False, error=str(error), detail=error.detail)
        except Exception as error:
            if isinstance(error, EngineError):
                raise
            first = first_error(error)
            words = " ".join(str(first).split()) or type(first).__name__
            finished = RestoreFinished(False, error="The restore failed: %s" % words, detail=repr(error))
    session.forget_records()
    session.finished = finished.done
    return _with_seconds(finished, time.monotonic() - begun)


def _with_seconds(finished: RestoreFinished, seconds: float) -> RestoreFinished:
    from dataclasses import replace

    return replace(finished, seconds=seconds)


def _refuse_read_only(session: Any) -> None:
    if session.read_only:
        raise Refusal("djmig-tui was started with --read-only: nothing is replaced. Start it without.")
