"""The assignments that the local cloud begins with are those that docs/deploy.md tells people to make."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from local.roles.live import DEFAULT

PAGE = (Path(__file__).parents[3] / "docs" / "deploy.md").read_text("utf-8")
ROLES = yaml.safe_load(DEFAULT.read_text("utf-8"))
CALLED = {
    "the container of `LANDFALL_STATE_URL`": ["container landfallstate/landfall"],
    "the landing container": ["container devstoreaccount1/landing"],
    "the output datastore's container": ["container azuremlstore/azureml-blobstore-local"],
    "the lakehouse container": ["container lakehouse/lakehouse"],
    "the workspace": ["workspace"],
    "the announcements topic, if there is one": ["topic landfall"],
    "the events' queue and its poison queue (`QUEUE-poison`)": [
        "queue devstoreaccount1/landing-events",
        "queue devstoreaccount1/landing-events-poison",
    ],
}
"""Where the things are, here, that the page gives roles on. The host storage is missing: the local Functions host keeps
its state on disk."""
INVOKER = "Batch Endpoint Invoker"


def table(heading: str) -> set[tuple[str, str]]:
    """The roles below a heading, with the scopes that they have here. Where the page leaves a choice, the last one."""
    section = re.split(r"\n#+ ", PAGE.partition(f"\n### {heading}\n")[2])[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:2] == "| "]
    told = [(role.rpartition("or ")[2], on) for role, on, _ in rows[1:] if on != "host storage"]
    return {(role, scope) for role, on in told for scope in CALLED[on]}


@pytest.mark.parametrize(
    ("heading", "identity"), [("The app's identity", "landfall-app"), ("The compute cluster's identity", "compute")]
)
def test_an_identity_has_the_roles_that_the_page_gives_it_and_no_others(heading: str, identity: str) -> None:
    assigned = {(one["role"], one["scope"]) for one in ROLES["assignments"] if one["identity"] == identity}

    assert assigned == table(heading)


def test_the_custom_role_is_the_one_of_the_page() -> None:
    (text,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    role = json.loads(text)

    assert role["Name"] == INVOKER
    assert role["Actions"] == ROLES["roles"][INVOKER]["actions"]
