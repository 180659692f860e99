"""Resource Manager's resources: list, get, put and delete, the same for every kind.

What Azure takes its time for (computes, endpoints, deployments) is answered as a long-running operation, which is done
when it is first asked about. Source: ARM specification; recordings of the Azure SDK's own tests.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from aiohttp import web

from local.addresses import RESOURCE_GROUP
from local.azureml.api import wire
from local.azureml.api.resource_rules import Kind, Rules, being_created, kinds, named_by, shown
from local.azureml.api.routing import Route, body_of
from local.azureml.errors import Refusal
from local.azureml.workspace.assets import KINDS, container_properties, latest, names
from local.azureml.workspace.data import Storage
from local.azureml.workspace.deployed import Deployed
from local.azureml.workspace.names import LOCATION, WORKSPACE_ID, id_of, type_of
from local.azureml.workspace.registry import Registry, Resource
from local.azureml.workspace.uris import DEFAULT_DATASTORE, BlobPath, Places, as_datastore
from local.roles.identities import WORKSPACE

SUBSCRIPTION_ID = WORKSPACE_ID.partition("/resourceGroups/")[0]
OPERATIONS = f"{SUBSCRIPTION_ID}/providers/Microsoft.MachineLearningServices/locations"
_DEFAULT_LIFETIME = timedelta(hours=1)


class ResourceRoutes:
    def __init__(
        self, *, registry: Registry, places: Places, deployed: Deployed, storage: Storage, bodies: wire.Wire
    ) -> None:
        self._registry = registry
        self._deployed = deployed
        self._storage = storage
        self._bodies = bodies
        self._rules = Rules(registry, places)

    def table(self) -> Iterator[Route]:
        for kind in kinds(self._rules):
            collection = "/".join("[^/]+" if part == "{}" else part for part in kind.collection.split("/"))
            yield from self._of_kind(kind, f"{WORKSPACE_ID}/(?P<collection>{collection})")
        containers = f"{WORKSPACE_ID}/(?P<kind>{'|'.join(KINDS)})"
        yield Route("GET", containers, self._containers)
        yield Route("GET", f"{containers}/(?P<name>[^/]+)", self._container)
        yield Route("PUT", f"{containers}/(?P<name>[^/]+)", self._put_container)
        yield Route("POST", f"{WORKSPACE_ID}/datastores/(?P<datastore>[^/]+)/listSecrets", self._secrets)
        yield Route(
            "POST", f"{WORKSPACE_ID}/(?P<asset>[^/]+/[^/]+/versions/[^/]+)/startPendingUpload", self._pending_upload
        )
        yield Route("GET", f"{OPERATIONS}/[^/]+/mfeOperationsStatus/(?P<operation>[^/]+)", self._operation)
        yield Route("GET", f"{OPERATIONS}/[^/]+/mfeOperationResults/del:(?P<operation>[^/]+)", self._deletion)

    def _of_kind(self, kind: Kind, collection: str) -> Iterator[Route]:
        async def show_all(request: web.Request, ids: dict[str, str]) -> web.Response:
            found = self._listed(kind, ids["collection"], request)
            return web.json_response(wire.page([shown(one, self._bodies) for one in found], None))

        async def show(_request: web.Request, ids: dict[str, str]) -> web.Response:
            return web.json_response(shown(self._existing(f"{ids['collection']}/{ids['name']}"), self._bodies))

        async def put(request: web.Request, ids: dict[str, str]) -> web.Response:
            return await self._put(kind, f"{ids['collection']}/{ids['name']}", request)

        async def delete(request: web.Request, ids: dict[str, str]) -> web.Response:
            return self._delete(kind, f"{ids['collection']}/{ids['name']}", request)

        yield Route("GET", collection, show_all)
        for method, handler in (("GET", show), ("PUT", put), ("DELETE", delete)):
            yield Route(method, f"{collection}/(?P<name>[^/]+)", handler)

    def _listed(self, kind: Kind, collection: str, request: web.Request) -> list[Resource]:
        found = self._registry.children(collection)
        if "{}" in kind.collection and not kind.is_asset:
            self._existing(collection.rpartition("/")[0])
        if kind.is_asset:
            view = request.query.get("listViewType", "All").lower()
            found = [one for one in found if view == "all" or _is_archived(one) is (view == "archivedonly")]
            if (wanted := request.query.get("hash")) is not None:
                found = [one for one in found if wanted in (one.properties.get("properties") or {}).values()]
            if "asc" not in request.query.get("$orderBy", "desc").lower().replace("desc", ""):
                found.reverse()
            return found[: int(request.query["$top"])] if request.query.get("$top", "").isdecimal() else found
        if request.query.get("isDefault", "").lower() == "true":
            found = [one for one in found if one.properties.get("isDefault")]
        return found

    async def _put(self, kind: Kind, path: str, request: web.Request) -> web.Response:
        document = await body_of(request)
        if not isinstance(document.get("properties"), dict):
            raise Refusal(400, "UserError", "A resource must be an object with a 'properties' object.")
        known = self._registry.get(path)
        # Names keep the case in which they were first written, above this resource as well.
        path = known.path if known else self._spelled(path)
        kind.check(path, document)
        kept = {key: value for key, value in document.items() if key not in ("id", "name", "type", "systemData")}
        kept["properties"] = named_by(path, kept["properties"])
        author = str(request["claims"].get("oid", ""))
        resource = self._registry.put(path, kept, author=author, files=known.files if known else None)
        if kind.is_asset:
            self._deployed.look_again()
        body, status = shown(resource, self._bodies), 200 if known else 201
        if not kind.is_long_running:
            return web.json_response(body, status=status)
        headers = self._long_running("mfeOperationsStatus", request)
        return web.json_response(being_created(body), status=status, headers=headers)

    def _spelled(self, path: str) -> str:
        owner, _, name = path.rpartition("/deployments/")
        above = self._registry.get(owner) if owner else None
        return f"{above.path}/deployments/{name}" if above else path

    def _delete(self, kind: Kind, path: str, request: web.Request) -> web.Response:
        """An endpoint takes its deployments with it; jobs stay.

        Source: Azure docs, how-to-use-batch-model-deployments.
        """
        for inner in self._registry.below(path):
            self._registry.delete(inner.path)
        if not self._registry.delete(path):
            return web.Response(status=204)
        if not kind.is_long_running:
            return web.Response(status=200)
        headers = self._long_running("mfeOperationResults", request)
        return web.json_response(None, status=202, headers={"Location": headers["Azure-AsyncOperation"]})

    def _long_running(self, kind: str, request: web.Request) -> dict[str, str]:
        operation = f"del:{uuid.uuid4()}" if kind == "mfeOperationResults" else f"op:local:{uuid.uuid4()}"
        where = f"{self._bodies.base}{OPERATIONS}/{LOCATION}/{kind}/{operation}"
        return {
            "Azure-AsyncOperation": f"{where}?api-version={request.query['api-version']}",
            "x-ms-async-operation-timeout": "PT30M",
        }

    async def _operation(self, request: web.Request, ids: dict[str, str]) -> web.Response:
        body = {"id": request.path, "name": ids["operation"], "status": "Succeeded"}
        return web.json_response(body)

    async def _deletion(self, _request: web.Request, _ids: dict[str, str]) -> web.Response:
        return web.Response(status=200)

    async def _containers(self, request: web.Request, ids: dict[str, str]) -> web.Response:
        view = request.query.get("listViewType", "All").lower()
        found = [self._container_body(f"{ids['kind']}/{name}") for name in names(self._registry, ids["kind"])]
        value = [
            one
            for one in found
            if one and (view == "all" or one["properties"]["isArchived"] is (view == "archivedonly"))
        ]
        return web.json_response(wire.page(value, None))

    async def _container(self, _request: web.Request, ids: dict[str, str]) -> web.Response:
        body = self._container_body(f"{ids['kind']}/{ids['name']}")
        if body is None:
            raise Refusal(404, "UserError", f"There is no {ids['kind']}/{ids['name']} in this workspace.")
        return web.json_response(body)

    async def _put_container(self, request: web.Request, ids: dict[str, str]) -> web.Response:
        """Only the members of the container itself; its versions are resources of their own."""
        path = f"{ids['kind']}/{ids['name']}"
        if latest(self._registry, path) is None:
            raise Refusal(404, "UserError", f"There is no {path} in this workspace.")
        document = await body_of(request)
        self._registry.put(path, {"properties": document.get("properties") or {}})
        return web.json_response(self._container_body(path))

    def _container_body(self, path: str) -> dict[str, Any] | None:
        properties = container_properties(self._registry, path)
        last = latest(self._registry, path)
        if properties is None or last is None:
            return None
        path = last.path.rpartition("/versions/")[0]
        created = {"createdAt": wire.time_of(last.created), "createdBy": last.author, "createdByType": "User"}
        return {
            "id": id_of(path),
            "name": path.rpartition("/")[2],
            "type": type_of(path),
            "properties": properties,
            "systemData": {**created, "lastModifiedAt": wire.time_of(last.modified)},
        }

    async def _secrets(self, request: web.Request, ids: dict[str, str]) -> web.Response:
        """A SAS of the account behind a datastore: with a key the SDK could not reach a host of another name."""
        datastore = as_datastore(self._existing(f"datastores/{ids['datastore']}"))
        asked = await body_of(request)
        hours = asked.get("expireAfterHours")
        lifetime = timedelta(hours=hours) if isinstance(hours, int) and hours > 0 else _DEFAULT_LIFETIME
        token = self._storage.signature(datastore.account, lifetime)
        return web.json_response({"secretsType": "Sas", "sasToken": token})

    async def _pending_upload(self, _request: web.Request, _ids: dict[str, str]) -> web.Response:
        """Where the files of an asset may be put before it is created: a container that nobody else is given. In one
        place for all, the client takes what an earlier upload has left under the same names for its own."""
        upload = str(uuid.uuid4())
        container = BlobPath(DEFAULT_DATASTORE.account, upload, "")
        await self._storage.acting_as(WORKSPACE).ensure_container(container.account, container.container)
        url = self._storage.url(container)
        token = self._storage.signature(container.account, _DEFAULT_LIFETIME)
        return web.json_response(
            {
                "pendingUploadId": upload,
                "pendingUploadType": "TemporaryBlobReference",
                "blobReferenceForConsumption": {
                    "blobUri": url,
                    "storageAccountArmId": f"{SUBSCRIPTION_ID}/resourceGroups/{RESOURCE_GROUP}/providers/"
                    f"Microsoft.Storage/storageAccounts/{container.account}",
                    "credential": {"credentialType": "SAS", "sasUri": f"{url}?{token}"},
                },
            }
        )

    def _existing(self, path: str) -> Resource:
        """Raises Refusal 404; a broken file of the folder says why there is none."""
        if found := self._registry.get(path):
            return found
        match re.split("/", path):
            case [_, endpoint] if path.lower().startswith("batchendpoints/"):
                return self._deployed.endpoint(endpoint)
            case [_, endpoint, _, name] if path.lower().startswith("batchendpoints/"):
                self._deployed.deployment(endpoint, name)
        raise Refusal(404, "UserError", f"There is no {path} in this workspace.")


def _is_archived(resource: Resource) -> bool:
    return bool(resource.properties.get("isArchived"))
