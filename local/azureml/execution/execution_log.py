"""The execution log of a job, which `jobs.stream` prints: its states, and what its script has printed meanwhile.

Rule: lines are only ever added, for the client prints those behind the ones that it has seen. In Azure the log has no
line of the script; here one has to be able to see what goes on.
Source of the states: an executionlogs.txt in MachineLearningNotebooks issue 606 (a time in brackets, then a sentence).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from local.azureml.workspace.jobs import Job, Status

EXECUTION = "azureml/executionlogs.txt"
MOST_LINES = 10_000
"""Of the script, in this log; all of them are in its own."""
LONGEST_LINE = 2_000
_CHUNK = 1 << 20
_STATE = re.compile(rf"\[[-0-9: ]+Z\] (?:{'|'.join(Status)})")


class ExecutionLog:
    """The log in a folder of logs. One at a time takes over what is printed."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._file = logs / EXECUTION
        self._taken: dict[Path, int] = {}
        self._lines = 0

    def tell(self, job: Job) -> None:
        """Add the states that are not there yet, and what the job's own run says of a failure."""
        told = sum(1 for line in self._present() if _STATE.fullmatch(line.rstrip("\n")))
        lines = [_line(change.at, str(change.status)) for change in job.changes[told:]]
        if error := job.own_error:
            lines.append(f"{error.reference or error.code}: {error.message}")
        self._add(lines)

    def note(self, at: datetime, sentence: str) -> None:
        """Add one line of the service's own."""
        self._add([_line(at, sentence)])

    def take_over(self, at: datetime, *, is_last: bool = False) -> None:
        """Add what was printed since the last time, in whole lines unless there will be no more."""
        if self._lines > MOST_LINES:
            return
        lines: list[str] = []
        for path in sorted((self._logs / "user").rglob("*.txt")):
            name = _source_of(path.relative_to(self._logs / "user"))
            while name and len(lines) <= MOST_LINES and (new := self._new_in(path, is_last=is_last)):
                lines += [_line(at, f"{name}: {text}") for text in new]
        allowed = MOST_LINES - self._lines
        self._lines += len(lines)
        if len(lines) > allowed:
            lines[allowed:] = [_line(at, f"The script has printed more than {MOST_LINES} lines; see logs/user/.")]
            self._lines = MOST_LINES + 1
        self._add(lines)

    def _new_in(self, path: Path, *, is_last: bool) -> list[str]:
        with path.open("rb") as file:
            file.seek(self._taken.get(path, 0))
            new = file.read(_CHUNK)
        whole = new[: new.rfind(b"\n") + 1] or (new if is_last or len(new) == _CHUNK else b"")
        self._taken[path] = self._taken.get(path, 0) + len(whole)
        # Only at line feeds: a carriage return is how a bar of progress moves, and its last state counts.
        lines = whole.decode("utf-8", "replace").removesuffix("\n").split("\n") if whole else []
        return [line.rstrip("\r").rpartition("\r")[2][:LONGEST_LINE] for line in lines]

    def _present(self) -> Iterator[str]:
        if self._file.exists():
            with self._file.open(encoding="utf-8", newline="\n") as file:
                yield from file

    def _add(self, lines: list[str]) -> None:
        if lines:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("a", encoding="utf-8", newline="\n") as file:
                file.writelines(f"{line}\n" for line in lines)


def _source_of(path: Path) -> str | None:
    """What a log below user/ is called here; None for one that is no output of a script."""
    match path.parts:
        case ("stdout" | "stderr", node, process):
            return f"{node}/{process.removesuffix('.txt')}"
        case (step, "std_log.txt"):
            return step
        case _:
            return None


def _line(at: datetime, text: str) -> str:
    return f"[{at:%Y-%m-%d %H:%M:%SZ}] {text}"
