"""The log that clients stream: lines are only added, whatever a script prints."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from local.azureml.execution.execution_log import EXECUTION, LONGEST_LINE, MOST_LINES, ExecutionLog

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
AT = "[2026-01-01 12:00:00Z]"


@pytest.fixture
def printed(tmp_path: Path) -> Path:
    path = tmp_path / "user" / "stdout" / "0" / "process000.stdout.txt"
    path.parent.mkdir(parents=True)
    return path


def lines(logs: Path) -> list[str]:
    file = logs / EXECUTION
    return [line.removeprefix(f"{AT} 0/process000.stdout: ") for line in file.read_text("utf-8").split("\n")[:-1]]


def test_a_line_is_taken_over_when_it_is_whole_and_the_last_one_in_any_case(tmp_path: Path, printed: Path) -> None:
    log = ExecutionLog(tmp_path)
    printed.write_text("one\ntw")
    log.take_over(NOON)
    assert lines(tmp_path) == ["one"]

    printed.write_text("one\ntwo\nthr")
    log.take_over(NOON)
    log.take_over(NOON, is_last=True)

    assert lines(tmp_path) == ["one", "two", "thr"]


def test_of_a_line_that_is_written_over_the_last_state_is_taken(tmp_path: Path, printed: Path) -> None:
    printed.write_bytes(b"10 %\r50 %\r100 %\r\n")

    ExecutionLog(tmp_path).take_over(NOON)

    assert lines(tmp_path) == ["100 %"]


def test_bytes_that_are_no_text_and_endless_lines_cost_a_line_each(tmp_path: Path, printed: Path) -> None:
    printed.write_bytes(b"\xff\xfe\n" + b"x" * 3 * LONGEST_LINE + b"\n")

    ExecutionLog(tmp_path).take_over(NOON)

    assert lines(tmp_path) == ["\ufffd\ufffd", "x" * LONGEST_LINE]


def test_a_script_that_prints_without_end_is_cut_short_once(tmp_path: Path, printed: Path) -> None:
    log = ExecutionLog(tmp_path)
    printed.write_text("again\n" * (MOST_LINES + 5))

    for _ in range(3):
        log.take_over(NOON)

    *taken, last = lines(tmp_path)
    assert taken == ["again"] * MOST_LINES
    assert last == f"{AT} The script has printed more than {MOST_LINES} lines; see logs/user/."


def test_errors_that_are_told_of_elsewhere_are_no_output(tmp_path: Path, printed: Path) -> None:
    printed.write_text("said\n")
    for name in ("user/error.txt", "user/error/0/process000.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text("raised\n")

    ExecutionLog(tmp_path).take_over(NOON)

    assert lines(tmp_path) == ["said"]
