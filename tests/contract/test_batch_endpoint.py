"""What the `BatchEndpoint` port promises, kept by the fake that tests rely on and by the adapter over real HTTP.

The local Azure ML that the adapter talks to is written from the documents alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from local import ports
from local.addresses import CONTAINERS, WORKSPACE_ACCOUNT
from local.identity.credential import LocalCredential
from shared.adapters.batch_endpoint import AzureBatchEndpoint
from shared.adapters.blobs import AzureBlobs
from shared.core.finding import Candidate, is_same_place
from shared.core.job import Job
from shared.core.location import Container, Location
from shared.core.snapshot import File
from shared.core.submission import Accepted, Deferred
from shared.errors import Unavailable
from shared.ports import BatchEndpoint
from testbed.eventually import eventually
from testbed.examples import LANDING
from testbed.fakes import NOON, FakeBlobs, FakeClock, FakeEndpoint
from tests.contract.asking import asking, at, landed, output
from tests.local.azureml.cloud import Cloud


@dataclass(frozen=True, slots=True)
class Service:
    """An endpoint, where it is asked for jobs, what it scores, and how an output that it wrote is looked at."""

    client: BatchEndpoint
    uri: str
    given: str
    stat: Callable[[str], File | None]

    def submit(self, wanted: str, deployment: str | None = None) -> Job:
        answer = self.client.submit(at(self.uri, deployment), asking(self.given, wanted))
        assert isinstance(answer, Accepted), answer
        return answer.job

    def listed(self, job: Job) -> Candidate:
        """The job among those of the endpoint."""
        listing = self.client.jobs_since(at(self.uri), NOON - timedelta(days=9999))
        assert listing.complete, listing.reason
        (found,) = [candidate for candidate in listing.jobs if candidate.job.name == job.name]
        return found

    def ended(self, job: Job) -> Job:
        def look() -> Job | None:
            seen = self.client.job(at(self.uri), job)
            return seen if seen is not None and seen.is_final else None

        return eventually(look, f"the end of {job.name}")


Find = Callable[[str], Service]
"""The endpoint of that name: `lengths` scores, `patient` is never done, `failing` fails, nobody answers at `silent`."""


@pytest.fixture(params=["fake", "azure"])
def find(request: pytest.FixtureRequest) -> Find:
    found: Find = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def fake() -> Find:
    behaviours: dict[str, dict[str, Any]] = {
        "lengths": {"reason": "Nobody should be told."},
        "patient": {"statuses": ("Running",)},
        "failing": {"statuses": ("Running", "Failed"), "reason": "The scoring script has failed."},
        "silent": {"down": "The endpoint did not answer."},
    }

    def find(name: str) -> Service:
        blobs = FakeBlobs(FakeClock())

        def place(uri: str) -> Location:
            return Location(Container("https://workspace.blob.core.windows.net", "store"), uri.partition("/paths/")[2])

        client = FakeEndpoint(blobs=blobs, output=place, **behaviours[name])
        return Service(client, f"https://{name}.invalid/jobs", LANDING.url_of("a"), lambda uri: blobs.stat(place(uri)))

    return find


@pytest.fixture
def azure(cloud: Cloud, endpoint: AzureBatchEndpoint) -> Iterator[Find]:
    with closing(AzureBlobs(LocalCredential.of(cloud.state))) as blobs:
        store = Container(cloud.addresses.account_url(WORKSPACE_ACCOUNT), CONTAINERS[WORKSPACE_ACCOUNT])

        def find(name: str) -> Service:
            given = landed(cloud, f"contract-{name}", b"60" if name == "patient" else b"12345")
            uri = nowhere() if name == "silent" else f"{cloud.addresses.azureml}/endpoints/{name}/jobs"
            return Service(
                endpoint, uri, given, lambda wanted: blobs.stat(Location(store, wanted.partition("/paths/")[2]))
            )

        yield find


def nowhere() -> str:
    """An endpoint that nobody listens at."""
    return f"https://127.0.0.1:{ports.free()[0]}/jobs"


def test_a_submission_is_a_job_that_can_be_followed_to_its_end(find: Find) -> None:
    service, wanted = find("lengths"), output()

    job = service.submit(wanted)
    assert not job.is_final
    ended = service.ended(job)

    assert (ended.name, ended.status) == (job.name, "Completed")
    assert ended.studio_url is not None
    assert f"/runs/{job.name}" in ended.studio_url
    assert service.stat(wanted) is not None


def test_a_completed_job_leaves_its_output_as_it_is(find: Find) -> None:
    service, wanted = find("lengths"), output()
    job = service.submit(wanted)
    service.ended(job)
    written = service.stat(wanted)

    service.ended(job)
    service.client.jobs_since(at(service.uri), NOON)

    assert service.stat(wanted) == written


def test_a_job_says_which_deployment_it_is_of(find: Find) -> None:
    service = find("lengths")

    by_default, asked_for = service.submit(output()), service.submit(output(), "main")

    assert by_default.deployment
    assert asked_for.deployment == "main"


def test_every_submission_makes_a_job_of_its_own(find: Find) -> None:
    """That is why a submission is sent once."""
    service, wanted = find("lengths"), output()

    assert service.submit(wanted).name != service.submit(wanted).name


def test_a_job_shows_what_it_reads_and_by_its_end_at_the_latest_what_it_writes(find: Find) -> None:
    service, wanted = find("lengths"), output()
    job = service.submit(wanted, "main")
    for _ in range(12):  # more than a page of them
        service.submit(output())

    running = service.listed(job)
    service.ended(job)
    completed = service.listed(job)

    assert (running.job.deployment, running.inputs, running.is_own) == ("main", (service.given,), True)
    assert running.created is not None
    assert not running.outputs or is_same_place(running.outputs[0], wanted)
    assert completed.job.status == "Completed"
    assert is_same_place(completed.outputs[0], wanted)  # in another form by now


def test_only_jobs_since_a_moment_are_told_of(find: Find) -> None:
    service = find("lengths")
    job = service.submit(output())
    created = service.listed(job).created
    assert created is not None

    later = service.client.jobs_since(at(service.uri), created + timedelta(hours=1))

    assert later.complete
    assert job.name not in {candidate.job.name for candidate in later.jobs}


def test_a_job_that_is_not_there_is_none(find: Find) -> None:
    service = find("lengths")

    assert service.client.job(at(service.uri), Job(name="batchjob-nothing")) is None


def test_a_job_is_known_to_its_own_endpoint_only(find: Find) -> None:
    service, wanted, elsewhere = find("lengths"), output(), find("patient").uri
    job = service.submit(wanted)

    listed = service.client.jobs_since(at(elsewhere), NOON - timedelta(days=9999))

    assert job.name not in {candidate.job.name for candidate in listed.jobs}


def test_a_job_is_canceled_once_and_one_that_has_ended_or_has_no_id_is_not(find: Find) -> None:
    service = find("patient")
    job = service.submit(output())

    assert service.client.cancel(at(service.uri), job) is True

    assert service.ended(job).status == "Canceled"
    assert service.client.cancel(at(service.uri), job) is False  # nothing left to cancel
    assert service.client.cancel(at(service.uri), Job(name="x")) is False  # without an id the workspace is not known


def test_a_job_that_has_completed_is_not_canceled(find: Find) -> None:
    service = find("lengths")
    job = service.submit(output())
    service.ended(job)

    assert service.client.cancel(at(service.uri), job) is False
    assert service.ended(job).status == "Completed"


def test_a_failed_job_is_explained_in_the_services_words(find: Find) -> None:
    service = find("failing")
    job = service.ended(service.submit(output()))

    assert job.status == "Failed"
    assert service.client.explain(at(service.uri), job)
    assert service.client.explain(at(service.uri), Job(name="x")) is None  # without an id the workspace is not known


def test_a_job_that_has_not_failed_has_nothing_to_explain(find: Find) -> None:
    service = find("lengths")
    job = service.ended(service.submit(output()))

    assert service.client.explain(at(service.uri), job) is None


def test_an_endpoint_that_does_not_answer_has_certainly_made_no_job_and_is_trouble_to_ask(find: Find) -> None:
    service = find("silent")

    assert isinstance(service.client.submit(at(service.uri), asking(service.given, output())), Deferred)
    with pytest.raises(Unavailable):
        service.client.job(at(service.uri), Job(name="batchjob-1"))
    with pytest.raises(Unavailable):
        service.client.jobs_since(at(service.uri), NOON)
