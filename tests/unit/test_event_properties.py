"""What holds for every event, whoever sent it, and for every folder that is renamed."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.core.event import (
    BLOB_CREATED,
    BLOB_RENAMED,
    DIRECTORY_RENAMED,
    Arrived,
    FolderArrived,
    Ignored,
    Leads,
    Match,
    event_in,
    match_blob,
    match_folder,
    read_event,
)
from shared.core.location import LONGEST_BLOB_NAME
from shared.core.nesting import is_hidden
from shared.core.route import Route
from shared.errors import InputRefused
from shared.work.walking import landings_in
from testbed.examples import TOPIC, digits_route, in_landing
from testbed.fakes import FakeBlobs, FakeClock

ROUTES: tuple[Route, ...] = tuple(
    digits_route(("folder: digits/{batch}", f"folder: {folder}"), kind)
    for folder in ("in/{batch}", "in/{day}/{batch}", "in/a{batch}/b", "in/{day}/b/{batch}-{x}")
    for kind in (
        ("type: uri_folder", "type: uri_file"),
        *(("      files:", f"      nested: {nested}\n      files:") for nested in ("refuse", "split", "flatten")),
    )
)
SUBJECT = "/blobServices/default/containers/landing/blobs/"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
kinds = st.sampled_from([BLOB_CREATED, BLOB_RENAMED, DIRECTORY_RENAMED])
odd = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.text("./\\a", max_size=8)
segments = st.sampled_from(["in", "a", "ab", "b", "c-d", "..", "é"])
folders = st.lists(segments, min_size=1, max_size=4).map("/".join)
paths = st.builds("{}/{}".format, folders, st.sampled_from(["0.png", "1.png", "notes.txt"]))


@given(kinds | json_values, odd | st.just(TOPIC), odd | odd.map(SUBJECT.__add__), st.dictionaries(odd, json_values))
def test_whatever_an_event_says_it_is_read_without_trouble_and_never_leads_out_of_its_container(
    kind: Any, topic: str, subject: str, data: dict[str, Any]
) -> None:
    said = read_event(kind, topic, subject, data)

    if not isinstance(said, Ignored):
        assert len(said.path) <= LONGEST_BLOB_NAME
        assert not {"", ".", ".."} & set(said.path.split("/"))
        assert subject.removesuffix("/") == f"/blobServices/default/containers/{said.container}/blobs/{said.path}"


@given(st.binary(max_size=40) | json_values.map(lambda value: json.dumps(value).encode()))
def test_a_queue_message_is_an_event_or_refused(message: bytes) -> None:
    for body in (message, base64.b64encode(message)):
        with suppress(InputRefused):
            assert isinstance(event_in(body), dict)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), json_values, max_size=3))
def test_an_event_is_the_same_in_base64(event: dict[str, Any]) -> None:
    plain = json.dumps(event, ensure_ascii=False).encode()

    assert event_in(plain) == event_in(base64.b64encode(plain)) == event


@given(st.sampled_from(ROUTES), folders)
def test_a_folder_has_no_levels_below_it_exactly_if_it_is_a_landings_folder_or_in_one(
    route: Route, folder: str
) -> None:
    is_part = route.home_of(folder) is not None and not is_hidden(folder, route.folder)
    assert (route.levels_below(folder) == ()) == is_part


@given(st.sampled_from(ROUTES), st.sets(paths, max_size=6), folders)
def test_a_renamed_folder_leads_to_the_landings_that_the_events_of_its_files_would_have_led_to(
    route: Route, stored: set[str], renamed: str
) -> None:
    """But for one that is a landing itself, or a part of one, which is looked at whatever is in it."""
    blobs, clock = FakeBlobs(FakeClock()), FakeClock()
    for path in stored:
        blobs.put(in_landing(path), b"x")
    inside = [path for path in stored if path.startswith(f"{renamed}/")]
    by_files = {
        match.landing.path
        for path in inside
        if isinstance(match := match_blob(Arrived("landing", "landing", path), [route]), Match)
    }

    leads = match_folder(FolderArrived("landing", "landing", renamed), [route])

    found = landings_in(blobs, leads, clock) if isinstance(leads, Leads) else None
    by_folder = {landing.path for landing in found.landings} if found else set()
    assert by_files <= by_folder
    assert all(
        any(f"{path}/".startswith(f"{landing}/") for path in inside) or f"{renamed}/".startswith(f"{landing}/")
        for landing in by_folder
    )
