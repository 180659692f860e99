"""What is read from a deployments folder, and what is refused."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.azureml.errors import Refusal
from local.azureml.workspace.catalog import read
from local.azureml.workspace.settings import JobSettings, LoggingLevel, OutputAction
from tests.local.azureml.cloud import Cloud
from tests.local.azureml.probes import ECHO, deploy
from tests.local.azureml.workspaces import deployed


def rewrite(folder: Path, **changes: Any) -> None:
    """Change top-level keys of a deployment.yml; None removes one."""
    path = folder / "deployment.yml"
    described = {**yaml.safe_load(path.read_text()), **changes}
    path.write_text(yaml.safe_dump({key: value for key, value in described.items() if value is not None}))


def refusal(tmp_path: Path, **changes: Any) -> str:
    """Why a deployment with these changes is refused."""
    rewrite(deploy(tmp_path, "echo", ECHO), **changes)
    endpoint = read(tmp_path).endpoints["probe"]
    assert not endpoint.deployments
    return endpoint.refused["echo"]


def test_the_settings_of_a_deployment_are_read(tmp_path: Path) -> None:
    deploy(
        tmp_path,
        "echo",
        ECHO,
        instance_count=2,
        mini_batch_size=5,
        max_concurrency_per_instance=3,
        retry_settings={"max_retries": 4, "timeout": 60},
        error_threshold=7,
        output_action="summary_only",
        output_file_name="x.csv",
        logging_level="debug",
        environment_variables={"A": 1},
    )

    deployment = read(tmp_path).endpoints["probe"].deployments["echo"]

    assert deployment.settings == JobSettings(
        instance_count=2,
        max_concurrency_per_instance=3,
        mini_batch_size=5,
        max_retries=4,
        timeout=timedelta(seconds=60),
        error_threshold=7,
        output_action=OutputAction.SUMMARY_ONLY,
        output_file_name="x.csv",
        logging_level=LoggingLevel.DEBUG,
    )
    assert deployment.environment_variables == {"A": "1"}


def test_the_layout_without_a_type_has_its_settings_at_the_root(tmp_path: Path) -> None:
    folder = deploy(tmp_path, "echo", ECHO)
    rewrite(folder, type=None, settings=None, mini_batch_size=5, retry_settings={"timeout": 9})

    settings = read(tmp_path).endpoints["probe"].deployments["echo"].settings

    assert (settings.mini_batch_size, settings.timeout) == (5, timedelta(seconds=9))


def test_the_only_deployment_is_the_default_when_the_endpoint_names_none(tmp_path: Path) -> None:
    deploy(tmp_path, "alone", ECHO)
    (tmp_path / "probe" / "endpoint.yml").write_text("name: probe\n")

    assert deployed(tmp_path).route("PROBE", None).name == "alone"


def test_of_two_deployments_none_is_the_default_unless_the_endpoint_says_so(tmp_path: Path) -> None:
    deploy(tmp_path, "one", ECHO)
    deploy(tmp_path, "two", ECHO)
    (tmp_path / "probe" / "endpoint.yml").write_text("name: probe\n")

    with pytest.raises(Refusal, match="No valid deployments to route to"):
        deployed(tmp_path).route("probe", None)
    assert deployed(tmp_path).route("probe", "two").name == "two"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"type": "magic"}, "type must be model or pipeline"),
        ({"code_configuration": None}, "except for an MLflow model (a folder with an MLmodel file)"),
        ({"code_configuration": {"code": "none", "scoring_script": "x.py"}}, "not a folder"),
        ({"code_configuration": {"code": "code", "scoring_script": "x.py"}}, "'x.py', which does not exist"),
        ({"model": "azureml://registries/azureml/models/x/versions/1"}, "not in this workspace"),
        ({"model": {"path": "nothing"}}, "model.path names 'nothing', which does not exist"),
        ({"model": None}, "model.path is required"),
        ({"compute": None}, "compute is required"),
        ({"name": 3}, "name must be a string, not 3"),
        ({"settings": {"mini_batch_sice": 3}}, "settings.mini_batch_sice is not a known field"),
        ({"settings": {"mini_batch_size": 0}}, "settings.mini_batch_size must be a whole number of at least 1"),
        ({"settings": {"output_action": "print"}}, "output_action must be one of append_row, summary_only"),
        ({"settings": {"output_file_name": "a/b"}}, "output_file_name must be a file name"),
        ({"settings": {"environment_variables": [1]}}, "environment_variables must be a mapping"),
        ({"settings": 3}, "settings must be a mapping"),
    ],
)
def test_a_broken_deployment_is_refused_with_the_reason(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    assert words in refusal(tmp_path, **changes)


@pytest.mark.parametrize("tail", ["versions/17", "labels/latest"])
def test_an_environment_of_a_registry_is_recorded_as_it_is_written(tmp_path: Path, tail: str) -> None:
    environment = f"azureml://registries/azureml/environments/sklearn-1.5/{tail}"
    rewrite(deploy(tmp_path, "echo", ECHO), environment=environment)

    assert deployed(tmp_path).route("probe", "echo").environment == environment


def test_all_problems_of_a_deployment_are_told_at_once(tmp_path: Path) -> None:
    found = refusal(tmp_path, compute=None, model={"path": "nothing"}, settings={"mini_batch_size": "many"})

    assert found.count(";") == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: [", "not valid YAML"),
        ("- name", "must be a mapping"),
        ("name: 1x", "3 to 32 letters"),
        ("name: probe\nauth_mode: key", "batch endpoints have no keys"),
        ("name: probe\ntraffic: {}", "traffic is not a known field"),
    ],
)
def test_a_broken_endpoint_is_refused_and_the_others_are_served(tmp_path: Path, text: str, words: str) -> None:
    deploy(tmp_path, "echo", ECHO, endpoint="fine")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "endpoint.yml").write_text(text)

    catalog = read(tmp_path)

    assert list(catalog.endpoints) == ["fine"]
    assert words in catalog.refused["bad"]
    with pytest.raises(Refusal, match="It was refused"):
        deployed(tmp_path).endpoint("bad")


def test_two_endpoints_of_one_name_are_not_both_served(tmp_path: Path) -> None:
    deploy(tmp_path, "echo", ECHO, endpoint="one")
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "endpoint.yml").write_text("name: ONE\n")

    assert "another endpoint" in read(tmp_path).refused["two"]


def test_an_invocation_of_a_refused_deployment_is_told_why(cloud: Cloud) -> None:
    body = {
        "properties": {"inputData": {"x": {"jobInputType": "UriFolder", "uri": "azureml://datastores/landing/paths/x"}}}
    }

    response = cloud.post(body, deployment="broken-yaml")

    assert response.status_code == 404
    assert "'broken-yaml' was refused: deployment.yml is not valid YAML" in response.json()["error"]["message"]


ELSEWHERE = (
    "/subscriptions/0f0f0f0f-1111-4222-8333-444444444444/resourceGroups/rg/providers"
    "/Microsoft.MachineLearningServices/workspaces/prod/computes/cpu"
)


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"compute": ELSEWHERE}, "compute"), ({"name": "../../x"}, "must have letters")],
    ids=["a compute of another workspace", "a name that is a path"],
)
def test_what_only_one_deployment_has_wrong_is_said_of_that_one(
    tmp_path: Path, changes: dict[str, str], words: str
) -> None:
    deploy(tmp_path, "fine", ECHO)
    rewrite(deploy(tmp_path, "other", ECHO), **changes)

    endpoint = read(tmp_path).endpoints["probe"]

    assert list(endpoint.deployments) == ["fine"]
    assert words in str(endpoint.refused)
