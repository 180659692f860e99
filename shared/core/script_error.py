"""The first exception of a user's own script, as the logs of its job show it.

Source of the shapes: Azure docs, how-to-debug-parallel-run-step, and logs in public issues (MachineLearningNotebooks
1652 and 1930, MLOpsPython 328, azure-docs 105903): a traceback may begin at the end of a line with a time before it,
and the service's own driver raises, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LONGEST_EXCEPTION = 400
"""Characters of an exception that are told: its message may hold a whole table."""

_BEGINNING = "Traceback (most recent call last):"
_FRAME = re.compile(r'\s+File "(?P<path>[^"]+)", line (?P<line>\d+)(?:, in .*)?')
_EXCEPTION = re.compile(r"[A-Za-z_][\w.]*(?:: .*)?")
_NOT_THE_USERS = re.compile(
    r"<|(^|/)(site-packages|dist-packages|azureml-envs|azureml_user|azureml_sys|azureml_common|lib/python\d[\d.]*)/"
    r"|(^|/)driver/[^/]+$"
)
"""Paths of libraries, of the standard library, and of the driver that calls a scoring script."""


@dataclass(frozen=True, slots=True)
class _Traceback:
    frames: Sequence[tuple[str, str]]
    exception: str

    @property
    def place(self) -> str | None:
        """Where the user's code was last; None if the traceback does not go through it."""
        own = [(path, line) for path, line in self.frames if not _NOT_THE_USERS.search(path.replace("\\", "/"))]
        if not own:
            return None
        path, line = own[-1]
        return f"{path.replace(chr(92), '/').rpartition('/')[2]}, line {line}"


def first_exception(log: str) -> str | None:
    """Such as `ValueError: the image has 9 channels (score.py, line 12)`: of the first traceback that goes through the
    user's own code, the exception, and the last place in that code. None: the log has no such traceback."""
    for found in _tracebacks(log.splitlines()):
        if (place := found.place) is not None:
            told = found.exception
            return f"{told if len(told) <= LONGEST_EXCEPTION else told[: LONGEST_EXCEPTION - 1] + '…'} ({place})"
    return None


def _tracebacks(lines: Sequence[str]) -> Iterator[_Traceback]:
    for number, line in enumerate(lines):
        if line.rstrip().endswith(_BEGINNING) and (found := _read(lines[number + 1 :], _indent_of(line))):
            yield found


def _indent_of(line: str) -> str:
    """What is before each line of a traceback that is itself indented."""
    before = line[: line.index(_BEGINNING)]
    return before if not before.strip() else ""


def _read(lines: Sequence[str], indent: str) -> _Traceback | None:
    """The traceback in lines that follow its beginning; None if it is cut, or none."""
    frames = []
    for line in lines:
        text = line.removeprefix(indent)
        if frame := _FRAME.fullmatch(text.rstrip()):
            frames.append((frame["path"], frame["line"]))
        elif text.startswith((" ", "\t")) or not text.strip():
            continue  # the code of a frame, marks below it, or repeated lines that were left out
        else:
            is_whole = frames and _EXCEPTION.fullmatch(text.rstrip())
            return _Traceback(frames, text.strip()) if is_whole else None
    return None
