from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.local.azureml.cloud import Cloud
from tests.local.azureml.probes import deploy_all


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Storage and Azure ML with the deployments of probes.py, shared because no test changes what another sees."""
    root = tmp_path_factory.mktemp("azureml")
    deploy_all(root / "deployments")
    started = Cloud(root / "state", root / "deployments")
    yield started
    started.close()
