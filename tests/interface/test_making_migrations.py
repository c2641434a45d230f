"""M shows what makemigrations would make; only R runs it, in a terminal where it can ask."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from djmig_tui.protocol import Migration, Problem
from tui import child, making, terminal
from tui.making import Making
from tui.messages import Where
from tui.screens.make import MakeScreen
from tui.widgets.buttons import CancelButton
from tui.widgets.code_view import CodeView

from .bookshop import UNAPPLIED, bookshop
from .fake_engine import FakeEngine
from .harness import Desk

#: A manage.py that prints its arguments, and does what the file `how` beside it says.
MANAGE = """
import pathlib, sys, time
print("asked:", *sys.argv[1:], flush=True)
how = pathlib.Path("how").read_text()
if how == "slow":
    pathlib.Path("pid").write_text(str(__import__("os").getpid()))
    time.sleep(60)
if how == "much":
    print("[/b] \\x1b[31m" + "x" * 300_000 + "the end")
if how == "fails":
    sys.exit("CommandError: Conflicting migrations detected.")
if how == "none":
    print("No changes detected in app 'store'")
print(repr(sys.stdin.read()))
"""


def _desk(folder: Path, how: str, engine: FakeEngine | None = None, **options: object) -> Desk:
    (folder / "manage.py").write_text(MANAGE)
    (folder / "how").write_text(how)
    desk = Desk(engine, **options)
    desk.app.where = Where(str(folder), (sys.executable, "manage.py"), "", settings="shop.dev")
    return desk


def _output(desk: Desk) -> str:
    return desk.app.screen.query_one(CodeView).text


def _forked() -> FakeEngine:
    """The bookshop whose store has two heads."""
    history = bookshop()
    other = Migration("0004_other", UNAPPLIED, False, None, "/srv/0004_other.py", order=99, head=True)
    apps = tuple(
        replace(app, migrations=(*app.migrations, other)) if app.label == "store" else app
        for app in history.apps
    )
    return FakeEngine(replace(history, apps=apps))


async def test_a_dry_run_of_the_app_is_shown_first_and_nothing_is_written(tmp_path: Path) -> None:
    async with _desk(tmp_path, "").sit_down() as desk:
        await desk.point_at("store.0003_change_price_field")
        await desk.press("M")
        assert "Make migrations for store?" in desk.texts
        assert "asked: makemigrations store --dry-run --noinput -v 3 --settings shop.dev" in _output(desk)
        assert "''" in _output(desk), "its input is closed"
        assert "manage.py makemigrations store --settings shop.dev" in desk.left
        assert "Nothing has been written." in desk.left
        assert isinstance(desk.app.screen.focused, CancelButton)
        await desk.press("enter")
        assert desk.app.screen is desk.app.main
        await desk.point_at("")
        await desk.press("M")
        assert "Make migrations for all apps?" in desk.texts
        assert desk.state.journal == []


async def test_nothing_to_make_and_a_failure_are_sentences(tmp_path: Path) -> None:
    async with _desk(tmp_path, "none").sit_down() as desk:
        await desk.point_at("store")
        await desk.press("M")
        assert "Nothing would be made" in desk.left
        (tmp_path / "how").write_text("fails")
        await desk.press("r")
        assert "ended with code 1: CommandError: Conflicting migrations detected." in desk.left
        assert "in the terminal makemigrations can" in desk.left


async def test_output_of_others_is_shown_literally_and_capped(tmp_path: Path) -> None:
    async with _desk(tmp_path, "much").sit_down() as desk:
        await desk.point_at("store")
        await desk.press("M")
        assert _output(desk).startswith("# The beginning is left off.")
        assert "the end" in desk.app.screen._said  # type: ignore[attr-defined]
        assert len(desk.app.screen._said) == making.KEPT  # type: ignore[attr-defined]


async def test_esc_ends_a_dry_run_and_its_process(tmp_path: Path) -> None:
    async with _desk(tmp_path, "slow").sit_down() as desk:
        await desk.point_at("store")
        assert desk.pilot is not None
        await desk.pilot.press("M")
        await desk.until((tmp_path / "pid").exists, "the dry run")
        await desk.until((tmp_path / "pid").read_text, "its process")
        assert "Dry run under way" in desk.texts
        await desk.pilot.press("R")
        assert "still under way" in desk.notices
        await desk.press("escape")
        assert desk.app.screen is desk.app.main
        with pytest.raises(ProcessLookupError):
            os.kill(int((tmp_path / "pid").read_text()), 0)


async def test_two_heads_are_named_and_merged(tmp_path: Path) -> None:
    async with _desk(tmp_path, "", _forked()).sit_down() as desk:
        await desk.point_at("store")
        assert "M joins them" in desk.texts
        await desk.press("M")
        assert "Merge the heads of store?" in desk.texts
        assert "store: 0004_add_discount_field, 0004_other" in desk.left
        assert "makemigrations --merge store --dry-run --noinput" in _output(desk)


async def test_r_runs_it_in_the_terminal_and_the_tree_shows_what_is_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = _desk(tmp_path, "")
    ran: list[list[str]] = []

    def lend(_: object, words: list[str], folder: Path) -> int:
        ran.append([*words, str(folder)])
        desk.engine.history = _forked().history
        return 0

    monkeypatch.setattr(terminal, "lend", lend)
    async with desk.sit_down():
        await desk.point_at("reviews")
        await desk.press("M", "R")
        assert ran == [
            [
                sys.executable,
                "manage.py",
                "makemigrations",
                "reviews",
                "--settings",
                "shop.dev",
                str(tmp_path),
            ]
        ]
        assert [(one.action, one.outcome) for one in desk.state.journal] == [("makemigrations", "done")]
        assert "New: store.0004_other." in desk.notices
        assert desk.app.main.node.key == "store.0004_other"
        assert len(desk.engines) == 2, "a fresh engine looks"


async def test_a_failure_in_the_terminal_is_said_and_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "lend", lambda *_: 3)
    async with _desk(tmp_path, "").sit_down() as desk:
        await desk.press("M", "R")
        assert "makemigrations ended with code 3" in desk.notices
        assert [(one.action, one.outcome) for one in desk.state.journal] == [("makemigrations", "failed")]


async def test_a_terminal_that_cannot_be_lent_leaves_the_command(tmp_path: Path) -> None:
    async with _desk(tmp_path, "").sit_down() as desk:
        await desk.press("M", "R")
        assert "run it yourself:" in desk.notices
        assert desk.state.journal == []


async def test_read_only_and_other_peoples_apps_get_no_migrations(tmp_path: Path) -> None:
    async with _desk(tmp_path, "").sit_down() as desk:
        await desk.point_at("auth")
        await desk.press("M")
        assert "auth is not the project's own" in desk.notices
    async with _desk(tmp_path, "", read_only=True).sit_down() as desk:
        await desk.point_at("store")
        await desk.press("M")
        assert "--read-only" in desk.notices
        assert desk.app.screen is desk.app.main


async def test_without_a_database_file_there_is_no_dry_run_that_would_make_one(tmp_path: Path) -> None:
    fresh = replace(bookshop(), problems=(Problem("fresh", "It is not there yet."),))
    async with _desk(tmp_path, "", FakeEngine(fresh)).sit_down() as desk:
        await desk.press("M")
        assert "would make an empty one" in desk.left
        assert _output(desk) == ""


async def test_it_is_offered_at_the_end_of_a_rollback(tmp_path: Path) -> None:
    async with _desk(tmp_path, "").sit_down() as desk:
        await desk.point_at("store.0002_add_price_to_product")
        await desk.press("b", "R", "y")
        assert "M shows what makemigrations would make" in desk.left
        await desk.press("M")
        assert isinstance(desk.app.screen, MakeScreen)
        assert "Make migrations for store?" in desk.texts


async def test_a_command_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    desk = Desk()
    desk.app.where = Where(str(tmp_path), (str(tmp_path / "nothing"),), "")
    async with desk.sit_down():
        await desk.press("M")
        assert "cannot be started: No such file or directory" in desk.left


def test_the_command_after_two_dashes_is_what_runs() -> None:
    where = Where("/srv", ("docker", "compose", "exec", "-T", "web", "python", "manage.py"), "")
    words = Making("store", merge=True).command(where)
    assert words[:5] == ["docker", "compose", "exec", "-T", "web"]
    assert words[5:] == ["python", "manage.py", "makemigrations", "--merge", "store"]


def test_a_failed_command_leaves_its_words_until_enter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = io.StringIO()
    monkeypatch.setattr(sys, "__stdout__", said)
    monkeypatch.setattr(sys, "__stdin__", io.StringIO("\n"))
    handler = signal.getsignal(signal.SIGINT)
    assert terminal.run_here([sys.executable, "-c", "raise SystemExit(3)"], tmp_path) == 3
    assert "It ended with code 3. Press Enter to go back." in said.getvalue()
    assert terminal.run_here([str(tmp_path / "nothing")], tmp_path) == terminal.NOT_FOUND
    assert "cannot be started" in said.getvalue()
    said.truncate(0)
    assert terminal.run_here([sys.executable, "-c", ""], tmp_path) == 0
    assert "Enter" not in said.getvalue()
    assert signal.getsignal(signal.SIGINT) is handler


async def test_a_child_that_will_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "PATIENCE", 0.1)
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    heard = asyncio.Event()
    task = asyncio.create_task(child.follow([sys.executable, "-c", deaf], tmp_path, lambda _: heard.set()))
    await asyncio.wait_for(heard.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 10)
