"""What Resource Manager knows above the workspace: the tenant, the subscription, its group, a list of what is in it.

By these a workspace is found from the scoring URI of one of its endpoints, and `az login` finds what there is. Source:
Azure docs, REST reference of tenants/list, subscriptions/list, resource-groups/list and resources/list. The list has
what is tracked there: workspaces, batch endpoints, deployments.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from aiohttp import web

from local.addresses import RESOURCE_GROUP, SUBSCRIPTION, TENANT, WORKSPACE
from local.azureml.api import wire
from local.azureml.api.introduction import VERSION
from local.azureml.api.resource_routes import SUBSCRIPTION_ID
from local.azureml.api.routing import Route
from local.azureml.api.scoring_routes import next_link, skip_of
from local.azureml.errors import Refusal
from local.azureml.workspace.names import LOCATION, TYPE, WORKSPACE_ID, id_of, type_of
from local.azureml.workspace.registry import Registry, Resource

PAGE = 10
"""Azure's pages have a thousand entries; small ones make clients follow nextLink."""
_CLAUSE = re.compile(r"\s*(resourceType|name|location)\s+eq\s+'([^']*)'\s*", re.IGNORECASE)
_MEMBER = {"resourcetype": "type", "name": "name", "location": "location"}


class SubscriptionRoutes:
    def __init__(self, *, registry: Registry, bodies: wire.Wire) -> None:
        self._registry = registry
        self._bodies = bodies

    def table(self) -> Iterator[Route]:
        yield Route("GET", "/subscriptions", self._subscriptions)
        yield Route("GET", SUBSCRIPTION_ID, self._subscription)
        yield Route("GET", f"{SUBSCRIPTION_ID}/resources", self._resources)
        yield Route("GET", "/tenants", self._tenants)
        yield Route("GET", f"{SUBSCRIPTION_ID}/providers", self._providers)
        yield Route("GET", f"{SUBSCRIPTION_ID}/providers/{re.escape(_PROVIDER['namespace'])}", self._provider)
        yield Route("GET", f"{SUBSCRIPTION_ID}/resourceGroups", self._groups)
        yield Route("GET", _GROUP["id"], self._group)

    async def _subscriptions(self, _request: web.Request, _ids: dict[str, str]) -> web.Response:
        body = {"value": [_SUBSCRIPTION], "count": {"type": "Total", "value": 1}}
        return web.json_response(body)

    async def _subscription(self, _request: web.Request, _ids: dict[str, str]) -> web.Response:
        return web.json_response(_SUBSCRIPTION)

    async def _tenants(self, _request: web.Request, _ids: dict[str, str]) -> web.Response:
        return web.json_response({"value": [_TENANT]})

    async def _providers(self, _request: web.Request, _ids: dict[str, str]) -> web.Response:
        return web.json_response({"value": [_PROVIDER]})

    async def _provider(self, _request: web.Request, _ids: dict[str, str]) -> web.Response:
        return web.json_response(_PROVIDER)

    async def _groups(self, _request: web.Request, _ids: dict[str, str]) -> web.Response:
        return web.json_response({"value": [_GROUP]})

    async def _group(self, _request: web.Request, _ids: dict[str, str]) -> web.Response:
        return web.json_response(_GROUP)

    async def _resources(self, request: web.Request, _ids: dict[str, str]) -> web.Response:
        is_wanted = parse_filter(request.query.get("$filter", ""))
        found = [one for one in [_WORKSPACE, *map(_entry, self._registry.below("batchEndpoints"))] if is_wanted(one)]
        skip = skip_of(request, "$skiptoken")
        # The last page has no nextLink at all.
        body: dict[str, Any] = {"value": found[skip : skip + PAGE]}
        if len(found) > skip + PAGE:
            body["nextLink"] = next_link(self._bodies.base, request, "$skiptoken", skip + PAGE)
        return web.json_response(body)


def parse_filter(text: str) -> Callable[[dict[str, Any]], bool]:
    """Whether a `$filter` lets an entry through; values are compared in any case. Raises Refusal 400.

    Of Azure's language there are comparisons with `eq`, joined by `and`.
    """
    clauses = re.split(r"\band\b", text, flags=re.IGNORECASE) if text.strip() else []
    wanted: list[tuple[str, str]] = []
    for clause in clauses:
        match = _CLAUSE.fullmatch(clause)
        if match is None:
            raise Refusal(
                400,
                "InvalidFilterInQueryString",
                f"Invalid $filter {text!r}: here it may compare resourceType, name, location by eq, joined by and.",
            )
        wanted.append((_MEMBER[match[1].lower()], match[2].lower()))
    return lambda entry: all(str(entry[member]).lower() == value for member, value in wanted)


def _entry(resource: Resource) -> dict[str, Any]:
    """A resource as the list has it: without properties, its name below that of the workspace."""
    names = resource.path.split("/")[1::2]
    return {
        "id": id_of(resource.path),
        "name": "/".join([WORKSPACE, *names]),
        "type": type_of(resource.path),
        "location": resource.document.get("location") or LOCATION,
        "tags": resource.document.get("tags") or {},
    }


_WORKSPACE: dict[str, Any] = {
    "id": WORKSPACE_ID,
    "name": WORKSPACE,
    "type": TYPE,
    "location": LOCATION,
    "kind": "Default",
    "tags": {},
}
_NAMESPACE = TYPE.partition("/")[0]
_PROVIDER: dict[str, Any] = {
    "id": f"{SUBSCRIPTION_ID}/providers/{_NAMESPACE}",
    "namespace": _NAMESPACE,
    "registrationState": "Registered",
    "registrationPolicy": "RegistrationRequired",
    "resourceTypes": [
        {"resourceType": kind, "locations": [LOCATION], "apiVersions": [VERSION], "capabilities": "None"}
        for kind in ("workspaces", "workspaces/batchEndpoints", "workspaces/batchEndpoints/deployments")
    ],
}
"""By it, tools find out with which version of the API to ask for a resource."""
_SUBSCRIPTION: dict[str, Any] = {
    "id": SUBSCRIPTION_ID,
    "authorizationSource": "RoleBased",
    "managedByTenants": [],
    "subscriptionId": SUBSCRIPTION,
    "tenantId": TENANT,
    "displayName": "Landfall local",
    "state": "Enabled",
    "subscriptionPolicies": {
        "locationPlacementId": "Public_2014-09-01",
        "quotaId": "PayAsYouGo_2014-09-01",
        "spendingLimit": "Off",
    },
}
_TENANT: dict[str, Any] = {
    "id": f"/tenants/{TENANT}",
    "tenantId": TENANT,
    "countryCode": "US",
    "displayName": "Landfall local",
    "domains": ["landfall.localhost"],
    "tenantCategory": "Home",
    "defaultDomain": "landfall.localhost",
    "tenantType": "AAD",
}
_GROUP: dict[str, Any] = {
    "id": f"{SUBSCRIPTION_ID}/resourceGroups/{RESOURCE_GROUP}",
    "name": RESOURCE_GROUP,
    "type": "Microsoft.Resources/resourceGroups",
    "location": LOCATION,
    "properties": {"provisioningState": "Succeeded"},
}
