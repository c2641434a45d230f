"""What a run waits for before it drops rows: the interface's answers, a stop, or the end of the pipe."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from djmig_tui.calls import ON_THEIR_WAY, Call, Calls
from djmig_tui.protocol import KEEP, KeptPart

PART = KeptPart("shop.0002_step", "shop_item", "note", (), 1, 1, 3, "")


class Told:
    """Collects the numbers that are to be answered."""

    def __init__(self) -> None:
        self.numbers: list[int] = []

    def __call__(self, method: str, params: Any) -> None:
        assert method == KEEP
        self.numbers.append(params["rows"]["number"])


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def call(told: Told) -> Call:
    return Call(1, "run_plan", None, False, told)


def _in_thread(work: Any) -> tuple[threading.Thread, list[Any]]:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    return thread, found


def test_few_are_on_their_way_and_a_part_waits_for_all(call: Call, told: Told) -> None:
    for _ in range(ON_THEIR_WAY):
        assert call.keep(b"[]\n") == ""
    thread, found = _in_thread(lambda: call.keep(b"", PART))
    while len(told.numbers) <= ON_THEIR_WAY:
        thread.join(0.01)
    for number in told.numbers[:-1]:
        call.answers.heard(number, "")
    thread.join(0.05)
    assert thread.is_alive(), "the last one is not answered"
    call.answers.heard(told.numbers[-1], "")
    thread.join(5)
    assert found == [""]


@pytest.mark.parametrize("wake", ["an error", "a stop", "the end"])
def test_a_wait_ends(call: Call, wake: str) -> None:
    calls = Calls(lambda stopped: None)
    calls.add(call)
    calls.next(0)
    thread, found = _in_thread(lambda: call.keep(b"", PART))
    thread.join(0.05)
    if wake == "an error":
        calls.heard(1, 1, "There is no room left.")
    elif wake == "a stop":
        calls.cancel(1)
    else:
        calls.close()
    thread.join(5)
    assert found == ["There is no room left." if wake == "an error" else ""]
    assert call.stopping is (wake != "an error")


def test_answers_to_another_request_are_not_heard(call: Call, told: Told) -> None:
    calls = Calls(lambda stopped: None)
    calls.add(call)
    calls.next(0)
    calls.heard(2, 1, "not for you")
    calls.heard(1, 1, "")
    assert call.keep(b"", PART) == ""


def test_where_no_thread_listens_the_wait_does(call: Call) -> None:
    def listen(seconds: float) -> list[bytes]:
        call.answers.heard(1, "")
        return []

    call.answers.listen = listen
    assert call.keep(b"", PART) == ""
