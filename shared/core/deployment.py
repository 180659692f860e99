"""What a deployment takes, and whether a request fits it: asked before a job is paid for.

Source: Azure docs, how-to-access-data-batch-endpoints-jobs (what model and pipeline component deployments take) and
reference-yaml-component-pipeline (inputs of a component); recordings of the Azure SDK's own tests, and the answers that
azure-ai-ml reads (`deploymentConfiguration`, `ComponentDeployment.ComponentId`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from shared.core.inputs import KINDS, Input
from shared.core.job import text_at, value_at
from shared.core.outputs import WIRE
from shared.core.route import JobSettings, Route
from shared.core.spec import JobRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """An input or output of a pipeline component. `choices`, `least` and `most` limit a literal, where they are set."""

    name: str
    type: str
    needed: bool = False
    choices: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A deployment. `inputs` and `outputs` are those of its pipeline component; None: it is a model deployment, or they
    could not be read. `nodes`: how many its cluster has at the most, None where that is not known; `instances`: how
    many of them a job takes."""

    name: str
    is_pipeline: bool
    inputs: tuple[Port, ...] | None = None
    outputs: tuple[Port, ...] | None = None
    nodes: int | None = None
    instances: int = 1


def component_of(resource: object) -> str | None:
    """The ARM id of the component of a pipeline component deployment; None for a model deployment."""
    configured = text_at(resource, "properties", "deploymentConfiguration", "componentId", "assetId")
    recorded = text_at(resource, "properties", "properties", "ComponentDeployment.ComponentId")
    found = configured or recorded
    return found.removeprefix("azureml:") if found else None


def compute_of(resource: object) -> str | None:
    """The ARM id or the name of the compute that a deployment's jobs run on; None if there is none of its own."""
    found = text_at(resource, "properties", "compute") or text_at(
        resource, "properties", "properties", "ComponentDeployment.Settings.default_compute"
    )
    return found.removeprefix("azureml:") if found else None


def instances_of(resource: object) -> int:
    """How many nodes a job of a deployment takes."""
    count = value_at(resource, "properties", "resources", "instanceCount")
    return count if isinstance(count, int) and not isinstance(count, bool) and count > 0 else 1


def nodes_of(compute: object) -> int | None:
    """How many nodes a compute may have, as Resource Manager has it; None for one that is no cluster of machines.

    Source: `AmlCompute` and `ScaleSettings` of the ARM specification.
    """
    if (text_at(compute, "properties", "computeType") or "").lower() != "amlcompute":
        return None
    most = value_at(compute, "properties", "properties", "scaleSettings", "maxNodeCount")
    return most if isinstance(most, int) and not isinstance(most, bool) and most > 0 else None


def read_ports(component: object, kind: str) -> tuple[Port, ...]:
    """The `inputs` or `outputs` in a component as Resource Manager has it. What is odd about one is left out of
    account: the service has the last word."""
    declared = value_at(component, "properties", "componentSpec", kind)
    if not isinstance(declared, Mapping):
        return ()
    ports = (_port(str(name), port if isinstance(port, Mapping) else {}) for name, port in declared.items())
    return tuple(port if kind == "inputs" else replace(port, needed=False) for port in ports)


def _port(name: str, port: Mapping[str, object]) -> Port:
    choices = port.get("enum")
    is_optional = str(port.get("optional", "")).lower() == "true"
    return Port(
        name=name,
        type=str(port.get("type", "uri_folder")).lower(),
        needed=not is_optional and port.get("default") is None,
        choices=tuple(map(str, choices)) if isinstance(choices, list) else (),
        least=_limit(port.get("min")),
        most=_limit(port.get("max")),
    )


def _limit(value: object) -> float | None:
    try:
        return float(str(value)) if value is not None else None
    except ValueError:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a deployment is asked for: by a request, or by the templates of a route. `outputs`: types by name."""

    inputs: Sequence[Input]
    outputs: Mapping[str, str]
    settings: JobSettings

    @classmethod
    def by(cls, request: JobRequest, unplaced: Sequence[str] = ()) -> Asked:
        """What an attempt asks for."""
        placed = {output.name: output.type for output in request.placed}
        return cls(
            inputs=request.all_inputs, outputs={**dict.fromkeys(unplaced, ""), **placed}, settings=request.settings
        )


def asked_by(route: Route) -> Asked:
    """What a route asks its deployment for, whatever lands."""
    outputs = {output.name: output.type if output.path is not None else "" for output in route.outputs}
    return Asked(inputs=route.inputs, outputs=outputs, settings=route.settings)


def misfits(asked: Asked, deployment: Deployment) -> list[str]:
    """Why a deployment does not take what it is asked for, one sentence each; empty if it fits, as far as it is
    known."""
    of = _of_a_pipeline if deployment.is_pipeline else _of_a_model
    return list(of(asked, deployment))


def _of_a_model(asked: Asked, deployment: Deployment) -> Iterator[str]:
    who = f"Deployment {deployment.name!r} is a model deployment, which"
    literals = ", ".join(one.name for one in asked.inputs if not one.is_data)
    if literals:
        yield f"{who} takes no values, but the route gives it {literals}. Remove them, or use a pipeline component."
    data = [one for one in asked.inputs if one.is_data]
    if len(data) > 1:
        names = ", ".join(one.name for one in data)
        yield f"{who} takes one input, but the route gives it {names}. Remove all but one."
    for one in data:
        if one.type == "mltable":
            yield f"{who} takes no MLTable. Give {one.name} the type uri_folder or uri_file."
    if len(asked.outputs) > 1:
        yield f"{who} has one output, but the route names {', '.join(asked.outputs)}. Remove all but one."
    for name, kind in asked.outputs.items():
        if kind not in ("", "uri_file"):
            yield f"{who} writes a file. Give output {name} the type uri_file."
    if asked.settings.experiment_name is not None:
        yield f"{who} takes no experiment_name: its jobs are in the experiment of the endpoint's name. Remove it."


def _of_a_pipeline(asked: Asked, deployment: Deployment) -> Iterator[str]:
    who = f"Deployment {deployment.name!r} is a pipeline component deployment, which"
    if unused := _for_models(asked.settings):
        yield f"{who} has no {', '.join(unused)}. Remove them from the route's settings."
    if deployment.inputs is not None:
        yield from _unfit_inputs(asked.inputs, {port.name: port for port in deployment.inputs}, who)
    if deployment.outputs is not None:
        known = {port.name: port for port in deployment.outputs}
        for name, kind in asked.outputs.items():
            if name not in known:
                yield f"{who} has no output {name!r}. Its outputs are {_listed(known)}."
            elif kind and known[name].type in WIRE and known[name].type != kind:
                yield f"{who} writes output {name!r} as {known[name].type}, not {kind}. Change its type."


def _unfit_inputs(given: Sequence[Input], known: Mapping[str, Port], who: str) -> Iterator[str]:
    for one in given:
        port = known.get(one.name)
        if port is None:
            yield f"{who} has no input {one.name!r}. Its inputs are {_listed(known)}."
        elif port.type in KINDS and not _takes(port.type, one.type):
            yield f"{who} takes {port.type} for input {one.name!r}, not {one.type}. Change its type."
        elif (why := _limited(port, one)) is not None:
            yield f"{who} takes for input {one.name!r} only {why}, not {one.value!r}."
    missing = [port for port in known.values() if port.needed and port.name not in {one.name for one in given}]
    for port in missing:
        yield f"{who} needs input {port.name!r} of type {port.type}. Add it to the route's inputs."


def _takes(declared: str, given: str) -> bool:
    return declared == given or (declared == "number" and given == "integer")


def _limited(port: Port, one: Input) -> str | None:
    """What a literal is limited to, if it is not within that. A template of one is not known yet."""
    if one.is_data or (isinstance(one.value, str) and "{" in one.value):
        return None
    if port.choices and not any(_is_choice(one.value, choice) for choice in port.choices):
        return ", ".join(port.choices)
    if isinstance(one.value, (int, float)) and not isinstance(one.value, bool):
        if port.least is not None and one.value < port.least:
            return f"values from {port.least:g}"
        if port.most is not None and one.value > port.most:
            return f"values up to {port.most:g}"
    return None


def _is_choice(value: object, choice: str) -> bool:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _limit(choice) == value
    return str(value).lower() == choice.lower()


def _for_models(settings: JobSettings) -> list[str]:
    """The names of the settings that only a model deployment has."""
    return [
        name
        for name in JobSettings.__struct_fields__
        if name != "experiment_name" and getattr(settings, name) is not None
    ]


def _listed(ports: Mapping[str, Port]) -> str:
    return ", ".join(f"{port.name} ({port.type})" for port in ports.values()) or "none"
