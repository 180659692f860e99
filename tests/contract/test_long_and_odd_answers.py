"""Answers of an endpoint that are longer than can be kept, and jobs that are described in no way that is known.

Seen before: a message of 100 kB travelled with every record of its run; and one resource in a list whose `properties`
were a list was a defect of whoever read it, which ended the run, and of every sweep.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shared.adapters.batch_endpoint import AzureBatchEndpoint
from shared.core.job import Job
from shared.core.submission import Accepted, Deferred, Rejected, Unclear
from shared.core.trouble import LONGEST_MESSAGE
from shared.errors import Unavailable
from testbed.fakes import NOON
from tests.contract.asking import asking, at, landed, output
from tests.local.azureml.cloud import Cloud

Break = Callable[..., None]

HUGE = {"error": {"code": "UserError", "message": "words and words " * 6500}}
A_LITTLE_MORE = 200
"""Characters that say of what the message is."""


@pytest.fixture
def uri(cloud: Cloud) -> Iterator[str]:
    yield f"{cloud.addresses.azureml}/endpoints/lengths/jobs"
    cloud.http.delete(f"{cloud.addresses.azureml}/_faults").raise_for_status()


@pytest.fixture
def break_with(cloud: Cloud) -> Break:
    def put(**rule: Any) -> None:
        cloud.http.put(f"{cloud.addresses.azureml}/_faults", json=[rule]).raise_for_status()

    return put


@pytest.mark.parametrize(("status", "kind"), [(429, Deferred), (400, Rejected), (403, Rejected), (500, Unclear)])
@pytest.mark.parametrize("body", [HUGE, "words and words " * 6500], ids=["an envelope", "a page"])
def test_a_long_answer_to_a_submission_is_cut(
    endpoint: AzureBatchEndpoint, uri: str, break_with: Break, status: int, kind: type[Any], body: object
) -> None:
    break_with(match={"method": "POST"}, action={"status": status, "body": body})

    answer = endpoint.submit(at(uri), {})

    assert isinstance(answer, kind)
    assert "words and words" in answer.message
    assert len(answer.message) <= LONGEST_MESSAGE + A_LITTLE_MORE


@pytest.mark.parametrize("status", [403, 503])
def test_a_long_refusal_is_cut(endpoint: AzureBatchEndpoint, uri: str, break_with: Break, status: int) -> None:
    break_with(match={"method": "GET"}, action={"status": status, "body": HUGE})

    with pytest.raises(Unavailable, match="words and words") as trouble:
        endpoint.job(at(uri), Job(name="batchjob-1"))

    assert len(str(trouble.value)) <= LONGEST_MESSAGE + A_LITTLE_MORE


def test_a_long_explanation_of_a_failure_is_cut(
    endpoint: AzureBatchEndpoint, cloud: Cloud, uri: str, break_with: Break
) -> None:
    answer = endpoint.submit(at(uri), asking(landed(cloud), output()))
    assert isinstance(answer, Accepted)
    details = {"error": {"error": {"message": "words and words " * 6500}}}
    break_with(match={"method": "GET", "path": "/details$"}, action={"status": 200, "body": details})

    told = endpoint.explain(at(uri), answer.job)

    assert told is not None
    assert told.startswith("words and words")
    assert len(told) <= LONGEST_MESSAGE


ODD = [
    {"name": "a", "properties": []},
    {"name": "a", "properties": {"outputData": [{"uri": "x"}]}},
    {"name": "a", "properties": {"outputData": {"predictions": "x"}}},
    {"properties": {"outputData": {}}},
    ["a"],
    "a",
    7,
    None,
]


def test_odd_jobs_in_a_list_do_not_hide_the_one_that_is_looked_for(
    endpoint: AzureBatchEndpoint, uri: str, break_with: Break
) -> None:
    """But one without a name may be any, so that nothing can be concluded from what else is in the list."""
    written = {"predictions": {"uri": output()}}
    mine = {"id": 7, "name": "batchjob-1", "properties": {"status": ["?"], "tags": [], "outputData": written}}
    break_with(match={"method": "GET", "path": "/jobs$"}, action={"status": 200, "body": {"value": [*ODD, mine]}})

    listing = endpoint.jobs_since(at(uri), NOON)

    assert listing.complete is False
    assert "a listed job could not be read" in listing.reason
    found = next(one for one in listing.jobs if one.job.name == "batchjob-1")
    assert (found.job.status, found.job.id, found.job.deployment) == ("Unknown", None, None)
    assert [one.outputs for one in listing.jobs if one.job.name == "a"] == [()]


@pytest.mark.parametrize("name", ["batchjob-2", "x" * 100_000])
def test_the_answer_about_another_job_is_not_taken_for_the_one_that_was_asked_for(
    endpoint: AzureBatchEndpoint, uri: str, break_with: Break, name: str
) -> None:
    """A proxy's mistake: the run would be published with what its job had written by then."""
    body = {"name": name, "properties": {"status": "Completed"}}
    break_with(match={"method": "GET"}, action={"status": 200, "body": body})

    with pytest.raises(Unavailable, match="Asked for job batchjob-1, the endpoint answered with job") as trouble:
        endpoint.job(at(uri), Job(name="batchjob-1"))

    assert len(str(trouble.value)) < 200


@pytest.mark.parametrize("value", [7, True, "x", {"a": 1}])
def test_a_list_of_jobs_that_is_no_list_is_not_an_empty_list(
    endpoint: AzureBatchEndpoint, uri: str, break_with: Break, value: object
) -> None:
    """A number was a defect, which ends the run, and a text was a complete list of nothing."""
    break_with(match={"method": "GET", "path": "/jobs$"}, action={"status": 200, "body": {"value": value}})

    listing = endpoint.jobs_since(at(uri), NOON)

    assert (listing.jobs, listing.complete) == ((), False)


@pytest.mark.parametrize(
    "body", [{"id": 7, "name": "a"}, {"name": "a", "properties": ["x"]}, {"name": "a", "properties": {"tags": 7}}]
)
def test_an_odd_job_is_read_as_far_as_it_goes(
    endpoint: AzureBatchEndpoint, uri: str, break_with: Break, body: object
) -> None:
    break_with(match={"method": "GET"}, action={"status": 200, "body": body})

    job = endpoint.job(at(uri), Job(name="a"))

    assert job is not None
    assert (job.name, job.status, job.id) == ("a", "Unknown", None)
    assert not job.is_final
