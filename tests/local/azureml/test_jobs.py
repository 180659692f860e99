from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from local.azureml.workspace.jobs import (
    FINAL,
    TRANSITIONS,
    IllegalTransition,
    InputKind,
    Job,
    JobError,
    JobInput,
    JobOutput,
    Status,
    StatusChange,
)
from local.azureml.workspace.settings import JobSettings, format_duration, parse_duration
from local.azureml.workspace.store import JobStore

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def job(name: str = "batchjob-1", output: JobOutput | None = None) -> Job:
    return Job(
        name=name,
        child=f"{name}-child",
        display_name="shown",
        endpoint="digits",
        deployment="classic",
        created_by="me",
        inputs=(JobInput(key="x", kind=InputKind.FOLDER, uri="azureml://datastores/landing/paths/x"),),
        outputs=(output,) if output else (),
        settings=JobSettings(timeout=timedelta(seconds=90)),
        changes=(StatusChange(Status.PREPARING, NOON),),
    )


def test_every_state_leads_to_an_end() -> None:
    reached: dict[Status, set[Status]] = {status: set(following) for status, following in TRANSITIONS.items()}
    for _ in Status:
        for following in reached.values():
            following |= {end for status in tuple(following) for end in reached[status]}

    assert all(FINAL & following for status, following in reached.items() if status not in FINAL)
    assert {Status.COMPLETED, Status.FAILED, Status.CANCELED} == FINAL


def test_an_ended_job_does_not_move() -> None:
    ended = job().moved(Status.FAILED, NOON, JobError("UserError", "no"))

    with pytest.raises(IllegalTransition, match="is Failed; Running cannot follow"):
        ended.moved(Status.RUNNING, NOON)


def test_a_canceled_job_cannot_complete() -> None:
    with pytest.raises(IllegalTransition):
        job().moved(Status.CANCEL_REQUESTED, NOON).moved(Status.COMPLETED, NOON)


def test_the_record_gives_back_what_was_stored(tmp_path: Path) -> None:
    store = JobStore(tmp_path / "jobs.sqlite")
    first = job("one", JobOutput(key="score", uri="azureml://datastores/landing/paths/o.csv"))
    store.add(first)
    store.add(job("two"))
    failed = first.moved(Status.FAILED, NOON + timedelta(seconds=1), JobError("UserError", "no"))
    store.replace(failed)
    store.close()

    store = JobStore(tmp_path / "jobs.sqlite")

    assert store.get("one") == failed
    assert store.of_run("one-child") == failed
    assert store.get("three") is None
    assert [found.name for found in store.page()] == ["two", "one"]
    assert [found.name for found in store.page(endpoint="digits", skip=1, size=1)] == ["one"]
    assert store.page(deployment="other") == []
    assert [found.name for found in store.under_way()] == ["two"]
    store.close()


@pytest.mark.parametrize(
    ("text", "seconds"), [("PT30S", 30), ("PT1M", 60), ("P1DT1H", 90000), ("pt0.5s", 0.5), ("PT1H1M1S", 3661)]
)
def test_durations_are_iso_8601(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "P", "PT", "30", "PT30", "P1Y"])
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="ISO 8601"):
        parse_duration(text)


@pytest.mark.parametrize(("seconds", "text"), [(0, "PT0S"), (30, "PT30S"), (60, "PT1M"), (3661, "PT1H1M1S")])
def test_durations_are_written_as_the_service_writes_them(seconds: int, text: str) -> None:
    assert format_duration(timedelta(seconds=seconds)) == text
