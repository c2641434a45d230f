"""Starts a fresh engine in place of one that has done its last work."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from . import background
from .session import Session

if TYPE_CHECKING:
    from .app import DjmigApp


def replace_engine(app: DjmigApp) -> None:
    """End the engine, which a rehearsal has used up, and start another; nothing can be asked meanwhile."""
    app.session.ready = False
    background.start(app, partial(_replace, app.session), "engine")


async def _replace(session: Session) -> None:
    await session.close()
    await session.open()


async def renew(session: Session) -> None:
    """Go on with a fresh engine in the middle of a reset. Raises `EngineEnded` if none can be started."""
    await _replace(session)
    session.engine  # noqa: B018 -- raises if there is none
