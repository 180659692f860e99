"""The assignments that the local cloud begins with are those that docs/deploy.md tells people to make."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from local.roles.live import DEFAULT

DOCUMENT = Path(__file__).parents[3] / "docs" / "deploy.md"
CALLED = {
    "container landfallstate/landfall": "LANDFALL_STATE_URL",
    "container devstoreaccount1/landing": "landing container",
    "container azuremlstore/azureml-blobstore-local": "output datastore",
    "container lakehouse/lakehouse": "lakehouse",
    "workspace": "workspace",
    "topic landfall": "topic",
    "queue devstoreaccount1/landing-events": "queue",
    "queue devstoreaccount1/landing-events-poison": "poison queue",
}
"""What the page calls the things that roles are on."""
ASSIGNED = [
    (one["identity"], one["role"], one["scope"])
    for one in yaml.safe_load(DEFAULT.read_text("utf-8"))["assignments"]
    if one["identity"] in ("landfall-app", "compute")
]


@pytest.mark.parametrize(("identity", "role", "scope"), ASSIGNED, ids=map(" ".join, ASSIGNED))
def test_an_assignment_is_told_in_one_line(identity: str, role: str, scope: str) -> None:
    words = [role, CALLED[scope], *(["compute"] if identity == "compute" else [])]

    lines = DOCUMENT.read_text("utf-8").splitlines()

    assert [line for line in lines if all(word in line for word in words)], words
