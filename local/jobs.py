"""`python -m local azureml jobs` and `… logs JOB`: what the local Azure ML has run, for people at a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from local.commands import CommandFailed, NoAnswer, columns, where_is
from local.python import own_python
from local.scoring import FINAL, Cloud, asked

EVERY_SECONDS = 0.5
MOST_LATE = 10
"""How often the log of a job that has ended is read again for its last lines."""
COLUMNS = ("name", "status", "endpoint", "deployment", "created", "error")


def listed(state: Path) -> list[dict[str, Any]]:
    """All jobs, newest first. Raises CommandFailed."""
    with _asked(state) as cloud:
        return cloud.jobs()


def table(jobs: list[dict[str, Any]]) -> str:
    """Jobs for people."""
    return columns(COLUMNS, [{**job, "created": str(job["created"])[:19]} for job in jobs])


def logs(state: Path, job: str, say: Callable[[str], None], *, follow: bool = False) -> int:
    """Show the log of a job, with what its script has raised if it failed; `follow`: until it has ended. 0, or 2 for a
    job that has not completed. Raises CommandFailed."""
    with _asked(state) as cloud:
        shown = late = 0
        while True:
            status = next((str(one["status"]) for one in cloud.jobs() if one["name"] == job), None)
            if status is None:
                raise CommandFailed(
                    f"There is no job {job!r}; '{own_python()} -m local azureml jobs' lists those that there are."
                )
            lines = cloud.log(job).splitlines()
            for line in lines[shown:]:
                say(line)
            shown = len(lines)
            # The state is there a moment before the log tells it; a log that could not be uploaded never does.
            is_told = any(line.endswith(f"] {status}") for line in lines)
            late += status in FINAL
            if not follow or (status in FINAL and (is_told or late > MOST_LATE)):
                break
            time.sleep(EVERY_SECONDS)
        if status == "Failed":
            say(cloud.why(job))
        return 0 if status == "Completed" or status not in FINAL else 2


@contextmanager
def _asked(state: Path) -> Iterator[Cloud]:
    with asked(state, where_is(state)) as cloud:
        try:
            yield cloud
        except httpx.TransportError as error:
            raise NoAnswer(f"The local Azure ML did not answer: {error}") from error
