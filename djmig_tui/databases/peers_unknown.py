"""Other sessions on a database that we know nothing of: nothing can be told."""

from typing import Any, List, Optional, Tuple

from ..protocol import DatabaseSession

#: We would not know what to ask over a second connection.
BESIDE = False


def sessions(connection: Any) -> Tuple[List[DatabaseSession], Optional[str]]:
    """Return nobody, and why."""
    why_not = "djmig-tui does not know how to ask %s for its sessions." % connection.display_name
    return [], why_not


def blocking(connection: Any, waiting: int = 0) -> List[DatabaseSession]:
    """Return nobody."""
    return []


def waited_for_lock(error: BaseException) -> bool:
    """Return False: its errors are not known."""
    return False
