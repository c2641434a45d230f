"""The first questions, sent along with the engine itself: it answers them while the interface is imported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from djmig_tui import wire


@dataclass(frozen=True)
class Ahead:
    """A question that will be asked. Written out, because the protocol's dataclasses take time to import."""

    method: str
    params: wire.Message  # as `to_wire` writes the request: who asks the very same gets this one's answer


def opening(database: str, *, read_only: bool, local_hosts: Sequence[str]) -> tuple[Ahead, ...]:
    """Return what the interface asks first of every engine, in its order."""
    return (
        Ahead("open_project", {"read_only": read_only, "local_hosts": list(local_hosts)}),
        Ahead("scan_history", {"database": database}),
        Ahead("load_history", {"database": database}),
    )


def lines(asked: Sequence[Ahead]) -> bytes:
    """Return the questions as they go down the pipe, numbered from 1."""
    return b"".join(
        wire.encode({"jsonrpc": "2.0", "id": id, "method": one.method, "params": one.params})
        for id, one in enumerate(asked, 1)
    )
