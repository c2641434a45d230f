"""The interface's end of the channel, over streams in memory: what it does with whatever comes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from djmig_tui import protocol, wire
from djmig_tui.calls import Call
from djmig_tui.protocol import Changed, FileRestored, OpenProject, Progress, RestoreFile
from tui.engine import errors
from tui.engine.ahead import Ahead, opening
from tui.engine.connection import Connection

pytestmark = pytest.mark.timeout(30)

REQUEST = RestoreFile("store", "0001_initial", "/site/0001_initial.py", "", 0o644)


class Peer:
    """Plays the engine: what was sent to it, and what it says."""

    def __init__(self, limit: int = wire.MAX_LINE) -> None:
        self.sent: list[Any] = []
        self.changed: list[Changed] = []
        self.log: list[bytes] = []
        self.connection = Connection(self.changed.append, self.log.append)
        self.connection.write = lambda line: self.sent.append(wire.decode(line))
        self.reader = asyncio.StreamReader(limit=limit)
        self.reading = asyncio.ensure_future(self.connection.read(self.reader))

    def says(self, **message: object) -> None:
        self.reader.feed_data(wire.encode({"jsonrpc": "2.0", **message}))

    async def asked(self, **options: Any) -> asyncio.Task[FileRestored]:
        request = asyncio.create_task(self.connection.ask("restore_file", REQUEST, FileRestored, **options))
        await asyncio.sleep(0)
        return request


async def test_a_request_names_its_method_and_carries_its_dataclass() -> None:
    peer = Peer()
    await peer.asked()
    await peer.asked(prefetch=True)
    first, second = peer.sent
    assert first["jsonrpc"] == "2.0"
    assert first["method"] == "restore_file"
    assert first["params"] == protocol.to_wire(REQUEST)
    assert "priority" not in first
    assert second["priority"] == protocol.PREFETCH
    assert first["id"] != second["id"]


async def test_answers_find_their_requests_in_any_order() -> None:
    peer = Peer()
    first, second = await peer.asked(), await peer.asked()
    peer.says(id=2, result={"path": "two"})
    peer.says(id=1, result={"path": "one"})
    assert await second == FileRestored("two")
    assert await first == FileRestored("one")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (protocol.REFUSED, errors.Refused),
        (protocol.STALE, errors.Stale),
        (protocol.FAILED, errors.Failed),
        (protocol.CANCELLED, errors.Cancelled),
        (protocol.INTERNAL_ERROR, errors.Failed),
        (protocol.METHOD_NOT_FOUND, errors.Failed),
        (12345, errors.Failed),
    ],
)
async def test_an_error_becomes_an_exception_of_its_kind(code: int, kind: type[errors.EngineError]) -> None:
    peer = Peer()
    request = await peer.asked()
    peer.says(id=1, error={"code": code, "message": "No.", "data": {"detail": "folded", "kind": "X"}})
    with pytest.raises(kind, match=r"^No\.$") as caught:
        await request
    assert type(caught.value) is kind
    assert caught.value.detail == "folded"


@pytest.mark.parametrize("error", [None, "text", [], {}, {"code": [], "message": 3, "data": 4}])
async def test_an_error_of_another_shape_is_still_an_error(error: object) -> None:
    peer = Peer()
    request = await peer.asked()
    peer.says(id=1, error=error)
    with pytest.raises(errors.Failed):
        await request


@pytest.mark.parametrize("result", [None, [], {}, {"path": 3}, "path"])
async def test_an_answer_of_another_shape_fails_its_request_alone(result: object) -> None:
    peer = Peer()
    request, other = await peer.asked(), await peer.asked()
    peer.says(id=1, result=result)
    peer.says(id=2, result={"path": "two"})
    with pytest.raises(errors.Failed, match="was not understood"):
        await request
    assert await other == FileRestored("two")


async def test_what_cannot_be_understood_goes_to_the_log_and_nowhere_else() -> None:
    peer = Peer()
    request = await peer.asked()
    for line in (
        b"Traceback (most recent call last):\n",
        b"[]\n",
        b'{"id": "1", "result": {}}\n',
        b"{}\n",
        b"\xff\n",
    ):
        peer.reader.feed_data(line)
    peer.says(method="changed", params={"what": 3})
    peer.says(method="$/progress", params={"id": 1, "progress": "half"})
    peer.says(method="$/progress", params=[])
    peer.says(method="from_the_future", params={})
    peer.says(id=77, result={})
    peer.says(id=1, result={"path": "one"})
    assert await request == FileRestored("one")
    assert len(peer.log) == 7
    assert all(line.startswith(b"djmig-tui: not understood") for line in peer.log)
    assert peer.changed == []


async def test_a_widget_that_raises_does_not_end_the_reading() -> None:
    peer, unhandled = Peer(), []
    asyncio.get_running_loop().set_exception_handler(
        lambda loop, context: unhandled.append(context["exception"])
    )

    def broken(progress: Progress) -> None:
        raise RuntimeError(progress.message)

    request = await peer.asked(on_progress=broken)
    peer.says(method="$/progress", params={"id": 1, "progress": {"message": "half-way"}})
    peer.says(id=1, result={"path": "one"})
    assert await request == FileRestored("one")
    assert [str(error) for error in unhandled] == ["half-way"]


async def test_progress_and_changes_come_before_the_answer_that_follows_them() -> None:
    peer, seen = Peer(), []
    request = await peer.asked(on_progress=lambda progress: seen.append(progress.done))
    request.add_done_callback(lambda task: seen.append("answer"))
    for done in (1, 2):
        peer.says(method="$/progress", params={"id": 1, "progress": {"done": done}})
    peer.says(method="changed", params={"what": "git"})
    peer.says(id=1, result={"path": "one"})
    await request
    await asyncio.sleep(0)
    assert seen == [1, 2, "answer"]
    assert peer.changed == [Changed("git")]


async def test_chunks_arrive_in_order_and_whole_before_the_answer() -> None:
    peer, sent = Peer(), bytes(range(256)) * 3 * 1024
    server = Call(
        1, "make_backup", None, False, lambda method, params: peer.says(method=method, params=params)
    )
    kept: list[bytes] = []
    request = await peer.asked(on_chunk=kept.append)
    server.chunk(sent)
    server.chunk(b"the rest")
    server.chunk(b"")
    peer.says(id=1, result={"path": "one"})
    await request
    assert b"".join(kept) == sent + b"the rest"
    assert max(map(len, kept)) == protocol.CHUNK_SIZE


async def test_who_cannot_keep_a_chunk_cancels_the_request_and_hears_why() -> None:
    peer, came = Peer(), []

    def full(data: bytes) -> None:
        came.append(data)
        raise OSError("no space left")

    request = await peer.asked(on_chunk=full)
    for _ in range(2):
        peer.says(method="$/chunk", params={"id": 1, "data": "AAAA"})
    peer.says(id=1, result={"path": "one"})
    with pytest.raises(OSError, match="no space left"):
        await request
    assert len(came) == 1, "nothing more is handed on"
    assert [each["method"] for each in peer.sent] == ["restore_file", "$/cancelRequest"]
    again = await peer.asked()
    peer.says(id=2, result={"path": "two"})
    assert await again == FileRestored("two")


async def test_giving_up_sends_one_cancel_and_ignores_the_late_answer() -> None:
    peer = Peer()
    request = await peer.asked()
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert [message["method"] for message in peer.sent] == ["restore_file", protocol.CANCEL]
    assert peer.sent[1]["params"] == {"id": 1}
    assert "id" not in peer.sent[1]
    peer.says(id=1, result={"path": "late"})
    other = await peer.asked()
    peer.says(id=2, result={"path": "two"})
    assert await other == FileRestored("two")
    assert peer.log == []


async def test_the_end_fails_what_waits_and_whoever_asks_later() -> None:
    peer = Peer()
    request, given_up = await peer.asked(), await peer.asked()
    given_up.cancel()
    peer.reader.feed_eof()
    assert await peer.reading == "The engine ended."
    peer.connection.end(errors.EngineEnded("The engine ended (signal 9).", "its last words"))
    for asked in (request, await peer.asked()):
        with pytest.raises(errors.EngineEnded, match="signal 9") as caught:
            await asked
        assert caught.value.detail == "its last words"
    peer.connection.cancel("restore_file")


async def test_a_line_past_the_limit_ends_the_conversation() -> None:
    peer = Peer(limit=1000)
    peer.reader.feed_data(b"x" * 3000)
    peer.reader.feed_data(b"\n")
    assert "sent a line of more than" in await peer.reading


async def test_nothing_can_be_asked_before_the_pipes_are_open() -> None:
    connection = Connection(lambda changed: None, lambda line: None)
    with pytest.raises(errors.EngineEnded, match="not connected"):
        await connection.ask("open_project", OpenProject(), protocol.Project)
    assert not connection.is_pending("open_project")


# -- what was asked ahead
AHEAD = (
    Ahead("open_project", {"read_only": False, "local_hosts": []}),
    Ahead("scan_history", {"database": "default"}),
)


async def test_who_asks_what_was_asked_ahead_gets_the_answer_that_came_meanwhile() -> None:
    peer = Peer()
    peer.connection.expect(AHEAD)
    peer.says(id=2, result={"database": "default", "apps": []})
    await asyncio.sleep(0)
    asked = peer.connection.ask("scan_history", protocol.ScanHistory(), protocol.History)
    assert await asked == protocol.History("default", ())
    assert peer.sent == []


async def test_progress_of_what_was_asked_ahead_reaches_who_asks_before_the_answer() -> None:
    peer, told = Peer(), []
    peer.connection.expect(AHEAD)
    request = asyncio.create_task(
        peer.connection.ask("scan_history", protocol.ScanHistory(), protocol.History, on_progress=told.append)
    )
    await asyncio.sleep(0)
    peer.says(method=protocol.PROGRESS, params={"id": 2, "progress": {"done": 1, "total": 2}})
    peer.says(id=2, result={"database": "default", "apps": []})
    await request
    assert [one.done for one in told] == [1]


async def test_what_was_asked_ahead_is_asked_again_the_second_time_and_for_other_words() -> None:
    peer, asks = Peer(), []
    peer.connection.expect(AHEAD)
    for request in (protocol.ScanHistory("archive"), protocol.ScanHistory(), protocol.ScanHistory()):
        asks.append(asyncio.create_task(peer.connection.ask("scan_history", request, protocol.History)))
    await asyncio.sleep(0)
    assert [(one["id"], one["params"]) for one in peer.sent] == [
        (3, {"database": "archive"}),
        (4, {"database": "default"}),
    ]


def test_what_is_asked_ahead_is_what_the_interface_asks_first() -> None:
    asked = opening("archive", read_only=True, local_hosts=("db.example",))
    requests = (
        OpenProject(True, ("db.example",)),
        protocol.ScanHistory("archive"),
        protocol.LoadHistory("archive"),
    )
    assert [one.params for one in asked] == [protocol.to_wire(request) for request in requests]
    assert [protocol.METHODS[one.method][0] for one in asked] == [type(request) for request in requests]
