"""Starts what takes time without keeping a key waiting."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, cast

from textual.dom import DOMNode


def start(node: DOMNode, task: Callable[[], Coroutine[Any, Any, None]], group: str) -> None:
    """Run `task` on the event loop; it ends with `node`, and with the next one of its group."""
    # A coroutine function and not a coroutine: cancelled before its first step, that would be a warning.
    node.run_worker(cast("Callable[[], None]", task), group=group, exclusive=True)


def stop(node: DOMNode, group: str) -> None:
    """Cancel what `node` runs in a group; what is being cancelled already is left to come to its end."""
    for worker in node.workers:
        if worker.node is node and worker.group == group and not worker.is_cancelled:
            worker.cancel()
