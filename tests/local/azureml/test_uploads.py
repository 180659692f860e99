"""Code that the unmodified azure-ai-ml client uploads: what runs is what was given."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.local.azureml.test_walkthrough import scored

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import Model

pytestmark = [
    pytest.mark.timeout(120),
    # Of the client and of what it imports; nothing of ours warns.
    pytest.mark.filterwarnings("ignore"),
]


def deploy(client: MLClient, endpoint: str, name: str, code: Path, *, model: Model, compute: str) -> None:
    """As the docs do it, with code from a folder of this machine."""
    from azure.ai.ml import entities

    made = entities.BatchDeployment(
        name=name,
        endpoint_name=endpoint,
        model=model,
        compute=compute,
        code_configuration=entities.CodeConfiguration(code=str(code), scoring_script="score.py"),
    )
    client.batch_deployments.begin_create_or_update(made).result()


def predicted(client: MLClient, endpoint: str, deployment: str, data: Any, target: Path) -> set[str]:
    """What the deployment says of the files."""
    from azure.ai.ml import Input

    inputs = {"a": Input(type="uri_folder", path=data.id)}
    job = client.batch_endpoints.invoke(endpoint, deployment_name=deployment, inputs=inputs)
    return set(scored(client, job, target))


def test_code_is_that_of_its_own_deployment_however_its_folder_is_called(
    client: MLClient, model: Model, compute: str, tmp_path: Path, data: Any
) -> None:
    """Every upload had one place, so that the client took an earlier folder of the same name for its own."""
    from azure.ai.ml import entities

    client.batch_endpoints.begin_create_or_update(entities.BatchEndpoint(name="same-names")).result()
    told = {}
    for name in ("one", "two"):
        code = tmp_path / name / "code"
        code.mkdir(parents=True)
        script = f"def init():\n    pass\n\ndef run(files):\n    return ['{name}' for _ in files]\n"
        (code / "score.py").write_text(script)
        deploy(client, "same-names", name, code, model=model, compute=compute)
        told[name] = predicted(client, "same-names", name, data, tmp_path / f"{name}-out")

    assert told == {"one": {"one"}, "two": {"two"}}


def test_code_that_was_changed_is_what_runs(
    client: MLClient, model: Model, compute: str, tmp_path: Path, data: Any
) -> None:
    from azure.ai.ml import entities

    client.batch_endpoints.begin_create_or_update(entities.BatchEndpoint(name="changed")).result()
    code, told = tmp_path / "code", []
    code.mkdir()
    for number in (1, 2):
        (code / "score.py").write_text(
            "import words\n\ndef init():\n    pass\n\ndef run(f):\n    return words.told(f)\n"
        )
        (code / "words.py").write_text(f"def told(files):\n    return ['{number}' for _ in files]\n")
        deploy(client, "changed", "only", code, model=model, compute=compute)
        told.append(predicted(client, "changed", "only", data, tmp_path / f"out-{number}"))

    assert told == [{"1"}, {"2"}]
