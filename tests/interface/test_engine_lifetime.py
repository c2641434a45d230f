"""Engines come, die and are replaced; the user keeps the place and is told."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from djmig_tui.protocol import Changed, LoadHistory, Watch
from tui.engine.errors import Failed, StartFailed
from tui.screens.trouble import TroubleScreen

from .bookshop import bookshop
from .fake_engine import FakeEngine
from .harness import Desk

PRICE = "store.0003_change_price_field"


async def test_an_engine_that_cannot_start_is_one_sentence_and_r_tries_again() -> None:
    desk = Desk()
    desk.start_error = StartFailed("manage.py ended before the engine could start.", "KeyError: 'SECRET_KEY'")
    async with desk.sit_down(wait=False):
        await desk.until(lambda: isinstance(desk.app.screen, TroubleScreen))
        await desk.settle()
        assert "manage.py ended before the engine could start." in desk.texts
        assert "SECRET_KEY" not in desk.texts
        await desk.press("l")
        assert "KeyError: 'SECRET_KEY'" in desk.texts
        desk.start_error = None
        await desk.press("r")
        await desk.ready()
        assert desk.app.screen is desk.app.main


async def test_an_engine_that_dies_shows_the_tail_of_its_output_and_r_starts_another() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at(PRICE)
        desk.engine.die("Fatal Python error: Segmentation fault")
        await desk.settle()
        assert "ended unexpectedly" in desk.texts
        await desk.press("l")
        assert "Fatal Python error" in desk.texts
        await desk.press("r")
        assert desk.app.screen is desk.app.main
        assert desk.app.main.node.key == PRICE
        assert len(desk.engines) == 2


async def test_files_that_change_bring_one_fresh_engine_however_many_changes_there_are() -> None:
    async with Desk().sit_down() as desk:
        await desk.point_at(PRICE)
        first = desk.engine
        for what in ("files", "git", "files"):
            first.on_changed(Changed(what))
        await desk.until(lambda: len(desk.engines) == 2)
        await desk.settle()
        assert len(desk.engines) == 2
        assert first.closed
        assert desk.app.main.node.key == PRICE


async def test_records_that_change_are_read_from_the_same_engine() -> None:
    async with Desk().sit_down() as desk:
        before = desk.engine.count(LoadHistory)
        desk.engine._mark({("store", "0004_add_discount_field"): True})
        desk.engine.on_changed(Changed("records"))
        await desk.until(lambda: "[X] 0004_add_discount_field" in desk.texts)
        assert desk.engine.count(LoadHistory) == before + 1
        assert len(desk.engines) == 1


async def test_the_old_engine_answers_until_the_new_one_is_ready() -> None:
    async with Desk().sit_down() as desk:
        first = desk.engine
        desk.connect_gate.clear()
        await desk.pilot.press("r")
        await desk.point_quietly("catalog.0001_initial")
        await desk.until(lambda: 'DROP TABLE "catalog_book"' in desk.texts)
        assert not first.closed
        desk.connect_gate.set()
        await desk.until(lambda: first.closed)


async def test_a_start_that_takes_long_shows_what_the_project_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.long_start.LONG_START", 0.0)
    desk = Desk(printed=lambda: "Waiting for \x1b[31mredis…\x1b[0m")
    desk.connect_gate.clear()
    async with desk.sit_down(wait=False):
        await desk.until(lambda: "Waiting for redis…" in desk.texts)
        assert "Wait, or press q to quit." in desk.texts
        desk.connect_gate.set()
        await desk.ready()
        assert "Waiting for redis…" not in desk.texts


async def test_a_graph_that_cannot_be_built_leaves_the_scan_and_says_why() -> None:
    engine = FakeEngine()
    engine.errors["load_history"] = Failed("orders.0003 needs store.0009, which is not there.")
    desk = Desk(engine)
    async with desk.sit_down(wait=False):
        await desk.until(lambda: "▲ orders.0003 needs store.0009" in desk.texts)
        assert "0003_change_price_field" in desk.texts


async def test_focus_decides_whether_the_records_are_watched() -> None:
    async with Desk().sit_down() as desk:
        desk.app.on_app_blur()
        await desk.settle()
        assert desk.engine.asked[-1] == Watch("default", False)
        desk.app.on_app_focus()
        await desk.settle()
        assert desk.engine.asked[-1] == Watch("default", True)


async def test_q_ends_the_engine_and_the_exit_code_is_zero() -> None:
    async with Desk().sit_down() as desk:
        await desk.pilot.press("q")
    assert desk.engine.closed
    assert desk.app.return_code == 0


async def test_a_terminate_signal_ends_the_engine_too() -> None:
    async with Desk().sit_down() as desk:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0)
        await desk.until(lambda: desk.app._exit)
    assert desk.engine.closed
    assert desk.app.return_code == 128 + signal.SIGTERM


async def test_a_terminal_that_is_too_small_says_so_and_comes_back() -> None:
    desk = Desk(FakeEngine(bookshop()))
    async with desk.sit_down((40, 10)):
        assert "at least" in desk.texts
        assert "60x16" in desk.texts
        await desk.pilot.resize_terminal(80, 24)
        await desk.settle()
        assert "0002_book_isbn" in desk.texts
