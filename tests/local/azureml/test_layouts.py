"""How folders of endpoints may be laid out, and what is said of files that are in no place where they are served."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.azureml.errors import Refusal
from local.azureml.workspace.assets import find
from local.azureml.workspace.catalog import endpoint_names, read
from local.azureml.workspace.deployed import Deployed
from tests.local.azureml.probes import ECHO, deploy
from tests.local.azureml.workspaces import deployed, registry

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
    where = f"it is too deep; start with --deployments {tmp_path / 'deep'}"
    assert f"deep/er/endpoint.yml describes an endpoint, and is not served: {where}" in told[0]
    assert "probe/blue.yml describes a deployment, and is not served: it has to be called *deployment*.yml" in told[1]


def test_a_deployment_without_an_endpoint_is_said_to_be_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    deploy(tmp_path, "echo", ECHO)
    shutil.copytree(tmp_path / "probe" / "echo", tmp_path / "alone")

    with caplog.at_level(logging.WARNING):
        read(tmp_path)

    (told,) = [record.getMessage() for record in caplog.records]
    assert told.endswith(f"and is not served: there is no endpoint.yml in {tmp_path / 'alone'} or above it.")


def test_the_place_of_a_deployment_says_whose_it_is(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Two of Microsoft's own examples name another endpoint than the one beside them: their scripts override it."""
    rewrite(deploy(tmp_path, "echo", ECHO) / "deployment.yml", endpoint_name="other")

    with caplog.at_level(logging.WARNING):
        assert list(read(tmp_path).endpoints["probe"].deployments) == ["echo"]

    assert "is of probe, as its place says, and not of other" in caplog.text


@pytest.mark.parametrize("name", ["mlflow-deployment.yml", "deployment_torch.yaml"])
def test_of_several_deployments_beside_an_endpoint_the_one_in_deployment_yml_is_the_default(
    tmp_path: Path, name: str
) -> None:
    folder = deploy(tmp_path, "echo", ECHO)
    shutil.copytree(folder, tmp_path / "probe", dirs_exist_ok=True)
    shutil.rmtree(folder)
    (tmp_path / "probe" / "endpoint.yml").write_text("name: probe\n")
    rewrite(tmp_path / "probe" / "deployment.yml", tmp_path / "probe" / name, name="another")

    endpoint = read(tmp_path).endpoints["probe"]

    assert (sorted(endpoint.deployments), endpoint.default) == (["another", "echo"], "echo")


def test_stack_json_names_the_endpoints_of_every_layout_that_is_served(tmp_path: Path) -> None:
    """Before, an endpoint that was the folder itself was served, and stack.json did not have it."""
    deploy(tmp_path, "echo", ECHO)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "endpoint.yml").write_text("name: [")

    assert endpoint_names(tmp_path) == endpoint_names(tmp_path / "probe") == ["probe"]


def test_a_model_that_is_only_named_is_made_of_the_folder_beside_it(tmp_path: Path) -> None:
    named(tmp_path, "azureml:weights@latest")
    (tmp_path / "probe" / "models" / "weights").mkdir(parents=True)

    workspace = registry()
    deployment = Deployed(workspace, read(tmp_path)).route("probe", None)

    assert deployment.model == "models/weights/labels/latest"
    found = find(workspace, deployment.model)
    assert found is not None
    assert (found.name, found.files) == ("1", tmp_path / "probe" / "models" / "weights")


def test_a_model_that_is_named_by_its_version_is_made_with_that_version(tmp_path: Path) -> None:
    (named(tmp_path, "azureml:weights:7") / "model").mkdir()

    workspace = registry()
    deployment = Deployed(workspace, read(tmp_path)).route("probe", None)

    assert deployment.model == "models/weights/versions/7"
    assert workspace.get(deployment.model) is not None


def test_what_is_registered_goes_before_what_is_beside(tmp_path: Path) -> None:
    (named(tmp_path, "azureml:weights@latest") / "model").mkdir()
    workspace = registry()
    workspace.put("models/weights/versions/1", {"properties": {"modelUri": "own"}}, author="somebody")

    Deployed(workspace, read(tmp_path))

    found = find(workspace, "models/weights/labels/latest")
    assert found is not None
    assert (found.author, found.properties) == ("somebody", {"modelUri": "own"})


def test_a_model_that_is_nowhere_is_missed_in_words_that_help(tmp_path: Path) -> None:
    named(tmp_path, "azureml:weights@latest")

    with pytest.raises(Refusal) as refusal:
        deployed(tmp_path).route("probe", None)

    assert "there is no models/weights beside it; add that and start again, or register it" in str(refusal.value)
    assert "az ml model create --name weights --path FOLDER" in str(refusal.value)


def test_a_deployment_is_served_as_soon_as_its_model_is_registered(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    named(tmp_path, "azureml:weights:2")
    workspace = registry()
    served = Deployed(workspace, read(tmp_path))
    with pytest.raises(Refusal, match="was refused"):
        served.route("probe", None)

    workspace.put("models/weights/versions/1", {"properties": {"modelType": "custom_model"}})
    served.look_again()
    with pytest.raises(Refusal, match="was refused"):
        served.route("probe", None)
    workspace.put("models/weights/versions/2", {"properties": {"modelType": "custom_model"}})
    with caplog.at_level(logging.INFO):
        served.look_again()

    assert served.route("probe", None).model == "models/weights/versions/2"
    assert "The deployment probe/echo is served from now on." in caplog.text


def test_without_a_script_only_an_mlflow_model_will_do(tmp_path: Path) -> None:
    named(tmp_path, "azureml:weights@latest", code_configuration=None)
    workspace = registry()
    workspace.put("models/weights/versions/1", {"properties": {"modelType": "custom_model"}})
    served = Deployed(workspace, read(tmp_path))

    with pytest.raises(Refusal, match="is a custom_model, and only an mlflow_model needs no script"):
        served.route("probe", None)
    workspace.put("models/weights/versions/2", {"properties": {"modelType": "mlflow_model"}})
    served.look_again()

    assert served.route("probe", None).name == "echo"


def test_components_that_are_only_named_are_found_beside_the_deployment(tmp_path: Path) -> None:
    """As hello-batch and batch-scoring-with-preprocessing among Microsoft's own examples name theirs."""
    folder = tmp_path / "probe"
    (folder / "parts").mkdir(parents=True)
    (folder / "endpoint.yml").write_text("name: probe\n")
    (folder / "deployment.yml").write_text("name: steps\ntype: pipeline\ncomponent: azureml:all_of_it@latest\n")
    step = {"say": {"type": "command", "component": "azureml:one_step@latest"}}
    pipeline = {"name": "all_of_it", "version": 3, "type": "pipeline", "jobs": step}
    (folder / "parts" / "pipeline.yml").write_text(yaml.safe_dump(pipeline))
    job = {"$schema": f"{SCHEMAS}/pipelineJob.schema.json", **pipeline}
    (folder / "parts" / "job.yml").write_text(yaml.safe_dump(job))
    command = {"name": "one_step", "type": "command", "command": "echo", "environment": "azureml:any@latest"}
    (folder / "parts" / "step.yml").write_text(yaml.safe_dump(command))

    workspace = registry()
    deployment = Deployed(workspace, read(tmp_path)).route("probe", None)

    assert deployment.component == "components/all_of_it/versions/3"
    assert workspace.get("components/one_step/versions/1") is not None


def named(root: Path, model: str, **changes: Any) -> Path:
    """A deployment that only names its model; the folder of it."""
    folder = deploy(root, "echo", ECHO)
    shutil.rmtree(folder / "model")
    rewrite(folder / "deployment.yml", model=model, **changes)
    return folder


def rewrite(source: Path, target: Path | None = None, **changes: Any) -> None:
    """Change top-level keys of a YAML file; None removes one."""
    described = {**yaml.safe_load(source.read_text()), **changes}
    text = yaml.safe_dump({key: value for key, value in described.items() if value is not None})
    (target or source).write_text(text)
