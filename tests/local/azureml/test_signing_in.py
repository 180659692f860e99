"""What `az` and other tools ask before anything else: which cloud this is, for whom a token is, what may be seen."""

from __future__ import annotations

from typing import Any

import httpx
import msal  # type: ignore[import-untyped]  # it has no types
import pytest
import requests

from local.addresses import RESOURCE_GROUP, SUBSCRIPTION, TENANT, WORKSPACE, port_of
from local.addresses import load as load_addresses
from local.azureml.api.clouds import metadata
from local.azureml.workspace.names import WORKSPACE_ID
from local.roles.identities import USER
from tests.local.azureml.alone import Alone, use
from tests.local.azureml.cloud import Cloud

BASE, SUFFIX = "https://127.0.0.1:1234", "localhost:5678"
MEMBERS_OF_AZ = {
    "name",
    "resourceManager",
    "sqlManagement",
    "batch",
    "gallery",
    "graphAudience",
    "vmImageAliasDoc",
    "media",
    "activeDirectoryDataLake",
    "appInsightsResourceId",
    "logAnalyticsResourceId",
}
"""What azure-cli reads of a list of clouds (core/cloud.py)."""


def test_the_first_version_has_what_az_cloud_register_reads() -> None:
    told = metadata("2015-01-01", BASE, SUFFIX)

    assert set(told) == {"galleryEndpoint", "graphEndpoint", "portalEndpoint", "authentication"}
    assert set(told["authentication"]) == {"loginEndpoint", "audiences"}


@pytest.mark.parametrize("version", ["2018-05-01", "2019-05-01", "2020-06-01"])
def test_later_versions_are_a_list_with_what_az_reads(version: str) -> None:
    (told,) = metadata(version, BASE, SUFFIX)

    assert set(told) >= MEMBERS_OF_AZ
    assert set(told["suffixes"]) >= {"storage", "keyVaultDns", "sqlServerHostname"}


def test_since_2022_it_is_the_cloud_that_is_asked() -> None:
    told = metadata("2022-09-01", BASE, SUFFIX)

    assert (told["resourceManager"], told["suffixes"]["storage"]) == (f"{BASE}/", SUFFIX)
    assert told["authentication"]["identityProvider"] == "AAD"


def asked(cloud: Cloud, path: str, **headers: str) -> httpx.Response:
    return cloud.http.get(f"{cloud.addresses.azureml}{path}?api-version=2022-12-01", headers=headers)


def test_which_cloud_it_is_needs_no_token_but_a_version(cloud: Cloud) -> None:
    url = f"{cloud.addresses.azureml}/metadata/endpoints"

    told = cloud.http.get(url, params={"api-version": "2022-09-01"}).json()

    assert told["resourceManager"] == f"{cloud.addresses.azureml}/"
    assert told["suffixes"]["storage"] == f"localhost:{port_of(cloud.addresses.storage)}"
    assert cloud.http.get(url).json()["error"]["code"] == "MissingApiVersionParameter"


@pytest.mark.parametrize(
    ("path", "ids"),
    [
        ("/tenants", [f"/tenants/{TENANT}"]),
        ("/subscriptions", [f"/subscriptions/{SUBSCRIPTION}"]),
        (
            f"/subscriptions/{SUBSCRIPTION}/resourceGroups",
            [f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{RESOURCE_GROUP}"],
        ),
        (f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.MachineLearningServices/workspaces", [WORKSPACE_ID]),
    ],
)
def test_what_is_above_the_workspace_is_listed_for_tokens_of_the_cloud_s_first_audience(
    cloud: Cloud, path: str, ids: list[str]
) -> None:
    """`az` asks for its tokens with the first audience, as it is written there."""
    audience = asked(cloud, "/metadata/endpoints").json()["authentication"]["audiences"][0]

    assert [one["id"] for one in asked(cloud, path, **cloud.token(audience)).json()["value"]] == ids
    assert asked(cloud, path).status_code == 401


def test_a_group_is_shown(cloud: Cloud) -> None:
    path = f"/subscriptions/{SUBSCRIPTION}/resourcegroups/{RESOURCE_GROUP}"

    assert asked(cloud, path, **cloud.token("https://management.azure.com/")).json()["name"] == RESOURCE_GROUP


def test_the_library_that_az_signs_in_with_gets_a_token_that_lists_the_subscription(emulator: Alone) -> None:
    """`az login --identity --client-id ID` is msal's ManagedIdentityClient, then a list of subscriptions."""
    told = emulator.told
    with pytest.MonkeyPatch.context() as patch, requests.Session() as http:
        patch.setenv("IDENTITY_ENDPOINT", told["identity"]["endpoint"])
        patch.setenv("IDENTITY_HEADER", told["identity"]["header"])
        patch.setenv("REQUESTS_CA_BUNDLE", told["storage"]["ca_cert"])
        base = told["azureml"]["management_url"]
        first = http.get(f"{base}/metadata/endpoints?api-version=2015-01-01").json()["authentication"]["audiences"][0]
        identity = msal.UserAssignedManagedIdentity(client_id=USER.client_id)
        token = msal.ManagedIdentityClient(identity, http_client=http).acquire_token_for_client(resource=first)

        listed: Any = http.get(
            f"{base}/subscriptions?api-version=2022-12-01",
            headers={"Authorization": f"Bearer {token['access_token']}"},
        ).json()

    assert [one["subscriptionId"] for one in listed["value"]] == [SUBSCRIPTION]


@pytest.mark.filterwarnings("ignore")  # of the client and of what it imports
def test_the_client_of_azure_ml_needs_nothing_but_the_url_of_the_metadata(emulator: Alone) -> None:
    from azure.ai.ml import MLClient
    from azure.identity import ManagedIdentityCredential

    with pytest.MonkeyPatch.context() as patch:
        use(patch, emulator)
        patch.delenv("AZUREML_CURRENT_CLOUD")
        url = f"{load_addresses(emulator.state).azureml}/metadata/endpoints?api-version=2022-09-01"
        patch.setenv("ARM_CLOUD_METADATA_URL", url)
        credential = ManagedIdentityCredential(client_id=USER.client_id)
        client = MLClient(credential, SUBSCRIPTION, RESOURCE_GROUP, WORKSPACE)

        names = {store.name for store in client.datastores.list()}

    assert "workspaceblobstore" in names
