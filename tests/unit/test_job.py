"""What the endpoint says of a job."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.core.job import STAGES, Job, Stage, advice_on, read_job, waits_for_nodes
from shared.core.record import builtins_of, load

DOCUMENTED = {
    "NotStarted",
    "Starting",
    "Provisioning",
    "Preparing",
    "Queued",
    "Running",
    "Finalizing",
    "CancelRequested",
    "Completed",
    "Failed",
    "Canceled",
    "NotResponding",
    "Paused",
    "Unknown",
}
"""`JobStatus` of the Azure ML REST specification."""


def test_every_documented_status_has_a_meaning() -> None:
    assert set(STAGES) == DOCUMENTED


def test_only_three_statuses_end_a_job() -> None:
    assert {status for status in DOCUMENTED if Job(name="j", status=status).is_final} == {
        "Completed",
        "Failed",
        "Canceled",
    }


@pytest.mark.parametrize("status", ["SomethingNew", "", "completed"])
def test_a_status_that_nobody_has_heard_of_is_followed(status: str) -> None:
    assert Job(name="j", status=status).stage is Stage.RUNNING


WHOLE: dict[str, Any] = {
    "id": "/subscriptions/s/…/batchEndpoints/e/deployments/d/jobs/batchjob-1",
    "name": "batchjob-1",
    "properties": {
        "status": "Running",
        "interactionEndpoints": {"Studio": {"endpoint": "https://ml.azure.com/runs/batchjob-1"}},
        "tags": {"azureml.deploymentname": "classic"},
    },
}


def test_a_job_is_read_with_its_link_and_deployment() -> None:
    assert read_job(WHOLE) == Job(
        name="batchjob-1",
        status="Running",
        id=WHOLE["id"],
        studio_url="https://ml.azure.com/runs/batchjob-1",
        deployment="classic",
    )


@pytest.mark.parametrize(
    "resource",
    [
        pytest.param({"name": "j"}, id="nothing but a name"),
        pytest.param({"name": "j", "properties": None}, id="no properties"),
        pytest.param({"name": "j", "properties": {"status": None, "tags": None}}, id="nulls"),
        pytest.param({"name": "j", "properties": {"interactionEndpoints": {"Studio": None}}}, id="no link"),
        pytest.param({"name": "j", "properties": {"interactionEndpoints": {"Tracking": {}}}}, id="other links"),
    ],
)
def test_what_the_endpoint_leaves_out_is_not_known(resource: dict[str, Any]) -> None:
    assert read_job(resource) == Job(name="j")


def test_a_status_outside_the_properties_is_taken_too() -> None:
    assert read_job({"name": "j", "status": "Queued"}).stage is Stage.WAITING


@pytest.mark.parametrize("resource", [{}, {"name": None}, {"name": ""}, {"name": 7}])
def test_a_job_without_a_name_is_no_job(resource: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="without a name"):
        read_job(resource)


@pytest.mark.parametrize(
    ("steps", "shown"),
    [
        (["Queued"], "Queued"),
        (["NotStarted", "Queued"], "NotStarted"),
        (["Running"], None),
        (["Completed", "Queued"], None),
        (["SomethingNew"], None),
        ([], None),
    ],
    ids=["waits", "two wait", "runs", "one has run", "unknown", "no steps yet"],
)
def test_a_job_waits_for_nodes_if_all_its_steps_do(steps: list[str], shown: str | None) -> None:
    assert waits_for_nodes(steps) == shown


def test_a_job_is_read_as_resource_manager_shows_it() -> None:
    resource = {
        "id": "/subscriptions/s/…/jobs/batchjob-1",
        "name": "batchjob-1",
        "properties": {
            "status": "Running",
            "tags": {"azureml.deploymentname": "classic"},
            "services": {"Studio": {"endpoint": "https://ml.azure.com/runs/batchjob-1"}},
        },
    }

    job = read_job(resource)

    assert (job.status, job.deployment) == ("Running", "classic")
    assert job.studio_url == "https://ml.azure.com/runs/batchjob-1"


@pytest.mark.parametrize("job", [Job(name="j"), read_job(WHOLE)], ids=["a name", "whole"])
def test_a_job_survives_the_way_between_functions(job: Job) -> None:
    assert load(Job, json.loads(json.dumps(builtins_of(job)))) == job


def test_what_a_later_answer_leaves_out_is_known_from_an_earlier_one() -> None:
    job = read_job(WHOLE).seen_again(Job(name="batchjob-1", status="Completed", deployment="better"))

    assert (job.status, job.id, job.studio_url) == ("Completed", read_job(WHOLE).id, read_job(WHOLE).studio_url)
    assert job.deployment == "better"


@pytest.mark.parametrize(
    ("reason", "is_known"),
    [
        ("StreamAccessException was caused by AuthenticationException. https://a/c could not be read", True),
        ("ScriptExecution.WriteStreams.Authentication: …", True),
        ("ValueError: the image has 9 channels", False),
    ],
    ids=["reading", "writing", "the model"],
)
def test_a_job_that_was_refused_its_data_comes_with_the_roles_that_its_compute_needs(
    reason: str, is_known: bool
) -> None:
    advice = advice_on(reason)

    assert (advice is not None) == is_known
    assert not is_known or "compute cluster's identity Storage Blob Data Reader" in str(advice)
