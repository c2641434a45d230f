"""What putting everything back that a reset has done would do; R does it, nothing else."""

from __future__ import annotations

from textual.content import Content

from djmig_tui.protocol import RESET_KEEPING

from .. import reset_stakes
from ..actions import RESET_BACK, bindings
from ..describe_reset import describe_putting_back, verdict_of_putting_back
from ..reset_back import databases_to_restore
from ..session import Session
from ..state_resets import ResetRecord
from ..text import one_line
from .deciding import DecidingScreen, Shown

_ONLY_FILES = "No database is touched; only files."


class ResetBackScreen(DecidingScreen):
    """Files, tables and rows as they were, and what goes for that."""

    SCOPE = RESET_BACK
    BINDINGS = bindings(RESET_BACK)
    YES = "Put it back"

    def __init__(self, session: Session, record: ResetRecord) -> None:
        super().__init__(session, record.plan.database)
        self._record = record

    async def read(self) -> Shown:
        """Look for what leads back, and for who is connected."""
        record, state = self._record, self._session.state
        entries = {one.id: one for one in state.backups()}
        aliases = databases_to_restore(record)
        wanted = [each.backup for each in record.backups if each.database in aliases]
        gone = [id for id in wanted if id not in entries]
        files = [entry for mark in record.trash if (entry := state.in_trash(mark)) is not None]
        why_not = ""
        if gone:
            why_not = f"The backup {gone[0]} is gone, so the rows cannot come back; B lists those there are."
        elif len(files) < len(record.trash):
            why_not = (
                f"{len(record.trash) - len(files)} of the files that went are not in the trash any more."
            )
        others = await reset_stakes.others(self._session.engine, aliases)
        backed = [entries[id] for id in wanted if id in entries]
        text = describe_putting_back(record, files, backed, others, why_not)
        title = f"Put back, as if it had never been: {record.plan.title}"
        return Shown(title, verdict_of_putting_back(backed, why_not), text, why_not)

    def action_run(self) -> None:
        """Ask again; where a database is replaced, its name is typed."""
        aliases = databases_to_restore(self._record)
        lines = [Content(f"What was written to {one_line(alias)} since goes.") for alias in aliases]
        kept = self._record.plan.kind == RESET_KEEPING
        only = "Every row stays; only files and records are exchanged." if kept else _ONLY_FILES
        self.ask(lines or [Content(only)], self._start, typed=bool(aliases))

    def _start(self) -> None:
        from .resetting import BACK, ResettingScreen  # they lead to each other

        self.app.push_screen(ResettingScreen(self._session, self._record, BACK), self.ended)
