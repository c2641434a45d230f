"""Records that are kept as JSON, read back as far as they can be, and what their files are called."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import TypeVar

from djmig_tui.protocol import ProtocolError, from_wire

T = TypeVar("T")


def record(kind: type[T], values: object) -> T | None:
    """Return `values` as a `kind`, or None if a member is missing or has another type."""
    if not isinstance(values, dict):
        return None
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]  # kinds are dataclasses
    try:
        return from_wire(kind, {name: value for name, value in values.items() if name in names})
    except ProtocolError:
        return None


def slug(text: str) -> str:
    """Return `text` as part of a file name: short, and no separators in it."""
    return re.sub(r"[^\w.-]+", "_", text).strip("._")[:60]


def content_of(path: Path) -> bytes:
    """Return what a file holds; nothing if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
