"""Nothing that others wrote can move the cursor, pass for markup, or be too long to draw."""

from __future__ import annotations

from textual.content import Content

from tui.text import MAX_COLUMNS, clean, one_line, when
from tui.widgets.prose import hang


def test_terminal_sequences_are_shown_in_names_and_dropped_from_output() -> None:
    assert clean("a\x1b[31mb") == r"a\x1b[31mb"
    assert clean("a\x1b[31mb\x1b]0;title\x07c\x1b(B", strip_ansi=True) == r"abc\x1b(B"
    assert clean("50%\r100%\r\n", strip_ansi=True) == "50%\n100%\n"


def test_what_cannot_be_seen_or_written_is_escaped() -> None:
    assert clean("\u202eevil\u200b") == r"\u202eevil\u200b"
    assert clean("caf\udce9") == r"caf\udce9"
    assert clean("\x00\x9b") == r"\x00\x9b"
    assert clean("tab\tand\nnewline") == "tab\tand\nnewline"


def test_long_lines_are_cut_for_the_eyes() -> None:
    assert clean("x" * (MAX_COLUMNS + 5)).endswith("… (5 more characters)")


def test_a_name_stays_on_one_line() -> None:
    assert one_line("two\nlines") == "two lines"
    assert one_line("abcdef", 4) == "abc…"


def test_moments_are_shown_to_the_minute_in_local_time() -> None:
    assert when("2026-02-01T08:00:59Z") == "2026-02-01 08:00"
    assert when("2026-02-01T08:00:00+02:00") == "2026-02-01 06:00"
    assert when(None) == ""
    assert when("yesterday") == "yesterday"


def test_what_follows_a_bullet_stays_right_of_it() -> None:
    text = hang(Content("• one two three four\n 1. five six seven eight"), 12)
    assert str(text) == "• one two\n  three four\n 1. five six\n    seven\n    eight"
