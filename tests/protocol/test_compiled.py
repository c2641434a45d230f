"""The engine's modules travel compiled where both sides are the same Python, and as sources everywhere."""

from __future__ import annotations

import linecache
import os
import py_compile
import sys
import types
from importlib.util import MAGIC_NUMBER, cache_from_source
from pathlib import Path

import pytest

from djmig_tui import boot
from tui.engine import bundle

SOURCE = "def answer():\n    def inner():\n        raise ValueError('inside')\n    inner()\n"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package of two modules in the place of the engine's; byte code may be written."""
    (tmp_path / "__init__.py").touch()
    module = tmp_path / "one.py"
    module.write_text(SOURCE)
    monkeypatch.setattr(
        bundle, "find_spec", lambda name: types.SimpleNamespace(origin=str(tmp_path / "__init__.py"))
    )
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return module


def sent(compiled: bundle.Compiled, magic: str) -> dict[str, bytes]:
    """Send `compiled` through a pipe to what reads it on the other side."""
    read, write = os.pipe()
    try:
        os.write(write, b"".join(compiled.values()))
        return boot.read_compiled(read, magic, [(name, len(code)) for name, code in compiled.items()])
    finally:
        os.close(read)
        os.close(write)


def test_nothing_is_compiled_before_the_first_start_and_all_of_it_afterwards(package: Path) -> None:
    assert bundle.read_compiled() == {}
    bundle.compile_for_the_next()
    assert bundle.read_compiled().keys() == bundle.read_sources().keys() == {"", "one"}


def test_what_is_older_than_its_source_is_not_sent(package: Path) -> None:
    bundle.compile_for_the_next()
    package.write_text(SOURCE.replace("inside", "edited later"))
    assert bundle.read_compiled().keys() == {""}
    bundle.compile_for_the_next()
    assert b"edited later" in bundle.read_compiled()["one"]


def test_a_file_of_another_python_is_not_sent(package: Path) -> None:
    py_compile.compile(str(package), doraise=True)
    cached = Path(cache_from_source(str(package)))
    cached.write_bytes(b"\x00\x00\r\n" + cached.read_bytes()[4:])
    assert "one" not in bundle.read_compiled()


def test_where_byte_code_must_not_be_written_none_is(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    bundle.compile_for_the_next()
    assert not Path(cache_from_source(str(package))).exists()


def test_where_byte_code_cannot_be_written_the_sources_do(package: Path) -> None:
    (package.parent / "__pycache__").touch()  # no folder can be made there, not even by root
    bundle.compile_for_the_next()
    assert bundle.read_compiled() == {}


def test_another_python_over_there_reads_past_what_is_compiled(package: Path) -> None:
    bundle.compile_for_the_next()
    compiled = bundle.read_compiled()
    assert sent(compiled, MAGIC_NUMBER.hex()) == compiled
    assert sent(compiled, "00000d0a") == {}


def test_a_traceback_of_what_was_compiled_names_no_path_of_the_interface_and_shows_its_lines(
    package: Path,
) -> None:
    bundle.compile_for_the_next()
    finder = boot.Finder(bundle.read_sources(), bundle.read_compiled())
    name = f"{boot.PACKAGE}.one"
    module = types.ModuleType(name)
    module.__spec__ = finder.find_spec(name)
    module.__loader__ = finder  # type: ignore[assignment]
    finder.exec_module(module)
    with pytest.raises(ValueError, match="inside") as caught:
        module.answer()
    last = caught.traceback[-1]
    assert str(last.path) == "<djmig_tui>/one.py"
    frame = last.frame.raw
    linecache.lazycache(frame.f_code.co_filename, frame.f_globals)
    assert "raise ValueError" in linecache.getline(frame.f_code.co_filename, last.lineno + 1, frame.f_globals)


def test_modules_without_compiled_code_are_compiled_from_their_sources(package: Path) -> None:
    finder = boot.Finder(bundle.read_sources(), {})
    module = types.ModuleType(f"{boot.PACKAGE}.one")
    module.__spec__ = finder.find_spec(module.__name__)
    finder.exec_module(module)
    assert module.answer.__code__.co_filename == "<djmig_tui>/one.py"
