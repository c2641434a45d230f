"""The ways into real Django projects: their own `shell`, somebody else's `shell`, `manage.py djmig`."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from djmig_tui.protocol import LoadHistory, OpenProject, ScanHistory
from tests.protocol import stubs
from tests.protocol.conftest import Start
from tests.protocol.waiting import until
from tests.sample_project import SampleProject
from tui.engine.ahead import opening
from tui.engine.bundle import read_sources
from tui.engine.client import connect
from tui.engine.discover import Launch
from tui.engine.errors import StartFailed
from tui.engine.process import spawn

pytestmark = pytest.mark.timeout(90)

ROOT = Path(__file__).parents[2]

MANAGE = """\
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "conf")
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""

SETTINGS = """\
SECRET_KEY = "x"
INSTALLED_APPS = ["shop"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}
"""

SETTINGS_AS_SEEN = """
    from django.apps import apps
    from django.conf import settings
    print("apps:", [app.label for app in apps.get_app_configs()], settings.SETTINGS_MODULE, sys.argv)
"""

#: What other people's `shell` commands look like.
SHELLS = {
    "no options": "class Command(BaseCommand):\n    pass\n",
    "its own parser": (
        "class Command(BaseCommand):\n"
        "    def run_from_argv(self, argv):\n"
        "        raise SystemExit('Error: No such option: -c')\n"
    ),
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "shop" / "management" / "commands").mkdir(parents=True)
    (folder / "manage.py").write_text(MANAGE)
    (folder / "conf.py").write_text(SETTINGS)
    (folder / "other.py").write_text(SETTINGS)
    for package in (".", "management", "management/commands"):
        (folder / "shop" / package / "__init__.py").touch()
    return folder


def launch(folder: Path, *command: str, python: str = sys.executable, settings: str | None = None) -> Launch:
    return Launch(command or (python, "manage.py"), folder, folder, "test", settings, python, explicit=False)


def override_shell(folder: Path, text: str) -> None:
    commands = folder / "shop" / "management" / "commands"
    (commands / "shell.py").write_text(f"from django.core.management.base import BaseCommand\n{text}")


def everything_in(folder: Path) -> set[tuple[str, int]]:
    return {(str(path), path.stat().st_mtime_ns) for path in folder.rglob("*")}


async def test_looking_writes_nothing_into_the_project(
    start: Start, site: SampleProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    before = everything_in(site.folder)
    client = await start(launch(site.folder), read_sources())
    assert (await client.open_project(OpenProject())).settings == "bookshop.settings"
    assert (await client.scan_history(ScanHistory())).apps
    await client.close()
    assert everything_in(site.folder) == before


async def test_what_is_asked_ahead_is_answered_before_anybody_is_connected(site: SampleProject) -> None:
    spawned = spawn(launch(site.folder), ahead=opening("default", read_only=False, local_hosts=()))
    try:
        await until(spawned.has_answered)
        client = await connect(spawned)
        assert (await client.open_project(OpenProject())).settings == "bookshop.settings"
        assert (await client.scan_history(ScanHistory())).apps
        assert (await client.load_history(LoadHistory())).complete
        assert (await client.scan_history(ScanHistory("archive"))).database == "archive"
        await client.close()
    finally:
        spawned.kill()


@pytest.mark.parametrize("settings", [None, "other"])
async def test_through_the_project_s_own_shell(start: Start, project: Path, settings: str | None) -> None:
    client = await start(launch(project, settings=settings), stubs.sources(open_project=SETTINGS_AS_SEEN))
    await client.open_project(OpenProject())
    await until(lambda: f"apps: ['shop'] {settings or 'conf'} ['manage.py', 'shell'" in client.output())


@pytest.mark.parametrize("settings", [None, "other"])
@pytest.mark.parametrize("shell", SHELLS)
async def test_a_shell_that_is_not_django_s(
    start: Start, project: Path, shell: str, settings: str | None
) -> None:
    override_shell(project, SHELLS[shell])
    client = await start(launch(project, settings=settings), stubs.sources(open_project=SETTINGS_AS_SEEN))
    assert (await client.open_project(OpenProject())).folder == str(project)
    await until(lambda: f"apps: ['shop'] {settings or 'conf'} ['manage.py', 'shell']" in client.output())


async def test_a_shell_that_is_not_django_s_run_from_elsewhere(start: Start, project: Path) -> None:
    override_shell(project, SHELLS["no options"])
    command = ("env", sys.executable, "project/manage.py")
    over_there = Launch(command, project.parent, project, "test", None, None, explicit=True)
    client = await start(over_there, stubs.sources(open_project=SETTINGS_AS_SEEN))
    await client.open_project(OpenProject())
    await until(lambda: "apps: ['shop'] conf" in client.output())


@pytest.mark.parametrize("shell", ["", SHELLS["no options"]], ids=["shell", "python -c"])
async def test_settings_that_raise_are_a_sentence_on_both_ways(project: Path, shell: str) -> None:
    if shell:
        override_shell(project, shell)
        fails_later = (
            "import sys\nif 'shell' in sys.argv and len(sys.argv) > 2: DATABASES = {}\nelse: 1 / 0\n"
        )
    else:
        fails_later = "1 / 0\n"
    (project / "conf.py").write_text(SETTINGS + fails_later)
    with pytest.raises(StartFailed) as caught:
        await connect(spawn(launch(project), stubs.sources()))
    assert str(caught.value) == "The project does not start: ZeroDivisionError: division by zero."
    assert "conf.py" in caught.value.detail


async def test_a_setting_that_is_missing(project: Path) -> None:
    (project / "conf.py").write_text("INSTALLED_APPS = ['no_such_app']\n")
    with pytest.raises(
        StartFailed, match="does not start: ModuleNotFoundError: No module named 'no_such_app'"
    ):
        await connect(spawn(launch(project), stubs.sources()))


async def test_an_interpreter_without_django(project: Path, tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True, timeout=60
    )
    python = str(tmp_path / "bare" / "bin" / "python")
    with pytest.raises(StartFailed) as caught:
        await connect(spawn(launch(project, python=python), stubs.sources()))
    assert str(caught.value).startswith(f"{python} has no Django.")


# -- manage.py djmig
PROGRAM = '#!/bin/sh\necho "started: $@"\n'


#: Put before the project's manage.py: tells what was imported when the process is replaced.
WATCH = """\
import os, sys
execv = os.execv
def checked(*arguments):
    ours = sorted(name for name in sys.modules if name.split(".")[0] in ("tui", "textual", "rich"))
    print("imported:", ours, flush=True)
    execv(*arguments)
os.execv = checked
"""


def run_djmig(project: Path, path: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `manage.py djmig` with an interpreter that has Django, and no djmig-tui beside it."""
    python = project.parent / "bin" / "python"
    python.parent.mkdir()
    python.symlink_to(os.path.realpath(sys.executable))
    packages = sysconfig.get_path("purelib")
    (project / "conf.py").write_text(SETTINGS.replace('["shop"]', '["djmig_tui"]'))
    (project / "manage.py").write_text(WATCH + MANAGE)
    environ = {"PYTHONPATH": f"{ROOT}:{packages}", "PATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [str(python), "manage.py", "djmig", *arguments]
    return subprocess.run(
        command, cwd=project, env=environ, capture_output=True, text=True, timeout=60, check=False
    )


def test_manage_py_djmig_hands_the_terminal_over(project: Path, tmp_path: Path) -> None:
    (tmp_path / "programs").mkdir()
    program = tmp_path / "programs" / "djmig-tui"
    program.write_text(PROGRAM)
    program.chmod(0o755)
    ran = run_djmig(project, f"{tmp_path}/programs:/bin:/usr/bin", "--settings", "conf", "list", "--json")
    assert "imported: []" in ran.stdout
    assert f"started: --settings conf list --json -- {tmp_path}/bin/python {project}/manage.py" in ran.stdout


def test_manage_py_djmig_without_the_program_says_how_to_get_it(project: Path, tmp_path: Path) -> None:
    ran = run_djmig(project, str(tmp_path))
    assert ran.returncode == 1
    assert ran.stderr.startswith("CommandError: The program djmig-tui is neither beside")
    assert "pip install djmig-tui" in ran.stderr
    assert "Traceback" not in ran.stderr
