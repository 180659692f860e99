"""What a deployment takes, and the sentences about what it does not take."""

from __future__ import annotations

from typing import Any

import pytest

from shared.core.deployment import (
    Asked,
    Deployment,
    Port,
    component_of,
    compute_of,
    instances_of,
    misfits,
    nodes_of,
    read_ports,
)
from shared.core.inputs import read_inputs
from shared.core.route import JobSettings

FOLDER = {"type": "uri_folder", "path": "azureml://datastores/d/paths/{landing}"}
MODEL = Deployment(name="classic", is_pipeline=False)
PIPELINE = Deployment(
    name="flow",
    is_pipeline=True,
    inputs=(
        Port(name="data", type="uri_folder", needed=True),
        Port(name="mode", type="string", choices=("append", "overwrite")),
        Port(name="limit", type="integer", least=1, most=10),
        Port(name="share", type="number"),
    ),
    outputs=(Port(name="scores", type="uri_folder"), Port(name="summary", type="uri_file")),
)


def asked(inputs: dict[str, Any], outputs: dict[str, str] | None = None, settings: JobSettings | None = None) -> Asked:
    return Asked(
        inputs=read_inputs(inputs),
        outputs={"scores": ""} if outputs is None else outputs,
        settings=settings or JobSettings(),
    )


@pytest.mark.parametrize(
    ("deployment", "what"),
    [
        (MODEL, asked({"anything": FOLDER}, {"anything": "uri_file"}, JobSettings(mini_batch_size=3))),
        (PIPELINE, asked({"data": FOLDER})),
        (
            PIPELINE,
            asked(
                {
                    "data": FOLDER,
                    "mode": {"type": "string", "default": "append"},
                    "limit": {"type": "integer", "default": 10},
                    "share": {"type": "integer", "default": 1},
                },
                {"scores": "uri_folder", "summary": "uri_file"},
                JobSettings(experiment_name="e"),
            ),
        ),
        (PIPELINE, asked({"data": FOLDER, "mode": {"type": "string", "default": "{batch}"}})),
        (
            Deployment(
                name="n", is_pipeline=True, inputs=(Port(name="n", type="number", choices=("1.0", "2")),), outputs=()
            ),
            asked({"n": {"type": "integer", "default": 1}}, {}),
        ),
        (Deployment(name="unread", is_pipeline=True), asked({"who": FOLDER, "knows": FOLDER}, {"what": "uri_file"})),
    ],
    ids=["model", "what is needed", "everything", "not known yet", "numbers", "not to be seen"],
)
def test_what_fits_is_not_objected_to(deployment: Deployment, what: Asked) -> None:
    assert misfits(what, deployment) == []


@pytest.mark.parametrize(
    ("what", "told"),
    [
        (asked({"a": FOLDER, "n": {"type": "string", "default": "x"}}), "takes no values, but the route gives it n"),
        (asked({"a": FOLDER, "b": FOLDER}), "takes one input, but the route gives it a, b"),
        (asked({"a": {**FOLDER, "type": "mltable"}}), "takes no MLTable. Give a the type uri_folder"),
        (asked({"a": FOLDER}, {"x": "uri_file", "y": "uri_file"}), "has one output, but the route names x, y"),
        (asked({"a": FOLDER}, {"x": "uri_folder"}), "Give output x the type uri_file"),
        (asked({"a": FOLDER}, settings=JobSettings(experiment_name="e")), "takes no experiment_name"),
    ],
)
def test_what_a_model_deployment_does_not_take_is_told(what: Asked, told: str) -> None:
    (sentence,) = misfits(what, MODEL)

    assert sentence.startswith("Deployment 'classic' is a model deployment, which ")
    assert told in sentence


@pytest.mark.parametrize(
    ("what", "told"),
    [
        (asked({}), "needs input 'data' of type uri_folder. Add it to the route's inputs"),
        (
            asked({"data": FOLDER, "colour": {"type": "string", "default": "red"}}),
            "has no input 'colour'. Its inputs are data (uri_folder), mode (string), limit (integer), share (number)",
        ),
        (asked({"data": {**FOLDER, "type": "uri_file"}}), "takes uri_folder for input 'data', not uri_file"),
        (
            asked({"data": FOLDER, "limit": {"type": "number", "default": 2}}),
            "takes integer for input 'limit', not number",
        ),
        (
            asked({"data": FOLDER, "mode": {"type": "string", "default": "replace"}}),
            "takes for input 'mode' only append, overwrite, not 'replace'",
        ),
        (
            asked({"data": FOLDER, "limit": {"type": "integer", "default": 11}}),
            "'limit' only values up to 10, not 11",
        ),
        (asked({"data": FOLDER}, {"logs": "uri_folder"}), "has no output 'logs'. Its outputs are scores (uri_folder)"),
        (asked({"data": FOLDER}, {"summary": "uri_folder"}), "writes output 'summary' as uri_file, not uri_folder"),
        (
            asked({"data": FOLDER}, settings=JobSettings(mini_batch_size=1, instance_count=2)),
            "has no mini_batch_size, instance_count. Remove them",
        ),
    ],
)
def test_what_a_pipeline_component_does_not_take_is_told(what: Asked, told: str) -> None:
    (sentence,) = misfits(what, PIPELINE)

    assert sentence.startswith("Deployment 'flow' is a pipeline component deployment, which ")
    assert told in sentence


ID = (
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w/components/c/versions/1"
)


@pytest.mark.parametrize(
    ("properties", "component"),
    [
        ({"deploymentConfiguration": {"componentId": {"assetId": ID}}}, ID),
        ({"properties": {"ComponentDeployment.ComponentId": f"azureml:{ID}"}}, ID),
        ({"deploymentConfiguration": None, "properties": None}, None),
        ({"model": {"assetId": "m"}}, None),
    ],
    ids=["configured", "recorded", "nulls", "model"],
)
def test_a_pipeline_component_deployment_is_known_by_its_component(
    properties: dict[str, Any], component: str | None
) -> None:
    assert component_of({"properties": properties}) == component


def test_the_ports_of_a_component_are_read_as_the_service_writes_them() -> None:
    inputs = {
        "data": {"type": "uri_folder"},
        "mode": {"type": "string", "default": "append", "enum": ["append", "overwrite"]},
        "limit": {"type": "Integer", "optional": "True", "min": "1", "max": 10.0},
        "odd": "uri_file",
        "odder": {"type": "number", "min": "a little"},
    }

    ports = {port.name: port for port in read_ports({"properties": {"componentSpec": {"inputs": inputs}}}, "inputs")}

    assert ports["data"] == Port(name="data", type="uri_folder", needed=True)
    assert ports["mode"] == Port(name="mode", type="string", choices=("append", "overwrite"))
    assert ports["limit"] == Port(name="limit", type="integer", least=1.0, most=10.0)
    assert ports["odd"].type == "uri_folder"
    assert ports["odder"].least is None


@pytest.mark.parametrize("component", [{}, {"properties": None}, {"properties": {"componentSpec": {"inputs": []}}}])
def test_a_component_that_says_nothing_has_no_ports(component: dict[str, Any]) -> None:
    assert read_ports(component, "inputs") == ()


@pytest.mark.parametrize(
    ("compute", "nodes"),
    [
        ({"computeType": "AmlCompute", "properties": {"scaleSettings": {"maxNodeCount": 8}}}, 8),
        ({"computeType": "AmlCompute", "properties": {"scaleSettings": {"maxNodeCount": 0}}}, None),
        ({"computeType": "AmlCompute", "properties": {"scaleSettings": {"maxNodeCount": "8"}}}, None),
        ({"computeType": "AmlCompute", "properties": {"scaleSettings": {"maxNodeCount": True}}}, None),
        ({"computeType": "AmlCompute", "properties": None}, None),
        ({"computeType": "Kubernetes", "properties": {"scaleSettings": {"maxNodeCount": 8}}}, None),
        ({}, None),
    ],
)
def test_only_a_cluster_of_machines_has_a_number_of_nodes(compute: dict[str, Any], nodes: int | None) -> None:
    assert nodes_of({"properties": compute}) == nodes


@pytest.mark.parametrize(
    ("properties", "compute", "instances"),
    [
        ({"compute": "/w/computes/c", "resources": {"instanceCount": 3}}, "/w/computes/c", 3),
        ({"compute": "azureml:c", "resources": {"instanceCount": 0}}, "c", 1),
        ({"compute": None, "resources": None}, None, 1),
        ({"properties": {"ComponentDeployment.Settings.default_compute": "azureml:c"}}, "c", 1),
    ],
)
def test_a_deployment_has_a_compute_and_takes_so_many_of_its_nodes(
    properties: dict[str, Any], compute: str | None, instances: int
) -> None:
    resource = {"properties": properties}

    assert (compute_of(resource), instances_of(resource)) == (compute, instances)
