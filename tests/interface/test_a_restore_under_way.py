"""While a backup is put in place: stopping, quitting, and what is said when it does not come to its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from djmig_tui.protocol import DropUpload, RestoreBackup
from tui.engine.errors import Failed
from tui.screens.ask import AskScreen
from tui.screens.backups import BackupsScreen
from tui.screens.restore import RestoreScreen
from tui.screens.restoring import RestoringScreen

from .harness import Desk


@asynccontextmanager
async def confirmed(desk: Desk, *, before: bool = True) -> AsyncIterator[None]:
    """Say yes to restoring a backup; `before`: with a backup of what is there first."""
    async with desk.sit_down():
        await desk.press("B")
        await desk.until(lambda: isinstance(desk.app.screen, BackupsScreen))
        await desk.press("m")
        await desk.press("enter", *([] if before else ["b"]))
        assert isinstance(desk.app.screen, RestoreScreen)
        yield


async def says_yes(desk: Desk) -> None:
    assert desk.pilot is not None
    await desk.pilot.press("R")
    await desk.until(lambda: isinstance(desk.app.screen, AskScreen))
    await desk.pilot.press("y")
    await desk.until(lambda: isinstance(desk.app.screen, RestoringScreen))


@pytest.mark.parametrize("key", ["q", "ctrl+q"])
async def test_quitting_during_a_restore_asks(key: str) -> None:
    desk = Desk()
    async with confirmed(desk, before=False):
        desk.engine.run_gate.clear()
        await says_yes(desk)
        await desk.until(lambda: desk.engine.count(RestoreBackup))
        await desk.pilot.press(key)
        await desk.until(lambda: isinstance(desk.app.screen, AskScreen))
        assert "Quit during the restore?" in desk.texts
        await desk.pilot.press("escape")
        await desk.until(lambda: isinstance(desk.app.screen, RestoringScreen))
        desk.engine.run_gate.set()
        await desk.settle()
        assert "✔ The backup is in place." in desk.texts


async def test_stopping_while_the_backup_is_sent_replaces_nothing_and_leaves_nothing_there() -> None:
    desk = Desk()
    async with confirmed(desk, before=False):
        desk.engine.held["send_chunk"] = asyncio.Event()
        await says_yes(desk)
        await desk.pilot.press("s")
        await desk.until(lambda: isinstance(desk.app.screen, AskScreen))
        assert "Nothing has been replaced yet." in desk.texts
        await desk.press("y")
        assert isinstance(desk.app.screen, BackupsScreen)
        assert desk.engine.count(RestoreBackup) == 0
        assert desk.engine.count(DropUpload) == 1


async def test_nothing_is_restored_if_the_backup_before_it_fails() -> None:
    desk = Desk()
    async with confirmed(desk):
        desk.engine.errors["make_backup"] = Failed("pg_dump failed: out of memory.")
        await says_yes(desk)
        await desk.until(lambda: "pg_dump failed: out of memory. So nothing was replaced." in desk.texts)
        assert desk.engine.count(RestoreBackup) == 0


async def test_a_question_about_stopping_goes_when_the_restore_is_over() -> None:
    desk = Desk()
    async with confirmed(desk, before=False):
        desk.engine.run_gate.clear()
        await says_yes(desk)
        await desk.until(lambda: desk.engine.count(RestoreBackup))
        await desk.pilot.press("s")
        await desk.until(lambda: isinstance(desk.app.screen, AskScreen))
        desk.engine.run_gate.set()
        await desk.until(lambda: "✔ The backup is in place." in desk.texts)
        assert isinstance(desk.app.screen, RestoringScreen)
