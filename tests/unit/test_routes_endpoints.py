"""Several inputs and outputs of one route, and how they go together."""

from __future__ import annotations

from tests.unit.routes_files import REMOVED, edited, parsed, told


def test_a_file_that_is_the_landing_makes_every_file_one_so_no_folder_is() -> None:
    more = {"type": "uri_file", "path": "${LANDING_ACCOUNT_URL}/landing/{file}"}

    ((_, field, message),) = told(parsed(edited(("inputs.more", more))))

    assert field == "inputs.images.type"
    assert "must be uri_file: in this route every file is a landing" in message


def test_outputs_without_a_path_need_a_datastore_to_be_found_in_and_cannot_have_copies_beside_them() -> None:
    problems = told(
        parsed(edited(("outputs", {"scores": {"type": "uri_file"}}), ("datastores", REMOVED), ("staging", "always")))
    )

    assert [field for _, field, _ in problems] == ["datastores", "staging"]
    assert "must name the datastore in which outputs without a path are" in problems[0][2]
    assert "copies are laid beside an output; give one a path" in problems[1][2]


def test_a_route_may_name_the_landing_by_any_notation_that_leads_there() -> None:
    datastores = {"in": {"account_url": "${LANDING_ACCOUNT_URL}", "container": "landing"}}
    arm = "/subscriptions/s/resourcegroups/g/workspaces/w/datastores/in/paths/{landing}"
    for path in (
        "abfss://landing@landing.dfs.core.windows.net/{landing}",
        "wasbs://landing@landing.blob.core.windows.net/{landing}",
        "azureml://datastores/in/paths/{landing}",
        f"azureml:/{arm}",
        f"azureml:{arm}",
        arm,
    ):
        changes = [("inputs.images.path", path), *((f"datastores.{name}", store) for name, store in datastores.items())]
        assert told(parsed(edited(*changes))) == [], path


def test_an_output_may_be_named_by_the_id_of_its_datastore() -> None:
    arm = "/subscriptions/s/resourcegroups/g/workspaces/w/datastores/workspaceblobstore/paths/{run_id}/{attempt}/p.csv"
    for path in (arm, f"azureml:{arm}"):
        (route,) = parsed(edited(("outputs.predictions.path", path))).usable

        assert route.outputs[0].path == arm


def test_a_shadow_is_another_deployment_and_its_jobs_can_be_told_apart() -> None:
    itself = told(parsed(edited(("endpoint.shadow", "next"), ("endpoint.deployment", "next"))))
    unplaced = told(parsed(edited(("endpoint.shadow", "next"), ("outputs", {"scores": {"type": "uri_file"}}))))

    assert [(field, message[:24]) for _, field, message in itself] == [("endpoint.shadow", "is the deployment itself")]
    assert [field for _, field, _ in unplaced] == ["endpoint.shadow"]
    assert "told apart by what they write" in unplaced[0][2]


def test_no_output_of_several_is_called_what_landfall_writes_itself() -> None:
    more = {"type": "uri_file", "path": "azureml://datastores/workspaceblobstore/paths/o/{run_id}/{attempt}/more.csv"}

    ((_, field, message),) = told(parsed(edited(("outputs._SUCCESS", more))))

    assert field == "outputs._SUCCESS"
    assert "give the output another name" in message
