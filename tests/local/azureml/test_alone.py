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


def carried_out(emulator: Alone, file: Path, script: str | None = None) -> subprocess.CompletedProcess[str]:
    """The printed script, or another one, in a shell, with a file to score."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-eu", "-o", "pipefail"],
        input=script or script_of(emulator.printed),
        env={**os.environ, "FILE": str(file), "PATH": path},
        cwd=file.parent,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_printed_script_uploads_scores_and_lists(tmp_path: Path) -> None:
    """With an endpoint that is served: the first by name here has nothing that could run."""
    deploy(tmp_path / "deployments", "echo", ECHO)
    broken = tmp_path / "deployments" / "aaa"
    (broken / "only").mkdir(parents=True)
    (broken / "endpoint.yml").write_text("name: aaa-broken\nauth_mode: aad_token\ndefaults: {deployment_name: only}\n")
    (broken / "only" / "deployment.yml").write_text("name: only\nendpoint_name: aaa-broken\nmodel: {path: gone}\n")
    (tmp_path / "hello.txt").write_text("hello")

    with alone(tmp_path / "state", tmp_path / "deployments") as emulator:
        done = carried_out(emulator, tmp_path / "hello.txt")
        script = script_of(emulator.printed).replace("/endpoints/probe/jobs", "/endpoints/nobody-s/jobs")
        failed = carried_out(emulator, tmp_path / "hello.txt", script)

    assert done.returncode == 0, done.stderr
    assert '"jobInputType": "UriFile"' in done.stdout
    assert f"probe {emulator.told['azureml']['scoring_uris']['probe']}\n" in done.stdout
    assert failed.returncode != 0
    assert "404" in failed.stderr
    assert '"code": "UserError"' in failed.stderr


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


@pytest.mark.long
def test_with_nothing_deployed_the_script_still_works(emulator: Alone) -> None:
    assert "-X POST" not in emulator.printed
    assert "# No endpoint takes a file: none has a default deployment of a model." in emulator.printed
    assert "MLClient(" in script_of(emulator.printed)
