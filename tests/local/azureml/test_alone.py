"""What `python -m local azureml` prints works when it is copied into a shell, and what it was told survives."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.local.azureml.alone import Alone, alone, end_of, use
from tests.local.azureml.probes import ECHO, deploy

pytestmark = pytest.mark.timeout(120)


def script_of(printed: str) -> str:
    assert printed.startswith("# Azure ML is up at https://127.0.0.1:")
    return printed


def test_the_printed_script_uploads_scores_and_lists(tmp_path: Path) -> None:
    deploy(tmp_path / "deployments", "echo", ECHO)
    (tmp_path / "hello.txt").write_text("hello")
    environment = {
        **os.environ,
        "FILE": str(tmp_path / "hello.txt"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }

    with alone(tmp_path / "state", tmp_path / "deployments") as emulator:
        done = subprocess.run(
            ["bash", "-eu", "-o", "pipefail"],
            input=script_of(emulator.printed),
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 0, done.stderr
    assert '"jobInputType": "UriFile"' in done.stdout
    assert done.stdout.endswith(f"probe {emulator.told['azureml']['scoring_uris']['probe']}\n")


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")  # of the client and of what it imports
def test_what_was_created_over_the_api_survives_a_restart(tmp_path: Path) -> None:
    from azure.ai.ml import Input, entities
    from azure.core.exceptions import ResourceNotFoundError

    folder = deploy(tmp_path / "deployments", "echo", ECHO)
    waiting = deploy(tmp_path / "deployments", "echo", ECHO, endpoint="waiting") / "deployment.yml"
    waiting.write_text(yaml.safe_dump({**yaml.safe_load(waiting.read_text()), "model": "azureml:kept@latest"}))
    shutil.rmtree(waiting.parent / "model")
    (tmp_path / "a.txt").write_text("1")
    with alone(tmp_path / "state", tmp_path / "deployments") as emulator, pytest.MonkeyPatch.context() as patch:
        client = use(patch, emulator)
        with pytest.raises(ResourceNotFoundError, match="az ml model create --name kept --path FOLDER"):
            client.batch_deployments.get("echo", "waiting")
        model = client.models.create_or_update(entities.Model(name="kept", path=str(folder / "model")))
        client.batch_endpoints.begin_create_or_update(entities.BatchEndpoint(name="kept")).result()
        code = entities.CodeConfiguration(code=str(folder / "code"), scoring_script="score.py")
        made = entities.BatchDeployment(
            name="kept", endpoint_name="kept", model=model, compute="batch-cluster", code_configuration=code
        )
        client.batch_deployments.begin_create_or_update(made).result()
        assert client.batch_deployments.get("echo", "waiting").model.endswith("/models/kept/labels/latest")
        described = client.batch_endpoints.get("probe")
        described.description = "Changed over the API."
        client.batch_endpoints.begin_create_or_update(described).result()

    with alone(tmp_path / "state", tmp_path / "deployments") as emulator, pytest.MonkeyPatch.context() as patch:
        client = use(patch, emulator)
        file = {"x": Input(type="uri_file", path=str(tmp_path / "a.txt"))}
        assert (
            end_of(client, client.batch_endpoints.invoke("waiting", deployment_name="echo", inputs=file)) == "Completed"
        )
        job = client.batch_endpoints.invoke("kept", deployment_name="kept", inputs=file)
        ended = end_of(client, job)
        client.jobs.download(job.name, output_name="score", download_path=str(tmp_path / "out"))

        assert ended == "Completed"
        assert (tmp_path / "out" / "predictions.csv").read_text() == "a.txt=1\n"
        assert client.batch_endpoints.get("probe").description == "Changed over the API."


def test_with_nothing_deployed_the_script_still_works(emulator: Alone) -> None:
    assert "curl -sf -X POST" not in emulator.printed
    assert "MLClient(" in script_of(emulator.printed)
