"""Putting a database that a restore replaced back in its place, and writing that into the journal."""

from __future__ import annotations

import shlex
from collections.abc import Callable

from djmig_tui.protocol import RestoreFinished, SwapKept

from .engine.api import OnProgress
from .engine.errors import EngineEnded, EngineError, Refused, Stale
from .journal import DONE, FAILED, REFUSED, SWAP, Deed
from .keeping import Keeping
from .store import JournalEntry


async def swap(
    keeping: Keeping,
    name: str,
    write: Callable[[JournalEntry], None],
    on_progress: OnProgress | None = None,
    *,
    end_others: bool = False,
    takes_back: str = "",
) -> RestoreFinished:
    """Put `name` back; the present database is kept in its stead. `write` adds a line to the journal."""
    alias = keeping.database.alias
    deed = Deed(write, SWAP, alias, keeping.command(command(name)), takes_back=takes_back)
    deed.begin()
    try:
        finished = await keeping.engine.swap_kept(SwapKept(alias, name, end_others), on_progress)
    except EngineEnded:
        raise  # in the journal it has no end: the next start looks what stands
    except EngineError as error:
        deed.end(REFUSED if isinstance(error, Refused | Stale) else FAILED, str(error))
        raise
    deed.end(DONE if finished.done else FAILED, finished.error or "", subject=finished.kept or "")
    return finished


def command(name: str) -> str:
    """Return what is typed after djmig-tui to put it back."""
    return f"backups --swap-kept {shlex.quote(name)} --yes"
