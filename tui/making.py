"""makemigrations: which command it is, what its dry run says, and how it is run in the lent terminal."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from djmig_tui.protocol import App, History

from . import terminal
from .journal import DONE, FAILED, MAKE, Deed
from .messages import Where
from .text import count, one_line
from .widgets.history_tree import HistoryTree

if TYPE_CHECKING:
    from .app import DjmigApp

#: Of what a dry run prints, so many characters at its end are shown.
KEPT = 200_000


@dataclass(frozen=True)
class Making:
    """What is to be made: migrations of one app or of all, or the merge of what has two heads."""

    app: str | None = None
    merge: bool = False

    @property
    def title(self) -> str:
        """The question, in words."""
        what = one_line(self.app) if self.app else "all apps"
        return f"Merge the heads of {what}?" if self.merge else f"Make migrations for {what}?"

    def command(self, where: Where) -> list[str]:
        """Return the words of the real command; its questions are asked in the terminal."""
        return self._words(where)

    def preview(self, where: Where) -> list[str]:
        """Return the words of the dry run, which writes nothing and cannot ask."""
        return self._words(where, "--dry-run", "--noinput", "-v", "3")

    def _words(self, where: Where, *more: str) -> list[str]:
        words = [*where.command, "makemigrations"]
        words += ["--merge"] if self.merge else []
        words += [self.app] if self.app else []
        return [*words, *more, *(["--settings", where.settings] if where.settings else [])]


def making_for(history: History | None, app: str | None) -> Making:
    """Return what makemigrations has to do for an app (None: for all): two heads are merged first."""
    return Making(app, merge=bool(list(forked(history, app))))


def forked(history: History | None, app: str | None) -> Iterable[tuple[str, list[str]]]:
    """Yield label and heads of each app that has more than one head."""
    for one in history.apps if history else ():
        names = heads(one)
        if len(names) > 1 and app in (None, one.label) and not one.third_party:
            yield one.label, names


def heads(app: App) -> list[str]:
    """Return the names of an app's heads."""
    return [one.name for one in app.migrations if one.head]


def in_words(code: int, said: str) -> str:
    """Return what a dry run came to, as sentences."""
    last = next((line for line in reversed(said.splitlines()) if line.strip()), "it said nothing")
    if code:
        return (
            f"The dry run ended with code {code}: {one_line(last.strip(), 300)} It may not ask you anything; "
            "in the terminal makemigrations can."
        )
    if "No changes detected" in said or "No conflicts detected" in said:
        return f"Nothing would be made: {one_line(last.strip(), 300)}. Edit the models first."
    return "It would make what is shown. Where a name was changed it may ask you, and make something else."


def run(app: DjmigApp, making: Making) -> None:
    """Run makemigrations in the lent terminal; then look again, and say what is new."""
    words = making.command(app.where)
    before = keys_of(app.session.history)
    code = terminal.lend(app, words, Path(app.where.cwd or app.where.folder))
    if code is None:
        return
    line = shlex.join(words)
    deed = Deed(app.session.write, MAKE, app.session.database, line)
    deed.end(FAILED if code else DONE, f"exit code {code}")
    if code:
        app.say(f"makemigrations ended with code {code}; the tree shows what is there.", "warning")
    app.made.expect(before)
    app.start_engine()


def keys_of(history: History | None) -> frozenset[str]:
    """Return "app.name" of every migration that has a file."""
    apps = history.apps if history else ()
    return frozenset(f"{app.label}.{one.name}" for app in apps for one in app.migrations if one.file)


class Made:
    """Finds out from the next whole history what makemigrations has made."""

    def __init__(self, app: DjmigApp) -> None:
        self._app = app
        self._before: frozenset[str] | None = None

    def expect(self, before: frozenset[str]) -> None:
        """Compare the next history with what there was."""
        self._before = before

    def seen(self, history: History) -> None:
        """Say what is new, once, and put the cursor on it."""
        if self._before is None or not history.complete:
            return
        new = sorted(keys_of(history) - self._before)
        self._before = None
        if new:
            more = f" and {count(len(new) - 3, 'more')}" if new[3:] else ""
            self._app.say(f"New: {', '.join(new[:3])}{more}. Next: read it, then m on it migrates.")
            self._app.main.query_one(HistoryTree).point_at(new[-1])
