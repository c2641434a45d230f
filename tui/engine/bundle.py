"""Packs the engine for its journey: stage 1, which unpacks it over there, and all its sources."""

from __future__ import annotations

import json
import zlib
from base64 import b85encode
from importlib.util import find_spec
from pathlib import Path

#: Parts of the installed package that are not the engine.
_NOT_SHIPPED = frozenset({"tui", "sample_site", "management", "__pycache__"})

#: Dotted name below the package ("" is the package itself) → (is a package, source).
Sources = dict[str, tuple[bool, str]]

#: How the other side sets Django up itself: "settings", the "folder" of manage.py, and whether
#: those settings were "asked" for, or are what manage.py would fall back to.
Django = dict[str, str | bool]


def read_sources() -> Sources:
    """Return the sources of the engine that is installed with this interface."""
    # The spec of a package is found without running a line of it.
    spec = find_spec("djmig_tui")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("The package djmig_tui is not where this program was installed.")
    return dict(_walk(Path(spec.origin).parent, ""))


def _walk(folder: Path, prefix: str) -> list[tuple[str, tuple[bool, str]]]:
    found = []
    for path in sorted(folder.iterdir()):
        if path.name in _NOT_SHIPPED:
            continue
        if path.name == "__init__.py":
            found.append((prefix, (True, path.read_text("utf-8"))))
        elif path.suffix == ".py":
            found.append((f"{prefix}.{path.stem}".lstrip("."), (False, path.read_text("utf-8"))))
        elif path.is_dir():
            found += _walk(path, f"{prefix}.{path.name}".lstrip("."))
    return found


def pack(sources: Sources, ready: str, django: Django | None = None) -> bytes:
    """Return all that goes down the pipe once stage 0 has said hello.

    The other side answers with `ready` reversed when the channel is private.
    """
    payload = zlib.compress(json.dumps(sources).encode("utf-8"), 6)
    fields = {"size": len(payload), "ready": ready, "django": django}
    header = json.dumps(fields).encode("ascii")
    source = f"{sources['boot'][1]}\n\nstart(fd, {len(header)})\n"
    packed = b85encode(zlib.compress(source.encode("utf-8"), 9)).decode("ascii")
    line = f'__import__("zlib").decompress(__import__("base64").b85decode("{packed}"))\n'
    return line.encode("ascii") + header + payload
