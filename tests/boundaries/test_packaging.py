"""What is installed: one import package, all of it, and it runs."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from itertools import chain
from pathlib import Path

import pytest

from djmig_tui import __version__
from tests.sample_project import SampleProject

ROOT = Path(__file__).parents[2]

#: Folder of the checkout → where it is installed.
INSTALLED = {"djmig_tui": "djmig_tui", "tui": "djmig_tui/tui", "sample_site": "djmig_tui/sample_site"}

RUN = "import sys; sys.path.insert(0, {site!r}); from djmig_tui.tui.cli import main; sys.exit(main())"


def tracked(folder: str) -> list[str]:
    """Return the files of a folder that are part of the project, whether committed yet or not."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", folder]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [path for path in done.stdout.split() if (ROOT / path).is_file()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Build the wheel from a copy: setuptools leaves files behind, and would ship those of last time."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    for path in [*chain(*map(tracked, INSTALLED)), "pyproject.toml", "README.md", "LICENSE"]:
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_bytes((ROOT / path).read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"]
    command += ["--no-build-isolation", "--wheel-dir", str(built), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (file,) = built.iterdir()
    assert file.name == f"djmig_tui-{__version__}-py3-none-any.whl"
    return zipfile.ZipFile(file)


@pytest.fixture(scope="module")
def site_packages(wheel: zipfile.ZipFile, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site-packages")
    wheel.extractall(folder)
    return folder


def test_one_import_package_is_installed(wheel: zipfile.ZipFile) -> None:
    assert {name.split("/")[0] for name in wheel.namelist()} == {
        "djmig_tui",
        f"djmig_tui-{__version__}.dist-info",
    }


@pytest.mark.parametrize("folder", INSTALLED)
def test_all_of_a_folder_is_installed(wheel: zipfile.ZipFile, folder: str) -> None:
    wanted = {path.replace(folder, INSTALLED[folder], 1) for path in tracked(folder)}
    assert wanted - set(wheel.namelist()) == set()


def run(site_packages: Path, *typed: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-c", RUN.format(site=str(site_packages)), *typed],
        cwd=cwd or site_packages,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_what_is_installed_says_its_version(site_packages: Path) -> None:
    assert run(site_packages, "--version").stdout == f"djmig-tui {__version__}\n"


def test_what_is_installed_opens_a_project(site_packages: Path, site: SampleProject) -> None:
    done = run(site_packages, "list", "--", site.python, "manage.py", cwd=site.folder)
    assert done.returncode == 0, done.stderr
    assert "[ ] 0001_initial" in done.stdout
