"""Kept rows are put back from the screen of backups: counted, asked about, done, and each can be stopped."""

from __future__ import annotations

import asyncio

import pytest

from djmig_tui.protocol import DropUpload, MatchRows, PartMatched, PutRowsBack, RowsMatched
from tui.context import READ_ONLY
from tui.engine.errors import Failed
from tui.screens.ask import AskScreen
from tui.screens.backups import BackupsScreen
from tui.screens.run import RunScreen
from tui.widgets.buttons import CancelButton

from .fake_engine import KEPT_PART
from .harness import NARROW, Desk
from .test_kept_rows import PRICE, keep_some

SOME = RowsMatched(
    (PartMatched("store_product", "price", 9, 3, there=1, gone=2, changed=1, unfit=1, taken=1),)
)


async def opened(desk: Desk, alias: str = "default") -> None:
    keep_some(desk, alias)
    await desk.press("B")
    await desk.until(lambda: "kept rows" in desk.texts)
    await desk.settle()


async def asked(desk: Desk) -> AskScreen:
    await desk.press("enter")
    assert isinstance(desk.app.screen, AskScreen), desk.texts
    return desk.app.screen


def ends(desk: Desk) -> list[tuple[str, str]]:
    return [(one.action, one.outcome) for one in desk.state.journal]


async def test_enter_counts_what_matches_and_says_why_the_rest_does_not_before_anything_is_written() -> None:
    async with Desk().sit_down(NARROW) as desk:
        desk.engine.answers["match_rows"] = SOME
        await opened(desk)
        screen = await asked(desk)
        assert "Put back 3 kept rows and values?" in desk.texts
        for why in (
            "3 to be put back",
            "1 there already",
            "2 whose row is gone",
            "1 changed meanwhile",
            "1 that the column does not take",
            "1 that another row has, and it is unique",
        ):
            assert why in desk.left
        assert isinstance(screen.focused, CancelButton)
        await desk.press("enter")
        assert isinstance(desk.app.screen, BackupsScreen)
        assert desk.engine.count(MatchRows) == desk.engine.count(DropUpload) == 1
        assert (desk.engine.writes, desk.state.journal) == ([], [])


async def test_a_yes_puts_them_back_and_a_sentence_says_how_many() -> None:
    async with Desk().sit_down() as desk:
        await opened(desk)
        await asked(desk)
        await desk.press("y")
        (written,) = desk.engine.writes
        assert isinstance(written, PutRowsBack)
        assert (written.database, written.parts) == ("default", (KEPT_PART,))
        assert "Put back 1 kept row or value." in desk.notices
        assert "store_product.price: of 1 value 1 put back." in desk.texts
        assert ends(desk) == [("put rows back", "started"), ("put rows back", "done")]
        assert len(desk.state.kept()) == 1
        assert not desk.app.session.running


@pytest.mark.parametrize(
    ("alias", "turn"), [("default", "Leave with Esc, migrate forward with m"), ("archive", "look at archive")]
)
async def test_while_its_migration_is_not_applied_the_next_step_is_said(alias: str, turn: str) -> None:
    async with Desk().sit_down() as desk:
        desk.engine._mark({("store", "0002_add_price_to_product"): False})
        await opened(desk, alias)
        await desk.press("enter")
        assert f"{PRICE} is not applied on {alias}" in desk.notices
        assert turn in desk.notices
        assert desk.engine.count(MatchRows) == 0


async def test_rows_of_another_database_go_back_to_it_and_its_name_is_typed_if_it_is_far() -> None:
    async with Desk().sit_down() as desk:
        await opened(desk, "archive")
        await asked(desk)
        assert "On shop_archive@db.example.com:5432, REMOTE." in desk.left
        assert "others may be using it" in desk.left
        await desk.press("y")
        assert desk.engine.writes == []
        await desk.press("backspace", *"shop_archive", "y")
        assert desk.engine.writes[0].database == "archive"
        assert desk.app.session.database == "default"


async def test_what_is_there_already_is_no_question() -> None:
    async with Desk().sit_down() as desk:
        desk.engine.answers["match_rows"] = RowsMatched((PartMatched("store_product", "price", 1, there=1),))
        await opened(desk)
        await desk.press("enter")
        assert isinstance(desk.app.screen, BackupsScreen)
        assert "All of what is kept is there already." in desk.notices
        assert "of 1 value 1 there already" in desk.texts


async def test_the_counting_shows_how_far_it_is_leaves_the_keys_free_and_is_stopped_by_escape() -> None:
    async with Desk().sit_down() as desk:
        keep_some(desk, "archive")
        await opened(desk)
        desk.engine.held["match_rows"] = asyncio.Event()
        assert desk.pilot is not None
        await desk.pilot.press("enter")
        await desk.until(lambda: "Matching store_product" in desk.texts)
        assert "Esc stops it; nothing is changed then." in desk.texts
        await desk.pilot.press("j")
        await desk.until(lambda: "of shop_archive on" in desk.left, "the cursor on the other line")
        await desk.pilot.press("D")
        await desk.until(lambda: "It is being counted what can be put back; Esc stops it." in desk.notices)
        await desk.pilot.press("escape", "escape")
        await desk.settle()
        assert "Stopped: nothing is changed." in desk.notices
        assert "Esc stops it" not in desk.texts.replace(desk.notices, "")
        assert [type(one) for one in desk.engine.cancelled] == [MatchRows]
        assert desk.engine.count(DropUpload) == 1
        assert len(desk.state.kept()) == 2
        assert not desk.app.session.running


@pytest.mark.parametrize(
    ("method", "outcome", "said"),
    [
        ("send_chunk", "stopped", "Stopped: nothing is put back."),
        ("put_rows_back", "failed", "Stopped: nothing was put back."),
    ],
)
async def test_putting_back_is_stopped_by_escape_and_the_journal_has_its_end(
    method: str, outcome: str, said: str
) -> None:
    async with Desk().sit_down() as desk:
        await opened(desk)
        await asked(desk)
        desk.engine.held[method] = asyncio.Event()
        assert desk.pilot is not None
        await desk.pilot.press("y")
        await desk.until(lambda: desk.app.session.running)
        await desk.until(lambda: type(desk.engine.asked[-1]).__name__ in ("SendChunk", "PutRowsBack"))
        await desk.press("escape")
        assert said in desk.notices
        assert ends(desk) == [("put rows back", "started"), ("put rows back", outcome)]
        assert desk.engine.writes == []
        assert len(desk.state.kept()) == 1
        assert isinstance(desk.app.screen, BackupsScreen)


async def test_if_the_engine_ends_meanwhile_the_journal_says_so_and_the_rows_stay_listed() -> None:
    async with Desk().sit_down() as desk:
        await opened(desk)
        await asked(desk)
        desk.engine.held["put_rows_back"] = asyncio.Event()
        assert desk.pilot is not None
        await desk.pilot.press("y")
        await desk.until(lambda: desk.engine.count(PutRowsBack))
        first = desk.engine
        first.die()
        first.held.pop("put_rows_back").set()
        await desk.until(lambda: len(desk.engines) == 2, "a fresh engine")
        await desk.settle()
        assert "The engine ended." in desk.notices
        assert ends(desk) == [("put rows back", "started"), ("put rows back", "failed")]
        assert "whether they are back" in desk.state.journal[-1].detail
        assert len(desk.state.kept()) == 1
        await asked(desk)


async def test_what_the_database_refuses_is_said_and_nothing_is_lost() -> None:
    async with Desk().sit_down() as desk:
        await opened(desk)
        await asked(desk)
        desk.engine.errors["put_rows_back"] = Failed("Nothing was put back: the disk is full.")
        await desk.press("y")
        assert "Nothing was put back: the disk is full." in desk.notices
        assert len(desk.state.kept()) == 1


async def test_read_only_does_not_even_count() -> None:
    async with Desk(read_only=True).sit_down() as desk:
        await opened(desk)
        await desk.press("enter")
        assert READ_ONLY in desk.notices
        assert desk.engine.count(MatchRows) == 0


async def test_after_a_migrate_escape_stops_putting_back_and_it_is_offered_again() -> None:
    async with Desk().sit_down() as desk:
        desk.engine._mark({("store", "0002_add_price_to_product"): False})
        keep_some(desk)
        await desk.press("r")
        await desk.ready()
        await desk.point_at(PRICE)
        await desk.press("m", "R")
        await desk.until(lambda: "can be put back: press p" in desk.texts)
        desk.engine.held["send_chunk"] = asyncio.Event()
        assert desk.pilot is not None
        await desk.pilot.press("p")
        await desk.until(lambda: desk.app.session.running)
        await desk.press("escape")
        assert isinstance(desk.app.screen, RunScreen)
        assert "Stopped: nothing was put back." in desk.texts
        assert ends(desk)[-1] == ("put rows back", "stopped")
        desk.engine.held.clear()
        await desk.press("p")
        await desk.until(lambda: "What was kept is back" in desk.texts)
