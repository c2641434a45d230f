"""Packs the engine for its journey: stage 1, which unpacks it over there, and all its sources."""

from __future__ import annotations

import contextlib
import json
import py_compile
import struct
import sys
import zlib
from base64 import b85encode
from collections.abc import Iterator
from importlib.util import MAGIC_NUMBER, cache_from_source, find_spec
from pathlib import Path

#: Parts of the installed package that are not the engine.
_NOT_SHIPPED = frozenset({"tui", "sample_site", "management", "__pycache__"})

#: Dotted name below the package ("" is the package itself) → (is a package, source).
Sources = dict[str, tuple[bool, str]]

#: How the other side sets Django up itself: "settings", the "folder" of manage.py, and whether
#: those settings were "asked" for, or are what manage.py would fall back to.
Django = dict[str, str | bool]


#: Dotted name below the package → the module as this interface's Python compiles it, marshalled.
Compiled = dict[str, bytes]

#: Before the code in a file of byte code: magic number, flags, time and size of the source (PEP 552).
_CACHE_HEADER = struct.Struct("<4sIII")


def read_sources() -> Sources:
    """Return the sources of the engine that is installed with this interface."""
    return {name: (path.name == "__init__.py", path.read_text("utf-8")) for name, path in _modules().items()}


def read_compiled() -> Compiled:
    """Return what of the engine is compiled already, beside its sources: it starts sooner for it."""
    found = {name: _compiled(path) for name, path in _modules().items()}
    return {name: code for name, code in found.items() if code is not None}


def compile_for_the_next() -> None:
    """Compile what is not compiled yet, if byte code may be written: the first start is the slow one."""
    if sys.dont_write_bytecode:
        return
    for path in _modules().values():
        if _compiled(path) is None:
            with contextlib.suppress(OSError):  # installed where this user may not write
                py_compile.compile(str(path), doraise=True)


def _modules() -> dict[str, Path]:
    # The spec of a package is found without running a line of it.
    spec = find_spec("djmig_tui")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("The package djmig_tui is not where this program was installed.")
    return dict(_walk(Path(spec.origin).parent, ""))


def _walk(folder: Path, prefix: str) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.iterdir()):
        if path.name in _NOT_SHIPPED:
            continue
        if path.name == "__init__.py":
            yield prefix, path
        elif path.suffix == ".py":
            yield f"{prefix}.{path.stem}".lstrip("."), path
        elif path.is_dir():
            yield from _walk(path, f"{prefix}.{path.name}".lstrip("."))


def _compiled(path: Path) -> bytes | None:
    """Return the code of a module if Python itself would take it from the file beside it."""
    try:
        data, source = Path(cache_from_source(str(path))).read_bytes(), path.stat()
    except OSError:
        return None
    expected = _CACHE_HEADER.pack(
        MAGIC_NUMBER, 0, int(source.st_mtime) & 0xFFFFFFFF, source.st_size & 0xFFFFFFFF
    )
    return data[_CACHE_HEADER.size :] if data.startswith(expected) else None


def pack(
    sources: Sources, ready: str, django: Django | None = None, compiled: Compiled | None = None
) -> bytes:
    """Return all that goes down the pipe once stage 0 has said hello.

    The other side answers with `ready` reversed when the channel is private. It takes the modules
    from `compiled` if it is the same Python.
    """
    payload = zlib.compress(json.dumps(sources).encode("utf-8"), 6)
    compiled = compiled or {}
    fields = {
        "size": len(payload),
        "ready": ready,
        "django": django,
        "magic": MAGIC_NUMBER.hex(),
        "compiled": [(name, len(code)) for name, code in compiled.items()],
    }
    header = json.dumps(fields).encode("ascii")
    source = f"{sources['boot'][1]}\n\nstart(fd, {len(header)})\n"
    packed = b85encode(zlib.compress(source.encode("utf-8"), 9)).decode("ascii")
    line = f'__import__("zlib").decompress(__import__("base64").b85decode("{packed}"))\n'
    return b"".join([line.encode("ascii"), header, payload, *compiled.values()])
