"""What a project does to its standard streams never reaches the channel, and nothing of it stalls."""

from __future__ import annotations

from pathlib import Path

import pytest

from djmig_tui.protocol import OpenProject, RenderSql
from tests.protocol import stubs
from tests.protocol.conftest import Start
from tests.protocol.waiting import until

pytestmark = pytest.mark.timeout(60)


def sql(behaviour: str, name: str = "") -> RenderSql:
    return RenderSql("default", behaviour, name)


async def test_prints_and_children_and_prompts_stay_off_the_channel(start: Start) -> None:
    client = await start()
    assert (await client.render_sql(sql("shout"))).sql == "no input"
    for words in ("printed", "written", "from a child", "from a fork", "question?"):
        await until(lambda words=words: words in client.output())  # type: ignore[misc]
    assert (await client.render_sql(sql("echo", "alive"))).sql == "alive"


async def test_settings_that_print_before_and_after_the_hello(start: Start, tmp_path: Path) -> None:
    before = (
        "import atexit, os, threading, time\n"
        "print('loading settings', end='', flush=True)\n"
        "os.write(1, bytes(range(256)))\n"
        "sys.stdout.write('left in the buffer')\n"
        "def chatter():\n"
        "    while True: os.write(1, b'chatter '); time.sleep(0.001)\n"
        "threading.Thread(target=chatter, daemon=True).start()\n"
    )
    client = await start(stubs.launch(tmp_path / "project", before=before))
    for turn in range(20):
        assert (await client.render_sql(sql("echo", str(turn)))).sql == str(turn)
    await until(lambda: "loading settings" in client.output())
    await until(lambda: "chatter" in client.output())


async def test_an_echo_of_the_command_line_is_not_taken_for_the_hello(start: Start, tmp_path: Path) -> None:
    launch = stubs.launch(
        tmp_path / "project", before="import time; print(sys.argv, flush=True); time.sleep(0.2)"
    )
    client = await start(launch)
    assert (await client.open_project(OpenProject())).name == "stub"


async def test_a_flood_of_errors_does_not_stall_the_engine(start: Start) -> None:
    client = await start()
    assert (await client.render_sql(sql("flood", "1024"))).sql == "done"
    await until(lambda: len(client.output()) > 60_000)
    assert len(client.output()) <= 65_536


async def test_a_flood_before_the_hello_does_not_stall_it_either(start: Start, tmp_path: Path) -> None:
    before = "print('o' * 1_000_000); sys.stderr.write('e' * 1_000_000)"
    client = await start(stubs.launch(tmp_path / "project", before=before))
    assert (await client.open_project(OpenProject())).name == "stub"
