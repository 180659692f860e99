"""Which request to Azure ML needs which action, and on what."""

from __future__ import annotations

import pytest

from local.azureml.api.permissions import asked
from local.azureml.workspace.names import TYPE, WORKSPACE_ID

FRONT_END = f"/mferp/managementfrontend{WORKSPACE_ID}/batchEndpoints"


@pytest.mark.parametrize(
    ("method", "path", "action", "scope"),
    [
        ("GET", "/endpoints/e/jobs", "batchEndpoints/jobs/read", "/batchEndpoints/e"),
        ("GET", "/endpoints/e/jobs/j", "batchEndpoints/jobs/read", "/batchEndpoints/e"),
        (
            "GET",
            f"{FRONT_END}/e/deployments/d/jobs",
            "batchEndpoints/deployments/jobs/read",
            "/batchEndpoints/e/deployments/d",
        ),
        (
            "GET",
            f"{FRONT_END}/e/deployments/d",
            "batchEndpoints/deployments/read",
            "/batchEndpoints/e/deployments/d",
        ),
        ("POST", "/endpoints/e/jobs", "batchEndpoints/jobs/write", ""),
        ("GET", f"/history/v1.0{WORKSPACE_ID}/runs/r/details", "experiments/runs/read", ""),
        ("GET", WORKSPACE_ID, "read", ""),
        ("GET", f"{WORKSPACE_ID}/jobs", "jobs/read", ""),
        ("GET", f"{WORKSPACE_ID}/jobs/j", "jobs/read", "/jobs/j"),
        ("POST", f"{WORKSPACE_ID}/jobs/j/cancel", "jobs/cancel/action", "/jobs/j"),
        ("PUT", f"{WORKSPACE_ID}/computes/c", "computes/write", "/computes/c"),
        ("DELETE", f"{WORKSPACE_ID}/batchEndpoints/e", "batchEndpoints/delete", "/batchEndpoints/e"),
        (
            "GET",
            f"{WORKSPACE_ID}/batchEndpoints/e/deployments",
            "batchEndpoints/deployments/read",
            "/batchEndpoints/e",
        ),
        ("PUT", f"{WORKSPACE_ID}/models/m/versions/1", "models/versions/write", "/models/m/versions/1"),
        (
            "POST",
            f"{WORKSPACE_ID}/models/m/versions/1/startPendingUpload",
            "models/versions/write",
            "/models/m/versions/1",
        ),
        (
            "POST",
            f"{WORKSPACE_ID}/datastores/s/listSecrets",
            "datastores/listSecrets/action",
            "/datastores/s",
        ),
    ],
)
def test_a_request_needs(method: str, path: str, action: str, scope: str) -> None:
    what = asked(method, path)

    assert what is not None
    assert (what.needs[0][0].name, what.scope) == (f"{TYPE}/{action}", f"{WORKSPACE_ID}{scope}")


@pytest.mark.parametrize("path", ["/discovery", f"{WORKSPACE_ID.rpartition('/')[0]}", "/_jobs", "/_faults"])
def test_nobody_needs_a_role_to_be_told_where_things_are(path: str) -> None:
    assert asked("GET", path) is None


def test_invoking_needs_the_whole_documented_list_but_for_what_a_data_scientist_lacks() -> None:
    what = asked("POST", "/endpoints/e/jobs")

    assert what is not None
    (needed,) = what.needs
    assert len({one.name for one in needed}) == 34
    assert f"{TYPE}/computes/listKeys/action" not in {one.name for one in needed}
