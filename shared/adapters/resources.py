"""What Resource Manager and run history know of deployments, data assets, and outputs without a path.

Source: Microsoft.MachineLearningServices ARM specification; the requests of azure-ai-ml 1.35 (`jobs.download`,
`data.get`); Azure docs, how-to-use-batch-model-deployments and reference-yaml-job-pipeline (default places of outputs).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import httpx

from shared.adapters.credentials import MANAGEMENT
from shared.adapters.messages import cut
from shared.adapters.rest import Rest, json_of
from shared.adapters.run_history import RunHistory
from shared.adapters.workspaces import VERSION, Workspaces
from shared.core.deployment import (
    Deployment,
    Port,
    component_of,
    compute_of,
    instances_of,
    nodes_of,
    read_ports,
)
from shared.core.job import Job, text_at, value_at
from shared.core.references import Asset
from shared.core.route import Endpoint
from shared.errors import InputRefused, Unavailable
from shared.telemetry import warn

KEPT = 60.0
"""Seconds that a deployment is remembered: a folder may bring a run for each of its files."""
DEFAULT_DATASTORE = "workspaceblobstore"
MODEL_OUTPUT = "score"
"""What the output of a model deployment is called at its default place."""

Ports = tuple[Port, ...]


class Resources:
    """Looks up what is asked of them. Safe for use from several threads."""

    def __init__(self, rest: Rest, workspaces: Workspaces, management_url: str) -> None:
        self._rest = rest
        self._workspaces = workspaces
        self._management_url = management_url
        self._known: dict[tuple[str, str], tuple[Deployment | None, float]] = {}
        self._components: dict[str, tuple[Ports, Ports]] = {}

    def of(self, endpoint: Endpoint) -> Deployment | None:
        """As in the port."""
        try:
            name = endpoint.deployment or self._workspaces.default_deployment(endpoint)
            return None if name is None else self._named(endpoint, name)
        except Unavailable as error:
            warn("deployment.not_seen", scoring_uri=endpoint.scoring_uri, message=str(error))
            return None

    def _named(self, endpoint: Endpoint, name: str) -> Deployment | None:
        known, until = self._known.get((endpoint.scoring_uri, name), (None, 0.0))
        if time.monotonic() < until:
            return known
        path = f"{self._workspaces.id_of(endpoint)}/deployments/{quote(name, safe='')}"
        answer = self._rest.get(self._url(path), MANAGEMENT)
        found = None if answer.status_code == 404 else self._read(endpoint, name, json_of(answer))
        self._known[endpoint.scoring_uri, name] = found, time.monotonic() + KEPT
        return found

    def _read(self, endpoint: Endpoint, name: str, resource: Mapping[str, Any]) -> Deployment:
        component = component_of(resource)
        nodes = self._nodes(endpoint, name, compute_of(resource))
        found = Deployment(name=name, is_pipeline=component is not None, nodes=nodes, instances=instances_of(resource))
        if component is None:
            return found
        try:
            inputs, outputs = self._ports(component)
        except Unavailable as error:
            warn("deployment.not_seen", deployment=name, component=component, message=str(error))
            return found
        return replace(found, inputs=inputs, outputs=outputs)

    def _nodes(self, endpoint: Endpoint, deployment: str, compute: str | None) -> int | None:
        """How many nodes a deployment's compute has; None where it has none, or cannot be read."""
        if compute is None:
            return None
        path = compute
        if not compute.startswith("/"):
            path = f"{self._workspaces.of(endpoint)}/computes/{quote(compute, safe='')}"
        try:
            return nodes_of(self._rest.read(self._url(path), MANAGEMENT))
        except Unavailable as error:
            warn("compute.not_seen", deployment=deployment, compute=compute, message=str(error))
            return None

    def _ports(self, component: str) -> tuple[Ports, Ports]:
        if component not in self._components:  # a version of a component does not change
            found = self._rest.read(self._url(component), MANAGEMENT)
            self._components[component] = read_ports(found, "inputs"), read_ports(found, "outputs")
        return self._components[component]

    def data_asset(self, endpoint: Endpoint, asset: Asset) -> str:
        """As in the port."""
        if asset.label not in (None, "latest"):
            raise InputRefused(f"azureml:{asset.name}@{asset.label} cannot be looked up; name a version, or @latest.")
        container = f"{self._workspaces.of(endpoint)}/data/{quote(asset.name, safe='')}"
        path = f"{container}/versions/{quote(asset.version, safe='')}" if asset.version else container
        answer = self._rest.get(self._url(path), MANAGEMENT)
        if answer.status_code == 404:
            what = f"version {asset.version} of the data asset" if asset.version else "data asset"
            raise InputRefused(f"The workspace has no {what} {asset.name!r}. Check the route's inputs.")
        found = json_of(answer)
        version = asset.version or text_at(found, "properties", "latestVersion")
        if version is None:
            raise InputRefused(f"The data asset {asset.name!r} has no version yet. Create one, or change the route.")
        return f"{container}/versions/{quote(version, safe='')}"

    def outputs(
        self, endpoint: Endpoint, job: Job, shown: Mapping[str, Any], names: Sequence[str]
    ) -> dict[str, list[str]]:
        """As in the port. `shown`: the job as the scoring host shows it."""
        places = [_shown_by(shown), self._told_by_history(endpoint, job)]
        if not job.is_pipeline:
            return {name: self._of_a_model(endpoint, job, places) for name in names}
        store = text_at(shown, "properties", "properties", "azureml.defaultDataStoreName") or DEFAULT_DATASTORE
        root = f"azureml://datastores/{store}/paths/azureml"
        return {
            name: [
                *(place[name] for place in places if name in place),
                *(f"{root}/{run}/{name}" for run in (job.name, job.name.removeprefix("pipelinejob-"))),
            ]
            for name in names
        }

    def _of_a_model(self, endpoint: Endpoint, job: Job, places: Sequence[Mapping[str, str]]) -> list[str]:
        """A model deployment has one output, whatever it is called."""
        root = f"azureml://datastores/{DEFAULT_DATASTORE}/paths/azureml"
        steps = RunHistory.of(self._rest, self._workspaces, endpoint, job).steps(job)
        runs = [run for step in steps if (run := text_at(step, "runId"))] + [job.name]
        return [*(uri for place in places for uri in place.values()), *(f"{root}/{run}/{MODEL_OUTPUT}" for run in runs)]

    def _told_by_history(self, endpoint: Endpoint, job: Job) -> dict[str, str]:
        """The outputs that run history has of the job, as azure-ai-ml finds them; nothing where it does not answer."""
        workspace = self._workspaces.of(endpoint, job)
        try:
            api = self._workspaces.api(workspace)
            asked = {"runId": job.name, "selectRunMetadata": True}
            run = self._asked(f"{api}/history/v1.0{workspace}/rundata", asked)
            outputs = value_at(run, "runMetadata", "outputs")
            ids = {
                name: found
                for name, output in (outputs.items() if isinstance(outputs, Mapping) else ())
                if (found := text_at(output, "assetId"))
            }
            if not ids:
                return {}
            url = f"{api}/data/v1.0{workspace}/dataversion/batchGetResolvedUris"
            resolved = value_at(self._asked(url, {"values": list(ids.values())}), "values")
            uris = resolved if isinstance(resolved, Mapping) else {}
            return {name: uri for name, found in ids.items() if isinstance(uri := uris.get(found), str)}
        except (Unavailable, httpx.HTTPError) as error:
            warn("outputs.not_told", job=job.name, message=cut(error))
            return {}

    def _asked(self, url: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return json_of(self._rest.post(url, MANAGEMENT, body=body))

    def _url(self, path: str) -> str:
        return f"{self._management_url}{path}?api-version={VERSION}"


def _shown_by(job: Mapping[str, Any]) -> dict[str, str]:
    outputs = value_at(job, "properties", "outputData")
    named = outputs.items() if isinstance(outputs, Mapping) else ()
    return {name: uri for name, output in named if (uri := text_at(output, "uri"))}
