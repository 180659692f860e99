"""A local cloud whose workspace and accounts are called like those of a customer."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from local import tls
from local.identity.credential import LocalCredential
from local.tokens import MANAGEMENT
from testbed.eventually import eventually
from tests.local.stack.stacks import HERE, Up, local, up

SUBSCRIPTION = "0f0f0f0f-1111-4222-8333-444444444444"
WORKSPACE = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-ml/providers/Microsoft.MachineLearningServices/workspaces/ml-prod"
)
NAMES = f"""
subscription_id: {SUBSCRIPTION}
resource_group: rg-ml
workspace_name: ml-prod
landing_account: stcustomerland
workspace_account: stcustomerml
lakehouse_account: stcustomerlake
"""

pytestmark = [pytest.mark.long, pytest.mark.timeout(180)]


def get(started: Up, path: str) -> httpx.Response:
    """From Resource Manager, as the developer."""
    token = LocalCredential.of(started.state).get_token(f"{MANAGEMENT}/.default").token
    url = f"{started.described['azureml']['management_url']}{path}?api-version=2024-10-01"
    with httpx.Client(verify=tls.client_context(started.state), trust_env=False) as http:
        return http.get(url, headers={"Authorization": f"Bearer {token}"})


def test_names_are_in_every_id_are_kept_and_never_change(tmp_path: Path) -> None:
    state, names, file = tmp_path / "state", tmp_path / "names.yml", tmp_path / "a.csv"
    names.write_text(NAMES)
    file.write_text("1")

    with up(state, "up", "--app", str(HERE / "app"), "--workspace", str(names)) as started:
        told = started.described
        assert {key: told["azureml"][key] for key in ("subscription_id", "resource_group", "workspace")} == {
            "subscription_id": SUBSCRIPTION,
            "resource_group": "rg-ml",
            "workspace": "ml-prod",
        }
        assert told["storage"]["account_url"].endswith("/stcustomerland")
        assert told["storage"]["hierarchical"] == ["stcustomerlake"]
        assert get(started, WORKSPACE).json()["id"] == WORKSPACE
        store = get(started, f"{WORKSPACE}/datastores/workspaceblobstore").json()
        assert store["properties"]["accountName"] == "stcustomerml"
        dropped = local("drop", str(file), "landing/here", "--state", str(state))
        assert dropped.returncode == 0, dropped.stderr
        eventually(lambda: any("here/a.csv" in subject for subject in started.subjects()), "the event of the file")

    other = local("azureml", "--state", str(state), "--deployments", str(tmp_path), "--workspace", f"{WORKSPACE}-2")
    assert other.returncode == 2
    assert "was begun as" in other.stderr
    with up(state, "azureml") as again:
        assert get(again, WORKSPACE).status_code == 200
