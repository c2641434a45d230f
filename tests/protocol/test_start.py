"""Starting an engine through whatever a project puts in the way, and saying why it does not start."""

from __future__ import annotations

import asyncio
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from djmig_tui.protocol import OpenProject
from tests.protocol import stubs
from tests.protocol.conftest import Start
from tests.protocol.waiting import alive, until
from tui.engine import bundle, lifetime, stage0
from tui.engine.client import connect
from tui.engine.errors import StartFailed
from tui.engine.process import Spawned, spawn

pytestmark = pytest.mark.timeout(60)

#: Plays `docker compose exec -T web COMMAND…`: another environment, no descriptors but the standard ones.
DOCKER = """#!{python}
import os, sys
assert sys.argv[1:5] == ["compose", "exec", "-T", "web"], sys.argv
os.closerange(3, 256)
print("a banner of docker", flush=True)
os.chdir({folder!r})
os.execve({python!r}, [{python!r}, *sys.argv[6:]], {{"PATH": os.environ["PATH"]}})
"""

#: Plays `ssh HOST WORDS…`: a shell over there takes the words apart again.
SSH = """#!/bin/sh
shift
cd '{folder}' && exec /bin/sh -c "$*"
"""


def program(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


async def failure(spawned: Spawned) -> StartFailed:
    with pytest.raises(StartFailed) as caught:
        await connect(spawned)
    assert "\n" not in str(caught.value)
    return caught.value


async def why_not(tmp_path: Path, before: str) -> StartFailed:
    return await failure(spawn(stubs.launch(tmp_path / "project", before=before), stubs.sources()))


# -- ways in
async def test_through_docker(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    docker = program(tmp_path / "docker", DOCKER.format(python=sys.executable, folder=str(folder)))
    command = (docker, "compose", "exec", "-T", "web", "python", "manage.py")
    client = await start(stubs.launch(folder, *command))
    assert (await client.open_project(OpenProject())).folder == str(folder)
    await until(lambda: "a banner of docker" in client.output())


async def test_through_ssh_the_code_survives_two_shells(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    ssh = program(tmp_path / "ssh", SSH.format(folder=folder))
    client = await start(stubs.launch(folder, ssh, "host", sys.executable, "manage.py"))
    assert (await client.open_project(OpenProject())).folder == str(folder)


def test_stage_0_survives_quoting_of_every_kind() -> None:
    code = stage0.stage0("abc")
    assert "\n" not in code
    assert not set(code) & set("'\\$`!%")
    assert len(code) < 500


def test_the_hello_is_not_in_the_command_line() -> None:
    nonce = "0123456789abcdef"
    assert nonce in stage0.stage0(nonce)
    assert stage0.marker(nonce).strip().decode() not in stage0.stage0(nonce)


def test_byte_code_is_refused_where_our_environment_does_not_reach() -> None:
    command = ("docker", "compose", "exec", "-T", "web", "python3.12", "manage.py")
    assert stage0.shell_command(command, "x.y", "CODE") == [
        *command[:6], "-B", "manage.py", "shell", "-v", "0", "--settings=x.y", "-c", "CODE"
    ]  # fmt: skip
    assert stage0.shell_command(("./manage.py",), None, "CODE")[:2] == ["./manage.py", "shell"]
    assert stage0.python_command(command, "CODE") == [*command[:6], "-B", "-c", "CODE"]
    assert stage0.python_command(("make", "shell"), "CODE") is None


async def test_a_manage_py_that_starts_another_python(start: Start, tmp_path: Path) -> None:
    again = "import os, subprocess\nif not os.environ.get('AGAIN'):\n    os.environ['AGAIN'] = '1'\n"
    for how in (
        "    sys.exit(subprocess.call([sys.executable, *sys.argv]))",
        "    os.execv(sys.executable, [sys.executable, *sys.argv])",
    ):
        client = await start(stubs.launch(tmp_path / "project", before=again + how))
        assert (await client.open_project(OpenProject())).name == "stub"


async def test_settings_that_ask_get_the_end_of_a_file(start: Start, tmp_path: Path) -> None:
    before = "try: input('Really? ')\nexcept EOFError: print('nobody there')"
    client = await start(stubs.launch(tmp_path / "project", before=before))
    assert (await client.open_project(OpenProject())).name == "stub"
    await until(lambda: "Really? nobody there" in client.output())


async def test_a_question_in_a_container_is_shown_and_never_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifetime, "TELL_AFTER", 0.3)
    monkeypatch.setattr(lifetime, "GIVE_UP_AFTER", 1.5)
    folder, told = tmp_path / "project", []
    before = "answer = input('Really? ')\nopen('answered', 'w').write(answer)"
    spawned = spawn(stubs.launch(folder, "env", sys.executable, "manage.py", before=before), stubs.sources())
    with pytest.raises(StartFailed, match=r"did not start in 2 s\. Its last words: Really\?"):
        await connect(spawned, told.append)
    assert told == ["Really? "]
    await until(lambda: not alive(spawned.attempt.process.pid))
    assert not (folder / "answered").exists()


async def test_a_slow_start_is_told_and_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifetime, "TELL_AFTER", 0.2)
    folder, told = tmp_path / "project", asyncio.Event()
    before = (
        "import os, time\nprint('warming up', flush=True)\nwhile not os.path.exists('warm'): time.sleep(0.01)"
    )
    spawned = spawn(stubs.launch(folder, before=before), stubs.sources())
    connecting = asyncio.ensure_future(
        connect(spawned, lambda text: told.set() if "warming up" in text else None)
    )
    await told.wait()
    (folder / "warm").touch()
    client = await connecting
    assert (await client.open_project(OpenProject())).name == "stub"
    await client.close()


# -- why not
async def test_settings_that_raise_are_named_by_their_last_line(tmp_path: Path) -> None:
    error = await why_not(tmp_path, "print('loading')\nraise KeyError('SECRET_KEY')")
    assert str(error) == "The project does not start: KeyError: 'SECRET_KEY'."
    assert "Traceback" in error.detail
    assert "loading" in error.detail


async def test_a_manage_py_that_gives_up_is_quoted(tmp_path: Path) -> None:
    error = await why_not(tmp_path, "print('Set the environment first.')\nsys.exit(3)")
    assert "ended with exit code 3 before the engine could start. Its last words: Set the environment" in str(
        error
    )
    error = await why_not(tmp_path, "sys.exit()")
    assert "ended with exit code 0 before the engine could start. It printed nothing." in str(error)


async def test_a_manage_py_that_is_killed(tmp_path: Path) -> None:
    error = await why_not(tmp_path, "import os; os.kill(os.getpid(), 9)")
    assert "was ended by signal 9" in str(error)


async def test_a_program_left_behind_does_not_hide_that_it_ended(tmp_path: Path) -> None:
    error = await why_not(tmp_path, "import subprocess; subprocess.Popen(['sleep', '4']); sys.exit('no')")
    assert "Its last words: no" in str(error)


async def test_a_command_that_does_not_exist(tmp_path: Path) -> None:
    error = await failure(spawn(stubs.launch(tmp_path / "project", "no-such-program", "manage.py")))
    assert str(error).startswith("There is no program no-such-program")
    assert "djmig-tui -- COMMAND" in str(error)


async def test_a_command_that_cannot_be_run(tmp_path: Path) -> None:
    error = await failure(spawn(stubs.launch(tmp_path / "project", str(tmp_path))))
    assert "cannot be started: Permission denied." in str(error)


async def test_a_command_that_finds_no_manage_py(tmp_path: Path) -> None:
    error = await failure(spawn(stubs.launch(tmp_path / "project", sys.executable, "other/manage.py")))
    assert "finds no manage.py. Check the command and the folder" in str(error)


async def test_a_python_without_django_is_named(tmp_path: Path) -> None:
    error = await why_not(tmp_path, "raise ModuleNotFoundError(\"No module named 'django'\")")
    assert str(error).startswith(
        f"{sys.executable} has no Django. Activate the project's virtual environment"
    )
    assert "djmig-tui -- COMMAND" in str(error)


async def test_a_terminal_instead_of_a_pipe_is_refused_with_the_option_to_use(tmp_path: Path) -> None:
    launch = stubs.launch(tmp_path / "project")
    ours, theirs = pty.openpty()
    code = stage0.stage0("abc")
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v", "0", "-c", code],
        cwd=launch.cwd, stdin=theirs, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    os.close(ours)
    os.close(theirs)
    assert done.returncode == 1
    assert "use -T" in done.stderr
    assert "cba" not in done.stdout
    wrapper = f"import pty, sys; sys.exit(bool(pty.spawn([{sys.executable!r}, *sys.argv[1:]])))"
    (tmp_path / "wrap").write_text(wrapper)
    error = await failure(
        spawn(stubs.launch(tmp_path / "project", "env", sys.executable, str(tmp_path / "wrap"), "manage.py"))
    )
    assert "gives the engine a terminal where it needs a pipe" in str(error)
    assert "exec -T" in str(error)


async def test_an_engine_that_cannot_be_imported_says_so(tmp_path: Path) -> None:
    sources = {name: source for name, source in stubs.sources().items() if name != "calls"}
    spawned = spawn(stubs.launch(tmp_path / "project"), sources)
    client = await connect(spawned)
    ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    client.on_ended = ended.set_result
    assert "ModuleNotFoundError: No module named '_djmig_tui_engine.calls'" in await asyncio.wait_for(
        ended, 10
    )
    await client.close()


# -- what is shipped
def test_the_engine_is_shipped_whole_and_alone() -> None:
    sources = bundle.read_sources()
    assert sources[""][0]
    assert sources["databases"][0]
    assert {"boot", "server", "protocol", "wire", "databases.sqlite"} <= set(sources)
    assert not [name for name in sources if name.split(".")[0] in ("tui", "management", "sample_site")]


async def test_a_django_tui_installed_over_there_is_another_package(start: Start, tmp_path: Path) -> None:
    (tmp_path / "project" / "djmig_tui").mkdir(parents=True)
    (tmp_path / "project" / "djmig_tui" / "__init__.py").write_text("raise ImportError('the wrong one')")
    client = await start()
    assert (await client.open_project(OpenProject())).name == "stub"
