"""A local Azure ML that plays one profile of answers, and the adapters that ask it."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local import tls
from local.addresses import CONTAINERS, WORKSPACE_ACCOUNT
from local.azure import DEFAULT
from local.identity.credential import LocalCredential
from shared.adapters.batch_endpoint import AzureBatchEndpoint
from shared.adapters.blobs import AzureBlobs
from shared.core.finding import SearchAnswer, Sent, conclude
from shared.core.job import Job
from shared.core.location import Container, Location
from shared.core.outputs import Output
from shared.core.submission import Accepted
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
            until=self.cloud.addresses.clock.now(),
        )

    def submit(self, sent: Sent) -> Job:
        answer = self.endpoint.submit(sent.endpoint, asking(sent.input_uri, sent.the_output.uri))
        assert isinstance(answer, Accepted), answer
        return answer.job

    def search(self, sent: Sent, *own: str) -> SearchAnswer:
        listing = self.endpoint.jobs_since(sent.endpoint, sent.since)
        written = any(True for _ in self.blobs.list_below(sent.the_output.place.parent))
        return conclude(listing.jobs, sent, complete=listing.complete, reason=listing.reason, written=written, own=own)

    def seen(self, sent: Sent, job: Job, *statuses: str) -> Job:
        """The job, once it has one of these statuses."""

        def look() -> Job | None:
            found = self.endpoint.job(sent.endpoint, job)
            return found if found is not None and found.status in statuses else None

        # A canceled job of the endpoint `patient` may still sleep for its minute before its worker is ended.
        return eventually(look, f"{' or '.join(statuses)} of {job.name}", within=120)


@contextmanager
def serving(profile: str, folder: Path) -> Iterator[Service]:
    """Start it. For one module at a time: the adapters trust its certificates, and no others."""
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
            patch.setenv(name, str(tls.authority(state)))
        own = LocalCredential.of(state)
        with (
            closing(AzureBatchEndpoint(own, cloud.addresses.azureml)) as endpoint,
            closing(AzureBlobs(own)) as blobs,
        ):
            yield Service(profile, cloud, endpoint, blobs)
    cloud.close()


def as_profile(profile: str) -> Any:
    """All but the strictest are for proof."""
    return pytest.param(profile, marks=() if profile == DEFAULT else pytest.mark.long)
