"""What storage events say, recorded ones and made ones, and which landing they speak of."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

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
from shared.core.landing import Landing
from shared.errors import InputRefused
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
    "hns_create_file.json": TUESDAY,
    "hns_flush_with_close.json": TUESDAY,
    "hns_renamed.json": TUESDAY,
    "hns_directory_renamed.json": "in digits: digits",
    "sftp_create.json": TUESDAY,
    "sftp_commit.json": TUESDAY,
    "blob_deleted.json": "Microsoft.Storage.BlobDeleted does not say that anything has arrived",
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
    match read_event(kind, topic, event["subject"], event["data"]):
        case Arrived() as blob:
            found: Match | Leads | Ignored = match_blob(blob, [digits_route()])
        case FolderArrived() as folder:
            found = match_folder(folder, [digits_route()])
        case ignored:
            found = ignored
    if isinstance(found, Match):
        return found.landing.path
    if isinstance(found, Leads):
        return f"in {found.folder}: {', '.join(route.name for route in found.routes)}"
    return f"suspicious: {found.reason}" if found.suspicious else found.reason


@pytest.mark.parametrize("name", OUTCOMES)
def test_a_recorded_event_has_its_outcome(name: str) -> None:
    assert outcome(json.loads((EVENTS / name).read_text("utf-8"))) == OUTCOMES[name]


def test_every_recorded_event_has_an_expected_outcome() -> None:
    assert {path.name for path in EVENTS.iterdir()} == set(OUTCOMES)


def read(subject: str = SUBJECT + "digits/tuesday/0.png", topic: str = TOPIC, **data: Any) -> object:
    return read_event(BLOB_CREATED, topic, subject, {"api": "PutBlob", "contentLength": 9, **data})


def read_renamed(subject: str = SUBJECT + "digits/tuesday", topic: str = TOPIC) -> object:
    return read_event(DIRECTORY_RENAMED, topic, subject, {"api": "RenameDirectory"})


def test_an_event_that_is_delivered_again_says_the_same() -> None:
    first, again = (
        json.loads((EVENTS / name).read_text("utf-8")) for name in ("flat_put_blob.json", "redelivered.json")
    )

    assert first["id"] == again["id"]
    assert outcome(first) == outcome(again)


APIS = ["PutBlob", "PutBlockList", "CopyBlob", "CreateFile", "FlushWithClose", "SftpCreate", "SftpCommit", "New", None]


@pytest.mark.parametrize("api", [*APIS, "", 7, ["PutBlob"], {}], ids=str)
def test_a_created_blob_is_a_hint_whatever_api_created_it(api: object) -> None:
    """Seen before: a list of APIs lost the events of writers that flush without closing, or use an API of later."""
    assert read(api=api) == Arrived("landing", "landing", "digits/tuesday/0.png")


@pytest.mark.parametrize("api", [*APIS[1:], ["PutBlob"]], ids=str)
def test_only_put_blob_is_believed_to_have_written_nothing(api: object) -> None:
    """The documentation's own example of SftpCommit says that it has 0 bytes, and so does every CreateFile."""
    assert read(api=api, contentLength=0) == Arrived("landing", "landing", "digits/tuesday/0.png")
    assert read(contentLength=0) == Arrived("landing", "landing", "digits/tuesday/0.png", is_empty=True)


def test_an_event_without_data_is_a_hint_all_the_same() -> None:
    said = read_event(BLOB_CREATED, TOPIC, SUBJECT + "digits/tuesday/0.png", {})

    assert said == Arrived("landing", "landing", "digits/tuesday/0.png")


def test_a_renamed_blob_is_where_its_subject_says_and_not_where_its_urls_say() -> None:
    urls = {"destinationUrl": "https://attacker.dfs.core.windows.net/x/y", "contentLength": 0}

    said = read_event(BLOB_RENAMED, TOPIC, SUBJECT + "digits/tuesday/0.png", urls)

    assert said == Arrived("landing", "landing", "digits/tuesday/0.png")


@pytest.mark.parametrize("end", ["", "/"], ids=["plain", "with a slash"])
def test_a_renamed_folder_is_where_its_subject_says(end: str) -> None:
    assert read_renamed(SUBJECT + "digits/tuesday" + end) == FolderArrived("landing", "landing", "digits/tuesday")


@pytest.mark.parametrize("kind", ["Microsoft.Storage.DirectoryCreated", "", None, 7, ["x"], "x" * 10**6])
def test_an_event_of_another_type_says_nothing(kind: Any) -> None:
    assert isinstance(read_event(kind, TOPIC, SUBJECT + "digits/tuesday/0.png", {}), Ignored)


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
    assert read(SUBJECT + path) == Ignored("the path is not valid", suspicious=True)
    assert read_renamed(SUBJECT + path) == Ignored("the path is not valid", suspicious=True)


def test_a_name_that_ends_in_a_slash_is_a_folder_marker() -> None:
    assert read(SUBJECT + "digits/tuesday/") == Ignored("a folder marker")


@pytest.mark.parametrize(
    "folder", ["a b", "Grüße", "日本", "#1", "50%25", "a+b", "{batch}", "{attempt}", "..a", "'\"`$(x)", "a&b=c"]
)
def test_odd_but_legal_names_are_taken_as_they_are(folder: str) -> None:
    said = read(f"{SUBJECT}digits/{folder}/0 #{folder}.png")
    assert isinstance(said, Arrived)

    assert match_blob(said, [digits_route()]) == Match(Landing(digits_route(), f"digits/{folder}"), is_marker=False)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("digits/0.png", id="above"),
        pytest.param("letters/tuesday/0.png", id="beside"),
        pytest.param("Digits/tuesday/0.png", id="another case of the folder"),
        pytest.param("digits/tuesday/0.PNG", id="another case of the name"),
        pytest.param("digits/tuesday/notes.txt", id="another glob"),
        pytest.param("0.png", id="at the top"),
    ],
)
def test_a_file_that_no_route_wants_matches_nothing(path: str) -> None:
    assert match_blob(Arrived("landing", "landing", path), [digits_route()]) == Ignored("no route matches")


def test_a_container_of_another_case_is_another_container() -> None:
    assert match_blob(Arrived("landing", "Landing", "digits/a/0.png"), [digits_route()]) == Ignored("no route matches")


def test_without_routes_nothing_matches() -> None:
    assert match_blob(Arrived("landing", "landing", "digits/a/0.png"), []) == Ignored("no route matches")


def test_the_marker_is_told_from_the_files_and_may_be_empty() -> None:
    route = digits_route(("quiet: 5s", "marker: _SUCCESS"))

    match = match_blob(Arrived("landing", "landing", "digits/tuesday/_SUCCESS", is_empty=True), [route])

    assert match == Match(tuesday(route), is_marker=True)


def test_an_excluded_file_matches_nothing() -> None:
    route = digits_route(("files:", 'exclude: ["~*"]\n      files:'))

    assert match_blob(Arrived("landing", "landing", "digits/tuesday/~0.png"), [route]) == Ignored("no route matches")


def test_where_case_is_ignored_files_and_marker_match_in_any() -> None:
    route = digits_route(("files:", "case: ignore\n      files:"), ("quiet: 5s", "marker: _SUCCESS"))

    for name, is_marker in (("0.PNG", False), ("_success", True)):
        match = match_blob(Arrived("landing", "landing", f"digits/tuesday/{name}"), [route])
        assert match == Match(tuesday(route), is_marker=is_marker)


def test_an_empty_file_is_left_to_its_folder() -> None:
    said = read(contentLength=0)
    assert isinstance(said, Arrived)

    assert match_blob(said, [digits_route()]) == Ignored("the blob is empty")


def test_where_the_input_is_a_file_every_file_is_a_landing() -> None:
    route = digits_route(("type: uri_folder", "type: uri_file"))

    match = match_blob(Arrived("landing", "landing", "digits/tuesday/0.png"), [route])

    assert isinstance(match, Match)
    assert (match.landing.path, match.landing.file_name) == ("digits/tuesday/0.png", "0.png")


def test_events_of_a_route_that_is_scored_on_request_only_are_ignored_and_say_so() -> None:
    on_request = ("    ready:\n      quiet: 5s\n      longest_wait: 2h\n", "    on_request: true\n")
    route = digits_route(on_request)
    reason = Ignored("its route is scored on request only")

    assert match_blob(Arrived("landing", "landing", "digits/tuesday/0.png"), [route]) == reason
    assert match_folder(FolderArrived("landing", "landing", "digits"), [route]) == reason


def test_containers_of_one_name_in_two_accounts_are_told_apart() -> None:
    """Routes of two accounts may use the same container name and folders; the events of the second are not forged."""
    account = "https://second.blob.core.windows.net"
    text = one_more_route(("landing.account_url", account), ("inputs.images.path", account + "/landing/{landing}"))
    routes = parsed(text)

    match = match_blob(Arrived("second", "landing", "digits/tuesday/0.png"), routes.usable)

    assert isinstance(match, Match)
    assert match.landing.route.name == "second"


class TestFolders:
    """What follows when a folder was renamed to that path."""

    def leads(self, path: str, *pairs: tuple[str, str], account: str = "landing") -> Leads | Ignored:
        return match_folder(FolderArrived(account, "landing", path), [digits_route(*pairs)])

    @pytest.mark.parametrize("path", ["digits/tuesday", "digits", "digits/..a"])
    def test_one_that_is_a_landing_or_above_some_leads_to_its_route(self, path: str) -> None:
        assert self.leads(path) == Leads(path, (digits_route(),))

    @pytest.mark.parametrize(
        "path",
        [
            pytest.param("letters", id="beside"),
            pytest.param("letters/tuesday", id="beside, as deep"),
            pytest.param("digit", id="the beginning of a name"),
            pytest.param("Digits", id="another case"),
        ],
    )
    def test_one_without_landings_leads_nowhere(self, path: str) -> None:
        assert self.leads(path) == Ignored("no route matches")

    def test_placeholders_may_be_parts_of_a_level(self) -> None:
        deep = ("folder: digits/{batch}", "folder: in/day={day}/{batch}/digits")

        assert isinstance(self.leads("in/day=1", deep), Leads)
        assert isinstance(self.leads("in/day=1/a/digits", deep), Leads)
        assert self.leads("in/1", deep) == Ignored("no route matches")
        assert self.leads("in/day=1/a/letters", deep) == Ignored("no route matches")

    def test_every_route_that_has_landings_in_it_is_led_to(self) -> None:
        routes = parsed(one_more_route(("landing.folder", "digits/{batch}/second"))).usable

        found = match_folder(FolderArrived("landing", "landing", "digits/tuesday"), routes)

        assert isinstance(found, Leads)
        assert [route.name for route in found.routes] == ["digits", "second"]

    def test_one_of_another_account_is_suspicious_if_its_path_is_ours(self) -> None:
        reason = "it is for account 'attacker', but route 'digits' reads from 'landing'"

        assert self.leads("digits", account="attacker") == Ignored(reason, suspicious=True)
        assert self.leads("letters", account="attacker") == Ignored("no route matches")


EVENT = {"subject": SUBJECT + "digits/tuesday/0.png", "größe": 1}


class TestQueueMessages:
    @pytest.mark.parametrize("around", [b"", b"\n", b"  "], ids=["bare", "in lines", "in spaces"])
    def test_plain_and_encoded_ones_say_the_same(self, around: bytes) -> None:
        plain = json.dumps(EVENT, ensure_ascii=False).encode()

        assert event_in(around + plain + around) == event_in(around + base64.b64encode(plain) + around) == EVENT

    @pytest.mark.parametrize(
        "message",
        [
            b"",
            b"{",
            b"[]",
            b"7",
            b"null",
            b"\xff\xfe",
            base64.b64encode(b"[]"),
            base64.b64encode(b"\xff"),
            b"ab=c",
            b"e30",
        ],
        ids=str,
    )
    def test_anything_else_is_refused(self, message: bytes) -> None:
        with pytest.raises(InputRefused):
            event_in(message)
