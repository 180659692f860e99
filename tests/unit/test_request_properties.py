"""Whatever is sent: it is understood or refused with a sentence, and leads nowhere that the route does not name."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.core.changes import Changes, changed
from shared.core.landing import Landing
from shared.core.location import is_safe, locate
from shared.core.request import Refused, RunRequest, landing_asked, read_id, read_request
from shared.errors import InputRefused
from shared.routes import settings_in
from testbed.examples import digits_route
from tests.unit.test_changes import a_route

ROUTE, OPEN = digits_route(), a_route()
PIECES = ["digits", "tuesday", "..", ".", "", "%2e", "{batch}", "\\", "a b", "?sig=x", "#", "\x00", "é"]
PLACES = [
    "",
    "https://landing.blob.core.windows.net/landing/",
    "https://workspace.blob.core.windows.net/azureml-blobstore/",
    "https://evil.example/landing/",
    "azureml://datastores/workspaceblobstore/paths/",
    "azureml://subscriptions/s/resourcegroups/g/workspaces/w/datastores/workspaceblobstore/paths/",
    "abfss://landing@landing.dfs.core.windows.net/",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
PATHS = st.builds(
    lambda place, pieces: place + "/".join(pieces),
    st.sampled_from(PLACES),
    st.lists(st.sampled_from(PIECES), max_size=5),
)


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_a_request_or_refused(body: bytes) -> None:
    with suppress(InputRefused):
        read_request(body)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(RunRequest.__struct_fields__, JSON)))
def test_a_body_with_the_right_members_is_a_request_or_refused(document: dict[str, Any]) -> None:
    with suppress(InputRefused):
        assert read_request(json.dumps(document).encode()).digest


@given(st.dictionaries(st.sampled_from(["Repeatability-Request-ID", "Repeatability-First-Sent"]), st.text(max_size=40)))
def test_any_header_is_an_id_or_refused(headers: dict[str, str]) -> None:
    with suppress(InputRefused):
        found = read_id(headers)
        assert (found is None) == ("Repeatability-Request-ID" not in headers)


@given(PATHS | st.text(max_size=60))
def test_any_text_is_a_landing_of_the_route_or_refused(text: str) -> None:
    answer = landing_asked(ROUTE, text)

    assert isinstance(answer, Refused) or (answer.is_taken and is_safe(answer.path))
    assert isinstance(answer, Refused | Landing)


@given(PATHS | st.text(max_size=60))
def test_any_path_lies_in_a_container_of_the_route_or_is_refused(text: str) -> None:
    try:
        route = changed(OPEN, Changes(inputs={"prices": text}))
    except InputRefused:
        return
    uri = next(one.uri for one in route.inputs if one.name == "prices")
    place = locate(uri, route.datastores, (route.landing, route.publish))
    assert place is not None
    assert is_safe(place.path)
    assert not set("%?#{}") & set(uri)


@given(st.dictionaries(st.sampled_from(["mini_batch_size", "retry_settings", "logging_level", "other"]), JSON))
def test_any_settings_are_a_routes_or_refused(settings: dict[str, Any]) -> None:
    with suppress(InputRefused):
        settings_in(settings)
