"""Values that tests start from."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from shared.core.landing import Landing
from shared.core.location import Container, Location, locate
from shared.core.route import Route
from shared.routes import parse_routes
from testbed.fakes import FakeBlobs, FakeEndpoint

ROOT = Path(__file__).parent.parent

SETTINGS = {
    "LANDING_ACCOUNT_URL": "https://landing.blob.core.windows.net",
    "DIGITS_SCORING_URI": "https://digits.westeurope.inference.ml.azure.com/jobs",
    "WORKSPACE_ACCOUNT_URL": "https://workspace.blob.core.windows.net",
    "WORKSPACE_CONTAINER": "azureml-blobstore",
    "LAKEHOUSE_ACCOUNT_URL": "https://lake.blob.core.windows.net",
}
LANDING = Container("https://landing.blob.core.windows.net", "landing")
LAKEHOUSE = Container("https://lake.blob.core.windows.net", "lakehouse")
STATE = Container("https://state.blob.core.windows.net", "landfall")
TOPIC = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/landing"


def routes_text(**changes: str) -> str:
    """The project's routes.yaml with pieces of text replaced."""
    text = (ROOT / "routes.yaml").read_text("utf-8")
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def replaced(*pairs: tuple[str, str]) -> str:
    """The project's routes.yaml with each first text replaced by the second."""
    return routes_text(**dict(pairs))


@cache
def digits_route(*pairs: tuple[str, str]) -> Route:
    """The demo's route, with pieces of its text replaced."""
    routes = parse_routes(replaced(*pairs), SETTINGS)
    routes.require_whole()
    return routes.usable[0]


def tuesday(route: Route | None = None) -> Landing:
    return Landing(route or digits_route(), "digits/tuesday")


def in_landing(path: str) -> Location:
    return Location(LANDING, path)


def endpoint_over(blobs: FakeBlobs, route: Route, **given: Any) -> FakeEndpoint:
    """A fake endpoint that writes where the route's datastores say."""

    def output(uri: str) -> Location:
        location = locate(uri, route.datastores)
        assert location is not None, uri
        return location

    return FakeEndpoint(**{"blobs": blobs, "output": output, **given})
