"""One storage front and one Azure ML for all contract tests; the adapters trust them as they trust Azure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from local import tls
from local.identity.credential import LocalCredential
from shared.adapters.batch_endpoint import AzureBatchEndpoint
from testbed.stack import HERE
from tests.local.azureml.cloud import Cloud


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    state = tmp_path_factory.mktemp("contract") / "state"
    started = Cloud(state, HERE / "deployments", endpoint="lengths")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
            patch.setenv(name, str(tls.authority(state)))
        yield started
    started.close()


@pytest.fixture
def endpoint(cloud: Cloud) -> Iterator[AzureBatchEndpoint]:
    with closing(AzureBatchEndpoint(LocalCredential.of(cloud.state), cloud.addresses.azureml)) as client:
        yield client
