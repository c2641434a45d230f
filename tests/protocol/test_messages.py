"""Messages behave as the frozen dataclasses that they are written as, though they are made in another way."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any

import pytest

from djmig_tui import protocol
from tests.protocol.test_codec import MESSAGES, sample


def real(cls: Any) -> Any:
    """Return the class that the real decorator makes of the same members."""
    members = [
        (field.name, field.type, dataclasses.field(default=field.default))
        for field in dataclasses.fields(cls)
    ]
    return dataclasses.make_dataclass(cls.__name__, members, frozen=True)


@pytest.mark.parametrize("cls", MESSAGES, ids=lambda cls: cls.__name__)
def test_a_message_shows_and_compares_as_a_dataclass(cls: Any) -> None:
    value, other = sample(cls, full=True), sample(cls, full=False)
    values = {field.name: getattr(value, field.name) for field in dataclasses.fields(cls)}
    assert repr(value) == repr(real(cls)(**values))
    assert hash(value) == hash(real(cls)(**values))
    assert value == cls(*values.values()) == cls(**values)
    assert value != real(cls)(**values)
    assert (value == other) == (repr(value) == repr(other))
    assert cls.__match_args__ == tuple(values)


@pytest.mark.parametrize("cls", MESSAGES, ids=lambda cls: cls.__name__)
def test_a_message_is_copied_and_never_changed(cls: Any) -> None:
    value = sample(cls, full=True)
    assert copy.deepcopy(value) == pickle.loads(pickle.dumps(value)) == dataclasses.replace(value) == value
    for name in (*(field.name for field in dataclasses.fields(cls)), "another"):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, name, None)
        with pytest.raises(dataclasses.FrozenInstanceError):
            delattr(value, name)


def test_what_is_missing_or_not_known_is_refused_at_the_first_use_and_later() -> None:
    for _ in range(2):
        with pytest.raises(TypeError, match="app"):
            protocol.StepDone(name="0001_initial")  # type: ignore[call-arg]
        with pytest.raises(TypeError, match="colour"):
            protocol.StepDone("store", "0001_initial", colour="red")  # type: ignore[call-arg]
    assert protocol.StepDone("store", name="0001_initial").app == "store"
