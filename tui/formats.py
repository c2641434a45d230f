"""The formats of backups, told by how their files begin and end."""

from __future__ import annotations

#: How each format's files begin. MariaDB's tool writes a line before its first one.
MAGIC = (
    (b"SQLite format 3\0", "sqlite"),
    (b"PGDMP", "pg_dump"),
    (b"-- MySQL dump", "mysqldump"),
    (b"-- MariaDB dump", "mysqldump"),
    (b"/*M!999999\\- enable the sandbox mode */", "mysqldump"),
    (b"/*!999999\\- enable the sandbox mode */", "mysqldump"),
)
#: How many bytes of a file's beginning and end are enough to tell.
ENOUGH = 256

_TRAILER = b"-- Dump completed"


def format_of(head: bytes) -> str:
    """Return the format of a file that begins so, "" if it is not known."""
    return next((format for magic, format in MAGIC if head.startswith(magic)), "")


def ends_as_mysqldump(end: bytes) -> bool:
    """Whether a file that ends so was written by mysqldump to its very end."""
    lines = end.rstrip().splitlines()
    return bool(lines) and lines[-1].startswith(_TRAILER)
