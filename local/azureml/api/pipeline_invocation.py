"""Reads the body of `POST /jobs` for a pipeline component deployment: named inputs, literals among them, and outputs.

Where the settings of such a job stand in a request is not documented. Answers of the service have them among the
properties (`azureml.continue_on_step_failure` and others), so they are taken from there and from the top, in any case.
Source: Azure docs, how-to-access-data-batch-endpoints-jobs; RETURN samples of azure.azcollection (2026-05).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from local.azureml.api.invocation import Invocation, Reader, properties_of
from local.azureml.api.members import Members, plain
from local.azureml.errors import InvalidRequest
from local.azureml.execution.pipelines import Pipeline, Port
from local.azureml.workspace.jobs import InputKind, JobInput, JobOutput
from local.azureml.workspace.settings import JobSettings, PipelineSettings
from local.azureml.workspace.uris import Places, UnresolvedUri, datastore_name

_KINDS = {plain(kind): kind for kind in InputKind if kind not in (InputKind.DATA_URL, InputKind.DATASET)}
_OUTPUTS = {plain(kind): kind for kind in ("UriFile", "UriFolder", "MLTable", "CustomModel", "MLFlowModel")}


def parse_pipeline_job(body: object, component: Pipeline, deployed: PipelineSettings, places: Places) -> Invocation:
    """What `body` asks of a pipeline component deployment. Raises Refusal 400 with all violations."""
    reader = _PipelineReader(properties_of(body), places)
    inputs = tuple(reader.inputs(component))
    outputs = tuple(reader.outputs(component))
    settings = reader.settings(deployed)
    properties = reader.members.inner("properties")
    name, experiment = reader.members.get("name"), properties.get("experimentName")
    if reader.violations:
        raise InvalidRequest(reader.violations)
    return Invocation(
        inputs=inputs,
        outputs=outputs,
        settings=JobSettings(),
        name=str(name) if name else None,
        experiment=str(experiment) if experiment else None,
        pipeline=settings,
    )


class _PipelineReader(Reader):
    def inputs(self, component: Pipeline) -> Iterator[JobInput]:
        given: set[str] = set()
        for index, (key, item) in enumerate(self.entries("inputData", "InputData")):
            port = component.inputs.get(key)
            if port is None:
                known = ", ".join(component.inputs) or "none"
                self.refuse(f"InputData.{key}", f"The component has no such input; its inputs are {known}.", key)
                continue
            given.add(key)
            yield from self._input(port, item, f"InputData.Values[{index}]")
        for port in component.inputs.values():
            if port.name not in given and port.default is None and not port.optional:
                self.refuse(f"InputData.{port.name}", f"The component needs the input {port.name}.")

    def _input(self, port: Port, item: Members, where: str) -> Iterator[JobInput]:
        kind = _KINDS.get(plain(item.get("jobInputType")))
        if kind is None or (kind is InputKind.LITERAL) is not port.is_literal:
            self.refuse(f"{where}.JobInputType", f"{port.name} must be of type {port.type}.", item.get("jobInputType"))
        elif kind is InputKind.LITERAL:
            try:
                yield JobInput(key=port.name, kind=kind, value=port.parse(item.get("value")))
            except ValueError as error:
                self.refuse(f"{where}.Value", f"{port.name} must be of type {port.type}: {error}.", item.get("value"))
        else:
            yield JobInput(key=port.name, kind=kind, uri=self.uri(item, "uri", where))

    def outputs(self, component: Pipeline) -> Iterator[JobOutput]:
        """All that the component has; those without a place of the caller's go to their default one."""
        given: set[str] = set()
        for index, (key, item) in enumerate(self.entries("outputData", "OutputData")):
            where = f"OutputData.Values[{index}]"
            kind = _OUTPUTS.get(plain(item.get("jobOutputType")))
            if key not in component.outputs:
                known = ", ".join(component.outputs) or "none"
                self.refuse(f"OutputData.{key}", f"The component has no such output; its outputs are {known}.", key)
            elif kind is None:
                self.refuse(f"{where}.JobOutputType", "This is not a valid output type.", item.get("jobOutputType"))
            else:
                given.add(key)
                uri = item.get("uri")
                yield JobOutput(key=key, uri=self.output_uri(uri, f"{where}.Uri") if uri else "", kind=kind)
        for port in component.outputs.values():
            if port.name not in given:
                yield JobOutput(key=port.name, uri="", kind=_OUTPUTS.get(plain(port.type), "UriFolder"))

    def settings(self, deployed: PipelineSettings) -> PipelineSettings:
        chosen = deployed
        if (value := self._setting("continueOnStepFailure", "azureml.continue_on_step_failure")) is not None:
            chosen = replace(chosen, continue_on_step_failure=value.lower() == "true")
        if (value := self._setting("forceRerun", "forceRun", "azureml.enforceRerun")) is not None:
            chosen = replace(chosen, force_rerun=value.lower() == "true")
        if (value := self._setting("defaultDatastore", "azureml.defaultDataStoreName")) is not None:
            chosen = replace(chosen, default_datastore=value)
        if (value := self._setting("defaultCompute", "azureml.defaultComputeName")) is not None:
            chosen = replace(chosen, default_compute=value)
        try:
            self.places.datastore(datastore_name(chosen))
        except UnresolvedUri as error:
            self.refuse("DefaultDatastore", str(error), chosen.default_datastore)
        return chosen

    def _setting(self, *names: str) -> str | None:
        for members in (self.members, self.members.inner("properties"), self.members.inner("settings")):
            for name in names:
                if (value := members.get(name)) is not None:
                    return str(value)
        return None
