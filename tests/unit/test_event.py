"""What storage events say, recorded ones and made ones, and which landing they speak of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shared.core.event import BLOB_CREATED, COMMITTING, Ignored, Match, Written, match_event, read_event
from shared.core.landing import Landing
from testbed.examples import TOPIC, digits_route, tuesday
from tests.unit.routes_files import one_more_route, parsed

EVENTS = Path(__file__).parent.parent / "events"
SUBJECT = "/blobServices/default/containers/landing/blobs/"

TUESDAY = "digits/tuesday"
OUTCOMES = {
    "flat_put_blob.json": TUESDAY,
    "flat_put_block_list.json": TUESDAY,
    "redelivered.json": TUESDAY,
    "cloud_event.json": TUESDAY,
    "hns_create_file.json": "API CreateFile does not complete a blob",
    "hns_flush_with_close.json": TUESDAY,
    "hns_renamed.json": "Microsoft.Storage.BlobRenamed is not Microsoft.Storage.BlobCreated",
    "sftp_create.json": "API SftpCreate does not complete a blob",
    "sftp_commit.json": TUESDAY,
    "blob_deleted.json": "Microsoft.Storage.BlobDeleted is not Microsoft.Storage.BlobCreated",
    "directory_marker.json": "no route matches",
    "directory_marker_with_slash.json": "a folder marker",
    "output_binding_first_write.json": "the blob is empty",
    "other_container.json": "no route matches",
    "forged_account.json": "suspicious: it is for account 'attacker', but route 'digits' reads from 'landing'",
    "forged_url.json": TUESDAY,
}


def outcome(event: dict[str, Any]) -> str:
    """The landing that an event of either schema calls for, or why it calls for nothing."""
    kind, topic = (event["type"], event["source"]) if "specversion" in event else (event["eventType"], event["topic"])
    said = read_event(kind, topic, event["subject"], event["data"])
    match = match_event(said, [digits_route()]) if isinstance(said, Written) else said
    if isinstance(match, Match):
        return match.landing.path
    return f"suspicious: {match.reason}" if match.suspicious else match.reason


@pytest.mark.parametrize("name", OUTCOMES)
def test_a_recorded_event_has_its_outcome(name: str) -> None:
    assert outcome(json.loads((EVENTS / name).read_text("utf-8"))) == OUTCOMES[name]


def test_every_recorded_event_has_an_expected_outcome() -> None:
    assert {path.name for path in EVENTS.iterdir()} == set(OUTCOMES)


def read(subject: str = SUBJECT + "digits/tuesday/0.png", topic: str = TOPIC, **data: Any) -> Written | Ignored:
    return read_event(BLOB_CREATED, topic, subject, {"api": "PutBlob", "contentLength": 9, **data})


def test_the_apis_that_complete_a_blob_are_those_of_the_documentation() -> None:
    assert {"PutBlob", "PutBlockList", "CopyBlob", "FlushWithClose", "SftpCommit"} == COMMITTING


def test_an_event_that_is_delivered_again_says_the_same() -> None:
    first, again = (
        json.loads((EVENTS / name).read_text("utf-8")) for name in ("flat_put_blob.json", "redelivered.json")
    )

    assert first["id"] == again["id"]
    assert outcome(first) == outcome(again)


@pytest.mark.parametrize("api", sorted(COMMITTING))
def test_an_api_that_completes_a_blob_counts(api: str) -> None:
    assert read(api=api) == Written("landing", "landing", "digits/tuesday/0.png")


@pytest.mark.parametrize("api", ["CreateFile", "SftpCreate", "putblob", "AppendBlock", "", None, 7])
def test_any_other_api_says_nothing(api: object) -> None:
    assert read(api=api) == Ignored(f"API {api} does not complete a blob")


def test_an_api_that_is_not_even_text_says_nothing() -> None:
    assert isinstance(read(api=["PutBlob"]), Ignored)


def test_an_event_without_data_says_nothing() -> None:
    assert read_event(BLOB_CREATED, TOPIC, SUBJECT + "digits/tuesday/0.png", {}) == Ignored(
        "API None does not complete a blob"
    )


@pytest.mark.parametrize(
    "subject",
    [
        "",
        "/blobServices/default/containers/landing",
        "/blobServices/default/containers/landing/blobs/",
        "/blobServices/other/containers/landing/blobs/a",
        "x" + SUBJECT + "a",
        "landing/digits/tuesday/0.png",
    ],
)
def test_a_subject_that_is_not_a_blobs_says_nothing(subject: str) -> None:
    assert read(subject) == Ignored("the subject or topic does not name a blob")


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "landing",
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.EventHub/namespaces/landing",
        TOPIC + "/blobServices/default",
        TOPIC.removesuffix("landing") + "land_ing",
    ],
)
def test_a_topic_that_is_not_a_storage_accounts_says_nothing(topic: str) -> None:
    assert read(topic=topic) == Ignored("the subject or topic does not name a blob")


def test_arm_ids_and_account_names_have_no_case() -> None:
    assert read(topic=TOPIC.upper()) == read()


@pytest.mark.parametrize(
    "path", ["../0.png", "digits/../0.png", "digits//0.png", "/digits/0.png", "a\\b", "a\nb", "//"]
)
def test_a_path_that_could_mean_another_place_is_suspicious(path: str) -> None:
    assert read(SUBJECT + path) == Ignored("the blob's path is not valid", suspicious=True)


def test_a_name_that_ends_in_a_slash_is_a_folder_marker() -> None:
    assert read(SUBJECT + "digits/tuesday/") == Ignored("a folder marker")


@pytest.mark.parametrize(
    "folder", ["a b", "Grüße", "日本", "#1", "50%25", "a+b", "{batch}", "{attempt}", "..a", "'\"`$(x)", "a&b=c"]
)
def test_odd_but_legal_names_are_taken_as_they_are(folder: str) -> None:
    said = read(f"{SUBJECT}digits/{folder}/0 #{folder}.png")
    assert isinstance(said, Written)

    assert match_event(said, [digits_route()]) == Match(Landing(digits_route(), f"digits/{folder}"), is_marker=False)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("digits/0.png", id="above"),
        pytest.param("digits/tuesday/morning/0.png", id="below"),
        pytest.param("letters/tuesday/0.png", id="beside"),
        pytest.param("Digits/tuesday/0.png", id="another case of the folder"),
        pytest.param("digits/tuesday/0.PNG", id="another case of the name"),
        pytest.param("digits/tuesday/notes.txt", id="another glob"),
        pytest.param("0.png", id="at the top"),
    ],
)
def test_a_file_that_no_route_wants_matches_nothing(path: str) -> None:
    assert match_event(Written("landing", "landing", path), [digits_route()]) == Ignored("no route matches")


def test_a_container_of_another_case_is_another_container() -> None:
    assert match_event(Written("landing", "Landing", "digits/a/0.png"), [digits_route()]) == Ignored("no route matches")


def test_without_routes_nothing_matches() -> None:
    assert match_event(Written("landing", "landing", "digits/a/0.png"), []) == Ignored("no route matches")


def test_the_marker_is_told_from_the_files_and_may_be_empty() -> None:
    route = digits_route(("quiet: 5s", "marker: _SUCCESS"))

    match = match_event(Written("landing", "landing", "digits/tuesday/_SUCCESS", is_empty=True), [route])

    assert match == Match(tuesday(route), is_marker=True)


def test_an_empty_file_is_left_to_its_folder() -> None:
    said = read(contentLength=0)
    assert isinstance(said, Written)

    assert match_event(said, [digits_route()]) == Ignored("the blob is empty")


def test_where_the_input_is_a_file_every_file_is_a_landing() -> None:
    route = digits_route(("type: uri_folder", "type: uri_file"))

    match = match_event(Written("landing", "landing", "digits/tuesday/0.png"), [route])

    assert isinstance(match, Match)
    assert (match.landing.path, match.landing.file_name) == ("digits/tuesday/0.png", "0.png")


def test_containers_of_one_name_in_two_accounts_are_told_apart() -> None:
    """Routes of two accounts may use the same container name and folders; the events of the second are not forged."""
    account = "https://second.blob.core.windows.net"
    text = one_more_route(("landing.account_url", account), ("inputs.images.path", account + "/landing/{landing}"))
    routes = parsed(text)

    match = match_event(Written("second", "landing", "digits/tuesday/0.png"), routes.usable)

    assert isinstance(match, Match)
    assert match.landing.route.name == "second"
