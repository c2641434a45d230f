"""What may be under way on the screen of backups, in words: one thing at a time, and Esc stops it."""

from __future__ import annotations

from dataclasses import dataclass

from djmig_tui.protocol import Progress

from .text import progress_in_words, sentence


@dataclass(frozen=True)
class UnderWay:
    """Something that takes its time."""

    name: str
    what: str  # a whole clause
    stopped: str  # what stands of it once it was stopped
    either: str = ""  # instead, before it is stopped: it may come to its end all the same

    def so_far(self, progress: Progress) -> str:
        """Return how far it is, and how it is stopped."""
        return f"{progress_in_words(progress)}   Esc stops it; {self.either or self.stopped} then."

    @property
    def why_not(self) -> str:
        """Why nothing else can be done meanwhile."""
        return f"{self.what}; Esc stops it."

    @property
    def if_quit(self) -> str:
        """What quitting would do to it."""
        return f"{self.what}. {sentence(f'{self.either or self.stopped} if djmig-tui ends')}"


BACKUP = UnderWay("the backup", "A backup is being made", "nothing of it is kept")
COUNTING = UnderWay("the counting", "It is being counted what can be put back", "nothing is changed")
PUTTING_BACK = UnderWay(
    "the return of rows",
    "Kept rows are being put back",
    "nothing is put back",
    "all or none of it is put back",
)
