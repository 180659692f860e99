"""The Azure CLI itself, as the README points it here. Left out where it is not installed: see `make clients`."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from testbed.programs import program
from tests.local.azureml.alone import CHECKOUT, Alone

INSTALLED = CHECKOUT / ".make" / "az" / "bin" / "az"
README = CHECKOUT / "local" / "azureml" / "README.md"


def _documented() -> str:
    """The three lines of the README."""
    (lines,) = re.findall(r"```sh\n(az cloud register .*?)```", README.read_text("utf-8"), re.DOTALL)
    return str(lines)


def _settings(printed: str) -> str:
    """What the emulator prints for the shell in which clients are used."""
    return "\n".join(line for line in printed.splitlines() if line.startswith("export "))


@pytest.mark.long
def test_az_signs_in_and_asks_with_the_three_lines_of_the_readme(emulator: Alone, tmp_path: Path) -> None:
    (tmp_path / "file.txt").write_text("from az")
    script = f"""
    set -e
    {_settings(emulator.printed)}
    {_documented()}
    az group list --query '[].name' --output tsv
    az resource list --resource-type Microsoft.MachineLearningServices/workspaces --query '[].name' --output tsv
    az resource show --query name --output tsv --ids "$(az resource list --query '[0].id' --output tsv)"
    az account get-access-token --resource https://ml.azure.com --query tokenType --output tsv
    blobs="--account-name devstoreaccount1 --blob-endpoint $STORAGE --auth-mode login --container-name landing"
    az storage blob upload $blobs --name az/file.txt --file file.txt --no-progress --output none
    az storage blob list $blobs --query '[].name' --output tsv
    az storage blob download $blobs --name az/file.txt --file back.txt --no-progress --output none
    """
    environment = {
        **os.environ,
        "PATH": f"{Path(program('az', INSTALLED)).parent}:{os.environ['PATH']}",
        "AZURE_CONFIG_DIR": str(tmp_path / "config"),
        "AZURE_CORE_COLLECT_TELEMETRY": "no",
    }

    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert '"displayName": "Landfall local"' in done.stdout
    assert done.stdout.splitlines()[-5:] == ["landfall-local", "local", "local", "Bearer", "az/file.txt"]
    assert (tmp_path / "back.txt").read_text() == "from az"
