"""Fixtures of the end-to-end tests: the program, and an interpreter that has Django and nothing else."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
import venv
from pathlib import Path

import pytest

from tests.end_to_end.program import Program

#: Django and what it needs, but none of djmig-tui's own requirements.
DJANGO = ("django", "asgiref", "sqlparse")


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """djmig-tui, with a home folder of the test's own."""
    return Program(tmp_path / "elsewhere")


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment's folder: no Django in it, nothing at all."""
    folder = tmp_path_factory.mktemp("bare") / "venv"
    venv.create(folder, symlinks=True)
    return folder


@pytest.fixture(scope="session")
def django_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment's folder with Django only: copied from our own, so that no network is needed."""
    folder = tmp_path_factory.mktemp("django") / "venv"
    venv.create(folder, symlinks=True)
    (site_packages,) = folder.glob("lib/python3*/site-packages")
    for name in DJANGO:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.submodule_search_locations is not None
        source = Path(spec.submodule_search_locations[0])
        unneeded = shutil.ignore_patterns("__pycache__", "*.po", "static")
        shutil.copytree(source, site_packages / name, ignore=unneeded)
    assert importlib.metadata.version("django")
    return folder
