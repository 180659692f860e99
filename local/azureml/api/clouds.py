"""What tools ask before anything else: which cloud this is. `az cloud register`, azure-ai-ml and Terraform do.

Source: what azure-cli (core/cloud.py, cloud/custom.py), azure-ai-ml (_azure_environments.py) and hashicorp/go-azure-sdk
(internal/metadata) read; management.azure.com answers without a token. Only what is here leads here: tokens come from
the managed identity endpoint, and whatever the rest names is Azure's own.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from local.azureml.errors import Refusal
from local.tokens import MANAGEMENT

NAME = "Landfall"
_LOGIN = "https://login.microsoftonline.com"
_GRAPH = "https://graph.windows.net/"


class CloudRoutes:
    def __init__(self, base: str, storage_suffix: str) -> None:
        """`base`: of Resource Manager. `storage_suffix` stands where Azure has core.windows.net."""
        self._base = base
        self._storage_suffix = storage_suffix

    def install(self, app: web.Application) -> None:
        app.router.add_get("/metadata/endpoints", self._endpoints)

    async def _endpoints(self, request: web.Request) -> web.Response:
        version = request.query.get("api-version")
        if not version:
            raise Refusal(
                400, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required."
            )
        return web.json_response(metadata(version, self._base, self._storage_suffix))


def metadata(version: str, base: str, storage_suffix: str) -> Any:
    """The cloud as a version of the API describes it: the first has a few members, later ones a list of clouds, those
    since 2022-09-01 the one cloud that was asked."""
    authentication = {
        "loginEndpoint": _LOGIN,
        "audiences": [f"{MANAGEMENT}/", f"{base}/"],
        "tenant": "common",
        "identityProvider": "AAD",
    }
    if version < "2018-05-01":
        return {
            "galleryEndpoint": f"{base}/",
            "graphEndpoint": _GRAPH,
            "portalEndpoint": "https://portal.azure.com",
            "authentication": {key: authentication[key] for key in ("loginEndpoint", "audiences")},
        }
    cloud = {
        "name": NAME,
        "portal": "https://portal.azure.com",
        "authentication": authentication,
        "resourceManager": f"{base}/",
        "graph": _GRAPH,
        "graphAudience": _GRAPH,
        "microsoftGraphResourceId": "https://graph.microsoft.com/",
        "gallery": f"{base}/",
        "media": "https://rest.media.azure.net",
        "batch": "https://batch.core.windows.net/",
        "sqlManagement": "https://management.core.windows.net:8443/",
        "activeDirectoryDataLake": "https://datalake.azure.net/",
        "appInsightsResourceId": "https://api.applicationinsights.io",
        "logAnalyticsResourceId": "https://api.loganalytics.io",
        "synapseAnalyticsResourceId": "https://dev.azuresynapse.net",
        "attestationResourceId": "https://attest.azure.net",
        "ossrDbmsResourceId": "https://ossrdbms-aad.database.windows.net",
        "vmImageAliasDoc": "",
        "suffixes": {
            "storage": storage_suffix,
            "keyVaultDns": "vault.azure.net",
            "sqlServerHostname": "database.windows.net",
            "acrLoginServer": "azurecr.io",
        },
    }
    return cloud if version >= "2022-09-01" else [cloud]
