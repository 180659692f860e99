"""Drives storage and Azure ML as separate processes, over HTTP only."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from local import addresses, tls
from local.azureml.workspace.names import WORKSPACE_ID
from local.azureml.workspace.uris import DEFAULT_DATASTORE
from local.tokens import AZURE_ML, MANAGEMENT, STORAGE, Issuer
from testbed.eventually import eventually

FINAL = ("Completed", "Failed", "Canceled")
RATE = 10.0


class Cloud:
    """One state directory with storage and Azure ML on it. The clock is quick, so that only real work takes time."""

    def __init__(
        self, state: Path, deployments: Path, *flags: str, endpoint: str = "probe", rate: float = RATE
    ) -> None:
        self.state = state
        self.addresses = addresses.settle(state, rate=rate)
        self.issuer = Issuer.of(state)
        self.http = httpx.Client(verify=tls.client_context(state), timeout=30)
        self._flags = ("--deployments", str(deployments), *flags)
        self._endpoint = endpoint
        self._folders = 0
        self._endpoints: dict[str, str] = {}
        self._storage = self._start("local.storage")
        self.azureml = self._start("local.azureml", *self._flags)

    def _start(self, part: str, *flags: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", part, "--state", str(self.state), "--with-parent", *flags]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    def close(self) -> None:
        self.http.close()
        for process in (self.azureml, self._storage):
            with process:
                process.terminate()

    def kill_azureml(self) -> None:
        with self.azureml as process:
            process.kill()

    def restart_azureml(self) -> None:
        self.azureml = self._start("local.azureml", *self._flags)

    def token(self, audience: str = AZURE_ML, **options: Any) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.issuer.issue(audience, **options)}"}

    def put(self, path: str, content: bytes) -> None:
        """Write a blob, `account/container/name`."""
        headers = {**self.token(STORAGE), "x-ms-version": "2023-11-03", "x-ms-blob-type": "BlockBlob"}
        self.http.put(f"{self.addresses.storage}/{quote(path)}", content=content, headers=headers).raise_for_status()

    def get(self, path: str) -> bytes | None:
        """Read a blob; None when there is none."""
        headers = {**self.token(STORAGE), "x-ms-version": "2023-11-03"}
        response = self.http.get(f"{self.addresses.storage}/{quote(path)}", headers=headers)
        return response.content if response.status_code == 200 else None

    def output(self, path: str) -> str | None:
        """A text on the default datastore; None when there is none."""
        found = self.get(f"{DEFAULT_DATASTORE.account}/{DEFAULT_DATASTORE.container}/{path}")
        return None if found is None else found.decode()

    def land(self, files: Mapping[str, str | bytes]) -> str:
        """Upload `files` into a folder of their own; returns its uri."""
        self._folders += 1
        folder = f"in/{self._folders}"
        for name, content in files.items():
            self.put(
                f"devstoreaccount1/landing/{folder}/{name}", content.encode() if isinstance(content, str) else content
            )
        return f"azureml://datastores/landing/paths/{folder}"

    def post(self, body: object, deployment: str | None = None, endpoint: str | None = None) -> httpx.Response:
        named = {"azureml-model-deployment": deployment} if deployment else {}
        return self.http.post(
            f"{self.addresses.azureml}/endpoints/{endpoint or self._endpoint}/jobs",
            json=body,
            headers={**self.token(), **named},
        )

    def submit(
        self,
        uri: str,
        deployment: str,
        *,
        output: str | None = None,
        kind: str = "UriFolder",
        endpoint: str | None = None,
        **more: Any,
    ) -> str:
        """Invoke; returns the job's name."""
        properties: dict[str, Any] = {"inputData": {"data": {"jobInputType": kind, "uri": uri}}, **more}
        if output:
            target = f"azureml://datastores/workspaceblobstore/paths/{output}"
            properties["outputData"] = {"score": {"jobOutputType": "UriFile", "uri": target}}
        response = self.post({"properties": properties}, deployment, endpoint)
        assert response.status_code == 201, response.text
        name = str(response.json()["name"])
        self._endpoints[name] = endpoint or self._endpoint
        return name

    def job(self, name: str) -> dict[str, Any]:
        """The job as the scoring host shows it."""
        response = self.http.get(
            f"{self.addresses.azureml}/endpoints/{self._endpoints.get(name, self._endpoint)}/jobs/{name}",
            headers=self.token(),
        )
        assert response.status_code == 200, response.text
        return dict(response.json()["properties"])

    def status(self, name: str) -> str:
        return str(self.job(name)["status"])

    def wait_for(self, name: str, *statuses: str) -> str:
        def look() -> str | None:
            status = self.status(name)
            return status if status in statuses else None

        return eventually(look, f"{name}: {' or '.join(statuses)}")

    def wait_for_step(self, name: str, step: str, status: str) -> None:
        """Until a run below a job is in that state."""
        eventually(lambda: self.below(name)[step]["status"] == status, f"{step} of {name}: {status}")

    def end(self, name: str) -> str:
        """The job's final status."""
        return self.wait_for(name, *FINAL)

    def score(self, files: Mapping[str, str | bytes], deployment: str, **more: Any) -> str:
        """Land, invoke and wait; returns the job's name, which has completed."""
        name = self.submit(self.land(files), deployment, output=f"out/{self._folders}.csv", **more)
        assert self.end(name) == "Completed", self.error(name)
        return name

    def predictions(self, name: str) -> list[str]:
        """The lines of the output of a completed job."""
        path = self.job(name)["outputData"]["score"]["uri"].partition("/paths/")[2]
        text = self.output(path)
        assert text is not None
        return text.splitlines()

    def manage(self, path: str, method: str = "GET", json: object = None, **query: str) -> httpx.Response:
        """A request to Resource Manager, below the workspace."""
        return self.http.request(
            method,
            f"{self.addresses.azureml}{WORKSPACE_ID}{path}",
            json=json,
            params={"api-version": "2024-01-01-preview", **query},
            headers=self.token(MANAGEMENT),
        )

    def create(self, path: str, properties: dict[str, Any]) -> dict[str, Any]:
        """Make a resource with Resource Manager; returns how it is shown."""
        response = self.manage(path, "PUT", {"location": "local", "properties": properties})
        assert response.status_code in (200, 201), response.text
        return dict(self.manage(path).json())

    def upload(self, folder: Path) -> str:
        """Put a folder on the default datastore; returns its uri."""
        self._folders += 1
        target = f"up/{self._folders}/{folder.name}"
        for file in (path for path in folder.rglob("*") if path.is_file()):
            name = f"{target}/{file.relative_to(folder).as_posix()}"
            self.put(f"{DEFAULT_DATASTORE.account}/{DEFAULT_DATASTORE.container}/{name}", file.read_bytes())
        return f"azureml://datastores/{DEFAULT_DATASTORE.name}/paths/{target}"

    def deploy(self, endpoint: str, name: str, *, model: str, script: str | None = None, **properties: Any) -> None:
        """Make a deployment of version 1 of `model`, with `script` for its scoring script."""
        if script:
            self._folders += 1
            path = f"code/{self._folders}"
            container = f"{DEFAULT_DATASTORE.account}/{DEFAULT_DATASTORE.container}"
            self.put(f"{container}/{path}/score.py", textwrap.dedent(script).encode())
            self.create(f"/codes/{name}/versions/1", {"codeUri": f"{self.addresses.storage}/{container}/{path}"})
            code_id = f"{WORKSPACE_ID}/codes/{name}/versions/1"
            properties["codeConfiguration"] = {"codeId": code_id, "scoringScript": "score.py"}
        reference = {"referenceType": "Id", "assetId": f"{WORKSPACE_ID}/models/{model}/versions/1"}
        compute = f"{WORKSPACE_ID}/computes/batch-cluster"
        made = {"model": reference, "compute": compute, **properties}
        self.create(f"/batchEndpoints/{endpoint}/deployments/{name}", made)

    def history(self, path: str) -> Any:
        """What run history answers below `runs/`."""
        url = f"{self.addresses.azureml}/history/v1.0{WORKSPACE_ID}/runs/{path}"
        return self.http.get(url, headers=self.token(MANAGEMENT)).raise_for_status().json()

    def details(self, run: str) -> dict[str, Any]:
        """A job, or a run below one, as run history shows it."""
        return dict(self.history(f"{run}/details"))

    def below(self, name: str) -> dict[str, dict[str, Any]]:
        """The runs below a job in detail, by what they are called."""
        return {run["name"]: self.details(run["runId"]) for run in self.history(f"{name}/children")["value"]}

    def error(self, name: str) -> str:
        """Why a job failed: what the run below it says that failed, else what its own says."""
        errors = [run["error"] for run in (*self.below(name).values(), self.details(name)) if run["error"]]
        return str(errors[0]["error"]["message"]) if errors else ""

    def streamed(self, name: str) -> str:
        """What `jobs.stream` prints of a job; nothing as long as there is no log."""
        link = self.details(name)["logFiles"].get("logs/azureml/executionlogs.txt")
        return self.http.get(link).raise_for_status().text if link else ""

    def log(self, name: str, start: str, step: str = "batchscoring") -> str:
        """All logs of the run that did the work whose names begin with `start`, by the links that run history gives."""
        links = self.below(name)[step]["logFiles"]
        found = [url for path, url in sorted(links.items()) if path.startswith(start)]
        return "".join(self.http.get(url).raise_for_status().text for url in found)
