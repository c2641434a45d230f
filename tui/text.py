"""Makes text that others wrote fit for a screen: nothing in it can move the cursor or pass for markup."""

from __future__ import annotations

import re
from datetime import datetime

from djmig_tui.protocol import Progress

#: Longer texts are cut for the eyes only; what is copied or saved is whole.
MAX_LINES = 50_000
MAX_COLUMNS = 4_000

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
# Controls but newline and tab, line separators, bidirectional overrides, invisible joiners, lone surrogates.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def _escape(match: re.Match[str]) -> str:
    return ascii(match.group())[1:-1]


def clean(text: str, *, strip_ansi: bool = False) -> str:
    """Return `text` with everything but printable characters, newlines and tabs shown as escapes.

    Terminal sequences are dropped with `strip_ansi` (output of programs), shown otherwise (names, source).
    """
    text = text.replace("\r\n", "\n")
    if strip_ansi:
        text = _ANSI.sub("", text).replace("\r", "\n")
    text = _UNSAFE.sub(_escape, text)
    if len(text) <= MAX_COLUMNS:
        return text
    lines = text.split("\n")
    left_off = len(lines) - MAX_LINES
    shown = [_cap(line) for line in lines[:MAX_LINES]]
    if left_off > 0:
        shown.append(f"… {left_off:,} more lines are not shown; copying or saving takes them all.")
    return "\n".join(shown)


def one_line(text: str, width: int = 200) -> str:
    """Return `text` clean, on one line, of at most `width` characters."""
    line = clean(" ".join(text.split()) if "\n" in text or "\t" in text else text, strip_ansi=False)
    return line if len(line) <= width else line[: max(0, width - 1)] + "…"


def _cap(line: str) -> str:
    if len(line) <= MAX_COLUMNS:
        return line
    return f"{line[:MAX_COLUMNS]}… ({len(line) - MAX_COLUMNS:,} more characters)"


def when(moment: str | None) -> str:
    """Return an ISO 8601 moment as local date and time to the minute, or "" for None."""
    if not moment:
        return ""
    try:
        parsed = datetime.fromisoformat(moment.replace("Z", "+00:00"))
    except ValueError:
        return one_line(moment, 25)
    return f"{parsed.astimezone() if parsed.tzinfo else parsed:%Y-%m-%d %H:%M}"


def count(number: int, noun: str, plural: str = "") -> str:
    """Return "1 row", "2 rows"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def sentence(text: str) -> str:
    """Return `text` with a full stop, so that another sentence can follow."""
    text = text.strip()
    return text if not text or text[-1] in ".!?…:" else text + "."


def size_in_words(size: int) -> str:
    """Return a number of bytes as people say it: "512 bytes", "1.5 MB"."""
    if size < 1000:
        return count(size, "byte")
    amount = float(size)
    for unit in ("kB", "MB", "GB", "TB"):
        amount /= 1000
        if amount < 999.5 or unit == "TB":
            break
    return f"{amount:.1f} {unit}" if amount < 9.95 else f"{amount:,.0f} {unit}"


def progress_in_words(progress: Progress) -> str:
    """Return how far something is that is measured in bytes, or not at all."""
    words = one_line(progress.message, 200).rstrip("…")
    if progress.total > 1_000:
        return f"{words}… {size_in_words(progress.done)} of {size_in_words(progress.total)}"
    return f"{words}… {progress.done:,} of {progress.total:,}" if progress.total else f"{words}…"
