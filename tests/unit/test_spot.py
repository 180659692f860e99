"""The forms in which people have a path, and what is refused before anybody looks."""

from __future__ import annotations

import pytest

from shared.core.spot import Spot, read_spot
from shared.errors import InputRefused
from shared.routes import parse_routes
from testbed.examples import LANDING, SETTINGS, digits_route
from tests.unit.routes_files import one_more_route

ROUTES = (digits_route(),)
FILE = "digits/tuesday/0.png"
ACCOUNT = SETTINGS["LANDING_ACCOUNT_URL"]


@pytest.mark.parametrize(
    "text",
    [
        f"landing/{FILE}",
        f"/landing/{FILE}",
        FILE,
        f"{ACCOUNT}/landing/{FILE}",
        f"{ACCOUNT.upper()}/landing/{FILE}",
        f"{ACCOUNT.replace('.blob.', '.dfs.')}/landing/{FILE}",
        f"https://127.0.0.1:10000/landing/landing/{FILE}",
        f"{ACCOUNT}/landing/digits/tuesday/0%2Epng?sv=2024&sig=secret",
    ],
    ids=["container and path", "a slash first", "path alone", "URL", "any case", "Data Lake", "emulator", "SAS"],
)
def test_a_path_is_understood_in_every_form(text: str) -> None:
    spot = read_spot(text, ROUTES)

    assert (spot.shown, spot.known, spot.is_folder) == (f"landing/{FILE}", LANDING, False)


def test_a_slash_at_the_end_says_that_it_is_a_folder() -> None:
    spot = read_spot("landing/digits/tuesday/", ROUTES)

    assert (spot.path, spot.is_folder) == ("digits/tuesday", True)


@pytest.mark.parametrize(
    ("text", "account", "container"),
    [
        ("other/digits/tuesday/0.png", None, "other"),
        (f"https://else.blob.core.windows.net/landing/{FILE}", "else", "landing"),
    ],
)
def test_a_container_that_no_route_reads_is_not_known(text: str, account: str | None, container: str) -> None:
    spot = read_spot(text, ROUTES)

    assert spot == Spot(account=account, container=container, path=FILE, known=None, is_folder=False)


def test_a_container_that_only_a_broken_route_reads_is_a_container_all_the_same() -> None:
    spot = read_spot("inbox/digits/tuesday/0.png", ROUTES, broken={"inbox"})

    assert (spot.container, spot.path, spot.known) == ("inbox", FILE, None)


def test_a_path_alone_that_may_be_in_several_containers_is_asked_for_again() -> None:
    url = f"{ACCOUNT}/inbox/{{landing}}"
    routes = parse_routes(one_more_route(("landing.container", "inbox"), ("inputs.images.path", url)), SETTINGS)
    routes.require_whole()

    with pytest.raises(InputRefused, match=r"may be in several containers: inbox \(account landing\), landing \(acc"):
        read_spot(FILE, routes.usable)


def test_a_container_of_two_accounts_is_asked_for_by_its_url() -> None:
    account = "https://second.blob.core.windows.net"
    text = one_more_route(("landing.account_url", account), ("inputs.images.path", f"{account}/landing/{{landing}}"))
    routes = parse_routes(text, SETTINGS)
    routes.require_whole()

    with pytest.raises(InputRefused, match="landing container 'landing': landing, second; give the blob's URL"):
        read_spot(f"landing/{FILE}", routes.usable)
    assert read_spot(f"{account}/landing/{FILE}", routes.usable).account == "second"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "path is missing; give CONTAINER/PATH, or the blob's https URL, or PATH alone"),
        ("", "path is missing"),
        ("///", "path is missing"),
        ("landing/digits/../secret.png", "has no empty, . or .. segment"),
        ("landing/digits/./0.png", "has no empty, . or .. segment"),
        ("landing/digits//0.png", "has no empty, . or .. segment"),
        ("landing/digits/a\x00b.png", "no control character"),
        ("landing/digits/a\nb.png", "no control character"),
        ("landing/digits\\0.png", "no backslash"),
        ("landing/digits/tuesday/\ud800.png", "no path that Landfall takes"),
        ("landing/" + "x" * 5000, "at most 1024 characters"),
        ("x" * 9000, "path has 9000 characters"),
        ("https://[::1/landing/x.png", "path is no valid URL"),
        ("https://landing.blob.core.windows.net/landing", "The URL names no blob"),
        ("https://landing.blob.core.windows.net/landing/%2e%2e/x", "has no empty, . or .. segment"),
        ("https:///x/y", "The URL names no blob"),
        ("a\x01b/digits/0.png", "no name of a container"),
    ],
    ids=str,
)
def test_a_hostile_path_is_refused_with_a_sentence(text: str | None, told: str) -> None:
    with pytest.raises(InputRefused, match=told) as refused:
        read_spot(text, ROUTES)

    assert len(str(refused.value)) < 700
    assert str(refused.value).isprintable()


def test_a_secret_in_a_url_is_not_repeated() -> None:
    with pytest.raises(InputRefused) as refused:
        read_spot(f"{ACCOUNT}/landing/a//b.png?sig=secret", ROUTES)

    assert "secret" not in str(refused.value)
