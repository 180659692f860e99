"""Runs on pipeline component deployments, with several inputs and outputs, and with outputs that have no path."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from shared.core.deployment import Deployment, Port
from shared.core.job import Job, JobStep
from shared.core.location import Location
from shared.core.record import change
from shared.core.submission import Submission, Unclear
from shared.errors import Unavailable
from testbed.fakes import FakeEndpoint
from tests.workflow.world import World, make_world

ONE_INPUT = """      images:
        type: uri_folder
        path: ${LANDING_ACCOUNT_URL}/landing/{landing}
"""
ONE_OUTPUT = """      predictions:
        type: uri_file
        path: azureml://datastores/workspaceblobstore/paths/landfall/{run_id}/{attempt}/predictions.csv
"""
STORE = "azureml://datastores/workspaceblobstore/paths"
INPUTS = (
    ONE_INPUT,
    """      limit: {type: integer, default: 3}
      batch: {type: string, default: "{batch}"}
      data: {type: uri_folder, path: "${LANDING_ACCOUNT_URL}/landing/{landing}"}
      prices: {type: mltable, path: "azureml:prices@latest"}
      again: {type: uri_folder, path: "${LANDING_ACCOUNT_URL}/landing/{landing}"}
""",
)
OUTPUTS = (
    ONE_OUTPUT,
    f"""      scores: {{type: uri_folder, path: "{STORE}/landfall/{{run_id}}/{{attempt}}/scores"}}
      summary: {{type: uri_file, path: "{STORE}/landfall/{{run_id}}/{{attempt}}/summary/all.csv"}}
""",
)
UNPLACED = (ONE_OUTPUT, "      scores: {type: uri_file}\n")
HALF_PLACED = (
    ONE_OUTPUT,
    f'      summary: {{type: uri_file, path: "{STORE}/x/{{run_id}}/{{attempt}}/s.csv"}}\n' + UNPLACED[1],
)

FLOW = Deployment(
    name="flow",
    is_pipeline=True,
    inputs=(
        Port(name="data", type="uri_folder", needed=True),
        Port(name="again", type="uri_folder", needed=True),
        Port(name="prices", type="mltable", needed=True),
        Port(name="limit", type="integer"),
        Port(name="batch", type="string"),
    ),
    outputs=(Port(name="scores", type="uri_folder"), Port(name="summary", type="uri_file")),
)


class Pipeline(FakeEndpoint):
    """A pipeline component deployment, which writes two files to a folder and one to a file."""

    def _look_at(self, name: str) -> Job:
        looks = self.looks[name]
        job = super()._look_at(name)
        if (
            job.status == "Completed"
            and looks < len(self.statuses)
            and self.blobs is not None
            and self.output is not None
        ):
            for output, uri in self.outputs_of(name).items():
                place = self.output(uri)
                if output == "scores":
                    self.blobs.delete(place)
                    for part in ("a.csv", "more/b.csv"):
                        self.blobs.put(place.at(part), f"{output} {part}".encode())
        steps = (JobStep(name="prepare", status="Completed"), JobStep(name="score", status=job.status))
        return change(job, steps=steps)


def a_pipeline(*pairs: tuple[str, str], deployed: Deployment = FLOW, **endpoint: Any) -> World:
    world = make_world(*pairs)
    made = Pipeline(blobs=world.blobs, output=world.endpoint.output, deployed=deployed, **endpoint)
    made.assets = {"prices": ("1", "2")}
    world.endpoint = made
    return world


def the_body(world: World) -> Mapping[str, Any]:
    (body,) = world.endpoint.posts
    properties: Mapping[str, Any] = body["properties"]
    return properties


def manifest(world: World) -> dict[str, Any]:
    record = world.ledger.run(world.only_run()["run_id"])
    assert record is not None
    stored = world.blobs.read(record.spec.publish.at("_run.json"))
    assert stored is not None
    return dict(json.loads(stored.content))


def test_every_input_of_a_route_is_given_and_the_landing_under_each_of_its_names() -> None:
    world = a_pipeline(INPUTS, OUTPUTS)
    world.land("0.png")
    world.watch()

    given = the_body(world)["inputData"]
    landing = "https://landing.blob.core.windows.net/landing/digits/tuesday"
    assert {name: one.get("value", one.get("uri")) for name, one in given.items()} == {
        "limit": 3,
        "batch": "tuesday",
        "data": landing,
        "again": landing,
        "prices": "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"
        "/data/prices/versions/2",
    }


def test_copies_take_the_place_of_the_landing_under_each_of_its_names() -> None:
    world = a_pipeline(INPUTS, OUTPUTS)
    world.land("0.png", "notes.txt")
    world.watch()

    given = the_body(world)["inputData"]
    run = world.only_run()
    assert {given["data"]["uri"], given["again"]["uri"]} == {f"{STORE}/landfall/{run['run_id']}/input/scores"}
    copies = [path for path in world.blobs.paths(world.route.datastores["workspaceblobstore"]) if "/input/" in path]
    assert [path.rpartition("/")[2] for path in copies] == ["0.png"]


def test_several_outputs_are_published_in_a_folder_each_by_their_names() -> None:
    world = a_pipeline(INPUTS, OUTPUTS)
    world.land("0.png")
    world.watch()

    run = world.only_run()
    assert run["status"] == "published"
    assert world.published(run) == [
        "_SUCCESS",
        "_run.json",
        "scores/a.csv",
        "scores/more/b.csv",
        "summary/all.csv",
    ]
    assert [output["name"] for output in manifest(world)["outputs"]] == [
        "scores/a.csv",
        "scores/more/b.csv",
        "summary/all.csv",
    ]


def test_record_and_manifest_say_which_version_of_an_asset_was_scored_with() -> None:
    world = a_pipeline(INPUTS, OUTPUTS)
    world.land("0.png")
    world.watch()

    version = the_body(world)["inputData"]["prices"]["uri"]
    assert version.endswith("/versions/2")
    assert world.only_run()["assets"] == {"prices": version}
    told = {one["name"]: one.get("uri", one.get("value")) for one in manifest(world)["inputs"]}
    assert (told["prices"], told["limit"]) == (version, 3)


def test_the_steps_of_a_pipeline_are_told_in_the_run() -> None:
    world = a_pipeline(INPUTS, OUTPUTS)
    world.land("0.png")
    world.watch()

    assert [(step["name"], step["status"]) for step in world.only_run()["job"]["steps"]] == [
        ("prepare", "Completed"),
        ("score", "Completed"),
    ]


@pytest.mark.parametrize(
    ("deployed", "told"),
    [
        (Deployment(name="classic", is_pipeline=False), "is a model deployment, which takes no values"),
        (Deployment(name="flow", is_pipeline=True, inputs=(), outputs=()), "has no input 'data'. Its inputs are none"),
        (
            Deployment(
                name="f", is_pipeline=True, inputs=(*(FLOW.inputs or ()), Port(name="k", type="number", needed=True))
            ),
            "needs input 'k' of type number",
        ),
    ],
    ids=["model", "unknown", "missing"],
)
def test_what_does_not_fit_the_deployment_ends_the_run_before_a_job_is_paid_for(
    deployed: Deployment, told: str
) -> None:
    world = a_pipeline(INPUTS, OUTPUTS, deployed=deployed)
    world.land("0.png")
    world.watch()

    run = world.only_run()
    assert (run["status"], run["error"]["reason"]) == ("failed", "unfit")
    assert told in run["error"]["message"]
    assert "upload the files again" in run["error"]["do"]
    assert world.endpoint.posts == []


def test_a_missing_data_asset_ends_the_run_with_its_name() -> None:
    world = a_pipeline(INPUTS, OUTPUTS)
    world.endpoint.assets = {}
    world.land("0.png")
    world.watch()

    run = world.only_run()
    assert (run["status"], run["error"]["reason"]) == ("failed", "unfit")
    assert "'prices'" in run["error"]["message"]


def test_a_deployment_that_cannot_be_read_keeps_nobody_from_scoring() -> None:
    """The service checks what it is sent, too."""
    world = make_world(deployed=None)
    world.land("0.png")
    world.watch()

    assert world.only_run()["status"] == "published"


def test_a_name_that_would_get_into_a_command_line_ends_the_run() -> None:
    world = a_pipeline(INPUTS, OUTPUTS)
    world.land("0.png", folder="digits/a;b")
    world.watch("digits/a;b")

    run = world.only_run()
    assert (run["status"], run["error"]["reason"]) == ("failed", "refused")
    assert "Rename the folder or file" in run["error"]["message"]
    assert world.endpoint.posts == []


@pytest.mark.parametrize("outputs", [UNPLACED, HALF_PLACED], ids=["none has a path", "one has"])
def test_an_output_without_a_path_is_found_where_the_deployment_writes_it(outputs: tuple[str, str]) -> None:
    world = make_world(outputs) if outputs is UNPLACED else a_pipeline(INPUTS, outputs)
    world.land("0.png")
    world.watch()

    run = world.only_run()
    assert run["status"] == "published", run["error"]
    if outputs is UNPLACED:
        assert "outputData" not in the_body(world)
        assert world.published(run) == ["_SUCCESS", "_run.json", "predictions.csv"]
    else:
        assert world.published(run) == [
            "_SUCCESS",
            "_run.json",
            "scores/a.csv",
            "scores/more/b.csv",
            "summary/s.csv",
        ]


def test_an_output_that_is_not_there_ends_the_run_with_where_it_was_looked_for() -> None:
    world = make_world(UNPLACED)
    world.endpoint.written.add("batchjob-1")  # as if it had written it already, and somebody had removed it
    world.land("0.png")
    world.watch()

    run = world.only_run()
    assert (run["status"], run["error"]["reason"]) == ("failed", "publication")
    assert (
        "no output scores was found; nothing lies at azureml://datastores/workspaceblobstore" in run["error"]["message"]
    )


def test_a_folder_with_other_files_is_not_scored_where_no_copies_can_be_laid() -> None:
    world = make_world(UNPLACED)
    world.land("0.png", "notes.txt")
    world.watch()

    run = world.only_run()
    assert (run["status"], run["error"]["reason"]) == ("failed", "refused")
    assert "give an output a path, beside which copies can be laid" in run["error"]["do"]


def lost(endpoint: FakeEndpoint, body: Mapping[str, Any]) -> Submission:
    endpoint.make_job(body)
    return Unclear("time-out")


@pytest.mark.parametrize("outputs", [UNPLACED, OUTPUTS], ids=["no path", "several"])
def test_a_job_whose_answer_was_lost_is_found_again(outputs: tuple[str, str]) -> None:
    world = make_world(UNPLACED) if outputs is UNPLACED else a_pipeline(INPUTS, OUTPUTS)
    world.endpoint.answers = [lost]
    world.land("0.png")
    world.watch()

    run = world.only_run()
    assert run["status"] == "published"
    assert (len(world.endpoint.posts), len(world.endpoint.jobs)) == (1, 1)


def test_without_a_path_the_job_of_earlier_content_is_never_taken_for_the_one_that_was_lost() -> None:
    """Both have the same folder as input, and were made within a minute."""
    world = make_world(UNPLACED, statuses=("Completed",))
    world.land("0.png")
    world.watch()
    world.endpoint.answers = [Unclear("time-out")]
    world.land("1.png")

    world.watch(instance_id="again")

    second, first = world.runs()
    assert first["job"]["name"] == "batchjob-1"
    assert (second["status"], second["job"]["name"]) == ("published", "batchjob-2")


def test_where_a_record_cannot_be_read_a_job_is_not_guessed_at() -> None:
    world = make_world(UNPLACED)
    world.land("0.png")
    world.watch()
    (path,) = [path for path in world.blobs.paths(world.ledger.container) if path.startswith("runs/")]
    world.blobs.put(Location(world.ledger.container, path), b"{}")
    world.land("1.png")
    world.endpoint.answers = [Unclear("time-out")]

    world.watch(instance_id="again")

    newest = next(run for run in world.runs() if run["status"] != "unreadable")
    assert newest["status"] in ("failed", "submitting")
    assert any("cannot be told from this one's" in trouble for trouble in world.troubles)


def test_trouble_while_an_asset_is_looked_up_is_waited_for() -> None:
    world = a_pipeline(INPUTS, OUTPUTS)
    found, tries = world.endpoint.data_asset, iter(range(3))

    def flaky(endpoint: Any, asset: Any) -> str:
        if next(tries, 9) < 2:
            raise Unavailable("503")
        return found(endpoint, asset)

    world.endpoint.data_asset = flaky  # type: ignore[method-assign]
    world.land("0.png")
    began = world.clock()
    world.watch()

    assert world.only_run()["status"] == "published"
    assert world.clock() - began > timedelta(seconds=1)
