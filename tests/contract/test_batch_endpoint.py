"""The batch endpoint client against the local Azure ML, which is written from the documents alone."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest
from azure.core.credentials import AccessToken

from local.identity.credential import LocalCredential
from local.tokens import Issuer
from shared.adapters.batch_endpoint import AzureBatchEndpoint
from shared.core.job import Job
from shared.core.submission import Accepted, Deferred, Rejected, Unclear
from shared.errors import Unavailable
from shared.ports import JobListing
from tests.eventually import eventually
from tests.local.azureml.cloud import Cloud

_numbers = itertools.count()
Break = Callable[..., None]


@pytest.fixture
def uri(cloud: Cloud) -> Iterator[str]:
    yield f"{cloud.addresses.azureml}/endpoints/lengths/jobs"
    cloud.http.delete(f"{cloud.addresses.azureml}/_faults").raise_for_status()


@pytest.fixture
def endpoint(cloud: Cloud) -> Iterator[AzureBatchEndpoint]:
    with closing(AzureBatchEndpoint(LocalCredential.of(cloud.state), cloud.addresses.azureml)) as client:
        yield client


@pytest.fixture
def break_with(cloud: Cloud) -> Break:
    def put(**rule: Any) -> None:
        cloud.http.put(f"{cloud.addresses.azureml}/_faults", json=[rule]).raise_for_status()

    return put


def output() -> str:
    return f"azureml://datastores/workspaceblobstore/paths/contract/{next(_numbers)}/predictions.csv"


def body(cloud: Cloud, wanted: str, *, kind: str = "UriFile") -> dict[str, Any]:
    cloud.put("devstoreaccount1/landing/contract/a.txt", b"12345")
    given = f"{cloud.addresses.account_url()}/landing/contract"
    return {
        "properties": {
            "inputData": {"files": {"jobInputType": "UriFolder", "uri": given}},
            "outputData": {"predictions": {"jobOutputType": kind, "uri": wanted}},
        }
    }


def jobs_on(cloud: Cloud, wanted: str) -> int:
    """How many jobs there are that write that output."""
    jobs = cloud.http.get(f"{cloud.addresses.azureml}/_jobs").raise_for_status().json()
    return len([job for job in jobs if job["output_uri"] == wanted])


def ended(endpoint: AzureBatchEndpoint, uri: str, name: str) -> Job:
    def look() -> Job | None:
        job = endpoint.job(uri, name)
        return job if job is not None and job.is_final else None

    return eventually(look, f"the end of {name}")


def test_a_submission_is_a_job_that_can_be_followed_to_its_end(
    endpoint: AzureBatchEndpoint, cloud: Cloud, uri: str
) -> None:
    answer = endpoint.submit(uri, None, body(cloud, output()))

    assert isinstance(answer, Accepted)
    job = ended(endpoint, uri, answer.job.name)
    assert (job.status, job.deployment) == ("Completed", "main")
    assert job.studio_url is not None
    assert job.studio_url.startswith(f"https://ml.azure.com/runs/{job.name}")


def test_a_job_is_found_by_the_output_that_it_was_asked_to_write(
    endpoint: AzureBatchEndpoint, cloud: Cloud, uri: str
) -> None:
    mine, other = output(), output()
    answer = endpoint.submit(uri, "main", body(cloud, mine))
    for _ in range(12):  # more than a page of them
        endpoint.submit(uri, None, body(cloud, output()))
    assert isinstance(answer, Accepted)

    running = endpoint.jobs_writing(uri, [mine, other])
    ended(endpoint, uri, answer.job.name)
    completed = endpoint.jobs_writing(uri, [mine])

    assert running.complete
    assert {wanted: job.name for wanted, job in running.found.items()} == {mine: answer.job.name}
    assert completed.found[mine].name == answer.job.name  # the service tells the output in another form by now


def test_a_job_that_is_not_there_is_none(endpoint: AzureBatchEndpoint, uri: str) -> None:
    assert endpoint.job(uri, "batchjob-nothing") is None


@pytest.mark.parametrize(
    ("deployment", "kind", "status", "words"),
    [
        ("gone", "UriFile", 404, "No valid deployments to route to"),
        (None, "UriFolder", 400, "Job output type must be 'uri_file'"),
    ],
    ids=["unknown deployment", "wrong output type"],
)
def test_what_the_endpoint_refuses_comes_back_in_its_own_words(
    endpoint: AzureBatchEndpoint, cloud: Cloud, uri: str, deployment: str | None, kind: str, status: int, words: str
) -> None:
    answer = endpoint.submit(uri, deployment, body(cloud, output(), kind=kind))

    assert isinstance(answer, Rejected)
    assert answer.status == status
    assert words in answer.message


def test_a_token_for_another_audience_is_refused(cloud: Cloud, uri: str) -> None:
    class Foreign(LocalCredential):
        def get_token(self, *scopes: str, **options: Any) -> AccessToken:
            return super().get_token("https://management.azure.com/.default")

    with closing(AzureBatchEndpoint(Foreign(Issuer.of(cloud.state)), cloud.addresses.azureml)) as client:
        answer = client.submit(uri, None, {})

    assert isinstance(answer, Rejected)
    assert answer.status == 401
    assert "audience" in answer.message


@pytest.mark.parametrize(
    "action",
    [
        {"status": 500},
        {"status": 503, "headers": {"Retry-After": "5"}},
        {"status": 408},
        {"reset": True},
        {"status": 201, "body": "<html>"},
    ],
    ids=["500", "503", "408", "reset", "201 without a job"],
)
def test_an_answer_that_leaves_open_whether_there_is_a_job_is_unclear_and_not_repeated(
    endpoint: AzureBatchEndpoint, cloud: Cloud, uri: str, break_with: Break, action: dict[str, Any]
) -> None:
    break_with(match={"method": "POST"}, action={"after": action})
    wanted = output()

    answer = endpoint.submit(uri, None, body(cloud, wanted))

    assert isinstance(answer, Unclear)
    assert jobs_on(cloud, wanted) == 1


@pytest.mark.parametrize(
    "answer", [{}, {"status": 504}, {"reset": True}], ids=["the true answer", "504", "a broken connection"]
)
def test_an_answer_that_comes_after_the_time_out_is_unclear_and_the_job_is_made_once(
    endpoint: AzureBatchEndpoint, cloud: Cloud, uri: str, break_with: Break, answer: dict[str, Any]
) -> None:
    patience = httpx.Timeout(10.0, read=0.2)
    break_with(match={"method": "POST"}, action={"after": {"delay_ms": 600, **answer}})
    wanted = output()

    own = LocalCredential.of(cloud.state)
    with closing(AzureBatchEndpoint(own, cloud.addresses.azureml, timeout=patience)) as impatient:
        told = impatient.submit(uri, None, body(cloud, wanted))
    endpoint.submit(uri, None, body(cloud, output()))  # patient, and answered after the one that was given up

    assert isinstance(told, Unclear)
    assert jobs_on(cloud, wanted) == 1


def test_a_busy_endpoint_says_when_to_come_again(
    endpoint: AzureBatchEndpoint, cloud: Cloud, uri: str, break_with: Break
) -> None:
    break_with(match={"method": "POST"}, action={"status": 429, "headers": {"Retry-After": "17"}, "body": {}})

    answer = endpoint.submit(uri, None, body(cloud, output()))

    assert isinstance(answer, Deferred)
    assert answer.retry_after == 17


def test_an_endpoint_that_nobody_listens_at_has_certainly_made_no_job(endpoint: AzureBatchEndpoint) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    answer = endpoint.submit(f"https://127.0.0.1:{port}/jobs", None, {})

    assert isinstance(answer, Deferred)


def test_without_a_token_nothing_is_sent(cloud: Cloud, uri: str) -> None:
    from azure.core.exceptions import ClientAuthenticationError

    class Nobody(LocalCredential):
        def get_token(self, *scopes: str, **options: Any) -> AccessToken:
            raise ClientAuthenticationError("no identity here")

    with closing(AzureBatchEndpoint(Nobody(Issuer.of(cloud.state)), cloud.addresses.azureml)) as client:
        answer = client.submit(uri, None, {})

    assert isinstance(answer, Deferred)
    assert "managed identity" in answer.message


@pytest.mark.parametrize("status", [400, 404, 405])
def test_an_endpoint_that_does_not_list_its_jobs_is_not_taken_to_have_none(
    endpoint: AzureBatchEndpoint, uri: str, break_with: Break, status: int
) -> None:
    break_with(match={"method": "GET", "path": "/jobs$"}, action={"status": status})

    assert endpoint.jobs_writing(uri, [output()]) == JobListing({}, complete=False)


def test_a_list_that_fails_is_trouble_and_not_an_empty_list(
    endpoint: AzureBatchEndpoint, uri: str, break_with: Break
) -> None:
    break_with(match={"method": "GET", "path": "/jobs$"}, action={"status": 503})

    with pytest.raises(Unavailable, match="503"):
        endpoint.jobs_writing(uri, [output()])


def test_a_link_to_another_host_is_not_followed(endpoint: AzureBatchEndpoint, uri: str, break_with: Break) -> None:
    page = {"value": [], "nextLink": "https://attacker.invalid/jobs"}
    break_with(match={"method": "GET", "path": "/jobs$"}, action={"status": 200, "body": page})

    assert endpoint.jobs_writing(uri, [output()]) == JobListing({}, complete=False)


def test_a_job_is_canceled_over_the_management_plane(endpoint: AzureBatchEndpoint, cloud: Cloud) -> None:
    uri = f"{cloud.addresses.azureml}/endpoints/patient/jobs"
    cloud.put("devstoreaccount1/landing/contract-long/a.txt", b"60")
    given = body(cloud, output())
    given["properties"]["inputData"]["files"]["uri"] += "-long"
    answer = endpoint.submit(uri, None, given)
    assert isinstance(answer, Accepted)

    assert endpoint.cancel(answer.job) is True

    assert ended(endpoint, uri, answer.job.name).status == "Canceled"
    assert endpoint.cancel(answer.job) is False  # nothing left to cancel
    assert endpoint.cancel(Job(name="x")) is False  # without an id the workspace is not known


def test_a_failed_job_is_explained_in_the_services_words(endpoint: AzureBatchEndpoint, cloud: Cloud) -> None:
    uri = f"{cloud.addresses.azureml}/endpoints/failing/jobs"
    answer = endpoint.submit(uri, None, body(cloud, output()))
    assert isinstance(answer, Accepted)
    job = ended(endpoint, uri, answer.job.name)

    assert job.status == "Failed"
    assert endpoint.explain(job)
    assert endpoint.explain(Job(name="x")) is None
