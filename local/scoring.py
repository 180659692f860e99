"""`python -m local score DEPLOYMENT.yml DATA`: one deployment on a folder, or a file, as a batch endpoint runs it.

Storage and Azure ML are started for it in a folder of their own, and gone afterwards; no function app has a part in it.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

import httpx
import yaml

from local import addresses, tls
from local.addresses import ACCOUNT, Addresses
from local.azureml.workspace import yaml_text
from local.azureml.workspace.names import WORKSPACE_ID, asset_path
from local.azureml.workspace.nearby import Nearby
from local.azureml.workspace.uris import DEFAULT_DATASTORE
from local.commands import CommandFailed, files_in
from local.identity.credential import LocalCredential
from local.parts import PartEnded, part
from local.python import own_python
from local.tokens import AZURE_ML, MANAGEMENT, STORAGE, Issuer

FINAL = frozenset({"Completed", "Failed", "Canceled"})
EVERY_SECONDS = 0.2
RESULT = "result"
API_VERSION = "2024-04-01"
"""Of Resource Manager."""
LINES = 10
"""Of each output that are shown."""
TRACEBACKS = "user/error/"
"""Where the logs of a job have what its script raised."""


def score(deployment: Path, data: Path, to: Path | None, say: Callable[[str], None]) -> int:
    """Score, and show the result: 0; or what the script raised: 2. Raises CommandFailed for what cannot be tried."""
    files = files_in(data, "landing/data")
    endpoint, name, is_pipeline = _read(deployment)
    if is_pipeline:
        raise CommandFailed(f"{deployment} is of a pipeline; run it with '{own_python()} -m local up' and a route.")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        root = Path(folder)
        _lay_out(deployment, root / "deployments", endpoint)
        cloud = stack.enter_context(started(root / "state", root / "deployments"))
        for path, blob in files:
            cloud.put(f"{ACCOUNT}/landing/{blob}", path.read_bytes())
        job = cloud.submit(endpoint, name)
        below = sum("/" in blob.removeprefix("landing/data/") for _, blob in files)
        count = len(files) - below
        say(f"{job}: {count} {'file' if count == 1 else 'files'} by {endpoint}/{name}")
        if below:
            say(f"{below} in sub-folders are not scored: a batch endpoint takes the files of the folder itself.")
        if (status := cloud.end_of(endpoint, job)) != "Completed":
            say(f"{job} {status}.\n{cloud.why(job)}")
            return 2
        found = cloud.outputs()
        for output, content in found.items():
            if to is not None:
                target = to / output
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            say(f"\n{target if to is not None else output}  {len(content):,} bytes\n{_beginning(content)}")
        return 0


def _read(deployment: Path) -> tuple[str, str, bool]:
    """The endpoint's name, the deployment's, and whether it is of a pipeline. Raises CommandFailed."""
    try:
        found = yaml_text.load(deployment.read_text("utf-8"))
        return str(found["endpoint_name"]), str(found["name"]), found.get("type", "model") != "model"
    except OSError as error:
        raise CommandFailed(f"{deployment} cannot be read: {error.strerror}.") from None
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
        told = f"{type(error).__name__} {error}".replace("\n", " ")
        raise CommandFailed(f"{deployment} is no deployment with name and endpoint_name: {told}.") from None


def _lay_out(deployment: Path, root: Path, endpoint: str) -> None:
    """As a folder of deployments: with this one, whatever its file and folder are called, and what it only names."""
    target = root / endpoint / "deployment"
    target.parent.mkdir(parents=True)
    shutil.copytree(deployment.parent, target)
    (target / deployment.name).rename(target / "deployment.yml")
    # It may lie beside its endpoint; here it lies below it.
    is_beside = (target / "endpoint.yml").exists()
    (target / "endpoint.yml").unlink(missing_ok=True)
    (target.parent / "endpoint.yml").write_text(f"name: {endpoint}\nauth_mode: aad_token\n", "utf-8")
    model = yaml_text.load(deployment.read_text("utf-8")).get("model")
    path = asset_path(model, "models") if isinstance(model, str) else None
    name = path.split("/")[1] if path else ""
    around = deployment.parent if is_beside else deployment.parent.parent
    if files := Nearby.of(deployment.parent, around).model(name):
        (target.parent / "models").mkdir()
        (target.parent / "models" / name).symlink_to(files)


@dataclass(frozen=True, slots=True)
class Cloud:
    """Storage and Azure ML on a state directory, asked as the developer."""

    storage: str
    azureml: str
    issuer: Issuer
    http: httpx.Client
    authority: Path

    def put(self, path: str, content: bytes | BinaryIO) -> None:
        headers = {**self._token(STORAGE), "x-ms-blob-type": "BlockBlob"}
        self.http.put(f"{self.storage}/{quote(path)}", content=content, headers=headers).raise_for_status()

    def submit(self, endpoint: str, deployment: str, to: str = RESULT) -> str:
        """The name of the job, which scores the folder landing/data and writes below `to`. Raises CommandFailed."""
        result = f"azureml://datastores/{DEFAULT_DATASTORE.name}/paths/{to}/predictions.csv"
        body = {
            "properties": {
                "inputData": {"data": {"jobInputType": "UriFolder", "uri": "azureml://datastores/landing/paths/data"}},
                "outputData": {"score": {"jobOutputType": "UriFile", "uri": result}},
            }
        }
        headers = {**self._token(AZURE_ML), "azureml-model-deployment": deployment}
        answer = self.http.post(f"{self.azureml}/endpoints/{endpoint}/jobs", json=body, headers=headers)
        if answer.is_error:
            raise CommandFailed(f"The deployment was not taken: {answer.text[:1000]}")
        return str(answer.json()["name"])

    def end_of(self, endpoint: str, job: str, within: float = float("inf")) -> str:
        """The status that the job ends with; or has after so many seconds."""
        deadline = time.monotonic() + within
        while True:
            answer = self.http.get(f"{self.azureml}/endpoints/{endpoint}/jobs/{job}", headers=self._token(AZURE_ML))
            status = str(answer.raise_for_status().json()["properties"]["status"])
            if status in FINAL or time.monotonic() > deadline:
                return status
            time.sleep(EVERY_SECONDS)

    def outputs(self, to: str = RESULT) -> dict[str, bytes]:
        """What a job has written below `to`, by its names."""
        from azure.storage.blob import ContainerClient  # slow to import, and only needed here

        with ContainerClient(
            f"{self.storage}/{DEFAULT_DATASTORE.account}",
            DEFAULT_DATASTORE.container,
            credential=LocalCredential(self.issuer),
            connection_verify=str(self.authority),
        ) as client:
            names = [blob.name for blob in client.list_blobs(name_starts_with=f"{to}/")]
            return {name.removeprefix(f"{to}/"): client.download_blob(name).readall() for name in names}

    def jobs(self) -> list[dict[str, Any]]:
        """All jobs, newest first."""
        found: list[dict[str, Any]] = self.http.get(f"{self.azureml}/_jobs").raise_for_status().json()
        return sorted(found, key=lambda job: str(job["created"]), reverse=True)

    def log(self, job: str) -> str:
        """A job's states, and what its script has printed so far."""
        url = (self._history(f"{job}/details").get("logFiles") or {}).get("logs/azureml/executionlogs.txt")
        return self.http.get(url).raise_for_status().text if url else ""

    def why(self, job: str) -> str:
        """What the job's script has raised; or what its run says."""
        below = self._history(f"{job}/children")["value"]
        runs = [self._history(f"{one['runId']}/details") for one in below] or [self._history(f"{job}/details")]
        links = {name: url for run in runs for name, url in (run.get("logFiles") or {}).items()}
        raised = [url for name, url in sorted(links.items()) if TRACEBACKS in name]
        if raised:
            return self.http.get(raised[0]).text.strip()
        errors = [run["error"]["error"]["message"] for run in runs if run.get("error")]
        return "\n".join(map(str, errors))

    def manage(self, path: str, properties: dict[str, Any] | None = None) -> httpx.Response:
        """What Resource Manager answers about a resource of the workspace, or to making it with these properties."""
        return self.http.request(
            "GET" if properties is None else "PUT",
            f"{self.azureml}{WORKSPACE_ID}/{quote(path)}",
            json=None if properties is None else {"properties": properties},
            params={"api-version": API_VERSION},
            headers=self._token(MANAGEMENT),
        )

    def _history(self, path: str) -> Any:
        url = f"{self.azureml}/history/v1.0{WORKSPACE_ID}/runs/{path}"
        return self.http.get(url, headers=self._token(MANAGEMENT)).raise_for_status().json()

    def _token(self, audience: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.issuer.issue(audience)}", "x-ms-version": "2023-11-03"}


@contextmanager
def asked(state: Path, where: Addresses) -> Iterator[Cloud]:
    """The parts that run there."""
    with httpx.Client(verify=tls.client_context(state), timeout=60, trust_env=False) as http:
        yield Cloud(where.storage, where.azureml, Issuer.of(state), http, tls.authority(state))


@contextmanager
def started(state: Path, deployments: Path) -> Iterator[Cloud]:
    """Both parts, until the block is over. Raises CommandFailed where the deployment is one that Azure ML refuses."""
    where = addresses.settle(state)
    with ExitStack() as stack:
        try:
            stack.enter_context(part("local.storage", state))
            stack.enter_context(part("local.azureml", state, "--deployments", str(deployments)))
        except PartEnded as error:
            raise CommandFailed(str(error)) from error
        yield stack.enter_context(asked(state, where))


def _beginning(content: bytes) -> str:
    lines = content.decode("utf-8", "replace").splitlines()
    shown = [line if line.isprintable() else repr(line)[1:-1] for line in lines[:LINES]]
    return "\n".join([*shown, *([f"… {len(lines) - LINES} more lines"] if len(lines) > LINES else [])])
