"""`python -m local azureml` as an outsider starts it, and the unmodified azure-ai-ml client pointed at it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from local.addresses import RESOURCE_GROUP, SUBSCRIPTION, WORKSPACE, port_of
from local.addresses import load as load_addresses
from local.roles.identities import USER
from testbed.eventually import eventually
from tests.local.azureml.cloud import FINAL

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import BatchJob

CHECKOUT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Alone:
    """A running emulator: its state directory, what it printed, and what stack.json says."""

    state: Path
    printed: str
    told: dict[str, Any]


@contextmanager
def alone(state: Path, deployments: Path) -> Iterator[Alone]:
    # The client lists jobs where only some answers to the open facts let it.
    flags = ["--deployments", str(deployments), "--state", str(state), "--azure", "kind"]
    command = [sys.executable, "-m", "local", "azureml", *flags]
    with (state.parent / "printed.txt").open("w+") as printed:
        process = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        try:
            for line in process.stdout:
                printed.write(line)
                if line == "END\n":
                    break
            printed.seek(0)
            yield Alone(state, printed.read(), json.loads((state / "stack.json").read_text()))
        finally:
            process.terminate()
            process.stdout.close()
            process.wait()


def use(patch: pytest.MonkeyPatch, emulator: Alone) -> MLClient:
    """The client as the printed words say: its settings in the environment, the account's host name resolved."""
    from azure.ai.ml import MLClient
    from azure.ai.ml.constants._endpoint import EndpointInvokeFields
    from azure.identity import ManagedIdentityCredential

    # The client keeps the deployment that was named last in this constant, and names it in every later invocation.
    patch.setattr(EndpointInvokeFields, "DEFAULT_HEADER", {"Content-Type": "application/json"})
    authorities = emulator.told["storage"]["ca_cert"]
    patch.setenv("REQUESTS_CA_BUNDLE", authorities)
    patch.setenv("IDENTITY_ENDPOINT", emulator.told["identity"]["endpoint"])
    patch.setenv("IDENTITY_HEADER", emulator.told["identity"]["header"])
    # The client leaves the name of its cloud in the environment; that must not outlive the test.
    patch.setenv("AZUREML_CURRENT_CLOUD", os.environ.get("AZUREML_CURRENT_CLOUD", "AzureCloud"))
    resolve = socket.getaddrinfo
    patch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *more, **named: resolve("127.0.0.1" if str(host).endswith(".localhost") else host, *more, **named),
    )
    where = load_addresses(emulator.state)
    # The client keeps what it was told of a cloud by the cloud's name, for as long as the process lives.
    cloud = f"Landfall-{port_of(where.azureml)}"
    return MLClient(
        ManagedIdentityCredential(client_id=USER.client_id),
        SUBSCRIPTION,
        RESOURCE_GROUP,
        WORKSPACE,
        cloud=cloud,
        cloud_metadata={
            "azure_portal": "https://ml.azure.com/",
            "resource_manager": f"{where.azureml}/",
            "active_directory": "https://login.microsoftonline.com/",
            "aml_resource_id": "https://ml.azure.com/",
            "storage_endpoint": f"localhost:{port_of(where.storage)}",
            "registry_discovery_endpoint": f"{where.azureml}/",
        },
    )


def end_of(client: MLClient, job: BatchJob) -> str:
    """The final status of a job."""

    def look() -> str | None:
        status: str = client.jobs.get(job.name).status
        return status if status in FINAL else None

    return eventually(look, f"the end of {job.name}")
