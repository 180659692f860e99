"""The adapter on a service that answers what nobody outside can tell in each of the ways that are possible.

Every profile of the local cloud is one such service; each answer to each open question is in one of them.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from local import tls
from local.addresses import CONTAINERS, WORKSPACE_ACCOUNT
from local.azure import PROFILES
from local.identity.credential import LocalCredential
from shared.adapters.batch_endpoint import AzureBatchEndpoint
from shared.adapters.blobs import AzureBlobs
from shared.core.finding import Found, MayBeThere, NotThere, SearchAnswer, Sent, conclude, twins
from shared.core.job import Job, Stage
from shared.core.location import Container, Location
from shared.core.spec import Output
from shared.core.submission import Accepted
from shared.errors import InputRefused
from testbed.eventually import eventually
from testbed.stack import HERE
from tests.contract.asking import asking, at, landed
from tests.local.azureml.cloud import Cloud

_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Service:
    """A local Azure ML with one node and an endpoint without a default deployment, and the adapters that ask it."""

    profile: str
    cloud: Cloud
    endpoint: AzureBatchEndpoint
    blobs: AzureBlobs

    def sent(self, name: str, deployment: str | None = "main", *, content: bytes = b"12345") -> Sent:
        """A submission to the endpoint of that name."""
        number = next(_numbers)
        given = landed(self.cloud, f"{self.profile}-{number}", content)
        path = f"open-answers/{number}/predictions.csv"
        store = Container(self.cloud.addresses.account_url(WORKSPACE_ACCOUNT), CONTAINERS[WORKSPACE_ACCOUNT])
        return Sent(
            endpoint=at(f"{self.cloud.addresses.azureml}/endpoints/{name}/jobs", deployment),
            input_uri=given,
            output=Output(
                name="predictions",
                uri=f"azureml://datastores/workspaceblobstore/paths/{path}",
                place=Location(store, path),
            ),
            since=self.cloud.addresses.clock.now(),
        )

    def submit(self, sent: Sent) -> Job:
        answer = self.endpoint.submit(sent.endpoint, asking(sent.input_uri, sent.output.uri))
        assert isinstance(answer, Accepted), answer
        return answer.job

    def search(self, sent: Sent, *own: str) -> SearchAnswer:
        listing = self.endpoint.jobs_since(sent.endpoint, sent.since)
        written = bool(self.blobs.list_below(sent.output.place.parent))
        return conclude(listing.jobs, sent, complete=listing.complete, reason=listing.reason, written=written, own=own)

    def seen(self, sent: Sent, job: Job, *statuses: str) -> Job:
        """The job, once it has one of these statuses."""

        def look() -> Job | None:
            found = self.endpoint.job(sent.endpoint, job)
            return found if found is not None and found.status in statuses else None

        return eventually(look, f"{' or '.join(statuses)} of {job.name}")


@contextmanager
def _serving(profile: str, folder: Path) -> Iterator[Service]:
    deployments, state = folder / "deployments", folder / "state"
    shutil.copytree(HERE / "deployments", deployments)
    shutil.copytree(deployments / "lengths", deployments / "headless")
    (deployments / "headless" / "endpoint.yml").write_text("name: headless\nauth_mode: aad_token\n", "utf-8")
    shutil.copytree(deployments / "headless" / "main", deployments / "headless" / "other")  # so that neither is meant
    manifests = [deployments / "headless" / name / "deployment.yml" for name in ("main", "other")]
    for manifest, name in zip(manifests, ("main", "other"), strict=True):
        text = manifest.read_text("utf-8").replace("endpoint_name: lengths", "endpoint_name: headless")
        manifest.write_text(text.replace("name: main\n", f"name: {name}\n", 1), "utf-8")
    cloud = Cloud(state, deployments, "--azure", profile, "--nodes", "1", endpoint="lengths")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
            patch.setenv(name, str(tls.ca_bundle(state)))
        own = LocalCredential.of(state)
        with (
            closing(AzureBatchEndpoint(own, cloud.addresses.azureml)) as endpoint,
            closing(AzureBlobs(own)) as blobs,
        ):
            yield Service(profile, cloud, endpoint, blobs)
    cloud.close()


def _as(profile: str) -> Any:
    """In a process of its own; all but two of the profiles, in which every way to find a job differs, are for proof."""
    marks = [pytest.mark.xdist_group(profile), *([] if profile in ("strict", "silent") else [pytest.mark.matrix])]
    return pytest.param(profile, marks=marks)


@pytest.fixture(scope="module", params=[_as(profile) for profile in PROFILES])
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with _serving(request.param, tmp_path_factory.mktemp(request.param)) as started:
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
    assert "The end of logs/user/error/" in told
    assert "ValueError: the image has 9 channels, the model expects 1" in told
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
        answer = endpoint.submit(sent.endpoint, asking(sent.input_uri, sent.output.uri))
        assert isinstance(answer, Accepted)
        endpoint.job(sent.endpoint, answer.job)
        endpoint.job(sent.endpoint, Job(name=answer.job.name))
        endpoint.jobs_since(sent.endpoint, sent.since)

    assert len(headers) >= 4
    assert all(header.get("azureml-model-deployment") == "main" for header in headers)
