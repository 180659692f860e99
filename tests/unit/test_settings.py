"""The app settings: all that is wrong is told at once."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from shared.core.location import Container
from shared.errors import RoutesInvalid, SettingsInvalid
from shared.services import Services
from shared.settings import NAMES, Settings
from testbed.examples import SETTINGS, replaced
from testbed.fakes import FakeClock
from tests.triggers.log import told

STATE = {"LANDFALL_STATE_URL": "https://state.blob.core.windows.net/landfall"}

QUEUE = {
    "LANDFALL_EVENTS_QUEUE": "landing-events",
    "LandingEvents__queueServiceUri": "https://landing.queue.core.windows.net/",
}


def test_only_the_state_is_required() -> None:
    assert Settings.from_env(STATE) == Settings(
        state=Container("https://state.blob.core.windows.net", "landfall"),
        routes="routes.yaml",
        topic_endpoint=None,
        management_url="https://management.azure.com",
        client_id=None,
        queue_url=None,
    )


def test_every_setting_is_read() -> None:
    settings = Settings.from_env(
        {
            "LANDFALL_STATE_URL": "https://state.blob.core.windows.net/records/",
            "LANDFALL_ROUTES": " other.yaml ",
            "LANDFALL_TOPIC_ENDPOINT": "https://topic.westeurope-1.eventgrid.azure.net/api/events",
            "LANDFALL_AZURE_ML_MANAGEMENT_URL": "https://management.chinacloudapi.cn/",
            "AZURE_CLIENT_ID": " 1234 ",
            **QUEUE,
        }
    )

    assert settings == Settings(
        state=Container("https://state.blob.core.windows.net", "records"),
        routes="other.yaml",
        topic_endpoint="https://topic.westeurope-1.eventgrid.azure.net/api/events",
        management_url="https://management.chinacloudapi.cn",
        client_id="1234",
        queue_url="https://landing.queue.core.windows.net/landing-events",
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"LANDFALL_EVENTS_QUEUE": ""},
        {"LandingEvents__queueServiceUri": ""},
        {"LandingEvents__queueServiceUri": "http://landing.queue.core.windows.net"},
        {"AzureWebJobs.on_blob_message.Disabled": "true"},
        {"AzureWebJobs.on_blob_message.Disabled": "1"},
    ],
)
def test_there_is_no_queue_unless_the_host_reads_one_over_https(changes: dict[str, str]) -> None:
    assert Settings.from_env({**STATE, **QUEUE, **changes}).queue_url is None


@pytest.mark.parametrize("name", [name for name in NAMES if name != "LANDFALL_STATE_URL"])
def test_an_empty_setting_is_as_good_as_none(name: str) -> None:
    assert Settings.from_env({**STATE, name: ""}) == Settings.from_env(STATE)


@pytest.mark.parametrize(
    "url", ["", "/", "landfall", "https://landfall", "https://state.blob.core.windows.net/", "http://state/landfall"]
)
def test_a_state_url_that_names_no_container_is_told_with_an_example(url: str) -> None:
    with pytest.raises(SettingsInvalid, match=r"LANDFALL_STATE_URL is .* e\.g\. https://myaccount"):
        Settings.from_env({"LANDFALL_STATE_URL": url})


def test_everything_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(SettingsInvalid) as refused:
        Settings.from_env({"LANDFALL_TOPIC_ENDPOINT": "http://t", "LANDFALL_AZURE_ML_MANAGEMENT_URL": "m"})

    assert [problem.split()[0] for problem in refused.value.problems] == [
        "LANDFALL_STATE_URL",
        "LANDFALL_TOPIC_ENDPOINT",
        "LANDFALL_AZURE_ML_MANAGEMENT_URL",
    ]
    assert str(refused.value).count("\n  - ") == 3


def services(**env: str) -> Services:
    return Services(env={**SETTINGS, **STATE, **env}, now=FakeClock(), new_id=lambda: "id")


def test_services_read_the_projects_routes() -> None:
    assert [route.name for route in services().routes.usable] == ["digits"]


def test_a_routes_file_that_is_not_there_is_told_with_its_path() -> None:
    with pytest.raises(RoutesInvalid, match=r"nowhere\.yaml: cannot be read"):
        _ = services(LANDFALL_ROUTES="nowhere.yaml").routes


def test_a_routes_file_that_is_not_text_is_told_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "routes.yaml").write_bytes(b"\xff\xfe\xff")

    with pytest.raises(RoutesInvalid, match=r"routes\.yaml: cannot be read"):
        _ = services(LANDFALL_ROUTES=str(tmp_path / "routes.yaml")).routes


def broken(tmp_path: Path, text: str) -> str:
    (tmp_path / "routes.yaml").write_text(text)
    return str(tmp_path / "routes.yaml")


def test_what_is_wrong_with_routes_is_told_when_they_are_first_used_and_not_with_every_use(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = replaced().replace("quiet: 5s", "quiet: soon").replace("staging", "stagnig")
    own = services(LANDFALL_ROUTES=broken(tmp_path, text))

    for _ in range(3):
        assert own.routes.usable == ()

    lines = told(caplog, "routes.invalid", logging.ERROR)
    assert [line["route"] for line in lines] == ["digits"] * len(own.routes.problems)
    assert "quiet" in lines[0]["field"] + lines[0]["message"]


def test_a_file_that_is_no_routes_file_is_told_once_however_many_events_need_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own = services(LANDFALL_ROUTES=broken(tmp_path, "routes: ["))

    for _ in range(100):
        with pytest.raises(RoutesInvalid):
            _ = own.routes

    (line,) = told(caplog, "routes.invalid", logging.ERROR)
    assert (line["field"], "route" in line) == ("routes.yaml", False)
    own.tell_of_broken_routes()
    own.tell_of_broken_routes()
    assert len(told(caplog, "routes.invalid")) == 3


def test_routes_that_are_in_order_are_not_told_of(caplog: pytest.LogCaptureFixture) -> None:
    own = services()

    assert own.routes.usable
    own.tell_of_broken_routes()

    assert caplog.records == []


def test_a_route_that_reads_from_landfalls_own_records_is_refused() -> None:
    routes = services(LANDFALL_STATE_URL="https://landing.blob.core.windows.net/landing").routes

    ((route, field),) = [(problem.route, problem.field) for problem in routes.problems]
    assert (route, field, routes.usable) == ("digits", "landing.container", ())


def test_an_empty_setting_for_the_routes_file_is_as_good_as_none() -> None:
    assert services(LANDFALL_ROUTES="").routes.usable


def test_without_a_topic_nobody_announces() -> None:
    assert services().announcer is None
