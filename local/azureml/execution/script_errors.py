"""What a scoring script raised: every traceback, a summary, and the first of all.

Source: Azure docs, how-to-troubleshoot-batch-endpoints (user/error/<node>/ has the tracebacks, user/error.txt sums them
up) and how-to-debug-parallel-run-step.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from local.azureml.execution.workers import WorkerFailed

SHOWN = "backslashreplace"
"""What cannot be written, such as names of files that are no text, is shown by its number."""
MOST_REASONS = 100
"""Different reasons in the summary; a script may name each file in its message."""


@dataclass(slots=True)
class _Seen:
    where: str
    times: int = 1


@dataclass(slots=True)
class ScriptErrors:
    """The errors of one job, written to its logs as they come."""

    logs: Path
    _reasons: dict[str, _Seen] = field(default_factory=dict)
    _others: int = 0

    def add(self, node: str, number: int, what: str, failure: WorkerFailed) -> None:
        """A call has failed: `what` says which, in the process `number` of a node."""
        name = f"user/error/{node}/process{number:03}.txt"
        path = self.logs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8", errors=SHOWN) as file:
            file.write(f"{what}: {failure}".rstrip() + "\n")
        if seen := self._reasons.get(failure.reason):
            seen.times += 1
        elif len(self._reasons) < MOST_REASONS:
            self._reasons[failure.reason] = _Seen(f"{what}; see logs/{name}")
        else:
            self._others += 1
        (self.logs / "user" / "error.txt").write_text(self._summary(), "utf-8", SHOWN)

    @property
    def first(self) -> str | None:
        """The first error and where its traceback is; None if there was none."""
        return next((f"{reason}; {_place(seen)}" for reason, seen in self._reasons.items()), None)

    def _summary(self) -> str:
        lines = [f"{seen.times} x {reason} (first: {seen.where})" for reason, seen in self._reasons.items()]
        return "\n".join([*lines, *([f"{self._others} x other errors"] if self._others else [])]) + "\n"


def _place(seen: _Seen) -> str:
    return seen.where.rpartition("; ")[2]
