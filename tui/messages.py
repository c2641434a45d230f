"""What the parts of the interface tell each other, and where the project was found."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message

from djmig_tui.protocol import History, Project


@dataclass(frozen=True)
class Where:
    """Where the project is and how its Python is reached, for the status bar and the error screens."""

    folder: str  # the project's folder, as the interface sees it
    command: tuple[str, ...]  # the words of the user's own manage.py command
    how: str  # how the interpreter was chosen: ".venv in the project", "given after --"
    cwd: str = ""  # where the command is run; "" is the project's folder
    settings: str | None = None  # asked for by --settings


@dataclass(frozen=True)
class Done:
    """A line of the command log."""

    at: str  # time of day
    command: str
    outcome: str = ""


class ProjectOpened(Message):
    """An engine said what project this is."""

    def __init__(self, project: Project) -> None:
        super().__init__()
        self.project = project


class HistoryRead(Message):
    """A history arrived: the last known one, a quick scan, or the whole."""

    def __init__(self, history: History, *, stale: bool = False) -> None:
        super().__init__()
        self.history = history
        self.stale = stale  # known from last time, not read now


class ActivityChanged(Message):
    """The session does something that takes time, or (with "") is done with it."""

    def __init__(self, activity: str) -> None:
        super().__init__()
        self.activity = activity


class EngineReplaced(Message):
    """A fresh engine has taken over: whatever is shown from the old one must be asked for again."""


class EngineLost(Message):
    """There is no engine: it could not be started, or it ended unasked."""

    def __init__(self, sentence: str, detail: str = "") -> None:
        super().__init__()
        self.sentence = sentence
        self.detail = detail


class ProjectChanged(Message):
    """The engine saw that files or records are not what they were."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what  # "files", "git" or "records"


class LogGrew(Message):
    """Something was done."""
