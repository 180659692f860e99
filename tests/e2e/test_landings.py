"""Folders land; what becomes of them, through the whole local cloud and the unmodified app."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from local.addresses import STORAGE_TOPIC, SUBSCRIPTION
from testbed.eventually import eventually
from testbed.stack import Stack, running


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("landings")) as started:
        yield started


@pytest.fixture(autouse=True)
def mended(stack: Stack) -> Iterator[None]:
    yield
    for part in ("eventgrid", "azureml", "storage"):
        stack.break_with(part)
    assert stack.doubled() == []


def texts(count: int, *, start: int = 0) -> dict[str, bytes]:
    return {f"{i:03}.txt": b"x" * (i + 1) for i in range(start, start + count)}


def lengths(files: dict[str, bytes]) -> list[tuple[str, str]]:
    return sorted((name, str(len(content))) for name, content in files.items())


def test_what_is_published_is_what_the_script_says_of_each_file(stack: Stack) -> None:
    files = texts(30)

    stack.drop("lengths/plain", files)

    (run,) = stack.ended("lengths/plain")
    assert run["status"] == "published"
    assert stack.lines(run) == lengths(files)


def test_the_run_api_tells_everything_about_a_run(stack: Stack) -> None:
    stack.drop("lengths/asked", texts(3))
    (run,) = stack.ended("lengths/asked")

    told = stack.cloud.api(f"runs/{run['run_id']}")

    assert [file["name"] for file in told["snapshot"]["list"]] == ["000.txt", "001.txt", "002.txt"]
    page = httpx.get(told["studio_url"], trust_env=False)
    assert (page.status_code, told["job"]["name"] in page.text) == (200, True)
    assert told["job"]["deployment"] == "main"
    assert set(told["timings"]) >= {"claimed", "submitted", "completed", "published"}
    assert stack.cloud.api("runs", status="published", route="lengths", limit="1")[0]["status"] == "published"


@pytest.mark.long
def test_a_published_run_is_announced_on_the_topic(stack: Stack) -> None:
    stack.drop("lengths/announced", texts(2))
    (run,) = stack.ended("lengths/announced")
    url = f"{stack.cloud.stack['eventgrid']['control_url']}/topics/landfall/events"

    def announced() -> list[dict[str, Any]]:
        return [event for event in stack.cloud.http.get(url).json() if run["run_id"] in json.dumps(event)]

    (event,) = eventually(announced, "the announcement")
    assert "Landfall.RunPublished" in json.dumps(event)


def test_events_delivered_three_times_and_shuffled_become_one_run_and_one_job(stack: Stack) -> None:
    stack.break_with(
        "eventgrid",
        {"match": {"path": "shaken"}, "action": {"duplicate": 3, "shuffle": True}, "times": None, "seed": 7},
    )
    before = len(stack.jobs_of("lengths"))

    stack.drop("lengths/shaken", texts(25))
    stack.ended("lengths/shaken")
    stack.quiet()

    (run,) = stack.ended("lengths/shaken")
    assert run["snapshot"]["files"] == 25
    assert len(stack.jobs_of("lengths")) == before + 1


@pytest.mark.long
def test_the_same_content_dropped_again_is_not_scored_again(stack: Stack) -> None:
    stack.drop("lengths/twice", texts(5))
    stack.ended("lengths/twice")
    before = len(stack.jobs_of("lengths"))

    stack.drop("lengths/twice", texts(5))
    stack.quiet()

    assert len(stack.ended("lengths/twice")) == 1
    assert len(stack.jobs_of("lengths")) == before


def test_a_marked_folder_is_scored_when_its_marker_lands_and_the_marker_is_not(stack: Stack) -> None:
    files = texts(5)

    stack.drop("marked/monday", files)
    stack.drop("marked/monday", {"_SUCCESS": b"", "notes.md": b"not for scoring"})

    (run,) = stack.ended("marked/monday")
    assert run["status"] == "published"
    assert run["staged"] is True
    assert stack.lines(run) == lengths(files)


def test_a_job_that_fails_fails_its_run_in_the_services_words_and_others_go_on(stack: Stack) -> None:
    stack.drop("failing/monday", texts(2))
    stack.drop("lengths/beside-failing", texts(2))

    (failed,) = stack.ended("failing/monday")
    (fine,) = stack.ended("lengths/beside-failing")

    assert failed["status"] == "failed"
    assert failed["error"]["reason"] == "job_failed"
    assert "Azure ML reports:" in failed["error"]["message"]
    assert failed["studio_url"] in failed["error"]["message"]
    assert (
        stack.cloud.lakehouse.get_container_client("lakehouse")
        .get_blob_client(f"failing/monday/run_id={failed['run_id']}/_SUCCESS")
        .exists()
        is False
    )
    assert fine["status"] == "published"


def test_an_endpoint_that_answers_404_fails_the_run_with_advice_and_others_go_on(stack: Stack) -> None:
    stack.drop("nowhere/monday", texts(2))
    stack.drop("lengths/beside-nowhere", texts(2))

    (failed,) = stack.ended("nowhere/monday")
    (fine,) = stack.ended("lengths/beside-nowhere")

    assert failed["error"]["reason"] == "rejected_404"
    assert "Check the route's scoring_uri and deployment" in failed["error"]["do"]
    assert fine["status"] == "published"


def test_a_job_that_is_canceled_outside_ends_its_run_as_canceled(stack: Stack) -> None:
    stack.drop("patient/canceled", {"a.txt": b"60"})
    url = stack.cloud.stack["azureml"]["management_url"]

    def running_job() -> list[dict[str, Any]]:
        return [job for job in stack.jobs_of("patient") if job["status"] == "Running"]

    (job,) = eventually(running_job, "a running job")
    azureml = stack.cloud.stack["azureml"]
    workspace = (
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{azureml['resource_group']}"
        f"/providers/Microsoft.MachineLearningServices/workspaces/{azureml['workspace']}"
    )
    token = stack.cloud.token("https://management.azure.com")
    answer = stack.cloud.http.post(
        f"{url}{workspace}/jobs/{job['name']}/cancel",
        params={"api-version": "2023-04-01-preview"},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 202

    (run,) = stack.ended("patient/canceled")
    assert (run["status"], run["error"]["reason"]) == ("canceled", "job_canceled")


def test_a_submission_whose_answer_is_lost_is_found_again_and_made_once(stack: Stack) -> None:
    stack.break_with(
        "azureml",
        {
            "match": {"method": "POST", "path": "/endpoints/lengths/jobs"},
            "action": {"after": {"status": 500}},
            "times": 1,
        },
    )
    before = len(stack.jobs_of("lengths"))

    stack.drop("lengths/lost-answer", texts(2))

    (run,) = stack.ended("lengths/lost-answer")
    assert run["status"] == "published"
    assert [note["outcome"] for note in run["attempts"]] == ["unclear", "accepted"]
    assert len(stack.jobs_of("lengths")) == before + 1


@pytest.mark.long
def test_a_folder_that_matches_no_route_costs_nothing(stack: Stack) -> None:
    stack.quiet()
    before = stack.cloud.durable_counts()

    stack.drop("elsewhere/monday", texts(5))
    stack.drop("lengths", texts(5))
    stack.quiet()

    assert stack.cloud.durable_counts() == before
    assert stack.runs_of("elsewhere") == []


def forged(landing: str) -> dict[str, Any]:
    return {
        "id": "forged-1",
        "topic": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/somebodyelse",
        "subject": f"/blobServices/default/containers/landing/blobs/{landing}/000.txt",
        "eventType": "Microsoft.Storage.BlobCreated",
        "eventTime": "2026-03-01T12:00:00Z",
        "dataVersion": "",
        "metadataVersion": "1",
        "data": {"api": "PutBlob", "url": "https://somebodyelse.blob.core.windows.net/landing/lengths/forged/000.txt"},
    }


def test_an_event_with_a_forged_account_is_refused_and_others_go_on(stack: Stack) -> None:
    before = stack.cloud.durable_counts()["orchestrations"]

    answer = stack.cloud.send_event("on_blob_event", forged("lengths/forged"))

    assert answer.status_code == 202  # taken, so that Event Grid does not send it again
    assert stack.cloud.durable_counts()["orchestrations"] == before
    assert "somebodyelse" in (stack.cloud.state / "logs" / "host.log").read_text("utf-8")
    stack.drop("lengths/after-forged", texts(2))
    (run,) = stack.ended("lengths/after-forged")
    assert run["status"] == "published"


def arrived(path: str, *, kind: str = "BlobCreated") -> dict[str, Any]:
    """The event that something is there now."""
    return {
        "specversion": "1.0",
        "id": "cloud-1",
        "source": STORAGE_TOPIC,
        "subject": f"/blobServices/default/containers/landing/blobs/{path}",
        "type": f"Microsoft.Storage.{kind}",
        "time": "2026-03-01T12:00:00Z",
        "data": {"api": "Unheard", "url": "https://elsewhere.invalid/"},
    }


@pytest.mark.long
@pytest.mark.parametrize("path", ["lengths/renamed-1", "lengths"], ids=["a landing", "above landings"])
def test_one_event_of_a_folder_that_was_renamed_has_its_landings_scored(stack: Stack, path: str) -> None:
    landing = "lengths/renamed-1" if path != "lengths" else "lengths/renamed-2"
    stack.break_with("eventgrid", {"match": {"path": landing}, "action": {"drop": True}, "times": None})
    stack.drop(landing, texts(2))

    stack.cloud.send_event("on_blob_event", arrived(path, kind="DirectoryRenamed"))

    (run,) = stack.ended(landing)
    assert run["status"] == "published"
    stack.quiet()


@pytest.mark.long
def test_an_event_in_the_cloud_events_schema_is_understood_as_well(stack: Stack) -> None:
    stack.break_with("eventgrid", {"match": {"path": "lengths/cloud"}, "action": {"drop": True}, "times": None})
    stack.drop("lengths/cloud", texts(2))
    stack.cloud.send_event("on_blob_event", arrived("lengths/cloud/000.txt"))

    (run,) = stack.ended("lengths/cloud")
    assert run["status"] == "published"


def test_events_may_come_through_a_storage_queue_instead(stack: Stack) -> None:
    stack.cloud.subscribe_queue(
        "landing-events", begins_with="/blobServices/default/containers/landing/blobs/lengths/queued"
    )
    stack.break_with("eventgrid", {"match": {"path": "runtime/webhooks/eventgrid"}, "action": {"drop": True}})

    stack.drop("lengths/queued", texts(3))

    (run,) = stack.ended("lengths/queued")
    assert run["status"] == "published"


@pytest.mark.long
def test_a_queue_message_may_be_plain_as_well(stack: Stack) -> None:
    """Event Grid's are Base64 here; in Azure, nobody says which they are."""
    stack.break_with("eventgrid", {"match": {"path": "lengths/plainly"}, "action": {"drop": True}, "times": None})
    stack.drop("lengths/plainly", texts(3))

    stack.cloud.enqueue("landing-events", {**arrived("lengths/plainly/000.txt"), "id": "plain-1"})

    (run,) = stack.ended("lengths/plainly")
    assert run["status"] == "published"


def test_a_landing_whose_events_are_all_lost_is_found_by_the_sweep(stack: Stack) -> None:
    stack.break_with("eventgrid", {"match": {"path": "lengths/unheard"}, "action": {"drop": True}, "times": None})
    stack.drop("lengths/unheard", texts(3))

    def swept() -> bool:
        stack.cloud.trigger("sweep")
        return bool(stack.runs_at("lengths/unheard"))

    eventually(swept, "the sweep to find it", every=2.0)  # it leaves what is younger than ten seconds to its events

    (run,) = stack.ended("lengths/unheard")
    assert run["status"] == "published"


@pytest.mark.long
def test_a_watcher_that_an_operator_terminated_is_replaced_by_the_sweep(stack: Stack) -> None:
    stack.drop("patient/terminated", {"a.txt": b"30"})
    eventually(lambda: [j for j in stack.jobs_of("patient") if "terminated" in j["input_uri"]], "a running job")
    (watcher,) = stack.cloud.instances("watch-patient", status="Running")
    (run,) = stack.runs_of("patient")[:1]
    for instance in (watcher, run["run_id"]):
        stack.cloud.terminate(instance)
    stack.drop("patient/terminated", {"a.txt": b"0"})
    eventually(lambda: not stack.cloud.instances("watch-patient", status="Running"), "the event's own watch to end")

    def swept() -> bool:
        stack.cloud.trigger("sweep")
        return len(stack.runs_at("patient/terminated")) == 2

    eventually(swept, "the sweep to watch again", every=2.0)
    newer, older = stack.ended("patient/terminated", count=2, within=90)
    assert (older["status"], newer["status"]) == ("superseded", "published")


def test_the_host_killed_while_a_job_runs_goes_on_as_if_nothing_had_happened(stack: Stack) -> None:
    stack.drop("patient/killed", {"a.txt": b"4"})
    before = eventually(lambda: [j for j in stack.jobs_of("patient") if j["status"] == "Running"], "a running job")

    os.kill(stack.cloud.fresh_stack()["host"]["pid"], signal.SIGKILL)

    (run,) = stack.ended("patient/killed", within=90)
    assert run["status"] == "published"
    assert run["job"]["name"] == before[0]["name"]
    assert [note["outcome"] for note in run["attempts"]] == ["accepted"]
    assert len([job for job in stack.jobs_of("patient") if "killed" in job["input_uri"]]) == 1
