"""Work in threads: its answers in order, and its lines written by whoever waits for it."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator

import pytest

from shared import telemetry
from shared.threads import aside, each, hold_lines_below, hold_lines_of

LIMIT = 30.0


class Writers(logging.Handler):
    """Which thread has written which line."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[tuple[str, int]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append((record.getMessage(), threading.get_ident()))


@pytest.fixture
def writers() -> Iterator[Writers]:
    handler = Writers()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


def mine(*lines: str) -> list[tuple[str, int]]:
    return [(line, threading.get_ident()) for line in lines]


def warn(text: str) -> str:
    telemetry.logger.warning(text)
    return text.upper()


def test_answers_and_lines_come_in_the_order_of_the_items_whoever_is_done_first(writers: Writers) -> None:
    second_is_done = threading.Event()

    def work(text: str) -> str:
        if text == "first":
            assert second_is_done.wait(LIMIT)
        answer = warn(text)
        if text == "second":
            second_is_done.set()
        return answer

    assert each(work, ["first", "second"], at_once=2) == ["FIRST", "SECOND"]
    assert writers.lines == mine("first", "second")


def test_when_work_raises_its_lines_and_those_of_everybody_who_began_are_written(writers: Writers) -> None:
    raised = threading.Event()

    def work(text: str) -> None:
        if text == "slow":
            assert raised.wait(LIMIT)
        warn(text)
        if text == "wrong":
            raised.set()
            raise ValueError("one is wrong")

    with pytest.raises(ValueError, match="one is wrong"):
        each(work, ["slow", "wrong"], at_once=2)

    assert writers.lines == mine("slow", "wrong")


def test_threads_within_threads_have_their_lines_written_outside_of_all(writers: Writers) -> None:
    def inner(name: str) -> str:
        return warn(name)

    def outer(name: str) -> list[str]:
        warn(f"{name} begins")
        return each(inner, [f"{name}1", f"{name}2"], at_once=2)

    assert each(outer, ["a", "b"], at_once=2) == [["A1", "A2"], ["B1", "B2"]]
    assert writers.lines == mine("a begins", "a1", "a2", "b begins", "b1", "b2")


def test_the_event_loop_goes_on_while_work_is_done_aside_and_writes_its_lines(writers: Writers) -> None:
    async def function() -> str:
        loop_went_on = threading.Event()
        asyncio.get_running_loop().call_soon(loop_went_on.set)

        def work(text: str, *, end: str) -> str:
            assert loop_went_on.wait(LIMIT)
            return warn(text + end)

        return await aside(work, "line", end="!")

    assert asyncio.run(function()) == "LINE!"
    assert writers.lines == mine("line!")


def test_what_is_raised_aside_is_raised_here_after_its_lines(writers: Writers) -> None:
    def work() -> None:
        warn("before")
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        asyncio.run(aside(work))

    assert writers.lines == mine("before")


def test_lines_of_a_library_are_held_at_any_depth_and_written_once(writers: Writers) -> None:
    top = logging.getLogger("a_library")
    for _ in range(2):
        hold_lines_below(top)

    def work(name: str) -> None:
        logging.getLogger(name).warning("retrying")

    each(work, ["a_library.http.pool", "a_library"], at_once=1)
    work("a_library.http")

    assert writers.lines == mine("retrying", "retrying", "retrying")


def test_a_line_keeps_its_time_and_its_fields(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        hold_lines_of(telemetry.logger)

    each(lambda run_id: telemetry.warn("run.known", run_id=run_id), ["digits-1", "digits-2"], at_once=1)

    record, _ = caplog.records
    assert vars(record)["landfall_run_id"] == "digits-1"
    assert record.threadName != threading.current_thread().name
