"""Files that the interface sends over, piece by piece: whole and checked before anything reads them."""

import base64
import hashlib
import os
import shutil
from contextlib import ExitStack
from typing import Any, Dict

from . import copies
from .errors import FailedError, Refusal
from .protocol import BeginUpload, DropUpload, SendChunk, Uploaded

_uploads: Dict[str, "_Upload"] = {}
_numbered = 0


class _Upload:
    """One file on its way, in a folder that goes with it."""

    def __init__(self, size: int, sha256: str) -> None:
        self.size = size
        self.sha256 = sha256
        self.arrived = 0
        self.digest = hashlib.sha256()
        self._stack = ExitStack()
        folder = self._stack.enter_context(copies.folder())
        free = shutil.disk_usage(folder).free
        if size > free:
            self.close()
            raise Refusal(
                "%d MB are to be sent over, and %s, where the engine runs, has %d MB free: make room there,"
                " or set TMPDIR." % (size >> 20, os.path.dirname(folder), free >> 20)
            )
        self.path = os.path.join(folder, "upload")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        self._file = self._stack.enter_context(os.fdopen(os.open(self.path, flags, 0o600), "wb"))

    def take(self, data: bytes) -> None:
        """Keep the next bytes."""
        self._file.write(data)
        self.digest.update(data)
        self.arrived += len(data)
        if self.arrived == self.size:
            self._file.close()

    def close(self) -> None:
        """Remove it."""
        self._stack.close()


def begin_upload(session: Any, request: BeginUpload, call: Any) -> Uploaded:
    """Make room for a file. Raises `Refusal` where there is none."""
    global _numbered  # noqa: PLW0603 -- a name for each upload of this process
    if request.size <= 0:
        raise Refusal("The backup is empty: choose another one.")
    upload = _Upload(request.size, request.sha256)
    _numbered += 1
    name = "upload-%d" % _numbered
    _uploads[name] = upload
    return Uploaded(name, 0)


def send_chunk(session: Any, request: SendChunk, call: Any) -> Uploaded:
    """Keep the next bytes. Raises `FailedError`, and drops all of it, if it is not what was announced."""
    upload = _find(request.upload)
    try:
        upload.take(base64.b64decode(request.data, validate=True))
    except (OSError, ValueError) as error:
        drop(request.upload)
        raise FailedError("The backup cannot be kept where the engine runs: %s." % error) from error
    if upload.arrived > upload.size or (
        upload.arrived == upload.size and upload.digest.hexdigest() != upload.sha256
    ):
        drop(request.upload)
        raise FailedError("The backup arrived damaged, so it is not used. Try again.")
    return Uploaded(request.upload, upload.arrived)


def drop_upload(session: Any, request: DropUpload, call: Any) -> Uploaded:
    """Remove an upload; one that is gone already is no error."""
    drop(request.upload)
    return Uploaded(request.upload, 0)


def path_of(name: str, sha256: str) -> str:
    """Return the path of an upload that has arrived. Raises `Refusal` for one that has not, or is another."""
    upload = _find(name)
    if upload.arrived != upload.size or upload.sha256 != sha256:
        raise Refusal("Not all of the backup has been sent over. Try again.")
    return upload.path


def drop(name: str) -> None:
    """Remove an upload, if it is there."""
    upload = _uploads.pop(name, None)
    if upload is not None:
        upload.close()


def drop_all() -> None:
    """Remove all of them: the engine ends."""
    for name in list(_uploads):
        drop(name)


def _find(name: str) -> _Upload:
    if name not in _uploads:
        raise Refusal("There is no upload %r. Begin again." % name)
    return _uploads[name]
