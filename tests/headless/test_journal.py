"""The journal: several writers, old lines, the end of a long one, and what of it can be taken back."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tui.journal import (
    DONE,
    FAILED,
    MIGRATE,
    REMOVE,
    RESET,
    RESET_BACK,
    RESTORE,
    ROLLBACK,
    Choice,
    Deed,
    acts,
    choice,
    digest,
)
from tui.state import State
from tui.store import JournalEntry

ROOT = Path(__file__).resolve().parents[2]
WRITER = """
import sys
from pathlib import Path
from tui.journal import Deed
from tui.state import State
state = State(Path(sys.argv[1]))
for number in range(100):
    deed = Deed(state.log, "rollback", "default", f"{sys.argv[2]} {number}", steps=["shop.0001_" + "x" * 500])
    deed.begin()
    deed.end("done", steps=["shop.0001_" + "x" * 500])
"""


class Book:
    """A journal in memory, written as the program writes it."""

    def __init__(self) -> None:
        self.lines: list[JournalEntry] = []

    def do(self, action: str, *steps: str, takes_back: str = "", outcome: str = DONE) -> str:
        deed = Deed(self.lines.append, action, "default", "", steps=steps, takes_back=takes_back)
        deed.begin()
        deed.end(outcome, steps=steps, subject="" if steps else "a file")
        return deed.id

    @property
    def ids(self) -> tuple[str | None, str | None]:
        found = choice(self.lines)
        return found.undo and found.undo.id, found.redo and found.redo.id


def test_two_instances_write_at_once_and_no_line_is_torn(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    writers = [subprocess.Popen([*command, name], cwd=ROOT) for name in ("one", "two")]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    entries = State(tmp_path).entries()
    assert len(entries) == 400
    assert len(acts(entries)) == 200
    assert {act.end.outcome for act in acts(entries)} == {DONE}


def test_lines_of_old_versions_still_read(tmp_path: Path) -> None:
    old = {"at": "2025-01-02T03:04:05+00:00", "action": "rollback", "database": "default", "command": "x"}
    lines = [{**old, "outcome": outcome, "detail": "shop.0002_step"} for outcome in ("started", "done")]
    (tmp_path / "journal.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    entries = State(tmp_path).entries()
    assert [entry.outcome for entry in entries] == ["started", "done"]
    assert (entries[0].id, entries[0].steps) == ("", ())
    assert choice(entries) == Choice(), "they do not say enough to be taken back"


def test_only_the_end_of_a_long_journal_is_read(tmp_path: Path) -> None:
    state = State(tmp_path)
    line = json.dumps(
        {"at": "x", "action": "migrate", "database": "default", "command": "", "outcome": "done"}
    )
    with (tmp_path / "journal.jsonl").open("w") as journal:
        for number in range(5000):
            journal.write(line.replace('"x"', f'"{number:05} {"é" * (number % 50)}"') + "\n")
    everything = state.entries()
    for last in (1, 2, 499, 500, 4999, 5000, 9000):
        assert state.entries(last) == everything[-last:], last


def test_what_was_done_last_is_taken_back_first_and_taking_back_can_be_taken_back() -> None:
    book = Book()
    assert book.ids == (None, None)
    first = book.do(ROLLBACK, "shop.0002_step")
    second = book.do(REMOVE)
    assert book.ids == (second, None)
    back = book.do("restore", takes_back=second)
    assert book.ids == (first, back), "the rollback before it, or the removal once more"
    forward = book.do(MIGRATE, "shop.0002_step", takes_back=first)
    assert book.ids == (None, forward)
    again = book.do(ROLLBACK, "shop.0002_step", takes_back=forward)
    assert book.ids == (again, None), "done again, it is the last thing that was done"
    third = book.do(MIGRATE, "shop.0003_step")
    assert book.ids == (third, None)


def test_what_changed_nothing_is_no_action_to_take_back() -> None:
    book = Book()
    first = book.do(ROLLBACK, "shop.0002_step")
    book.do(ROLLBACK, outcome=FAILED)
    book.do(MIGRATE, "shop.0002_step", outcome="refused")
    Deed(book.lines.append, ROLLBACK, "default", "", steps=["shop.0001_initial"]).begin()
    assert book.ids == (first, None)


def test_records_have_the_same_digest_in_any_order() -> None:
    assert digest(["a.1", "b.1"]) == digest(["b.1", "a.1"]) != digest(["a.1"])


def test_a_reset_that_was_put_back_is_over_and_so_is_the_restore_in_it() -> None:
    book = Book()
    migrated = book.do(MIGRATE, "shop.0001_initial")
    reset = book.do(RESET, "shop.0001_initial")
    assert book.ids == (reset, None)
    back = Deed(book.lines.append, RESET_BACK, "default", "", takes_back=reset)
    back.begin()
    book.do(RESTORE)
    back.end(FAILED)
    assert book.ids == (reset, None)
    back = Deed(book.lines.append, RESET_BACK, "default", "", takes_back=reset)
    back.begin()
    book.do(RESTORE)
    back.end(DONE)
    assert book.ids == (migrated, None)
