from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
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
    StepRun,
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


P, Q, R, C = Status.PREPARING, Status.QUEUED, Status.RUNNING, Status.COMPLETED


@pytest.mark.parametrize(
    ("own", "steps", "waits"),
    [
        ([Q], [], True),
        ([R], [], False),
        ([R], [Q, P], True),
        ([R], [P, P], False),
        ([R], [R, Q], False),
        ([R], [C, Q], False),
        ([Q], [P, P], True),
        ([Q, Status.CANCEL_REQUESTED], [], False),
        ([R, Status.CANCEL_REQUESTED], [Q], False),
    ],
)
def test_a_job_waits_for_nodes_until_the_first_run_below_it_has_one(
    own: list[Status], steps: list[Status], waits: bool
) -> None:
    moved = job()
    for status in own:
        moved = moved.moved(status, NOON)
    runs = tuple(StepRun(name=str(number), run=str(number), status=status) for number, status in enumerate(steps))

    assert replace(moved, steps=runs).waits_for_nodes is waits


def test_a_job_that_was_recorded_before_its_creator_s_kind_was_is_a_person_s(tmp_path: Path) -> None:
    """Records of an earlier version lack what was added since, and are read all the same."""
    path = tmp_path / "jobs.sqlite"
    store = JobStore(path)
    step = StepRun(name="a", run="b")
    store.add(replace(job(), steps=(step,)).moved(Status.FAILED, NOON, JobError("UserError", "no")))
    store.close()
    with closing(sqlite3.connect(path)) as database, database:
        paths = "'$.created_by_type', '$.error.reference', '$.steps[0].error'"
        database.execute(f"UPDATE jobs SET document = json_remove(document, {paths})")

    store = JobStore(path)
    read = store.get("batchjob-1")
    store.close()

    assert read is not None
    assert (read.created_by_type, read.error, read.steps) == ("User", JobError("UserError", "no"), (step,))


def test_the_record_gives_back_what_was_stored(tmp_path: Path) -> None:
    store = JobStore(tmp_path / "jobs.sqlite")
    first = job("one", JobOutput(key="score", uri="azureml://datastores/landing/paths/o.csv"))
    store.add(first)
    store.add(job("two"))
    broken = StepRun(name="a", run="b", status=Status.FAILED, ended=NOON, error=JobError("UserError", "step", "Ref"))
    failed = replace(first, steps=(broken,), created_by_type="Application")
    failed = failed.moved(Status.FAILED, NOON + timedelta(seconds=1), JobError("UserError", "no"))
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
