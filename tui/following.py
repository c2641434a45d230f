"""Keeps the detail pane on the cursor: asks for what it shows, gives up what it left, fetches ahead."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from textual.screen import Screen

from djmig_tui.protocol import UNDO, MigrationDetail, PreviewPlan, Sql

from . import background
from .commands import sql_command
from .counting import count_rows
from .engine.errors import Cancelled, EngineError
from .nodes import Node
from .session import Session
from .widgets.detail_pane import FORWARD, IMPACT, REVERSE, DetailPane

#: What stands there is left until this has passed: most answers are faster, and two drawings slower than one.
STAYS = 0.06
#: Only what takes longer than this is announced.
PATIENCE = 0.3
#: How long the cursor rests before its neighbours are fetched.
IDLE = 0.05


class Follower:
    """Owns the requests of one detail pane; there is never more than one that the user waits for."""

    def __init__(
        self,
        screen: Screen[Any],
        session: Session,
        pane: DetailPane,
        neighbours: Callable[[], list[Node]],
        arrived: Callable[[], None],
    ) -> None:
        self._screen = screen
        self._session = session
        self._pane = pane
        self._neighbours = neighbours
        self._arrived = arrived

    def follow(self, node: Node) -> None:
        """Show what is asked of `node` by the chosen tab: at once if it is known, else when it comes."""
        for group in ("detail", "impact", "ahead"):
            self._screen.workers.cancel_group(self._screen, group)
        if node.migration is None or not self._session.ready:
            if node.migration is not None:
                self._pane.show_waiting("waiting for the engine…")
            return
        known = self.known(node, self._pane.tab)
        if known is not None:
            self._show(node, known)
        else:
            background.start(self._screen, partial(self._fetch, node), "detail")

    def known(self, node: Node, tab: int) -> Sql | MigrationDetail | None:
        """Return what the tab shows of a migration, if it was asked for already."""
        if node.app is None or node.migration is None:
            return None
        if tab in (REVERSE, FORWARD):
            backwards = tab == REVERSE
            return self._session.answers.known_sql(node.app.label, node.migration.name, backwards=backwards)
        return self._session.answers.known_detail(node.app.label, node.migration.name)

    def known_sql(self, node: Node) -> Sql | None:
        """Return the SQL of the reverse tab, or of the forward one if that is shown, once it is there."""
        known = self.known(node, REVERSE if self._pane.backwards else FORWARD)
        return known if isinstance(known, Sql) else None

    async def _ask(self, node: Node, tab: int, *, prefetch: bool) -> Sql | MigrationDetail:
        if node.app is None or node.migration is None:
            raise TypeError("Only migrations have SQL and details.")
        app, name = node.app.label, node.migration.name
        if tab in (REVERSE, FORWARD):
            return await self._session.answers.sql(app, name, backwards=tab == REVERSE, prefetch=prefetch)
        return await self._session.answers.detail(app, name, prefetch=prefetch)

    async def _fetch(self, node: Node) -> None:
        with self._waiting():
            try:
                result: Sql | MigrationDetail | EngineError = await self._ask_until_answered(node)
            except EngineError as error:
                result = error
        if isinstance(result, EngineError):
            self._pane.show_trouble(str(result), result.detail)
        else:
            self._show(node, result)

    @contextlib.contextmanager
    def _waiting(self) -> Iterator[None]:
        """Empty the pane, then say what is waited for, if the answer takes its time."""
        # Not timers of the screen: one that has run out in the same moment would speak after the answer.
        later = asyncio.get_running_loop().call_later
        timers = [
            later(after, self._pane.show_waiting, words)
            for after, words in ((STAYS, ""), (PATIENCE, "rendering…"))
        ]
        try:
            yield
        finally:
            for timer in timers:
                timer.cancel()

    async def _ask_until_answered(self, node: Node) -> Sql | MigrationDetail:
        """Ask again if the engine gave the request up for another one, but not for ever."""
        for _ in range(3):
            with contextlib.suppress(Cancelled):
                return await self._ask(node, self._pane.tab, prefetch=False)
        return await self._ask(node, self._pane.tab, prefetch=False)

    def _show(self, node: Node, result: Sql | MigrationDetail) -> None:
        if isinstance(result, Sql):
            self._pane.show_sql(result)
            database = self._session.database
            self._session.note(sql_command(result.app, result.name, database, backwards=result.backwards))
        else:
            self._pane.show_detail(result)
            if self._pane.tab == IMPACT and node.migration is not None and node.migration.applied:
                background.start(self._screen, partial(self._count, node.key), "impact")
        self._arrived()
        background.start(self._screen, self._fetch_ahead, "ahead")

    async def _count(self, key: str) -> None:
        """Count what undoing a migration costs, with all that needs it."""
        await asyncio.sleep(IDLE)
        app, _, name = key.partition(".")
        try:
            request = PreviewPlan(self._session.database, UNDO, app, name)
            plan = await self._session.engine.preview_plan(request)
            self._pane.show_impact(plan, "Counting rows…")
            plan = await count_rows(self._session, plan, self._pane.show_impact)
        except EngineError as error:
            self._pane.show_notice(f"The rows were not counted: {error}")
        else:
            self._pane.show_impact(plan, "")

    async def _fetch_ahead(self) -> None:
        await asyncio.sleep(IDLE)
        tab = self._pane.tab
        for node in self._neighbours():
            if self.known(node, tab) is None:
                with contextlib.suppress(EngineError):  # said when the cursor comes there
                    await self._ask(node, tab, prefetch=True)
