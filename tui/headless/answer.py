"""What a headless command has to say: data for --json, text for people, a sentence if it failed."""

from __future__ import annotations

from dataclasses import dataclass

DONE = 0
FAILED = 1
USAGE = 2


@dataclass(frozen=True)
class Answer:
    """The outcome of one command. `text` goes to stdout as it is, `error` to stderr or into the data."""

    data: dict[str, object] | list[dict[str, object]]
    text: str
    error: str | None = None
    detail: str = ""  # a traceback, to be folded
    code: int = DONE


class CommandError(Exception):
    """The command cannot go on; ``str(error)`` is a sentence with the next step."""

    def __init__(self, sentence: str, code: int = FAILED) -> None:
        super().__init__(sentence)
        self.code = code


def lines(*parts: str | None) -> str:
    """Return the parts that there are, one a line."""
    return "".join(f"{part}\n" for part in parts if part is not None)
