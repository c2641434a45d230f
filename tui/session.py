"""One open project: the engine under way, what it said so far, and the log of what was done."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from time import monotonic

from textual.message import Message

from djmig_tui.protocol import (
    Changed,
    Database,
    History,
    LoadHistory,
    OpenProject,
    Problem,
    Progress,
    Project,
    ScanHistory,
    Watch,
)

from .answers import Answers
from .backup_settings import DEFAULTS, BackupSettings
from .engine.api import Engine
from .engine.errors import Cancelled, EngineEnded, EngineError, Failed
from .interrupted import with_unfinished
from .keeping import Keeping
from .logbook import Logbook
from .messages import (
    ActivityChanged,
    EngineLost,
    EngineReplaced,
    HistoryRead,
    LogGrew,
    ProjectChanged,
    ProjectOpened,
)
from .reset_words import with_cut_off
from .store import JournalEntry, ResetStore, TrashEntry

Connect = Callable[[], Awaitable[Engine]]

STARTING = "starting the project's engine…"
_NONE = "There is no engine; press r to start one."


class Session:
    """Asks the engine and tells the screens by messages. Results are kept until a fresh engine takes over."""

    def __init__(
        self,
        connect: Connect,
        state: ResetStore,
        database: str,
        tell: Callable[[Message], object],
        opening: OpenProject | None = None,
        *,
        settings: BackupSettings = DEFAULTS,
    ) -> None:
        """`opening` is what every engine is told first: whether it may write, what counts as local.

        `settings` say how the project's backups are made and kept.
        """
        self._opening = opening or OpenProject()
        self._settings = settings
        self.state = state
        self.database = database
        self.project: Project | None = None
        self.history: History | None = None
        self.trash: TrashEntry | None = None
        #: A run is under way: nothing is replaced, and quitting asks.
        self.running = False
        #: The engine answered and its project is known.
        self.ready = False
        #: A fresh engine is on its way, since this moment (of time.monotonic), or None.
        self.opening: float | None = None
        self.logbook = Logbook(state, lambda: tell(LogGrew()))
        self.answers = Answers(self)
        self._connect = connect
        self._tell = tell
        self._engine: Engine | None = None
        self._why_none = (_NONE, "")
        self._focused = True
        self._turn = 0

    @property
    def engine(self) -> Engine:
        """The engine under way. Raises `EngineEnded` if there is none."""
        if self._engine is None:
            raise EngineEnded(*self._why_none)
        return self._engine

    def is_current(self, engine: Engine) -> bool:
        """Whether no other engine has taken over from this one."""
        return engine is self._engine

    def keeping(self, alias: str) -> Keeping:
        """Return whose backups those of an alias are. Raises `EngineEnded` if there is no engine."""
        database = self.database_of(alias) or Database(alias, "", alias)
        return Keeping(self.engine, self.state, database, self._settings, self._opening.read_only)

    def database_of(self, alias: str) -> Database | None:
        """Return the project's database of that alias, None if it is not known."""
        databases = self.project.databases if self.project else ()
        return next((one for one in databases if one.alias == alias), None)

    # ---------------------------------------------------------- start and end
    async def open(self) -> None:
        """Start an engine and let it take over when it is ready; the old one answers until then."""
        turn = self._begin("looking again…" if self.ready else STARTING)
        self.opening = monotonic()
        try:
            engine = await self._connect()
            try:
                await self._take_over(engine)
            except BaseException:
                if self._engine is not engine:
                    await engine.close()
                raise
        except EngineError as error:
            await self.close()
            self._lost(str(error), error.detail)
        finally:
            if self._end(turn):
                self.opening = None

    async def _take_over(self, engine: Engine) -> None:
        project = await engine.open_project(self._opening)
        old = self._engine
        if old is None:
            self._use(engine, project)
            await self._read(engine, quick=True)
        else:
            history = await self._load(engine)
            if self.running:  # a run that began meanwhile keeps its engine; its end looks again
                await engine.close()
                return
            self._use(engine, project)
            await self._keep(history)
            await old.close()
        await engine.watch(Watch(self.database, self._focused))

    def _use(self, engine: Engine, project: Project) -> None:
        if self._engine is not None:
            self._engine.on_ended = self._engine.on_changed = None
        self._engine, self.project, self.ready, self._why_none = engine, project, True, (_NONE, "")
        engine.on_changed = self._on_changed
        engine.on_ended = self._on_ended
        self.trash = self.state.latest_in_trash()
        self.forget()
        self._tell(ProjectOpened(project))

    def _on_changed(self, changed: Changed) -> None:
        self._tell(ProjectChanged(changed.what))

    def _on_ended(self, tail: str) -> None:
        self._lost(
            "The engine ended unexpectedly. Press r to start it again; nothing else was touched.", tail
        )

    def _lost(self, sentence: str, detail: str) -> None:
        self._engine, self.ready, self._why_none = None, False, (sentence, detail)
        if self.running:
            return  # the run's own answer says it, and looks again
        self.forget()
        self._tell(EngineLost(sentence, detail))

    async def close(self) -> None:
        """End the engine."""
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.on_ended = engine.on_changed = None
            await engine.close()

    def _begin(self, activity: str) -> int:
        self._turn += 1
        self._tell(ActivityChanged(activity))
        return self._turn

    def _end(self, turn: int) -> bool:
        """Say that all is settled, unless something newer has begun."""
        if turn == self._turn:
            self._tell(ActivityChanged(""))
        return turn == self._turn

    # ---------------------------------------------------------------- history
    def show_last_tree(self) -> None:
        """Show what was known last time, unless the engine has said how things are."""
        if self.history is None and (last := self.state.last_tree(self.database)) is not None:
            self.history = last
            self._tell(HistoryRead(last, stale=True))

    async def read_again(self, database: str | None = None) -> None:
        """Ask the same engine for the history again, perhaps of another database."""
        if database is not None:
            self.look_at(database)
        self.forget()
        turn = self._begin("reading the records…")
        try:
            await self._read(self.engine, quick=database is not None)
            await self.engine.watch(Watch(self.database, self._focused))
        except EngineEnded as error:
            self._lost(str(error), error.detail)
        except EngineError as error:
            self._tell(HistoryRead(self._with_problem(error)))
        finally:
            self._end(turn)

    def look_at(self, database: str) -> None:
        """Turn to another database; nothing is known of it yet."""
        if database != self.database:
            self.database = database
            self.history = History(database, ())
            self._tell(HistoryRead(self.history))

    async def _read(self, engine: Engine, *, quick: bool) -> None:
        if quick:
            with contextlib.suppress(Failed):  # the whole history, asked for next, says why
                await self._keep(await engine.scan_history(ScanHistory(self.database)))
        await self._keep(await self._load(engine))

    async def _load(self, engine: Engine) -> History:
        def on_progress(progress: Progress) -> None:
            total = f" of {progress.total:,}" if progress.total else ""
            self._tell(ActivityChanged(f"reading migrations… {progress.done:,}{total}"))

        try:
            return await engine.load_history(LoadHistory(self.database), on_progress)
        except Failed as error:
            if self.history is None:
                raise
            return self._with_problem(error)

    def _with_problem(self, error: EngineError) -> History:
        history = self.history or History(self.database, ())
        return replace(history, problems=(Problem("graph", str(error)), *history.problems), complete=False)

    async def _keep(self, history: History) -> None:
        if history.complete:
            await self.logbook.read()
        cut_off = None if self.running else self.state.reset_under_way()
        self.history = with_cut_off(cut_off, with_unfinished(self.logbook.journal, history))
        self._tell(HistoryRead(self.history))
        if history.complete:
            await self._settle(history)
            self.note(f"showmigrations{self._database_option()}")
            await asyncio.to_thread(self.state.save_tree, history)

    async def _settle(self, history: History) -> None:
        """Find out what became of rows that a run kept which was cut off."""
        database = self.database_of(history.database)
        if database is not None and not self.running:
            await asyncio.to_thread(self.state.settle_kept, database, history)

    # --------------------------------------------------------------- requests
    def forget(self) -> None:
        """Drop the results that were kept: the database or the files may be others now."""
        self.answers.forget()
        self._tell(EngineReplaced())

    async def watch(self, *, focused: bool) -> None:
        """Tell the engine whether somebody is looking."""
        self._focused = focused
        if self._engine is not None:
            with contextlib.suppress(Cancelled, EngineEnded):  # on_ended has told, or the next focus tells
                await self._engine.watch(Watch(self.database, focused))

    # -------------------------------------------------------------------- log
    def note(self, command: str, outcome: str = "", *, manage: bool = True) -> None:
        """Add a command to the log that is on screen."""
        self.logbook.note(f"python manage.py {command}" if manage else command, outcome)

    def write(self, entry: JournalEntry) -> None:
        """Write what was done, or tried, to the journal and to the log on screen."""
        self.logbook.write(entry)

    def _database_option(self) -> str:
        return "" if self.database == "default" else f" --database {self.database}"
