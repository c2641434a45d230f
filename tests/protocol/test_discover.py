"""Finding the project and its Python, and saying what was tried where there is none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tui.engine import pythons
from tui.engine.discover import Launch, configured_command, discover, find_root, settings_of
from tui.engine.errors import NotFound

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project in a repository; nothing above it plays a part."""
    folder = tmp_path / "repository" / "site"
    folder.mkdir(parents=True)
    (folder / "manage.py").write_text('os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site.settings")\n')
    (tmp_path / "repository" / ".git").mkdir()
    return folder


@pytest.fixture(autouse=True)
def _own_python_without_django(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The interface's own environment has Django in the tests; users' mostly has not."""
    monkeypatch.setattr(sys, "executable", str(python(tmp_path / "own")))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "own"))


def python(prefix: Path, *, django: bool = False, cfg: str = "version = 3.12.1\n") -> Path:
    """Make something that looks like a virtual environment, and that must not be run."""
    packages = prefix / "lib" / "python3.12" / "site-packages"
    packages.mkdir(parents=True)
    (prefix / "bin").mkdir()
    (prefix / "pyvenv.cfg").write_text(cfg)
    path = prefix / "bin" / "python"
    path.write_text("#!/bin/sh\n: > $0.was-run\nexit 1\n")
    path.chmod(0o755)
    if django:
        (packages / "django").mkdir()
        (packages / "django" / "__init__.py").touch()
    return path


def found(cwd: Path, **environ: str) -> Launch:
    return discover(cwd, (), None, {"PATH": "", **environ})


# -- the folder
def test_the_nearest_manage_py_upward_is_the_project(root: Path) -> None:
    (root / "app" / "deep").mkdir(parents=True)
    assert find_root(root / "app" / "deep") == root


def test_one_project_in_a_child_folder_is_found(root: Path) -> None:
    assert find_root(root.parent) == root


def test_several_projects_below_are_listed(root: Path) -> None:
    (root.parent / "other").mkdir()
    (root.parent / "other" / "manage.py").touch()
    with pytest.raises(NotFound, match=r"several projects below .*: other, site\. Change into one of them\."):
        find_root(root.parent)


def test_no_project_says_what_to_type(tmp_path: Path) -> None:
    (tmp_path / "empty" / "manage.py").mkdir(parents=True)  # a folder of that name is none
    with pytest.raises(
        NotFound, match=r"no manage\.py in .*/empty, above it .* djmig-tui -- COMMAND, for example"
    ):
        find_root(tmp_path / "empty")


# -- the interpreter
@pytest.mark.parametrize("variable", ["VIRTUAL_ENV", "CONDA_PREFIX"])
def test_an_active_environment_with_django_comes_first(root: Path, tmp_path: Path, variable: str) -> None:
    active = python(tmp_path / "active", django=True)
    python(root / ".venv", django=True)
    launch = found(root, **{variable: str(tmp_path / "active")})
    assert launch == Launch(
        (str(active), "manage.py"), root, root, variable, None, str(active), explicit=False
    )


def test_an_active_environment_without_django_is_passed_over(root: Path, tmp_path: Path) -> None:
    python(tmp_path / "active")
    beside = python(root / ".venv", django=True)
    launch = found(root, VIRTUAL_ENV=str(tmp_path / "active"))
    assert (launch.python, launch.how) == (str(beside), ".venv")


def test_our_own_environment_does_not_count_as_the_active_one(root: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    (own / "lib" / "python3.12" / "site-packages" / "django").mkdir()
    (own / "lib" / "python3.12" / "site-packages" / "django" / "__init__.py").touch()
    beside = python(root / "venv", django=True)
    assert found(root, VIRTUAL_ENV=str(own)).python == str(beside)
    (beside.parent.parent / "lib" / "python3.12" / "site-packages" / "django" / "__init__.py").unlink()
    launch = found(root, VIRTUAL_ENV=str(own))
    assert (launch.python, launch.how) == (sys.executable, "djmig-tui's own Python")


@pytest.mark.parametrize("name", [".venv", "venv", "env"])
@pytest.mark.parametrize("above", [False, True])
def test_an_environment_beside_the_project_or_above_is_found(root: Path, name: str, above: bool) -> None:
    path = python((root.parent if above else root) / name, django=True)
    launch = found(root / "..", VIRTUAL_ENV="") if above else found(root)
    assert Path(launch.python or "").resolve() == path
    assert launch.how == (f"../{name}" if above else name)


def test_nothing_above_the_repository_is_looked_at(root: Path, tmp_path: Path) -> None:
    python(tmp_path / ".venv", django=True)
    with pytest.raises(NotFound):
        found(root)


def test_without_a_repository_one_folder_above_is_looked_at(root: Path, tmp_path: Path) -> None:
    (root.parent / ".git").rmdir()
    python(tmp_path / ".venv", django=True)
    with pytest.raises(NotFound):
        found(root)
    path = python(root.parent / ".venv", django=True)
    assert found(root).python == str(path)


def test_a_file_may_name_the_environment(root: Path, tmp_path: Path) -> None:
    path = python(tmp_path / "elsewhere", django=True)
    (root / ".venv").write_text(f"{tmp_path}/elsewhere\n")
    assert found(root).python == str(path)
    (root / ".venv").write_text("../../elsewhere")
    assert Path(found(root).python or "").resolve() == path


def test_a_file_of_variables_is_not_an_environment(root: Path) -> None:
    (root / "env").write_text("DEBUG=1\nSECRET_KEY=x\n")
    (root / ".venv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(NotFound):
        found(root)


def test_files_tell_without_running_python(root: Path) -> None:
    path = python(root / ".venv")
    with pytest.raises(NotFound):
        found(root)
    assert not path.with_name("python.was-run").exists()


@pytest.mark.parametrize("why", ["pth", "system", "PYTHONPATH", "no pyvenv.cfg"])
def test_python_is_asked_where_files_do_not_tell(root: Path, why: str) -> None:
    cfg = (
        "version = 3.12.1\ninclude-system-site-packages = true\n" if why == "system" else "version = 3.12.1\n"
    )
    path = python(root / ".venv", cfg=cfg)
    if why == "pth":
        (root / ".venv/lib/python3.12/site-packages/__editable__.django.pth").write_text("/somewhere")
    if why == "no pyvenv.cfg":
        (root / ".venv/pyvenv.cfg").unlink()
    environ = {"PYTHONPATH": "/x"} if why == "PYTHONPATH" else {}
    with pytest.raises(NotFound, match="has no Django"):
        found(root, **environ)
    assert path.with_name("python.was-run").exists()
    path.write_text("#!/bin/sh\nexit 0\n")
    assert found(root, **environ).python == str(path)


def test_packages_of_another_python_do_not_count(root: Path) -> None:
    """Left behind when an environment was made anew for another version."""
    python(root / ".venv", django=True, cfg="version = 3.13.0\n")
    with pytest.raises(NotFound):
        found(root)


def test_a_broken_environment_is_named(root: Path) -> None:
    path = python(root / ".venv", django=True)
    path.unlink()
    path.symlink_to("/no/such/python")
    with pytest.raises(NotFound, match="a broken link"):
        found(root)
    path.unlink()
    with pytest.raises(NotFound, match="not there"):
        found(root)
    path.touch()
    path.chmod(0o644)
    with pytest.raises(NotFound, match="not executable"):
        found(root)


@pytest.mark.parametrize("line", ["#!{path}", "#! /usr/bin/env python3", "#!/usr/bin/env -S python3 -u"])
def test_the_first_line_of_manage_py_is_tried(root: Path, tmp_path: Path, line: str) -> None:
    path = python(tmp_path / "shebang", django=True)
    named = path.rename(path.with_name("python3"))
    (root / "manage.py").write_text(line.format(path=named) + "\n")
    launch = found(root, PATH=str(named.parent))
    assert (launch.python, launch.how) == (str(named), "manage.py's first line")


def test_python3_on_path_comes_last(root: Path, tmp_path: Path) -> None:
    path = python(tmp_path / "path", django=True)
    named = path.rename(path.with_name("python3"))
    launch = found(root, PATH=str(named.parent))
    assert (launch.python, launch.how) == (str(named), "python3 on PATH")


def test_all_that_was_tried_is_listed(root: Path, tmp_path: Path) -> None:
    python(tmp_path / "active")
    python(root / ".venv")
    with pytest.raises(NotFound) as caught:
        found(root, VIRTUAL_ENV=str(tmp_path / "active"))
    sentence = str(caught.value)
    assert sentence.startswith(
        f"No Python with Django was found for {root}. Tried {tmp_path}/active/bin/python"
    )
    assert f"{root}/.venv/bin/python (.venv): has no Django" in sentence
    assert "djmig-tui's own Python" in sentence
    assert "Activate the project's virtual environment" in sentence


def test_a_real_interpreter_answers_for_itself(tmp_path: Path) -> None:
    real = pythons.Candidate(str(Path(sys.base_prefix) / "bin" / "python3"), "base")
    has_django = (
        subprocess.run([real.path, "-c", "import django"], capture_output=True, check=False).returncode == 0
    )
    assert (pythons.why_not(real, tmp_path, os.environ) is None) == has_django


# -- named commands
def test_a_command_of_the_user_is_taken_as_it_is(root: Path, tmp_path: Path) -> None:
    command = ("docker", "compose", "exec", "-T", "web", "python", "manage.py")
    launch = discover(root / "..", command, "site.local", {})
    assert launch.command == command
    assert launch.settings == "site.local"
    assert launch.explicit
    assert launch.python is None
    assert discover(tmp_path, command, None, {}).root == tmp_path


@pytest.mark.parametrize("value", ['["make", "shell in"]', "\"make 'shell in'\""])
def test_pyproject_may_name_a_command(root: Path, value: str) -> None:
    assert configured_command(root) is None
    (root.parent / "pyproject.toml").write_text(f"[tool.djmig-tui]\ncommand = {value}\n")
    assert configured_command(root) == ("make", "shell in")
    (root / "pyproject.toml").write_text("[project]\nname = 'nearer'\n")
    assert configured_command(root) is None


@pytest.mark.parametrize("value", ["[]", "3", '["make", 3]', '""'])
def test_a_command_in_pyproject_that_is_no_command(root: Path, value: str) -> None:
    (root / "pyproject.toml").write_text(f"[tool.djmig-tui]\ncommand = {value}\n")
    with pytest.raises(NotFound, match="must be a list of strings"):
        configured_command(root)


def test_a_pyproject_that_cannot_be_read(root: Path) -> None:
    (root / "pyproject.toml").write_text("[tool.djmig-tui\n")
    with pytest.raises(NotFound, match=r"pyproject\.toml cannot be read: .*Correct it"):
        configured_command(root)


@pytest.mark.parametrize(
    "line",
    [
        'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site.settings")',
        "os.environ['DJANGO_SETTINGS_MODULE'] = 'site.settings'",
        'os.environ.setdefault(\n    "DJANGO_SETTINGS_MODULE",\n    "site.settings",\n)',
    ],
)
def test_the_settings_are_read_from_manage_py(root: Path, line: str) -> None:
    (root / "manage.py").write_text(line)
    assert settings_of(root, {}) == "site.settings"
    assert settings_of(root, {"DJANGO_SETTINGS_MODULE": "site.other"}) == "site.other"
    (root / "manage.py").unlink()
    assert settings_of(root, {}) is None
