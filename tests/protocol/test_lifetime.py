"""How an engine ends, and that it does: by itself, by force, and when the interface is gone."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from djmig_tui.protocol import OpenProject, RenderSql, RunPlan
from tests.protocol import stubs
from tests.protocol.conftest import Start
from tests.protocol.waiting import alive, until
from tui.engine import errors, lifetime
from tui.engine.client import Client, connect
from tui.engine.process import spawn

pytestmark = pytest.mark.timeout(60)

ROOT = Path(__file__).parents[2]


def sql(behaviour: str, name: str = "") -> RenderSql:
    return RenderSql("default", behaviour, name)


def pid_of(client: Client) -> int:
    return client._lifetime._spawned.attempt.process.pid


async def at_work(client: Client, behaviour: str) -> asyncio.Future[object]:
    event = asyncio.Event()
    client.on_changed = lambda changed: event.set()
    request: asyncio.Future[object] = asyncio.ensure_future(client.render_sql(sql(behaviour)))
    await event.wait()
    return request


async def test_an_engine_that_is_killed_fails_what_waits_with_its_last_words(start: Start) -> None:
    client, ended = await start(), []
    client.on_ended = ended.append
    await client.render_sql(sql("shout"))
    pending = [await at_work(client, "sleep"), asyncio.ensure_future(client.open_project(OpenProject()))]
    await asyncio.sleep(0)
    os.kill(pid_of(client), signal.SIGKILL)
    for request in pending:
        with pytest.raises(errors.EngineEnded, match=r"The engine ended \(signal 9\)\.") as caught:
            await request
        assert "from a child" in caught.value.detail
    await until(lambda: ended)
    assert len(ended) == 1
    assert "from a child" in ended[0]
    with pytest.raises(errors.EngineEnded):
        await client.open_project(OpenProject())
    client.stop_run()


async def test_a_child_that_holds_the_pipes_does_not_hide_the_end(start: Start) -> None:
    client, ended = await start(), []
    client.on_ended = ended.append
    await client.render_sql(sql("linger", "30"))
    os.kill(pid_of(client), signal.SIGKILL)
    assert await until(lambda: ended) < 5
    os.killpg(pid_of(client), signal.SIGKILL)


async def test_closing_ends_the_process_though_the_project_left_threads(start: Start) -> None:
    client, ended = await start(), []
    client.on_ended = ended.append
    await client.render_sql(sql("linger", "0"))
    pid = pid_of(client)
    await asyncio.wait_for(client.close(), 3)
    assert not alive(pid)
    assert ended == []
    await client.close()


async def test_closing_gives_up_a_preview_under_way(start: Start) -> None:
    client = await start()
    preview = await at_work(client, "work")
    await asyncio.wait_for(client.close(), 3)
    with pytest.raises(errors.EngineError):
        await preview


@pytest.mark.parametrize("behaviour", ["work", "sleep"])
async def test_an_engine_is_gone_within_a_second_of_its_interface(start: Start, behaviour: str) -> None:
    client = await start()
    preview = await at_work(client, behaviour)
    client._lifetime._transports[0].close()  # what the system does when the interface is killed
    assert await until(lambda: not alive(pid_of(client))) < 1.5
    await asyncio.gather(preview, return_exceptions=True)


INTERFACE = """
import asyncio, sys
from pathlib import Path
from djmig_tui.protocol import OpenProject, RunPlan
from tests.protocol import stubs
from tui.engine.client import connect
from tui.engine.process import spawn

async def main():
    client = await connect(spawn(stubs.launch(Path(sys.argv[1])), stubs.sources()))
    def tell(progress=None):
        print(client._lifetime._spawned.attempt.process.pid, flush=True)
    if sys.argv[2] == "run":
        await client.run_plan(RunPlan("default", "back", "1", None, "60"), tell)
    await client.open_project(OpenProject())
    tell()
    await asyncio.sleep(600)

asyncio.run(main())
"""


def kill_interface(folder: Path, doing: str) -> int:
    """Kill an interface in the middle of what it does, and return the process of its engine."""
    command = [sys.executable, "-c", INTERFACE, str(folder), doing]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, start_new_session=True) as interface:
        assert interface.stdout is not None
        pid = int(interface.stdout.readline())
        interface.kill()
    return pid


async def test_an_engine_notices_that_its_interface_was_killed(tmp_path: Path) -> None:
    pid = kill_interface(tmp_path / "project", "nothing")
    assert await until(lambda: not alive(pid)) < 1.5


async def test_a_run_outlives_its_interface_until_it_can_stop_and_may_print(tmp_path: Path) -> None:
    pid = kill_interface(tmp_path / "project", "run")
    assert alive(pid)
    await until(lambda: not alive(pid))
    assert (tmp_path / "project" / "run-ended").exists()


async def test_closing_never_kills_a_run(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifetime, "CLOSE_WITHIN", 0.2)
    client, running = await start(), asyncio.Event()
    plan = RunPlan("default", "back", "1.5", None, "60")  # takes 1.5 s to stop
    run = asyncio.ensure_future(client.run_plan(plan, lambda progress: running.set()))
    await running.wait()
    await client.close()
    assert alive(pid_of(client))
    await until(lambda: not alive(pid_of(client)))
    assert (tmp_path / "project" / "run-ended").exists()
    await asyncio.gather(run, return_exceptions=True)


async def test_an_engine_that_does_not_listen_is_killed(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifetime, "CLOSE_WITHIN", 0.2)
    client = await start()
    os.kill(pid_of(client), signal.SIGSTOP)
    await asyncio.wait_for(client.close(), 5)
    assert not alive(pid_of(client))


LEAVER = """
import sys
from pathlib import Path
from tests.protocol import stubs
from tui.engine.process import spawn

launch = stubs.launch(Path(sys.argv[1]), before=sys.argv[2])
print(spawn(launch, stubs.sources()).attempt.process.pid, flush=True)
"""


async def test_an_interface_that_leaves_while_the_project_starts_leaves_nothing(tmp_path: Path) -> None:
    before = (
        "import threading, time; threading.Thread(target=time.sleep, args=(600,)).start(); time.sleep(0.3)"
    )
    spawned = spawn(stubs.launch(tmp_path / "project", before=before), stubs.sources())
    waiting = asyncio.ensure_future(connect(spawned))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await until(lambda: not alive(spawned.attempt.process.pid))


async def test_a_start_that_nobody_sees_through_ends_too(tmp_path: Path) -> None:
    """The command line may be wrong after the engine was spawned: the pipe just closes."""
    before = "import threading, time; threading.Thread(target=time.sleep, args=(600,)).start()"
    command = [sys.executable, "-c", LEAVER, str(tmp_path / "project"), before]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=True)
    await until(lambda: not alive(int(done.stdout)))
