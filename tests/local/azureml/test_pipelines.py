"""Pipeline component deployments: named inputs and outputs, chained steps, what happens when one fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.addresses import ACCOUNT
from local.azureml.execution.pipelines import InvalidPipeline, Port, parse_command, parse_pipeline
from local.azureml.workspace.names import WORKSPACE_ID
from local.tokens import MANAGEMENT
from testbed.eventually import eventually
from testbed.roles import granted
from tests.local.azureml.cloud import Cloud


def body(uri: str, *, literals: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    inputs: dict[str, Any] = {"data": {"jobInputType": "UriFolder", "uri": uri}}
    inputs |= {name: {"jobInputType": "Literal", "value": value} for name, value in (literals or {}).items()}
    return {"properties": {"inputData": inputs, **more}}


def run(cloud: Cloud, deployment: str, request: dict[str, Any]) -> str:
    response = cloud.post(request, deployment)
    assert response.status_code == 201, response.text
    return str(response.json()["name"])


def children(cloud: Cloud, job: str) -> dict[str, str]:
    """The status of each step."""
    url = f"{cloud.addresses.azureml}/history/v1.0{WORKSPACE_ID}/runs/{job}/children"
    listed = cloud.http.get(url, headers=cloud.token(MANAGEMENT)).json()["value"]
    assert {child["parentRunId"] for child in listed} == {job}
    return {child["name"]: child["status"] for child in listed}


@pytest.fixture
def compute_writes_where_data_lands(cloud: Cloud) -> Iterator[None]:
    scope = f"container {ACCOUNT}/landing"
    with granted(cloud.state, {"identity": "compute", "role": "Storage Blob Data Contributor", "scope": scope}):
        yield


@pytest.mark.usefixtures("compute_writes_where_data_lands")
def test_steps_are_chained_and_outputs_go_where_the_caller_wants_them(cloud: Cloud) -> None:
    outputs = {
        "scores": {"jobOutputType": "UriFolder", "uri": "azureml://datastores/workspaceblobstore/paths/pipe/scores"},
        "report": {"jobOutputType": "UriFile", "uri": "azureml://datastores/landing/paths/pipe/report.txt"},
    }
    uri = cloud.land({"a.txt": "1", "deep/b.txt": "2"})
    job = run(cloud, "steps", body(uri, literals={"prefix": "n", "times": 3, "note": "hello"}, outputData=outputs))

    assert cloud.end(job) == "Completed", cloud.error(job)
    assert job.startswith("pipelinejob-")
    assert cloud.output("pipe/scores/scores.txt") == "a.txt=n1n1n1\nb.txt=n2n2n2\n"
    assert cloud.get("devstoreaccount1/landing/pipe/report.txt") == b"2 files"
    assert cloud.output(f"azureml/{job}/said") == "beside\n"
    assert children(cloud, job) == {
        "score_step": "Completed",
        "prepare_step": "Completed",
        "beside_step": "Completed",
    }
    assert "preparing n hello seen" in cloud.log(job, "user_logs/std_log.txt", "prepare_step")


def test_literals_have_defaults_come_as_texts_and_may_be_left_out(cloud: Cloud) -> None:
    job = run(cloud, "steps", body(cloud.land({"a": "1"}), literals={"times": "1"}))

    assert cloud.end(job) == "Completed", cloud.error(job)
    assert cloud.output(f"azureml/{job}/scores/scores.txt") == "a=p1\n"
    assert "preparing p None seen" in cloud.log(job, "user_logs/", "prepare_step")


def test_a_pipeline_job_answers_as_recorded(cloud: Cloud) -> None:
    uri = cloud.land({"a": "1"})
    request = body(uri, literals={"prefix": "n"}, properties={"experimentName": "my-exp"})
    answer = cloud.post(request, "steps").json()
    name = answer["name"]

    assert answer["id"] == f"{WORKSPACE_ID}/batchEndpoints//jobs/{name}"
    assert answer["type"] == "Microsoft.MachineLearningServices/workspaces/batchEndpoints/jobs"
    properties = answer["properties"]
    assert properties["compute"] == {"isLocal": False}
    assert properties["output"] == {}
    assert properties["inputData"]["prefix"] == {"description": None, "jobInputType": "Literal", "value": "n"}
    assert properties["tags"]["azureml.jobtype"] == "azureml.pipelinejob"
    assert {
        "azureml.DatasetAccessMode",
        "azureml.DevPlatv2",
        "azureml.SourceComponentId",
        "azureml.defaultComputeName",
        "azureml.endpointname",
        "azureml.deploymentname",
        "azureml.enforceRerun",
        "azureml.runLineageType",
        "azureml.sourcepipelinerunid",
        "azureml.continue_on_step_failure",
    } <= set(properties["properties"])
    assert cloud.manage(f"/jobs/{name}").json()["properties"]["experimentName"] == "my-exp"
    listed = cloud.http.get(
        f"{cloud.addresses.azureml}/endpoints/probe/jobs?deployment=steps", headers=cloud.token()
    ).json()["value"]
    ids = {job["name"]: job["id"] for job in listed}
    assert ids[name] == f"{WORKSPACE_ID}/batchEndpoints/probe/deployments/steps/jobs/{name}"


def test_a_step_that_fails_fails_the_job_and_what_depends_on_it_never_runs(cloud: Cloud) -> None:
    job = run(cloud, "steps", body(cloud.land({"a": "fail"})))

    assert cloud.end(job) == "Failed"
    assert "exited with status code 3" in cloud.error(job)
    ended = children(cloud, job)
    assert (ended["prepare_step"], ended["score_step"]) == ("Failed", "Canceled")


@pytest.mark.parametrize(
    "asked",
    [{"continueOnStepFailure": True}, {"properties": {"azureml.continue_on_step_failure": "True"}}],
    ids=["at the top", "among the properties"],
)
def test_with_continue_on_step_failure_the_other_steps_go_on(cloud: Cloud, asked: dict[str, Any]) -> None:
    job = run(cloud, "steps", body(cloud.land({"a": "fail"}), **asked))

    assert cloud.end(job) == "Failed"
    assert children(cloud, job) == {
        "prepare_step": "Failed",
        "score_step": "Canceled",
        "beside_step": "Completed",
    }


@pytest.mark.usefixtures("compute_writes_where_data_lands")
def test_outputs_without_a_place_go_to_the_default_datastore_of_the_job(cloud: Cloud) -> None:
    job = run(cloud, "steps", body(cloud.land({"a": "1"}), defaultDatastore="landing"))

    assert cloud.end(job) == "Completed", cloud.error(job)
    assert cloud.get(f"devstoreaccount1/landing/azureml/{job}/report") == b"1 files"
    place = f"{WORKSPACE_ID}/datastores/landing/paths/azureml/{job}/report"
    assert cloud.job(job)["outputData"]["report"]["uri"] == place


def test_a_completed_job_shows_outputs_without_a_place_where_they_are(cloud: Cloud) -> None:
    """Neither the one that the caller names without a place nor those that it does not name."""
    placed = {
        "scores": {"jobOutputType": "UriFolder", "uri": "azureml://datastores/workspaceblobstore/paths/shown/scores"},
        "report": {"jobOutputType": "UriFile"},
    }
    job = run(cloud, "steps", body(cloud.land({"a": "1"}), outputData=placed))

    assert cloud.end(job) == "Completed", cloud.error(job)
    store = f"{WORKSPACE_ID}/datastores/workspaceblobstore/paths"
    shown = cloud.job(job)["outputData"]
    assert {name: (output["jobOutputType"], output["uri"]) for name, output in shown.items()} == {
        "scores": ("UriFolder", f"{store}/shown/scores"),
        "report": ("UriFile", f"{store}/azureml/{job}/report"),
        "said": ("UriFile", f"{store}/azureml/{job}/said"),
    }
    assert cloud.output(f"azureml/{job}/report") == "1 files"


@pytest.mark.parametrize(
    "outputs",
    [
        {},
        {"outputData": {}},
        # As azure-ai-ml sends the inputs.yml of azureml-examples, whose output has a type and a mode only.
        {"outputData": {"scores": {"jobOutputType": "UriFolder", "mode": "upload"}}},
        {"outputData": {"report": {"jobOutputType": "uri_file", "uri": None}}},
    ],
    ids=["not a word of outputs", "none named", "one by its type and mode", "one without a uri"],
)
def test_what_an_invocation_does_not_place_is_written_below_the_name_of_the_job(
    cloud: Cloud, outputs: dict[str, Any]
) -> None:
    job = run(cloud, "steps", body(cloud.land({"a": "1"}), **outputs))

    assert cloud.end(job) == "Completed", cloud.error(job)
    written = {"scores/scores.txt": "a=p1p1\n", "report": "1 files", "said": "beside\n"}
    assert {name: cloud.output(f"azureml/{job}/{name}") for name in written} == written
    store = f"{WORKSPACE_ID}/datastores/workspaceblobstore/paths/azureml/{job}"
    shown = cloud.job(job)["outputData"]
    assert {name: one["uri"] for name, one in shown.items()} == {
        name: f"{store}/{name}" for name in ("scores", "report", "said")
    }


def test_a_pipeline_job_is_canceled_with_its_steps(cloud: Cloud, tmp_path: Path) -> None:
    job = run(cloud, "steps", body(cloud.land({"a": f"wait {tmp_path}"})))
    eventually((tmp_path / "entered").exists, "the step's start")

    assert cloud.manage(f"/jobs/{job}/cancel", "POST").status_code == 202

    assert cloud.end(job) == "Canceled"
    assert children(cloud, job)["prepare_step"] == "Canceled"


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"inputData": {}}, "The component needs the input data."),
        ({"inputData": {"other": {"jobInputType": "Literal", "value": 1}}}, "no such input; its inputs are data"),
        ({"inputData": {"data": {"jobInputType": "Literal", "value": 1}}}, "data must be of type uri_folder"),
        ({"inputData": {"times": {"jobInputType": "Literal", "value": "many"}}}, "times must be of type integer"),
        ({"outputData": {"nothing": {"jobOutputType": "UriFile", "uri": "x"}}}, "no such output; its outputs are"),
        ({"defaultDatastore": "nowhere"}, "The datastore 'nowhere' does not exist"),
    ],
)
def test_what_the_component_does_not_take_is_refused(cloud: Cloud, request_: dict[str, Any], words: str) -> None:
    response = cloud.post({"properties": request_}, "steps")

    assert response.status_code == 400
    assert words in response.json()["error"]["message"]


def test_resource_manager_shows_a_pipeline_deployment_as_recorded(cloud: Cloud) -> None:
    shown = cloud.manage("/batchEndpoints/probe/deployments/steps").json()["properties"]

    assert [shown[name] for name in ("model", "compute", "codeConfiguration", "environmentId")] == [None] * 4
    assert (shown["errorThreshold"], shown["miniBatchSize"], shown["maxConcurrencyPerInstance"]) == (0, 0, 0)
    assert shown["retrySettings"] == {"maxRetries": 0, "timeout": "PT0S"}
    assert shown["outputAction"] == "SummaryOnly"
    assert shown["properties"] == {
        "ComponentDeployment.ComponentId": f"{WORKSPACE_ID}/components/steps_pipeline/versions/1",
        "ComponentDeployment.Type": "pipeline",
        "ComponentDeployment.Settings.continue_on_step_failure": "False",
        "ComponentDeployment.Name": "steps_pipeline",
    }


@pytest.mark.parametrize(
    ("jobs", "words"),
    [
        ({"a": {"inputs": {"x": {"value": "${{parent.inputs.nothing}}"}}}}, "does not exist"),
        ({"a": {"outputs": {"x": {"value": "${{parent.outputs.nothing}}"}}}}, "does not exist"),
        ({"a": {"inputs": {"x": {"value": "${{parent.jobs.a.outputs.y}}"}}}}, "wait for each other"),
        ({"a": {"inputs": {"x": {"value": "pre ${{parent.inputs.i}}"}}}}, "write one whole expression"),
        ({"a": {"type": "parallel"}}, "only command steps run here"),
        ({"../../x": {}}, "is no name of a step"),
        ({"a": 5}, "the step a must be a mapping, not 5"),
        ({"a": {"inputs": {"x": 5}}}, "the input x of the step a must be a mapping"),
        ({"a": {"outputs": 5}}, "the outputs of the step a must be a mapping"),
        ([1], "jobs must be a mapping"),
    ],
)
def test_a_pipeline_that_cannot_run_is_refused(jobs: Any, words: str) -> None:
    with pytest.raises(InvalidPipeline, match=words):
        parse_pipeline({"type": "pipeline", "inputs": {"i": {"type": "string"}}, "jobs": jobs})


@pytest.mark.parametrize("ports", [{"../x": {}}, {"x": 5}, 5, {"x": {"enum": 5}}, {"x": {"min": "nan"}}])
def test_inputs_that_are_none_are_refused(ports: object) -> None:
    with pytest.raises(InvalidPipeline):
        parse_command({"command": "echo", "inputs": ports})


@pytest.mark.parametrize(
    ("kind", "text"),
    [("number", "nan"), ("number", "1e999"), ("number", "1_0"), ("integer", "1_0"), ("integer", "1.5")],
)
def test_a_literal_is_a_number_that_json_has(kind: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"number|integer|convert"):
        Port("n", kind).parse(text)


def test_a_literal_is_among_those_that_are_declared() -> None:
    declared = {
        "mode": {"type": "string", "enum": ["append", "replace"]},
        "n": {"type": "integer", "min": 1, "max": 10},
    }
    ports = parse_command({"command": "echo", "inputs": declared}).inputs

    assert (ports["mode"].parse("append"), ports["n"].parse("10")) == ("append", 10)
    for name, text in (("mode", "nonsense"), ("n", "11"), ("n", "0")):
        with pytest.raises(ValueError, match=r"none of append, replace|not between 1.0 and 10.0"):
            ports[name].parse(text)


def test_a_command_needs_a_value_for_every_expression_outside_brackets() -> None:
    command = parse_command({"command": "run ${{inputs.a}} $[[--b ${{inputs.b}}]] > ${{outputs.c}}"})

    assert command.render({"a": 1}, {"c": "/out"}) == "run 1  > /out"
    with pytest.raises(InvalidPipeline, match="which has no value"):
        command.render({"b": 1}, {"c": "/out"})
