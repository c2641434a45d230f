"""Bad input gets a sentence with the next step and an exit code; nothing is changed, nothing created."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.end_to_end.program import Program, contents, names
from tests.projects import SampleProject, make_project

MANAGE = """\
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""

SETTINGS = "SECRET_KEY = 'x'\nINSTALLED_APPS = ['django.contrib.contenttypes']\n"


def small_project(folder: Path, settings: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "manage.py").write_text(MANAGE)
    (folder / "settings.py").write_text(settings)
    return folder


@pytest.fixture
def env() -> dict[str, str]:
    misleading = {"DJANGO_SETTINGS_MODULE", "PYTHONPATH", "VIRTUAL_ENV"}
    return {key: value for key, value in os.environ.items() if key not in misleading}


def test_no_project_here(program: Program, env: dict[str, str], tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    sentence = program.refused(empty, env, "list", code=2)
    assert "no manage.py" in sentence
    assert "djmig-tui -- " in sentence


def test_several_projects_here(program: Program, env: dict[str, str], tmp_path: Path) -> None:
    for name in ("shop", "blog"):
        small_project(tmp_path / "work" / name, "")
    sentence = program.refused(tmp_path / "work", env, "list", code=2)
    assert "blog, shop" in sentence


def test_a_folder_that_is_gone(program: Program, env: dict[str, str], tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    shell = f'rmdir "{gone}"; exec "$@"'
    done = subprocess.run(
        ["/bin/sh", "-c", shell, "sh", *program.command("list")],
        cwd=gone,
        env=program.environment(env),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "does not exist any more" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_django_in_the_named_python(
    program: Program, env: dict[str, str], tmp_path: Path, bare_python: Path
) -> None:
    folder = small_project(tmp_path / "shop", "")
    python = str(bare_python / "bin" / "python")
    sentence = program.refused(folder, env, "list", "--", python, "manage.py", code=1)
    assert "no Django" in sentence
    assert "djmig-tui -- COMMAND" in sentence


def test_a_named_command_that_does_not_exist(program: Program, env: dict[str, str], tmp_path: Path) -> None:
    folder = small_project(tmp_path / "shop", "")
    sentence = program.refused(folder, env, "list", "--", "no-such-program-here", "manage.py", code=1)
    assert "no program no-such-program-here" in sentence


def test_settings_that_raise(program: Program, env: dict[str, str], tmp_path: Path) -> None:
    folder = small_project(tmp_path / "shop", "raise RuntimeError('no key in the vault')")
    for command in (("list",), ("rollback", "store", "zero", "--yes")):
        assert "no key in the vault" in program.refused(folder, env, *command, code=1)


def test_settings_that_do_not_exist(program: Program, env: dict[str, str], tmp_path: Path) -> None:
    folder = small_project(tmp_path / "shop", "")
    assert "nowhere" in program.refused(folder, env, "--settings", "nowhere.settings", "list", code=1)


def test_edge_21_a_database_that_is_down(program: Program, env: dict[str, str], tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    with socket.socket() as closed:  # bound, and nobody listens: connecting is refused
        closed.bind(("127.0.0.1", 0))
        database = {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": "127.0.0.1",
            "PORT": str(closed.getsockname()[1]),
            "NAME": "shop",
            "USER": "shop",
        }
        settings = f"{SETTINGS}DATABASES = {{'default': {database}}}\n"
        folder = small_project(tmp_path / "shop", settings)
        for command in (
            ("sql",),
            ("sql", "contenttypes", "0001"),
            ("plan", "contenttypes", "0001"),
            ("rollback", "contenttypes", "zero", "--yes", "--accept-loss"),
            ("migrate", "--yes"),
            ("remove", "contenttypes", "0002", "--yes"),
        ):
            assert "refused" in program.refused(folder, env, *command, code=1), command
        ran = program.run(folder, env, "list")
        assert ran.code == 1
        assert "contenttypes\n" in ran.out, "the files are shown all the same"
        assert "refused" in ran.err


@pytest.mark.parametrize(
    ("typed", "code", "said"),
    [
        (("list", "--database", "replica"), 2, "default, archive"),
        (("sql", "stor"), 2, "Did you mean store"),
        (("plan", "store", "0009"), 2, "no migration '0009'"),
        (("plan", "authors", "0002"), 2, "0002_author_biography"),
        (("sql", "reports", "0001"), 2, "reports"),
        (("remove", "store", "0001_initial", "--yes", "--initial"), 1, "applied"),
        (("remove", "auth", "0001", "--yes"), 1, "installed package"),
        (("rollback", "suppliers", "zero", "--yes", "--accept-loss", "--try-anyway"), 1, "Blocked"),
        (("rollback", "store", "0002", "--yes"), 1, "--accept-loss"),
        (("rollback", "store", "0002", "--yes", "--accept-loss", "--fingerprint", "0" * 64), 1, "changed"),
        (("restore", "store", "0004", "--yes"), 2, "trash"),
        (("frobnicate",), 2, "--help"),
    ],
)
def test_what_cannot_be_meant_or_done(
    program: Program, ready_site: SampleProject, typed: tuple[str, ...], code: int, said: str
) -> None:
    records, rows = ready_site.records(), ready_site.rows()
    assert said in program.refused(ready_site.folder, ready_site.env, *typed, code=code)
    assert (ready_site.records(), ready_site.rows()) == (records, rows)


def test_not_a_terminal(program: Program, site: SampleProject) -> None:
    before = contents(site.folder)
    ran = program.run(site.folder, site.env)
    assert ran.code == 2
    assert "needs a terminal" in ran.err
    assert "djmig-tui list" in ran.err
    assert contents(site.folder) == before


def test_edge_30_looking_at_a_fresh_project_creates_nothing(program: Program, site: SampleProject) -> None:
    before = contents(site.folder)
    for typed in (("list",), ("sql", "--json"), ("plan", "store", "0002")):
        assert program.run(site.folder, site.env, *typed).code == 0, typed
    assert contents(site.folder) == before
    assert not program.state.exists()


def test_edge_37_settings_that_print_do_not_reach_our_output(
    program: Program, env: dict[str, str], tmp_path: Path
) -> None:
    noisy = (
        "import os, sys\nprint('LOUD'); os.write(1, b'LOUD'); os.system('echo LOUD')\n"
        f"{SETTINGS}"
        "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'db.sqlite3'}}\n"
    )
    folder = small_project(tmp_path / "shop", noisy)
    ran = program.run(folder, env, "list", "--json")
    assert ran.code == 0
    assert "LOUD" not in ran.out + ran.err
    assert [app["label"] for app in ran.data["apps"]] == ["contenttypes"]


def test_a_command_in_pyproject_is_not_run_unasked(program: Program, site: SampleProject) -> None:
    witness = site.folder.parent / "witness"
    (site.folder / "pyproject.toml").write_text(f'[tool.djmig-tui]\ncommand = ["touch", "{witness}"]\n')
    sentence = program.refused(site.folder, site.env, "list", code=2)
    assert f"djmig-tui -- touch {witness}" in sentence
    assert not witness.exists()


def test_a_reader_that_goes_away_is_no_error(program: Program, ready_site: SampleProject) -> None:
    with subprocess.Popen(
        program.command("sql", "--json"),
        cwd=ready_site.folder,
        env=program.environment(ready_site.env),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        said = running.stderr.read().decode()
        running.wait(60)
    assert "Traceback" not in said
    assert "Exception ignored" not in said


def test_an_interrupt_while_the_project_starts_is_a_sentence(
    program: Program, env: dict[str, str], tmp_path: Path
) -> None:
    witness = tmp_path / "started"
    os.mkfifo(witness)
    settings = f"open({str(witness)!r}, 'w').close()\nimport time; time.sleep(60)"
    folder = small_project(tmp_path / "shop", settings)
    with subprocess.Popen(
        program.command("list"),
        cwd=folder,
        env=program.environment(env),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        witness.read_text()  # returns once the settings are being read
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=30)
    assert running.returncode == 1
    assert "nothing was changed" in said
    assert "Traceback" not in said


def test_names_that_a_terminal_would_obey_are_written_out(program: Program, tmp_path: Path) -> None:
    project = make_project(tmp_path, {"shop": {"0001_initial": "raise ImportError('\\x1b[31mred\\x07')"}})
    ran = program.run(project.folder, project.env, "sql", "shop", "0001")
    assert ran.code == 1
    assert "\x1b" not in ran.err
    assert names(project.folder) >= {"manage.py"}
