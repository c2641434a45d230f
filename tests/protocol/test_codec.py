"""Every message survives the wire, and a message of another shape is refused in words."""

from __future__ import annotations

import dataclasses
import typing
from typing import Any, Union

import pytest

from djmig_tui import protocol, wire

MESSAGES = sorted(
    {cls for pair in protocol.METHODS.values() for cls in pair}
    | {protocol.ErrorData, protocol.Progress, protocol.Changed},
    key=lambda cls: cls.__name__,
)


def sample(hint: Any, full: bool, depth: int = 2) -> Any:
    """Return a value of type `hint`: with everything filled in, or as empty as it may be."""
    origin = typing.get_origin(hint)
    if dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        values = {
            field.name: sample(hints[field.name], full, depth - 1) for field in dataclasses.fields(hint)
        }
        return typing.cast("Any", hint)(**values)
    if origin is tuple:
        return (sample(typing.get_args(hint)[0], full, depth),) * 2 if full and depth >= 0 else ()
    if origin is Union:
        return sample(typing.get_args(hint)[0], full, depth) if full else None
    return {str: "naïve [/b] \x1b[0m \udcff", bool: True, int: 7, float: 0.25}[hint]


@pytest.mark.parametrize("brief", [False, True], ids=["whole", "brief"])
@pytest.mark.parametrize("full", [True, False], ids=["full", "empty"])
@pytest.mark.parametrize("cls", MESSAGES, ids=lambda cls: cls.__name__)
def test_every_message_comes_back_as_it_was_sent(cls: type, full: bool, brief: bool) -> None:
    value = sample(cls, full)
    line = wire.encode({"params": protocol.to_wire(value, brief)})
    assert line.isascii()
    assert protocol.from_wire(cls, wire.decode(line)["params"]) == value


@pytest.mark.parametrize("cls", MESSAGES, ids=lambda cls: cls.__name__)
def test_members_from_the_future_are_ignored(cls: type) -> None:
    value = sample(cls, full=True)
    assert protocol.from_wire(cls, {**protocol.to_wire(value), "from_the_future": 1}) == value


@pytest.mark.parametrize("cls", MESSAGES, ids=lambda cls: cls.__name__)
def test_a_member_of_another_type_is_refused(cls: type) -> None:
    data = protocol.to_wire(sample(cls, full=True))
    for name in data:
        with pytest.raises(protocol.ProtocolError):
            protocol.from_wire(cls, {**data, name: {"not": "this"}})


@pytest.mark.parametrize("cls", MESSAGES, ids=lambda cls: cls.__name__)
def test_a_missing_member_is_refused_by_its_name(cls: type) -> None:
    data = protocol.to_wire(sample(cls, full=True))
    for field in dataclasses.fields(cls):
        without = {name: value for name, value in data.items() if name != field.name}
        if field.default is dataclasses.MISSING:
            with pytest.raises(protocol.ProtocolError, match=f"{cls.__name__} lacks '{field.name}'"):
                protocol.from_wire(cls, without)
        else:
            assert getattr(protocol.from_wire(cls, without), field.name) == field.default


@pytest.mark.parametrize("data", [None, [], "text", 3, True])
def test_what_is_not_an_object_is_refused(data: object) -> None:
    with pytest.raises(protocol.ProtocolError):
        protocol.from_wire(protocol.RenderSql, data)


def test_a_truth_value_is_not_taken_for_a_number() -> None:
    with pytest.raises(protocol.ProtocolError, match="int"):
        protocol.from_wire(protocol.Progress, {"done": True})


def test_the_stem_of_a_method_is_the_stem_of_its_request() -> None:
    for method, (request, _) in protocol.METHODS.items():
        assert request.__name__ == "".join(word.title() for word in method.split("_"))
