"""How folders of endpoints may be laid out, and what is said of files that are in no place where they are served."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import pytest

from local.azureml.workspace.catalog import read
from tests.local.azureml.probes import ECHO, deploy

SCHEMAS = "https://azuremlschemas.azureedge.net/latest"


def test_a_folder_that_is_an_endpoint_itself_is_served(tmp_path: Path) -> None:
    deploy(tmp_path, "echo", ECHO)

    found = read(tmp_path / "probe")

    assert {name: list(one.deployments) for name, one in found.endpoints.items()} == {"probe": ["echo"]}


@pytest.mark.parametrize("name", ["deployment.yml", "deployment-echo.yaml"])
def test_a_deployment_beside_its_endpoint_is_served(tmp_path: Path, name: str) -> None:
    below = deploy(tmp_path, "echo", ECHO)
    for file in below.iterdir():
        shutil.move(file, below.parent / (name if file.name == "deployment.yml" else file.name))
    below.rmdir()

    assert list(read(tmp_path).endpoints["probe"].deployments) == ["echo"]


def test_deployments_beside_and_below_an_endpoint_are_told_apart_by_their_names(tmp_path: Path) -> None:
    deploy(tmp_path, "one", ECHO)
    below = deploy(tmp_path, "two", ECHO)
    for file in below.iterdir():
        shutil.copy(file, below.parent / file.name) if file.is_file() else shutil.copytree(
            file, below.parent / file.name
        )

    endpoint = read(tmp_path).endpoints["probe"]

    assert sorted(endpoint.deployments) == ["one", "two"]
    assert "there is another deployment named 'two'" in str(endpoint.refused)


def test_what_is_passed_over_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    deploy(tmp_path, "echo", ECHO)
    (tmp_path / "probe" / "blue.yml").write_text(f"$schema: {SCHEMAS}/modelBatchDeployment.schema.json\nname: blue\n")
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "endpoint.yml").write_text(f"$schema: {SCHEMAS}/batchEndpoint.schema.json\nname: far\n")
    (tmp_path / "probe" / "conda.yml").write_text("dependencies: []\n")

    with caplog.at_level(logging.WARNING):
        read(tmp_path)

    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2, told
    assert "deep/er/endpoint.yml describes an endpoint, and is not served: it has to be endpoint.yml" in told[0]
    assert "probe/blue.yml describes a deployment, and is not served: it has to be deployment*.yml" in told[1]
