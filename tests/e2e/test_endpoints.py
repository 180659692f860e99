"""Every way in which a batch endpoint is used, through the whole local cloud and the unmodified app."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from local.identity.credential import LocalCredential
from testbed.eventually import eventually
from testbed.stack import ENDED, Stack, running
from tests.e2e.test_landings import lengths, texts

pytestmark = pytest.mark.long

MANAGEMENT = "https://management.azure.com/.default"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("endpoints")) as started:
        yield started


def published(stack: Stack, run: dict[str, Any]) -> dict[str, str]:
    """The files of the run folder, but for the marker and the manifest. The lake lists directories, too."""
    assert run["status"] == "published", run["error"]
    files = stack.cloud.published(run["publication"]["container"], run["publication"]["path"])
    own = {"_SUCCESS", "_run.json", *(name.rpartition("/")[0] for name in files)}
    return {name: content.decode() for name, content in files.items() if name not in own}


def test_a_pipeline_is_given_values_and_its_outputs_are_published_in_a_folder_each(stack: Stack) -> None:
    stack.drop("flow/monday", texts(6))

    (run,) = stack.ended("flow/monday")

    found = published(stack, run)
    assert found.pop("summary/all.txt") == "monday 6 18\n"
    assert found == {f"scores/{i:03}.csv": f"{i:03}.txt,{min(i + 1, 4)}\n" for i in range(6)}


def test_the_run_tells_the_steps_of_its_pipeline_with_their_times(stack: Stack) -> None:
    stack.drop("flow/told", texts(1))
    (run,) = stack.ended("flow/told")

    steps = {step["name"]: step for step in run["job"]["steps"]}

    assert {name: step["status"] for name, step in steps.items()} == {"measure": "Completed", "sum_up": "Completed"}
    assert steps["measure"]["started"] <= steps["measure"]["ended"] <= steps["sum_up"]["ended"]
    assert run["job"]["name"].startswith("pipelinejob-")
    assert run["job"]["deployment"] == "steps"


def test_the_job_is_in_the_experiment_that_the_route_names(stack: Stack) -> None:
    stack.drop("flow/experiment", texts(1))
    (run,) = stack.ended("flow/experiment")

    job = managed(stack, "GET", f"jobs/{run['job']['name']}", "2024-01-01-preview").json()

    assert job["properties"]["experimentName"] == "measuring"


def test_the_failure_of_a_pipeline_is_explained_by_the_step_that_failed(stack: Stack) -> None:
    stack.drop("flow/broken", {"a.txt": b"fail"})

    (run,) = stack.ended("flow/broken")

    assert (run["status"], run["error"]["reason"]) == ("failed", "job_failed")
    assert "step measure: " in run["error"]["message"]
    assert "a.txt cannot be measured" in run["error"]["message"]
    assert {step["name"]: step["status"] for step in run["job"]["steps"]} == {"measure": "Failed", "sum_up": "Canceled"}


def test_outputs_without_a_path_are_found_where_the_pipeline_wrote_them(stack: Stack) -> None:
    stack.drop("flow-default/tuesday", texts(2))

    (run,) = stack.ended("flow-default/tuesday")

    assert published(stack, run) == {
        "scores/000.csv": "000.txt,1\n",
        "scores/001.csv": "001.txt,2\n",
        "summary/summary": "unnamed 2 3\n",
    }


def test_an_output_without_a_path_is_found_where_the_model_deployment_wrote_it(stack: Stack) -> None:
    files = texts(3)
    stack.drop("default-place/wednesday", files)

    (run,) = stack.ended("default-place/wednesday")

    assert list(published(stack, run)) == ["predictions.csv"]
    assert stack.lines(run) == lengths(files)


def test_a_job_without_an_output_of_its_own_is_found_again_when_the_answer_was_lost(stack: Stack) -> None:
    lost = {"match": {"method": "POST", "path": "/jobs$"}, "action": {"after": {"status": 503}}, "times": 1}
    stack.break_with("azureml", lost)
    before = len(stack.jobs_of("lengths"))
    stack.drop("default-place/lost", texts(2))

    (run,) = stack.ended("default-place/lost", within=150)

    stack.break_with("azureml")
    assert run["status"] == "published"
    assert len(stack.jobs_of("lengths")) == before + 1


def test_what_does_not_fit_the_deployment_is_told_before_a_job_is_made(stack: Stack) -> None:
    before = len(stack.cloud.jobs())
    stack.drop("unfit/thursday", texts(1))

    (run,) = stack.ended("unfit/thursday")

    assert (run["status"], run["error"]["reason"]) == ("failed", "unfit")
    assert (
        "'main' is a model deployment, which takes no values, but the route gives it limit" in run["error"]["message"]
    )
    assert len(stack.cloud.jobs()) == before


def test_the_doctor_and_the_health_tell_of_it_before_anything_lands(stack: Stack) -> None:
    host = stack.cloud.stack["host"]
    headers = {"x-functions-key": host["master_key"]}
    url, body = f"{host['base_url']}/api/doctor", {"route": "unfit"}
    checks = stack.cloud.http.post(url, json=body, headers=headers, timeout=60).raise_for_status().json()["checks"]
    health = stack.cloud.http.get(f"{host['base_url']}/api/health", headers=headers, timeout=60)

    (told,) = [check for check in checks if check["verdict"] == "failed"]
    assert told["name"] == "deployment fits"
    assert any("'unfit'" in problem and "takes no values" in problem for problem in health.json()["problems"])


def test_the_doctor_sends_a_probe_to_a_pipeline_and_removes_it(stack: Stack) -> None:
    stack.drop("flow/for-the-doctor", texts(2))
    stack.ended("flow/for-the-doctor")
    host = stack.cloud.stack["host"]

    told = stack.cloud.http.post(
        f"{host['base_url']}/api/doctor",
        json={"route": "flow", "submit": True, "folder": "flow/for-the-doctor"},
        headers={"x-functions-key": host["master_key"]},
        timeout=170,
    ).raise_for_status()

    assert [check for check in told.json()["checks"] if check["verdict"] != "ok"] == []
    assert (told.json()["probe"]["ended"], told.json()["probe"]["status"]) == (True, "Completed")


def test_the_latest_version_of_a_data_asset_is_scored_with_and_recorded(stack: Stack) -> None:
    for version, price in (("1", b"5"), ("2", b"7")):
        place = f"reference/prices-{version}.txt"
        stack.cloud.landing.get_container_client("landing").upload_blob(place, price, overwrite=True)
        uri = f"azureml://datastores/landing/paths/{place}"
        asset = {"properties": {"dataType": "uri_file", "dataUri": uri}}
        managed(stack, "PUT", f"data/prices/versions/{version}", "2024-10-01-preview", json=asset).raise_for_status()
    stack.drop("priced/friday", texts(3))

    (run,) = stack.ended("priced/friday")

    assert published(stack, run) == {"summary.txt": "unnamed 3 42\n"}
    assert run["assets"]["prices"].endswith("/data/prices/versions/2")


def managed(stack: Stack, method: str, path: str, version: str, **more: Any) -> httpx.Response:
    """Ask the local Resource Manager."""
    azureml = stack.cloud.stack["azureml"]
    workspace = (
        f"/subscriptions/{azureml['subscription_id']}/resourceGroups/{azureml['resource_group']}"
        f"/providers/Microsoft.MachineLearningServices/workspaces/{azureml['workspace']}"
    )
    token = LocalCredential.of(stack.cloud.state).get_token(MANAGEMENT).token
    url = f"{azureml['management_url']}{workspace}/{path}"
    headers = {"Authorization": f"Bearer {token}"}
    return stack.cloud.http.request(method, url, params={"api-version": version}, headers=headers, **more)


def test_a_shadow_scores_the_same_files_and_is_published_beside_the_result(stack: Stack) -> None:
    stack.drop("shadowed/monday", texts(2))

    runs = stack.ended("shadowed/monday", count=2)

    (run,), (shadow,) = (
        [run for run in runs if not run["shadow_of"]],
        [run for run in runs if run["shadow_of"]],
    )
    assert stack.lines(run) == [("000.txt", "1"), ("001.txt", "2")]
    assert stack.lines(shadow) == [("000.txt", "0.5"), ("001.txt", "1.0")]
    assert shadow["publication"]["path"] == f"shadowed/monday/shadow/run_id={run['run_id']}"
    assert (run["job"]["deployment"], shadow["job"]["deployment"]) == ("main", "halves")


def test_a_shadow_that_fails_leaves_the_result_as_it_is_and_the_landing_free(stack: Stack) -> None:
    stack.drop("shadowed/bad", {"a.txt": b"fail"})
    runs = stack.ended("shadowed/bad", count=2)
    assert {bool(run["shadow_of"]): run["status"] for run in runs} == {False: "published", True: "failed"}

    stack.drop("shadowed/bad", {"a.txt": b"fine"})

    runs = stack.ended("shadowed/bad", count=4)
    assert sorted(run["status"] for run in runs) == ["failed", "published", "published", "published"]


def test_a_slow_shadow_does_not_keep_the_landing_from_being_scored_again(stack: Stack) -> None:
    """Its orchestration goes on when the watch of the landing has ended."""
    stack.drop("shadowed/slow", {"a.txt": b"slow"})
    (first,) = finished(stack, "shadowed/slow", 1)
    stack.drop("shadowed/slow", {"a.txt": b"quick"})

    second, _ = finished(stack, "shadowed/slow", 2)

    (shadow,) = [run for run in stack.runs_of("shadowed") if run["shadow_of"] == first["run_id"]]
    assert (first["status"], second["status"], shadow["status"]) == ("published", "published", "scoring")


def finished(stack: Stack, landing: str, count: int) -> list[dict[str, Any]]:
    """The runs of a landing that have ended, newest first, leaving shadows out of account."""

    def found() -> list[dict[str, Any]]:
        runs = stack.runs_at(landing)
        ended = [run for run in runs if not run["shadow_of"] and run["status"] in ENDED]
        return ended if len(ended) == count else []

    return list(eventually(found, f"{count} ended run(s) of {landing}"))
