"""Sends a file over to where the engine is, piece by piece: never all of it in memory."""

from __future__ import annotations

import asyncio
import base64
import contextlib

from djmig_tui.protocol import CHUNK_SIZE, BeginUpload, DropUpload, Progress, SendChunk

from .engine.api import Engine, OnProgress
from .engine.errors import EngineError, Failed


async def send(
    engine: Engine,
    path: str,
    size: int,
    sha256: str,
    on_progress: OnProgress | None = None,
    *,
    words: str,
) -> str:
    """Send the file over; return what to call it there. Raises `EngineError`: nothing is left there then."""
    begun = await engine.begin_upload(BeginUpload(size, sha256))
    try:
        with open(path, "rb") as file:
            sent = 0
            while data := await asyncio.to_thread(file.read, CHUNK_SIZE):
                await engine.send_chunk(SendChunk(begun.upload, base64.b64encode(data).decode("ascii")))
                sent += len(data)
                if on_progress is not None:
                    on_progress(Progress(sent, size, words))
    except BaseException as error:
        with contextlib.suppress(EngineError):
            await engine.drop_upload(DropUpload(begun.upload))
        if isinstance(error, OSError):
            raise Failed(f"{path} cannot be read: {error.strerror}. Nothing was changed.") from error
        raise
    return begun.upload
