"""What has no end in the journal is told at the next start: runs, backups and restores."""

from __future__ import annotations

import pytest

from tui.interrupted import unfinished, with_unfinished
from tui.journal import BACKUP, DONE, MIGRATE, RESTORE, ROLLBACK, SWAP, Deed
from tui.store import JournalEntry

from .bookshop import bookshop
from .harness import Desk


def begun(action: str, lines: list[JournalEntry], *steps: str) -> Deed:
    deed = Deed(lines.append, action, "default", f"djmig-tui {action}", steps=steps)
    deed.begin()
    return deed


@pytest.mark.parametrize(
    ("action", "steps", "said"),
    [
        (BACKUP, (), "nothing of it is kept, and the database is as it was. B makes another."),
        (
            RESTORE,
            (),
            "the tree shows the records of the database that is in its place. Press V on the project",
        ),
        (SWAP, (), "B lists the backups, and what a restore replaced."),
        (MIGRATE, ("store.0004_add_discount_field",), "by the records none of its 1 step is applied"),
        (ROLLBACK, ("store.0004_add_discount_field",), "by the records all of it is undone: 1 step"),
    ],
)
async def test_what_was_cut_off_is_told_with_what_stands_and_what_to_do(
    action: str, steps: tuple[str, ...], said: str
) -> None:
    desk = Desk()
    begun(action, desk.state.journal, *steps)
    async with desk.sit_down():
        (problem,) = desk.app.main.history.problems
        assert f"The {action} of" in problem.message
        assert "was interrupted" in problem.message
        assert said in problem.message
        assert "was interrupted" in desk.texts


def test_a_backup_that_was_cut_off_is_forgotten_once_anything_else_was_done() -> None:
    lines: list[JournalEntry] = []
    begun(BACKUP, lines)
    assert unfinished(lines, "default") is not None
    begun(ROLLBACK, lines, "store.0004_x").end(DONE)
    assert with_unfinished(lines, bookshop()).problems == ()


def test_a_run_that_was_cut_off_is_not_forgotten_for_a_backup_made_afterwards() -> None:
    lines: list[JournalEntry] = []
    begun(ROLLBACK, lines, "store.0004_x")
    begun(BACKUP, lines).end(DONE)
    found = unfinished(lines, "default")
    assert found is not None
    assert found.action == ROLLBACK
    assert unfinished(lines, "archive") is None
