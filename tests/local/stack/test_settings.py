"""What the stack tells the function app and everybody else, as plain values."""

from __future__ import annotations

import json
from collections import deque
from pathlib import Path

import pytest

from local import addresses
from local.azure import PROFILES
from local.identity.asking import header_secret
from local.roles.identities import APP
from local.stack import (
    Options,
    StateInUse,
    description,
    exclusive,
    host_environment,
    is_up,
    scoring_uris,
    setting_name,
)
from local.supervisor import too_many
from tests.local.stack.stacks import HERE

DEPLOYMENTS = HERE / "deployments"


def test_the_app_is_told_where_everything_is(tmp_path: Path) -> None:
    where = addresses.settle(tmp_path)

    told = host_environment(where, Options(state=tmp_path, deployments=DEPLOYMENTS, routes=Path("/r.yaml")))

    port = addresses.port_of(where.host)
    assert told["WEBSITE_HOSTNAME"] == f"localhost:{port}"
    assert told["IDENTITY_ENDPOINT"] == f"{where.identity}/msi/token"
    assert told["IDENTITY_HEADER"] == header_secret(tmp_path)
    assert told["SSL_CERT_FILE"] == told["REQUESTS_CA_BUNDLE"] == str(tmp_path / "tls" / "ca.pem")
    assert told["LANDFALL_STATE_URL"] == f"{where.storage}/landfallstate/landfall"
    assert told["LANDFALL_TOPIC_ENDPOINT"] == f"{where.eventgrid_topics}/topics/landfall/api/events"
    assert told["LANDFALL_AZURE_ML_MANAGEMENT_URL"] == where.azureml
    assert told["LANDING_ACCOUNT_URL"] == f"{where.storage}/devstoreaccount1"
    assert told["LAKEHOUSE_ACCOUNT_URL"] == f"{where.storage}/lakehouse"
    assert told["WORKSPACE_ACCOUNT_URL"] == f"{where.storage}/azuremlstore"
    assert told["WORD_LENGTHS_SCORING_URI"] == f"{where.azureml}/endpoints/word-lengths/jobs"
    assert told["LANDFALL_ROUTES"] == "/r.yaml"
    assert "AccountName=landfallstate;" in told["AzureWebJobsStorage"]
    assert {name: value for name, value in told.items() if name.startswith("LandingEvents")} == {
        "LandingEvents__queueServiceUri": f"{where.queues}/devstoreaccount1",
        "LandingEvents__credential": "managedidentity",
        "LandingEvents__clientId": APP.client_id,
    }


def test_without_a_routes_file_the_app_uses_its_own(tmp_path: Path) -> None:
    told = host_environment(addresses.settle(tmp_path), Options(state=tmp_path, deployments=DEPLOYMENTS))

    assert "LANDFALL_ROUTES" not in told


def test_an_endpoint_has_the_name_in_its_file_and_a_setting(tmp_path: Path) -> None:
    where = addresses.settle(tmp_path)

    assert scoring_uris(where, DEPLOYMENTS) == {"word-lengths": f"{where.azureml}/endpoints/word-lengths/jobs"}
    assert setting_name("word-lengths") == "WORD_LENGTHS_SCORING_URI"
    assert scoring_uris(where, tmp_path / "nowhere") == {}


def test_stack_json_has_what_the_contract_says(tmp_path: Path) -> None:
    where = addresses.settle(tmp_path)
    options = Options(state=tmp_path, deployments=DEPLOYMENTS, azure=PROFILES["silent"])

    told = json.loads(json.dumps(description(where, options, {"host": 12, "storage": 13}, {"master": "key"})))

    assert list(told["storage"].pop("accounts")) == list(addresses.ACCOUNTS)
    assert told == {
        "storage": {
            "account_url": f"{where.storage}/devstoreaccount1",
            "connection_string": where.connection_string(),
            "ca_cert": str(tmp_path / "tls" / "ca.pem"),
            "hierarchical": ["lakehouse"],
        },
        "lakehouse": {"account_url": f"{where.storage}/lakehouse"},
        "eventgrid": {"control_url": where.eventgrid},
        "identity": {"endpoint": f"{where.identity}/msi/token", "header": header_secret(tmp_path)},
        "azureml": {
            "management_url": where.azureml,
            "studio_url": where.studio,
            "scoring_uris": {"word-lengths": f"{where.azureml}/endpoints/word-lengths/jobs"},
            "subscription_id": addresses.SUBSCRIPTION,
            "resource_group": addresses.RESOURCE_GROUP,
            "workspace": addresses.WORKSPACE,
        },
        "azure": {
            "scoring_host_lists": "405",
            "front_end_lists": "400",
            "outputs_shown": "never",
            "deployment_header": "needed",
            "unknown_job": "500",
            "waiting_shown": "as_running",
            "input_urls": "literal",
            "queue_encoding": "plain",
        },
        "host": {"base_url": where.host, "master_key": "key", "pid": 12},
        "pids": {"host": 12, "storage": 13},
    }


@pytest.mark.parametrize(
    ("deaths", "hopeless"),
    [([0.0], False), ([0, 10, 20, 30], False), ([0, 10, 20, 30, 40], True), ([0, 10, 20, 30, 61], False)],
)
def test_five_deaths_within_a_minute_are_too_many(deaths: list[float], hopeless: bool) -> None:
    assert too_many(deque(deaths, maxlen=5), deaths[-1]) is hopeless


def test_a_state_directory_has_one_supervisor_at_a_time(tmp_path: Path) -> None:
    assert not is_up(tmp_path)
    with exclusive(tmp_path):
        assert is_up(tmp_path)
        with pytest.raises(StateInUse, match="already running"), exclusive(tmp_path):
            pass
    assert not is_up(tmp_path)
