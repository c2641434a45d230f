"""Framing at both ends: one message a line, whatever is in it, and nothing without end."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from djmig_tui import protocol, wire
from djmig_tui.channel import Channel


@pytest.fixture
def pipes() -> Iterator[tuple[Channel, int, int]]:
    """A channel, what to write to it, and what it writes to."""
    (read, to_engine), (from_engine, write) = os.pipe(), os.pipe()
    yield Channel(read, write), to_engine, from_engine
    for fd in (read, to_engine, from_engine, write):
        try:
            os.close(fd)
        except OSError:
            continue


@pytest.mark.parametrize("text", ["line\nbreak\r\u2028", "\x00", "\udcff", "é", '"\\', ""])
def test_any_text_stays_on_one_line(text: str) -> None:
    line = wire.encode({"text": text})
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert wire.decode(line) == {"text": text}


@pytest.mark.parametrize(
    "line", [b"", b"{", b"[]", b"1", b"null", b"\xff\xfe", b'{"a":1}{"b":2}', b"Traceback:"]
)
def test_a_line_that_is_not_one_object_is_refused(line: bytes) -> None:
    with pytest.raises(wire.WireError):
        wire.decode(line)


def test_a_line_past_the_limit_is_refused_at_both_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_LINE", 100)
    assert wire.decode(wire.encode({"text": "x" * 80}))
    with pytest.raises(wire.WireError, match="limit of 100"):
        wire.encode({"text": "x" * 100})
    with pytest.raises(wire.WireError, match="limit of 100"):
        wire.decode(b" " * 101)


def test_numbers_that_json_does_not_know_are_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        wire.encode({"seconds": float("nan")})


def test_lines_are_put_together_from_pieces(pipes: tuple[Channel, int, int]) -> None:
    channel, to_engine, _ = pipes
    os.write(to_engine, b'{"a":1}\n\n{"b"')
    assert channel.read() == [b'{"a":1}']
    os.write(to_engine, b":2}")
    assert channel.read() == []
    os.write(to_engine, b"\n")
    assert channel.read() == [b'{"b":2}']
    assert channel.read(timeout=0) == []
    os.close(to_engine)
    assert channel.read() is None


def test_a_line_without_end_does_not_fill_the_memory(
    pipes: tuple[Channel, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "MAX_LINE", 1000)
    channel, to_engine, _ = pipes
    for _ in range(20):
        os.write(to_engine, b"x" * 500)
        assert channel.read() == []
        assert len(channel._buffer) <= 1000
    os.write(to_engine, b'\n{"a":1}\n')
    garbage, good = channel.read() or ()
    with pytest.raises(wire.WireError):
        wire.decode(garbage)
    assert wire.decode(good) == {"a": 1}


def test_an_answer_that_cannot_be_sent_becomes_an_error(
    pipes: tuple[Channel, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "MAX_LINE", 1000)
    channel, _, from_engine = pipes
    channel.reply(3, protocol.FileRestored("x" * 2000))
    answer = wire.decode(os.read(from_engine, 65536))
    assert answer["id"] == 3
    assert answer["error"]["code"] == protocol.INTERNAL_ERROR
    assert "cannot be sent" in answer["error"]["message"]


def test_writing_to_an_interface_that_is_gone_is_no_error(pipes: tuple[Channel, int, int]) -> None:
    channel, _, from_engine = pipes
    os.close(from_engine)
    channel.notify(protocol.CHANGED, {"what": "files"})
