"""The order in which requests run, what cancels what, and which progress is sent."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from djmig_tui.calls import Call, Calls
from djmig_tui.interrupts import Interrupts


class Told:
    """Collects what would have been sent."""

    def __init__(self) -> None:
        self.progress: list[tuple[int, int, str]] = []

    def __call__(self, method: str, params: Any) -> None:
        sent = params["progress"]
        self.progress.append((sent["done"], sent["total"], sent["message"]))


def call(id: int, method: str = "render_sql", *, prefetch: bool = False) -> Call:
    return Call(id, method, None, prefetch, Told())


@pytest.fixture
def interrupted() -> list[Any]:
    return []


@pytest.fixture
def calls(interrupted: list[Any]) -> Calls:
    return Calls(lambda call: interrupted.append(call.id))


def next_id(calls: Calls) -> Any:
    running, _ = calls.next(0)
    return running and running.id


def test_what_a_person_waits_for_comes_before_what_is_prefetched(calls: Calls) -> None:
    for one in (call(1, prefetch=True), call(2), call(3, prefetch=True), call(4)):
        calls.add(one)
    assert [next_id(calls) for _ in range(5)] == [2, 4, 1, 3, None]


def test_a_request_that_waits_is_cancelled_without_running(calls: Calls, interrupted: list[Any]) -> None:
    calls.add(call(1))
    calls.add(call(2))
    cancelled = calls.cancel(1)
    assert cancelled is not None
    assert cancelled.id == 1
    assert next_id(calls) == 2
    assert interrupted == []


def test_a_preview_that_runs_is_interrupted_once(calls: Calls, interrupted: list[Any]) -> None:
    one = call(1)
    calls.add(one)
    next_id(calls)
    assert calls.cancel(1) is None
    assert calls.cancel(1) is None
    assert one.stopping
    assert interrupted == [1]


def test_a_write_that_runs_is_only_asked_to_stop(calls: Calls, interrupted: list[Any]) -> None:
    one, asked = call(1, "run_plan"), []
    calls.add(one)
    next_id(calls)
    one.on_stop(lambda: asked.append(threading.current_thread()))
    calls.cancel(1)
    assert one.stopping
    assert asked == [threading.current_thread()]
    assert interrupted == []


def test_a_callback_that_comes_too_late_is_called_at_once() -> None:
    one, asked = call(1, "run_plan"), []
    one.stop()
    one.on_stop(lambda: asked.append(1))
    assert asked == [1]


def test_a_cancel_of_what_is_over_does_nothing(calls: Calls, interrupted: list[Any]) -> None:
    calls.add(call(1))
    next_id(calls)
    calls.done()
    assert calls.cancel(1) is None
    assert calls.cancel(99) is None
    assert interrupted == []


def test_a_request_of_a_person_sends_a_running_prefetch_away(calls: Calls, interrupted: list[Any]) -> None:
    prefetch = call(1, prefetch=True)
    calls.add(prefetch)
    next_id(calls)
    calls.add(call(2, prefetch=True))
    assert not prefetch.stopping
    calls.add(call(3))
    assert prefetch.stopping
    assert interrupted == [1]


def test_a_request_of_a_person_waits_for_another(calls: Calls, interrupted: list[Any]) -> None:
    calls.add(call(1))
    next_id(calls)
    calls.add(call(2))
    assert interrupted == []


def test_an_interface_that_goes_away_stops_all(calls: Calls, interrupted: list[Any]) -> None:
    for one in (call(1), call(2), call(3, prefetch=True)):
        calls.add(one)
    next_id(calls)
    running = calls.close()
    assert running is not None
    assert interrupted == [1]
    calls.done()
    calls.add(call(4))
    assert calls.next(10) == (None, True)


def test_a_callback_that_raises_does_not_end_the_reader(
    calls: Calls, capsys: pytest.CaptureFixture[str]
) -> None:
    one = call(1, "run_plan")
    calls.add(one)
    next_id(calls)
    one.on_stop(lambda: {}["the driver's own error"])  # type: ignore[misc]
    calls.cancel(1)
    assert one.stopping
    assert "the driver's own error" in capsys.readouterr().err


def test_the_last_progress_is_never_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([10.0, 10.0, 10.01, 10.02, 10.10, 10.10, 10.11, 20.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    told = Told()
    one = Call(1, "load_history", None, False, told)
    for done in range(1, 6):
        one.progress(done, 5, "reading")
    assert [done for done, _, _ in told.progress] == [1, 4]
    one.flush()
    one.flush()
    assert told.progress[-1] == (5, 5, "reading")
    assert len(told.progress) == 3


def test_no_progress_of_a_run_is_held_back() -> None:
    told = Told()
    one = Call(1, "run_plan", None, False, told)
    for done in range(5):
        one.progress(done, 5, "undoing")
    assert len(told.progress) == 5


@pytest.fixture
def interrupts() -> Any:
    import signal

    before = signal.getsignal(signal.SIGINT)
    yield Interrupts()
    signal.signal(signal.SIGINT, before)


def busy_until(condition: threading.Event) -> None:
    while not condition.is_set():
        pass


def test_an_interrupt_reaches_the_preview_that_it_is_meant_for(interrupts: Interrupts) -> None:
    one = call(1)

    def stop() -> None:
        one.stop()
        interrupts.fire(one)

    def work() -> None:
        threading.Thread(target=stop).start()
        busy_until(threading.Event())

    with pytest.raises(KeyboardInterrupt):
        interrupts.run(one, work)


def test_a_late_interrupt_does_not_reach_the_next_request(interrupts: Interrupts) -> None:
    import os
    import signal

    one, two = call(1), call(2)
    interrupts.run(one, lambda: None)
    one.stop()
    interrupts.fire(one)
    os.kill(os.getpid(), signal.SIGINT)  # as if it had been under way
    assert interrupts.run(two, lambda: "whole") == "whole"
    assert interrupts.run(two, lambda: os.kill(os.getpid(), signal.SIGINT)) is None


def test_a_stop_between_queue_and_handler_is_not_missed(interrupts: Interrupts) -> None:
    one, ran = call(1), []
    one.stop()
    interrupts.fire(one)
    with pytest.raises(KeyboardInterrupt):
        interrupts.run(one, lambda: ran.append(1))
    assert ran == []


def test_a_run_is_never_interrupted(interrupts: Interrupts) -> None:
    one = call(1, "run_plan")
    one.stop()
    interrupts.fire(one)
    assert interrupts.run(one, lambda: "whole") == "whole"


def test_what_is_written_to_the_channel_is_written_whole(interrupts: Interrupts) -> None:
    one, written = call(1), []

    def work() -> None:
        with interrupts.held_off():
            one.stop()
            interrupts.fire(one)
            written.append("half")
            written.append("the other half")
        written.append("more")

    with pytest.raises(KeyboardInterrupt):
        interrupts.run(one, work)
    assert written == ["half", "the other half"]
