"""What only the adapter for batch endpoints meets: answers that are late, strange or missing, and who is let in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from local.identity.credential import LocalCredential
from local.tokens import STORAGE, Issuer
from shared.adapters.batch_endpoint import AzureBatchEndpoint
from shared.core.job import Job
from shared.core.submission import Accepted, Deferred, Rejected, Unclear
from shared.errors import Denied, Unavailable
from testbed.fakes import NOON
from tests.contract.asking import asking, at, landed, output
from tests.local.azureml.cloud import Cloud

Break = Callable[..., None]


@pytest.fixture
def uri(cloud: Cloud) -> Iterator[str]:
    yield f"{cloud.addresses.azureml}/endpoints/lengths/jobs"
    cloud.http.delete(f"{cloud.addresses.azureml}/_faults").raise_for_status()


@pytest.fixture
def break_with(cloud: Cloud) -> Break:
    def put(**rule: Any) -> None:
        cloud.http.put(f"{cloud.addresses.azureml}/_faults", json=[rule]).raise_for_status()

    return put


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
    answer = endpoint.submit(at(uri, deployment), asking(landed(cloud), output(), kind=kind))

    assert isinstance(answer, Rejected)
    assert answer.status == status
    assert words in answer.message


def test_a_token_for_another_audience_is_refused(cloud: Cloud, uri: str) -> None:
    class Foreign(LocalCredential):
        def get_token(self, *scopes: str, **options: Any) -> AccessToken:
            return super().get_token("https://management.azure.com/.default")

    with closing(AzureBatchEndpoint(Foreign(Issuer.of(cloud.state)), cloud.addresses.azureml)) as client:
        answer = client.submit(at(uri), {})

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

    answer = endpoint.submit(at(uri), asking(landed(cloud), wanted))

    assert isinstance(answer, Unclear)
    assert jobs_on(cloud, wanted) == 1


@pytest.mark.parametrize(
    "answer", [{}, {"status": 504}, {"reset": True}], ids=["the true answer", "504", "a broken connection"]
)
def test_an_answer_that_comes_after_the_time_out_is_unclear_and_the_job_is_made_once(
    endpoint: AzureBatchEndpoint, cloud: Cloud, uri: str, break_with: Break, answer: dict[str, Any]
) -> None:
    patience, own = httpx.Timeout(10.0, read=0.2), LocalCredential.of(cloud.state)
    break_with(match={"method": "POST"}, action={"after": {"delay_ms": 600, **answer}})
    wanted = output()

    with closing(AzureBatchEndpoint(own, cloud.addresses.azureml, timeout=patience)) as impatient:
        told = impatient.submit(at(uri), asking(landed(cloud), wanted))
    endpoint.submit(at(uri), asking(landed(cloud), output()))  # patient: answered after the one that was given up

    assert isinstance(told, Unclear)
    assert jobs_on(cloud, wanted) == 1


def jobs_on(cloud: Cloud, wanted: str) -> int:
    """How many jobs there are that write that output."""
    jobs = cloud.http.get(f"{cloud.addresses.azureml}/_jobs").raise_for_status().json()
    return len([job for job in jobs if job["output_uri"] == wanted])


def test_a_busy_endpoint_says_when_to_come_again(
    endpoint: AzureBatchEndpoint, cloud: Cloud, uri: str, break_with: Break
) -> None:
    break_with(match={"method": "POST"}, action={"status": 429, "headers": {"Retry-After": "17"}, "body": {}})

    answer = endpoint.submit(at(uri), asking(landed(cloud), output()))

    assert isinstance(answer, Deferred)
    assert answer.retry_after == 17


def test_without_a_token_nothing_is_sent(cloud: Cloud, uri: str) -> None:
    class Nobody(LocalCredential):
        def get_token(self, *scopes: str, **options: Any) -> AccessToken:
            raise ClientAuthenticationError("no identity here")

    with closing(AzureBatchEndpoint(Nobody(Issuer.of(cloud.state)), cloud.addresses.azureml)) as client:
        answer = client.submit(at(uri), {})

    assert isinstance(answer, Deferred)
    assert "managed identity" in answer.message


class Foreign(LocalCredential):
    """Shows everybody a token for storage."""

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        return super().get_token(f"{STORAGE}/.default")


@pytest.mark.parametrize("call", ["job", "jobs_since", "cancel", "explain", "check"])
def test_who_is_not_let_in_is_denied_and_not_only_told_of_trouble(
    endpoint: AzureBatchEndpoint, cloud: Cloud, uri: str, call: str
) -> None:
    """A role that is new takes a while to be felt, so that patience with it differs."""
    wanted = output()
    answer = endpoint.submit(at(uri), asking(landed(cloud), wanted))
    assert isinstance(answer, Accepted)
    arguments: dict[str, tuple[Any, ...]] = {
        "job": (at(uri), answer.job),
        "jobs_since": (at(uri), NOON),
        "cancel": (at(uri), answer.job),
        "explain": (at(uri), answer.job),
        "check": (at(uri),),
    }

    with (
        closing(AzureBatchEndpoint(Foreign(Issuer.of(cloud.state)), cloud.addresses.azureml)) as foreign,
        pytest.raises(Denied, match="audience"),
    ):
        getattr(foreign, call)(*arguments[call])


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_is_told_in_the_services_words(
    endpoint: AzureBatchEndpoint, uri: str, break_with: Break, status: int
) -> None:
    words = {"error": {"code": "UserError", "message": "No role here."}}
    break_with(match={"method": "GET"}, action={"status": status, "body": words})

    with pytest.raises(Denied, match=rf"answered {status}: No role here\."):
        endpoint.job(at(uri), Job(name="batchjob-1"))


@pytest.mark.parametrize("status", [404, 409, 429, 500, 503])
def test_any_other_refusal_to_cancel_or_to_answer_is_no_denial(
    endpoint: AzureBatchEndpoint, cloud: Cloud, uri: str, break_with: Break, status: int
) -> None:
    answer = endpoint.submit(at(uri), asking(landed(cloud), output()))
    assert isinstance(answer, Accepted)
    break_with(match={"method": "POST", "path": "/cancel"}, action={"status": status})

    if status in (404, 409):
        assert endpoint.cancel(at(uri), answer.job) is False
    else:
        with pytest.raises(Unavailable) as trouble:
            endpoint.cancel(at(uri), answer.job)
        assert not isinstance(trouble.value, Denied)
