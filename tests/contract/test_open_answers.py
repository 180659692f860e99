"""The adapter on a service that answers what nobody outside can tell in each of the ways that are possible.

Every profile of the local cloud is one such service; each answer to each open question is in one of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import httpx
import pytest

from local.azure import PROFILES
from local.identity.credential import LocalCredential
from shared.adapters.batch_endpoint import AzureBatchEndpoint
from shared.core.finding import Found, MayBeThere, NotThere, SearchAnswer, twins
from shared.core.job import Job, Stage
from shared.core.submission import Accepted
from shared.errors import InputRefused
from testbed.eventually import eventually
from tests.contract.asking import asking, at
from tests.contract.profiles import Service, as_profile, serving


@pytest.fixture(scope="module", params=[as_profile(profile) for profile in PROFILES])
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(request.param, tmp_path_factory.mktemp(request.param)) as started:
        yield started


@pytest.mark.parametrize(("name", "deployment"), [("lengths", None), ("lengths", "main"), ("headless", "main")])
def test_a_job_is_followed_to_its_end(service: Service, name: str, deployment: str | None) -> None:
    sent = service.sent(name, deployment)

    job = service.submit(sent)

    assert service.seen(sent, job, "Completed").name == job.name


@pytest.mark.parametrize("name", ["lengths", "headless"])
def test_a_job_that_nobody_was_told_of_is_found_and_none_is_missed_while_it_is_young(
    service: Service, name: str
) -> None:
    sent = service.sent(name)
    assert service.search(sent) == NotThere()
    name_of_it = service.submit(sent).name
    answers: list[SearchAnswer] = []

    def found() -> SearchAnswer | None:
        answers.append(service.search(sent))
        return answers[-1] if isinstance(answers[-1], Found) else None

    answer = eventually(found, "the job")

    assert isinstance(answer, Found)
    assert answer.job.name == name_of_it
    assert {type(one) for one in answers} <= {MayBeThere, Found}
    assert service.search(service.sent(name)) == NotThere()


def test_a_job_that_is_not_there_is_none(service: Service) -> None:
    sent = service.sent("headless")

    assert service.endpoint.job(sent.endpoint, Job(name="batchjob-nothing")) is None


def test_a_job_whose_deployment_is_gone_is_not_missing(service: Service) -> None:
    """The scoring host has no deployment to find its way by, but Resource Manager knows the job."""
    sent = service.sent("lengths")
    job = service.submit(sent)
    gone = Job(name=job.name, id=job.id, deployment="gone")

    found = service.endpoint.job(at(sent.endpoint.scoring_uri, "gone"), gone)

    assert found is not None
    assert found.name == job.name


def test_a_job_that_waits_for_nodes_is_waiting_whatever_its_parent_says(service: Service) -> None:
    first, second = service.sent("patient", content=b"60"), service.sent("patient", content=b"60")
    running = service.submit(first)
    service.seen(first, running, "Running")
    waiting = service.submit(second)

    seen = service.seen(second, waiting, "Queued")

    assert seen.stage is Stage.WAITING
    assert service.seen(first, running, "Running").stage is Stage.RUNNING
    for sent, job in ((second, waiting), (first, running)):
        assert service.endpoint.cancel(sent.endpoint, job)
        assert service.seen(sent, job, "Canceled")


def test_a_twin_is_told_from_the_job_that_is_followed(service: Service) -> None:
    sent = service.sent("patient", content=b"60")
    twin, own = service.submit(sent), service.submit(sent)
    listing = service.endpoint.jobs_since(sent.endpoint, sent.since)

    found = twins(listing.jobs, sent, own=[own.name], in_use=[])

    assert [job.name for job in found] == [twin.name]
    for job in (twin, own):
        assert service.endpoint.cancel(sent.endpoint, job)
        assert service.seen(sent, job, "Canceled")


def test_the_reason_of_a_failure_is_the_failed_steps_and_the_scripts_own(service: Service) -> None:
    """The job itself only says that one of its steps has failed."""
    sent = service.sent("failing", None)
    job = service.seen(sent, service.submit(sent), "Failed")

    told = service.endpoint.explain(sent.endpoint, job)

    assert told is not None
    assert "1 files failed, the error threshold is 0" in told
    assert told.startswith(
        "The script raised ValueError: the image has 9 channels, the model expects 1 (score.py, line "
    )
    assert "; see logs/user/error/" in told
    assert "sig=" not in told


@pytest.mark.parametrize(
    ("name", "deployment", "problem"),
    [
        ("lengths", None, None),
        ("lengths", "main", None),
        ("headless", "main", None),
        ("headless", None, "has no default deployment"),
        ("lengths", "gone", "has no deployment 'gone'"),
    ],
)
def test_an_endpoint_is_checked_without_a_job(
    service: Service, name: str, deployment: str | None, problem: str | None
) -> None:
    endpoint = service.sent(name, deployment).endpoint

    if problem is None:
        service.endpoint.check(endpoint)
    else:
        with pytest.raises(InputRefused, match=problem):
            service.endpoint.check(endpoint)


def test_jobs_of_long_ago_are_left_out(service: Service) -> None:
    sent = service.sent("lengths")
    service.submit(sent)

    assert service.endpoint.jobs_since(sent.endpoint, sent.since + timedelta(days=1)).jobs == ()


def test_no_call_to_the_scoring_host_is_without_a_deployment(service: Service) -> None:
    """Whether it finds its way without one is not known."""
    headers: list[httpx.Headers] = []
    sent = service.sent("lengths", None)
    own = LocalCredential.of(service.cloud.state)

    def noted(request: httpx.Request) -> None:
        if request.url.path.startswith("/endpoints/"):
            headers.append(request.headers)

    with closing(AzureBatchEndpoint(own, service.cloud.addresses.azureml, on_request=noted)) as endpoint:
        answer = endpoint.submit(sent.endpoint, asking(sent.input_uri, sent.the_output.uri))
        assert isinstance(answer, Accepted)
        endpoint.job(sent.endpoint, answer.job)
        endpoint.job(sent.endpoint, Job(name=answer.job.name))
        endpoint.jobs_since(sent.endpoint, sent.since)

    assert len(headers) >= 4
    assert all(header.get("azureml-model-deployment") == "main" for header in headers)
