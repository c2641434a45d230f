"""What the engine answered about migrations, kept until a fresh one takes over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from djmig_tui.protocol import MigrationDetail, RenderSql, ShowMigration, Sql

if TYPE_CHECKING:
    from .session import Session


class Answers:
    """SQL and details by database and migration: each is asked for once an engine."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._sql: dict[tuple[str, str, str, bool], Sql] = {}
        self._details: dict[tuple[str, str, str], MigrationDetail] = {}

    async def sql(
        self, app: str, name: str, *, backwards: bool, database: str | None = None, prefetch: bool = False
    ) -> Sql:
        """Return the SQL of a migration, kept since it was asked for last. Raises `EngineError`."""
        key = (database or self._session.database, app, name, backwards)
        if key not in self._sql:
            engine = self._session.engine
            sql = await engine.render_sql(RenderSql(*key), prefetch=prefetch)
            if self._session.is_current(engine):
                self._sql[key] = sql
            return sql
        return self._sql[key]

    def known_sql(self, app: str, name: str, *, backwards: bool) -> Sql | None:
        """Return the SQL if it was asked for already."""
        return self._sql.get((self._session.database, app, name, backwards))

    async def detail(self, app: str, name: str, *, prefetch: bool = False) -> MigrationDetail:
        """Return the details of a migration, kept since they were asked for last. Raises `EngineError`."""
        key = (self._session.database, app, name)
        if key not in self._details:
            engine = self._session.engine
            detail = await engine.show_migration(ShowMigration(*key), prefetch=prefetch)
            if self._session.is_current(engine):
                self._details[key] = detail
            return detail
        return self._details[key]

    def known_detail(self, app: str, name: str) -> MigrationDetail | None:
        """Return the details if they were asked for already."""
        return self._details.get((self._session.database, app, name))

    def forget(self) -> None:
        """Drop them all: the database or the files may be others now."""
        self._sql.clear()
        self._details.clear()
