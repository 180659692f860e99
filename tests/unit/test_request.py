"""What may be sent to ask for a run, and what is answered to who waits for one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from azure.functions import HttpRequest

from shared.core.landing import Landing
from shared.core.record import change
from shared.core.request import (
    Asked,
    Origin,
    Refusal,
    Refused,
    RunRequest,
    landing_asked,
    pause_until_news,
    read_id,
    read_name,
    read_request,
)
from shared.errors import InputRefused
from testbed.examples import digits_route
from testbed.fakes import NOON
from tests.unit.runs import a_run, following, published

URL = "https://app.azurewebsites.net/api/runs"
KEY_IN_URL = "secret+/=="
FILES = (
    "uri_folder\n        path: ${LANDING_ACCOUNT_URL}/landing/{landing}",
    "uri_file\n        path: ${LANDING_ACCOUNT_URL}/landing/{file}",
)


def headers(given: Mapping[str, str]) -> Mapping[str, str]:
    """As the Functions worker has them."""
    found: Mapping[str, str] = HttpRequest(method="POST", url=URL, headers=given, body=b"").headers
    return found


def test_a_request_names_a_route_and_a_landing() -> None:
    asked = read_request(b'{"route": "digits", "landing": "digits/tuesday"}')

    assert asked == RunRequest(route="digits", landing="digits/tuesday", again=False, settings={}, inputs={})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{not json",
        b"[]",
        b'"digits"',
        b'{"route": "digits"}',
        b'{"route": 7, "landing": "x"}',
        b'{"route": "digits", "landing": ["x"]}',
        b'{"route": "digits", "landing": "x", "again": "true"}',
        b'{"route": "digits", "landing": "x", "again": null}',
        b'{"route": "digits", "landing": "x", "settings": []}',
        b'{"route": "digits", "landing": "x", "inputs": {"a": [1]}}',
        b'{"route": "digits", "landing": "x", "inputs": {"a": NaN}}',
        b'{"route": "digits", "landing": "x", "unknown": 1}',
        b'{"route": "digits", "route": "letters", "landing": "x"}',
        b'{"route": "digits", "landing": "x", "settings": {"error_threshold": 1, "error_threshold": 2}}',
        b'{"route": "digits", "landing": "\\ud800"}',
        b'{"route": "digits", "landing": "\xff"}',
        b"[" * 60_000,
        b"1" * 60_000,
    ],
)
def test_a_body_that_is_no_request_is_answered_with_what_one_looks_like(body: bytes) -> None:
    with pytest.raises(InputRefused, match=r'Send \{"route": NAME, "landing": PATH\}'):
        read_request(body)


def test_what_is_unknown_or_there_twice_is_named() -> None:
    with pytest.raises(InputRefused, match="unknown field `agian`"):
        read_request(b'{"route": "digits", "landing": "x", "agian": true}')
    with pytest.raises(InputRefused, match="'landing' is there twice"):
        read_request(b'{"route": "digits", "landing": "x", "landing": "y"}')


def test_a_request_is_the_same_however_it_is_written() -> None:
    one = read_request(b'{"route":"digits","landing":"x"}')
    same = read_request(b' {"landing": "x", "again": false, "inputs": {}, "route": "digits"}\n')
    other = read_request(b'{"route":"digits","landing":"x","again":true}')

    assert one.digest == same.digest != other.digest


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, None),
        ({"Repeatability-Request-ID": "a-1"}, "a-1"),
        ({"repeatability-request-id": " a-1 "}, "a-1"),
        ({"Idempotency-Key": "a-1"}, "a-1"),
        ({"Idempotency-Key": '"a-1"'}, "a-1"),
        ({"Idempotency-Key": '"a-1"', "Repeatability-Request-ID": "a-1"}, "a-1"),
        ({"Repeatability-Request-ID": "a", "Repeatability-First-Sent": "Sun, 01 Mar 2026 12:00:00 GMT"}, "a"),
    ],
)
def test_either_header_gives_a_request_its_id(given: dict[str, str], found: str | None) -> None:
    assert read_id(headers(given)) == found


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ({"Repeatability-Request-ID": ""}, "must be 1 to 256 printable ASCII characters"),
        ({"Idempotency-Key": "x" * 257}, "must be 1 to 256 printable ASCII characters"),
        ({"Idempotency-Key": "\u00e9"}, "must be 1 to 256 printable ASCII characters"),
        ({"Idempotency-Key": "a", "Repeatability-Request-ID": "b"}, "have different values; send one of them"),
        ({"Repeatability-Request-ID": "a", "Repeatability-First-Sent": "yesterday"}, "it must be an HTTP date"),
        ({"Repeatability-First-Sent": "Sun, 01 Mar 2026 12:00:00 GMT"}, "belongs to a Repeatability-Request-ID"),
    ],
)
def test_an_id_that_cannot_be_one_is_refused(given: dict[str, str], hint: str) -> None:
    with pytest.raises(InputRefused, match=hint):
        read_id(headers(given))


def test_who_claims_for_a_request_has_the_id_of_no_orchestration() -> None:
    asked = Asked(request=RunRequest(route="r", landing="l"), key="0f" * 32, is_repeatable=True)

    assert asked.claimer == f"request-{'0f' * 16}"


@pytest.mark.parametrize(
    ("header", "name"),
    [(None, None), ("", None), ("ada@example.com", "ada@example.com"), ("a\r\nb", "ab"), ("x" * 300, "x" * 200)],
)
def test_who_asked_is_kept_in_one_bounded_line(header: str | None, name: str | None) -> None:
    assert read_name(header) == name


@pytest.mark.parametrize(
    "text",
    [
        "digits/tuesday",
        "digits/tuesday/",
        "landing/digits/tuesday",
        "https://landing.blob.core.windows.net/landing/digits/tuesday",
        "https://LANDING.blob.core.windows.net/landing/digits/tuesday/",
        "https://landing.blob.core.windows.net/landing/digits/tues%64ay",
    ],
)
def test_a_folder_is_asked_for_by_its_path_or_its_url(text: str) -> None:
    assert landing_asked(digits_route(), text) == Landing(digits_route(), "digits/tuesday")


def test_a_file_is_asked_for_where_every_file_is_a_landing() -> None:
    route = digits_route(FILES)

    assert landing_asked(route, "digits/tuesday/0.png") == Landing(route, "digits/tuesday/0.png")
    unwanted = landing_asked(route, "digits/tuesday/0.txt")
    assert isinstance(unwanted, Refused)
    assert "does not score files named '0.txt'" in unwanted.message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "letters/tuesday",
        "digits",
        "digits/tuesday/deeper",
        "/digits/tuesday",
        "digits/..",
        "landing/digits/..",
        "landing/landing/digits/tuesday",
        "https://landing.blob.core.windows.net/landing/landing/digits/tuesday",
        "digits//tuesday",
        "digits/tues\x00day",
        "digits/" + "x" * 2000,
        "https://landing.blob.core.windows.net/other/digits/tuesday",
        "https://elsewhere.blob.core.windows.net/landing/digits/tuesday",
        "https://landing.blob.core.windows.net/landing/digits/%2e%2e",
        "https://landing.blob.core.windows.net/landing/digits/tuesday?sig=signature",
        "http://landing.blob.core.windows.net/landing/digits/tuesday",
        "file:///etc/passwd",
    ],
)
def test_a_landing_that_the_route_does_not_take_is_refused_with_those_it_takes(text: str) -> None:
    answer = landing_asked(digits_route(), text)

    assert isinstance(answer, Refused)
    assert answer.why is Refusal.NO_LANDING
    assert "which takes folders digits/{batch} of container landing" in answer.message
    assert "signature" not in answer.message
    assert len(answer.message) < 600


@pytest.mark.parametrize(
    ("changes", "age", "pause"),
    [
        ({}, 0, 1),
        ({"wait_until": NOON + timedelta(seconds=7.2)}, 0, 8),
        ({"wait_until": NOON + timedelta(hours=1)}, 0, 60),
        ({"wait_until": NOON}, 100, 10),
        ({}, 86_400, 60),
        ({}, -86_400, 1),
    ],
    ids=["just claimed", "waits", "waits long", "waited", "old", "of a clock that is ahead"],
)
def test_who_waits_looks_again_when_there_may_be_news(changes: dict[str, Any], age: int, pause: int) -> None:
    run = a_run(**changes)

    assert pause_until_news(run, NOON + timedelta(seconds=age)) == pause


def test_the_wait_for_a_job_is_the_one_until_it_is_looked_at() -> None:
    run = change(following(), wait_until=NOON + timedelta(seconds=2))

    assert pause_until_news(run, NOON) == 2
    assert pause_until_news(published(), NOON + timedelta(days=1)) == 1


def origin(url: str = URL, proto: str | None = None, **params: str) -> Origin:
    return Origin.of(url, params, proto)


def test_an_outcome_is_told_where_the_request_was_sent() -> None:
    assert origin().outcome_of("digits-1") == "https://app.azurewebsites.net/api/runs/digits-1/outcome"
    assert origin("http://127.0.0.1:7071/api/runs").outcome_of("r-1") == "http://127.0.0.1:7071/api/runs/r-1/outcome"


def test_a_key_in_the_url_and_the_wish_to_fail_go_on_to_the_outcome() -> None:
    where = origin(code=KEY_IN_URL, fail="status").outcome_of("r-1")

    assert where == "https://app.azurewebsites.net/api/runs/r-1/outcome?fail=status&code=secret%2B%2F%3D%3D"


def test_links_in_bodies_hold_no_key() -> None:
    links = origin(code=KEY_IN_URL).links(a_run())

    assert set(links) == {"run", "outcome", "runs_of_route"}
    assert all("code" not in link for link in links.values())


def test_tls_that_ended_before_the_app_makes_the_outcome_safer_and_never_less_safe() -> None:
    assert origin("http://app/api/runs", "https").url == "https://app"
    assert origin("https://app/api/runs", "http").url == "https://app"
    assert origin("http://app/api/runs", "javascript").url == "http://app"


def test_a_host_that_cannot_be_one_is_refused() -> None:
    with pytest.raises(InputRefused, match="Host header"):
        origin("http://[::1/api/runs")


def test_a_fail_that_is_not_known_is_refused() -> None:
    with pytest.raises(InputRefused, match="it must be status, or left out"):
        origin(fail="always")
