"""Opens a file in the user's own editor, which gets the terminal while it runs."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

if TYPE_CHECKING:
    from .app import DjmigApp


def command(environ: Mapping[str, str] = os.environ) -> list[str] | None:
    """Return the words that start the user's editor, or None if there is none."""
    for name in ("VISUAL", "EDITOR"):
        with contextlib.suppress(ValueError):  # an open quote: as good as not set
            if words := shlex.split(environ.get(name, "")):
                return words
    return next(([name] for name in ("nano", "vi") if shutil.which(name)), None)


def edit(app: DjmigApp, path: Path, environ: Mapping[str, str]) -> None:
    """Suspend the interface while the editor runs; the engine sees by itself what was changed."""
    words = command(environ)
    if words is None:
        return
    try:
        with app.suspend():
            code = subprocess.call([*words, str(path)])
    except SuspendNotSupported:
        app.say(f"This terminal cannot be lent to an editor; open {path} yourself.", "warning")
    except OSError as error:
        app.say(f"{words[0]} cannot be started: {error.strerror or error}. Set $EDITOR.", "error")
    else:
        if code:
            app.say(f"{words[0]} ended with code {code}.", "warning")
