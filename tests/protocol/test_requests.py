"""Asking an engine process: answers, errors, progress, cancels and priorities."""

from __future__ import annotations

import ast
import asyncio
import glob
import inspect
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from djmig_tui import protocol, server
from djmig_tui.protocol import LoadHistory, OpenProject, Progress, RenderSql, RunPlan
from tests.protocol import stubs
from tests.protocol.conftest import Start
from tests.protocol.waiting import until
from tui.engine import errors
from tui.engine.client import Client
from tui.engine.connection import Connection

pytestmark = pytest.mark.timeout(60)

VERSIONS = ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14"]


def sql(behaviour: str, name: str = "") -> RenderSql:
    return RenderSql("default", behaviour, name)


def begun(client: Client) -> asyncio.Event:
    """Return the event that a handler sets when it is at work."""
    event = asyncio.Event()
    client.on_changed = lambda changed: event.set()
    return event


def interpreter(version: str) -> str:
    """Return an interpreter of that version from PATH or from pyenv."""
    for found in (
        shutil.which(f"python{version}"),
        *glob.glob(f"{Path.home()}/.pyenv/versions/{version}.*/bin/python"),
    ):
        if found is not None and "shims" not in found:
            return found
    pytest.skip(f"There is no Python {version} here.")


@pytest.mark.parametrize("version", VERSIONS)
async def test_an_engine_answers_in_every_python(start: Start, tmp_path: Path, version: str) -> None:
    client = await start(stubs.launch(tmp_path / "project", python=interpreter(version)))
    project = await client.open_project(OpenProject())
    assert project.python.startswith(f"{version}.")
    assert (await client.render_sql(sql("echo", "naïve \udcff \u2028"))).sql == "naïve \udcff \u2028"
    at_work = begun(client)
    preview = asyncio.ensure_future(client.render_sql(sql("work")))
    await at_work.wait()
    preview.cancel()
    assert (await client.render_sql(sql("echo", "next"))).sql == "next"
    with pytest.raises(errors.Failed) as caught:
        await client.render_sql(sql("bug"))
    assert 'raise ValueError("second")' in caught.value.detail, "the traceback shows the source of the engine"


@pytest.mark.parametrize(
    ("behaviour", "kind", "sentence"),
    [
        ("refuse", errors.Refused, "We will not. Do something else."),
        ("stale", errors.Stale, "It is not as it was. Look again."),
        ("fail", errors.Failed, "relation does not exist"),
        ("bug", errors.Failed, "ValueError: second"),
        ("exit", errors.Failed, "SystemExit: bye"),
        ("interrupt", errors.Failed, "KeyboardInterrupt"),
    ],
)
async def test_what_a_handler_raises_arrives_as_a_sentence(
    start: Start, behaviour: str, kind: type[errors.EngineError], sentence: str
) -> None:
    client = await start()
    with pytest.raises(kind) as caught:
        await client.render_sql(sql(behaviour))
    assert str(caught.value) == sentence
    assert caught.value.detail == "folded" if behaviour == "fail" else "Traceback" in caught.value.detail
    assert (await client.render_sql(sql("echo", "alive"))).sql == "alive"


async def test_progress_arrives_in_order_and_its_end_is_not_lost(start: Start) -> None:
    client, seen = await start(), []
    await client.load_history(LoadHistory("20000"), seen.append)
    assert seen[-1] == Progress(20000, 20000, "counting")
    assert seen == sorted(seen, key=lambda progress: progress.done)
    assert len(seen) < 1000


@pytest.mark.parametrize("behaviour", ["work", "sleep"])
async def test_a_preview_under_way_is_cancelled_whatever_it_does(start: Start, behaviour: str) -> None:
    client = await start()
    at_work = begun(client)
    preview = asyncio.ensure_future(client.render_sql(sql(behaviour)))
    await at_work.wait()
    preview.cancel()
    with pytest.raises(asyncio.CancelledError):
        await preview
    # The engine is free again: this would wait for ever otherwise.
    assert (await asyncio.wait_for(client.render_sql(sql("echo", "next")), 5)).sql == "next"


async def test_cancelling_does_not_wait_for_the_engine(start: Start) -> None:
    client = await start()
    at_work = begun(client)
    preview = asyncio.ensure_future(client.render_sql(sql("stubborn")))
    await at_work.wait()
    preview.cancel()
    done, _ = await asyncio.wait({preview}, timeout=0.5)
    assert preview in done


async def test_a_request_that_waits_is_cancelled_at_once(start: Start) -> None:
    client = await start()
    at_work = begun(client)
    first = asyncio.ensure_future(client.render_sql(sql("work")))
    await at_work.wait()
    second = asyncio.ensure_future(client.render_sql(sql("finish")))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    first.cancel()
    # Had the second one run, the engine would have ended.
    assert (await client.render_sql(sql("echo", "alive"))).sql == "alive"


async def test_a_person_does_not_wait_for_a_prefetch(start: Start) -> None:
    client = await start()
    at_work = begun(client)
    prefetch = asyncio.ensure_future(client.render_sql(sql("work"), prefetch=True))
    waiting = asyncio.ensure_future(client.render_sql(sql("echo", "prefetched"), prefetch=True))
    await at_work.wait()
    assert (await asyncio.wait_for(client.render_sql(sql("echo", "asked")), 5)).sql == "asked"
    with pytest.raises(errors.Cancelled):
        await prefetch
    assert (await waiting).sql == "prefetched"


async def test_interrupts_never_hit_another_request(start: Start) -> None:
    client = await start()
    for turn in range(60):
        at_work = begun(client)
        preview = asyncio.ensure_future(client.render_sql(sql("work"), prefetch=turn % 2 == 0))
        if turn % 3:
            await at_work.wait()
        else:
            await asyncio.sleep(0)
        preview.cancel()
        assert (await client.render_sql(sql("echo", str(turn)))).sql == str(turn)


async def test_a_run_is_asked_to_stop_and_still_answers(start: Start) -> None:
    client, at_work = await start(), asyncio.Event()
    run = asyncio.ensure_future(
        client.run_plan(RunPlan("default", "back", None, None, "60"), lambda progress: at_work.set())
    )
    await at_work.wait()
    client.stop_run()
    assert (await run).stopped


async def test_cancelling_a_run_asks_it_to_stop_and_returns_its_answer(start: Start) -> None:
    client, at_work = await start(), asyncio.Event()
    run = asyncio.ensure_future(
        client.run_plan(RunPlan("default", "back", None, None, "60"), lambda progress: at_work.set())
    )
    await at_work.wait()
    run.cancel()
    assert (await run).stopped


async def test_stopping_without_a_run_does_nothing(start: Start) -> None:
    client = await start()
    client.stop_run()
    assert (await client.render_sql(sql("echo", "alive"))).sql == "alive"


async def test_long_answers_arrive_whole(start: Start) -> None:
    client = await start()
    answer = await client.render_sql(sql("huge", str(10 * 1024 * 1024)))
    assert len(answer.sql or "") == 10 * 1024 * 1024


async def test_a_hundred_requests_at_once_are_all_answered(start: Start) -> None:
    client = await start()
    answers = await asyncio.gather(
        *(client.render_sql(sql("echo", str(n)), prefetch=bool(n % 2)) for n in range(100))
    )
    assert [answer.sql for answer in answers] == [str(n) for n in range(100)]


async def test_the_engine_tells_what_changed_when_nothing_is_asked(start: Start) -> None:
    watch = (
        "from . import protocol\n"
        "def poll(session):\n"
        "    session.polls = getattr(session, 'polls', 0) + 1\n"
        "    if session.polls == 2: raise OSError('for a moment')\n"
        "    return [protocol.Changed('files')] if session.polls == 3 else []\n"
    )
    client = await start(sources=stubs.sources(watch=watch))
    changed: asyncio.Future[protocol.Changed] = asyncio.get_running_loop().create_future()
    client.on_changed = changed.set_result
    await client.open_project(OpenProject())
    assert await asyncio.wait_for(changed, 20) == protocol.Changed("files")
    await until(lambda: "for a moment" in client.output())


async def test_a_session_that_cannot_begin_says_so_and_is_tried_again(start: Start, tmp_path: Path) -> None:
    session = "if not os.path.exists('good'): raise ValueError('No database is configured.')"
    client = await start(sources=stubs.sources(session=session))
    with pytest.raises(errors.Failed, match="No database is configured"):
        await client.open_project(OpenProject())
    (tmp_path / "project" / "good").touch()
    assert (await client.open_project(OpenProject())).name == "stub"


async def test_a_last_answer_ends_the_engine_without_alarm(start: Start) -> None:
    client = await start()
    ended: list[str] = []
    client.on_ended = ended.append
    assert (await client.render_sql(sql("finish"))).sql == "the last"

    async def gone() -> bool:
        try:
            await client.render_sql(sql("echo"))
        except errors.EngineEnded:
            return True
        return False

    while not await gone():
        pass
    assert ended == []


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"jsonrpc": "2.0", "id": 900, "method": "no_such"}, protocol.METHOD_NOT_FOUND),
        ({"jsonrpc": "2.0", "id": 900, "method": "render_sql", "params": {}}, protocol.INVALID_PARAMS),
        ({"jsonrpc": "2.0", "id": 900, "method": "render_sql"}, protocol.INVALID_PARAMS),
        ({"jsonrpc": "1.0", "id": 900, "method": "open_project", "params": {}}, protocol.INVALID_REQUEST),
        ({"jsonrpc": "2.0", "id": None, "method": "open_project", "params": {}}, protocol.INVALID_REQUEST),
        ({"hello": "there"}, protocol.INVALID_REQUEST),
    ],
)
async def test_a_bad_request_is_answered_and_the_engine_goes_on(
    start: Start, message: dict[str, Any], code: int
) -> None:
    from djmig_tui import wire

    client, answers = await start(), []
    connection: Connection = client._connection
    received = connection._receive
    connection._receive = lambda line: (answers.append(wire.decode(line)), received(line))[1]  # type: ignore[method-assign]
    connection.write(wire.encode(message))
    await until(lambda: answers)
    assert answers[0]["error"]["code"] == code
    assert (await client.render_sql(sql("echo", "alive"))).sql == "alive"


async def test_a_line_that_is_no_message_is_answered_and_the_engine_goes_on(start: Start) -> None:
    client = await start()
    client._connection.write(b"[" * 200_000 + b"\n")
    client._connection.write(b"Password: \xff\n\n[]\n")
    assert (await client.render_sql(sql("echo", "alive"))).sql == "alive"
    await until(lambda: client.output().count("not understood") == 2)


GEVENT = """
import types
gevent = types.ModuleType("gevent")
gevent.monkey = types.ModuleType("gevent.monkey")
gevent.monkey.is_module_patched = lambda name: True
sys.modules.update({"gevent": gevent, "gevent.monkey": gevent.monkey})
"""


async def test_where_threads_are_patched_one_thread_does_it_all(start: Start, tmp_path: Path) -> None:
    threads = "print('threads:', sorted(thread.name for thread in __import__('threading').enumerate()))"
    client = await start(
        stubs.launch(tmp_path / "gevent", before=GEVENT), stubs.sources(open_project=threads)
    )
    await client.open_project(OpenProject())
    await until(lambda: "threads: ['MainThread']" in client.output())
    queued = [asyncio.ensure_future(client.render_sql(sql("echo", str(n)), prefetch=True)) for n in range(50)]
    assert (await client.render_sql(sql("echo", "asked"))).sql == "asked"
    assert not queued[-1].done()
    queued[-1].cancel()
    assert [answer.sql for answer in await asyncio.gather(*queued[:-1])] == [str(n) for n in range(49)]
    await client.close()


def test_every_method_has_one_stub_that_asks_for_its_own_reply() -> None:
    for method, (request, reply) in protocol.METHODS.items():
        stub = getattr(Client, method)
        signature = inspect.signature(stub, eval_str=True)
        assert signature.parameters["request"].annotation is request
        assert signature.return_annotation is reply
        source = " ".join(inspect.getsource(stub).split())
        asks = rf'(ask|_to_its_end)\( ?"{method}", request, p\.{reply.__name__}\b'
        assert re.search(asks, source), method


def test_every_method_is_answered_by_a_handler_of_its_own_name() -> None:
    engine = Path(server.__file__).parent
    assert set(server.TABLE) == set(protocol.METHODS)
    for method, place in server.TABLE.items():
        module, function = place.split(":")
        assert function == method
        file = engine / module / "__init__.py" if (engine / module).is_dir() else engine / f"{module}.py"
        tree = ast.parse(file.read_text("utf-8"))
        handler = next(
            node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == method
        )
        assert [argument.arg for argument in handler.args.args] == ["session", "request", "call"]
