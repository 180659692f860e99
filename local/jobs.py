"""`python -m local azureml jobs` and `… logs JOB`: what the local Azure ML has run, for people at a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from local import tls
from local.commands import CommandFailed, NoAnswer, columns, where_is
from local.scoring import FINAL, Cloud
from local.tokens import Issuer

EVERY_SECONDS = 0.5
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
        shown = 0
        while True:
            status = next((str(one["status"]) for one in cloud.jobs() if one["name"] == job), None)
            if status is None:
                raise CommandFailed(
                    f"There is no job {job!r}; 'python -m local azureml jobs' lists those that there are."
                )
            lines = cloud.log(job).splitlines()
            for line in lines[shown:]:
                say(line)
            shown = len(lines)
            if status in FINAL or not follow:
                break
            time.sleep(EVERY_SECONDS)
        if status == "Failed":
            say(cloud.why(job))
        return 0 if status == "Completed" or status not in FINAL else 2


@contextmanager
def _asked(state: Path) -> Iterator[Cloud]:
    where = where_is(state)
    with httpx.Client(verify=tls.client_context(state), timeout=60, trust_env=False) as http:
        try:
            yield Cloud(where.storage, where.azureml, Issuer.of(state), http, tls.ca_bundle(state))
        except httpx.TransportError as error:
            raise NoAnswer(f"The local Azure ML did not answer: {error}") from error
