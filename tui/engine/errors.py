"""What can go wrong between the interface and an engine. Each message is a sentence for the user."""

from __future__ import annotations


class EngineError(Exception):
    """Anything below. `str(error)` is the sentence, `detail` what belongs folded below it."""

    def __init__(self, sentence: str, detail: str = "") -> None:
        super().__init__(sentence)
        self.detail = detail


class Refused(EngineError):
    """The engine will not do it; the sentence names the way out."""


class Stale(EngineError):
    """Things are not any more as they were shown."""


class Failed(EngineError):
    """Django or the database failed; `detail` is the traceback."""


class Cancelled(EngineError):
    """The engine gave the request up, because it was asked to or because another was more urgent."""


class EngineEnded(EngineError):
    """The process is gone; `detail` is the tail of its output."""


class StartFailed(EngineError):
    """No engine could be started; `detail` is what the project printed."""


class NotFound(EngineError):
    """No project here, or several; the sentence says what to type. Exit code 2."""
