"""Which interpreters may be the project's, in the order in which they are tried, and whether they fit."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

#: Put there by setuptools and virtualenv; they add nothing to the path.
_HARMLESS = frozenset({"distutils-precedence.pth", "_virtualenv.pth"})


@dataclass(frozen=True)
class Candidate:
    """One interpreter that may have the project's Django."""

    path: str
    how: str


def candidates(root: Path, environ: Mapping[str, str]) -> Iterator[Candidate]:
    """Yield the interpreters for the project in `root`, the most likely first, each once."""
    seen = set()
    for candidate in _all(root, environ):
        if candidate.path not in seen:
            seen.add(candidate.path)
            yield candidate


def why_not(candidate: Candidate, root: Path, environ: Mapping[str, str]) -> str | None:
    """Return why this interpreter cannot run the project, or None if it has Django.

    Running Python takes as long as all the rest of our start: where the files tell, it is not run.
    """
    path = Path(candidate.path)
    if not path.is_file():
        return "a broken link" if path.is_symlink() else "not there"
    if not os.access(path, os.X_OK):
        return "not executable"
    prefix = path.parent.parent
    if any(True for _ in _site_packages(prefix, "django/__init__.py")):
        return None
    if _complete(prefix) and not environ.get("PYTHONPATH"):
        return "has no Django"
    return _ask(candidate.path, root, environ)


def up_to_top(root: Path) -> list[Path]:
    """Return `root` and its parents up to the repository's top; without a repository one parent."""
    chain = [root, *root.parents]
    for place, folder in enumerate(chain):
        if (folder / ".git").exists():
            return chain[: place + 1]
    return [folder for folder in chain[:2] if folder == root or folder not in (Path.home(), Path("/"))]


def _all(root: Path, environ: Mapping[str, str]) -> Iterator[Candidate]:
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        prefix = environ.get(variable)
        if prefix and not _is_own(Path(prefix)):
            yield Candidate(str(Path(prefix, "bin", "python")), variable)
    for folder in up_to_top(root):
        for name in (".venv", "venv", "env"):
            environment = _environment_folder(folder / name)
            if environment is not None:
                shown = name if folder == root else os.path.relpath(folder / name, root)
                yield Candidate(str(environment / "bin" / "python"), shown)
    yield Candidate(sys.executable, "djmig-tui's own Python")
    shebang = _shebang(root / "manage.py", environ)
    if shebang is not None:
        yield Candidate(shebang, "manage.py's first line")
    for name in ("python3", "python"):
        on_path = shutil.which(name, path=environ.get("PATH"))
        if on_path is not None:
            yield Candidate(on_path, f"{name} on PATH")


def _is_own(prefix: Path) -> bool:
    return prefix.resolve() == Path(sys.prefix).resolve()


def _environment_folder(path: Path) -> Path | None:
    """Return the virtual environment at `path`: a folder, or a file that names one."""
    if path.is_dir():
        return path if (path / "bin").is_dir() else None
    if not path.is_file():
        return None
    try:
        named = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    # A file called env usually holds variables, not a folder's name.
    folder = path.parent / Path(named).expanduser() if named and "\n" not in named else None
    return folder if folder is not None and (folder / "bin").is_dir() else None


def _shebang(manage_py: Path, environ: Mapping[str, str]) -> str | None:
    try:
        with manage_py.open("rb") as file:
            first = file.readline(512)
    except OSError:
        return None
    words = first[2:].decode("utf-8", "replace").split() if first.startswith(b"#!") else []
    if words and Path(words[0]).name == "env":
        words = [word for word in words[1:] if not word.startswith("-")]
    return shutil.which(words[0], path=environ.get("PATH")) if words else None


def _site_packages(prefix: Path, pattern: str) -> Iterator[Path]:
    version = re.search(r"^version(?:_info)?\s*=\s*(\d+\.\d+)", _pyvenv(prefix), re.MULTILINE)
    python = f"python{version[1]}" if version else "python3*"
    for library in ("lib", "lib64"):
        for packages in ("site-packages", "dist-packages"):
            yield from prefix.glob(f"{library}/{python}/{packages}/{pattern}")


def _complete(prefix: Path) -> bool:
    """Return whether what lies in the site-packages is all that this interpreter can import."""
    config = _pyvenv(prefix)
    if not config or re.search(
        r"^include-system-site-packages\s*=\s*true", config, re.MULTILINE | re.IGNORECASE
    ):
        return False
    return all(path.name in _HARMLESS for path in _site_packages(prefix, "*.pth"))


def _pyvenv(prefix: Path) -> str:
    try:
        return (prefix / "pyvenv.cfg").read_text("utf-8", "replace")
    except OSError:
        return ""


def _ask(python: str, root: Path, environ: Mapping[str, str]) -> str | None:
    try:
        answer = subprocess.run(
            [python, "-B", "-c", "import django"],
            cwd=root,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"cannot be run: {error}"
    return None if answer.returncode == 0 else "has no Django"
