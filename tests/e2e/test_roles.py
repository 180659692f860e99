"""Each role taken from the running app in turn: what it is for stops, says so, and goes on when the role is back."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from azure.storage.queue import QueueClient

from demo.cloud import ROOT
from testbed.eventually import eventually
from testbed.roles import Assignment, granted, without
from testbed.stack import Stack, running
from tests.e2e.test_landings import texts
from tests.e2e.test_trouble import problems

pytestmark = pytest.mark.long

APP, COMPUTE = "landfall-app", "compute"
READER, CONTRIBUTOR = "Storage Blob Data Reader", "Storage Blob Data Contributor"
LEDGER, LANDING = "container landfallstate/landfall", "container devstoreaccount1/landing"
EVENTS = ("Storage Queue Data Contributor", "queue devstoreaccount1/landing-events")
OUTPUTS, LAKEHOUSE = "container azuremlstore/azureml-blobstore-local", "container lakehouse/lakehouse"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Quick, so that what is waited for between two tries is soon over."""
    with running(tmp_path_factory.mktemp("roles"), "--clock-rate", "20") as started:
        yield started


@pytest.fixture
def folder(request: pytest.FixtureRequest) -> str:
    """A landing of the test's own."""
    return f"lengths/{re.sub(r'[^a-z0-9]+', '-', request.node.name)}"


def assignment(identity: str, role: str, scope: str) -> Assignment:
    return {"identity": identity, "role": role, "scope": scope}


def waiting(stack: Stack, folder: str, status: str) -> Callable[[], str | None]:
    """What a run of the folder says that it is waiting for."""

    def look() -> str | None:
        runs = [run for run in stack.runs_at(folder) if run["status"] == status]
        errors = [run["error"] for run in runs if run["error"]]
        return next((f"{error['message']} {error['do']}" for error in errors if error["reason"] == "waiting"), None)

    return look


def events_queue(stack: Stack) -> QueueClient:
    """The queue with its account's key, whatever roles there are."""
    return QueueClient.from_connection_string(stack.cloud.stack["storage"]["connection_string"], "landing-events")


def logged(stack: Stack, *words: str) -> Callable[[], bool]:
    """Whether the host has logged a line with all the words."""
    log = stack.cloud.state / "logs" / "host.log"
    return lambda: any(all(word in line for word in words) for line in log.read_text("utf-8").splitlines())


def outcome(stack: Stack, folder: str) -> dict[str, Any]:
    (run,) = stack.ended(folder, within=90)
    return run


@pytest.mark.parametrize(
    ("role", "scope", "status"),
    [
        (CONTRIBUTOR, LEDGER, None),
        (READER, LANDING, None),
        (CONTRIBUTOR, OUTPUTS, "publishing"),
        (CONTRIBUTOR, LAKEHOUSE, "publishing"),
    ],
    ids=["ledger", "landing", "outputs", "lakehouse"],
)
def test_without_a_role_on_a_container_runs_wait_there_and_name_it(
    stack: Stack, folder: str, role: str, scope: str, status: str | None
) -> None:
    container = scope.removeprefix("container ")
    with without(stack.cloud.state, assignment(APP, role, scope)):
        stack.drop(folder, texts(2))
        told = problems(stack)
        assert told
        assert all(f"/{container}/" in problem for problem in told)
        assert all(f"Give the app's identity {READER} on the container " in problem for problem in told)
        if status:
            message = eventually(waiting(stack, folder, status), "a run that waits for the role")
            assert f"/{container}/" in message
            assert any(f"Give the app's identity {needed} on the container " in message for needed in (role, READER))
        else:
            eventually(logged(stack, "landfall.step.failed", folder, '"kind": "denied"', container), "a denied watch")

    assert outcome(stack, folder)["status"] == "published"
    assert problems(stack) == []


def test_without_a_role_on_the_workspace_a_run_waits_to_be_submitted_and_names_the_action(
    stack: Stack, folder: str
) -> None:
    with without(stack.cloud.state, assignment(APP, "AzureML Data Scientist", "workspace")):
        stack.drop(folder, texts(2))
        told = problems(stack)
        assert told
        assert all(
            "workspaces/batchEndpoints/read" in problem or "sees no batch endpoint" in problem for problem in told
        )
        assert all("AzureML Data Scientist" in problem for problem in told)
        message = eventually(waiting(stack, folder, "submitting"), "a run that waits for the role")
        assert "workspaces/batchEndpoints/jobs/write" in message
        assert "Give the app's identity AzureML Data Scientist" in message

    assert outcome(stack, folder)["status"] == "published"


def test_the_documented_invoker_role_is_enough_in_place_of_data_scientist(stack: Stack, folder: str) -> None:
    with (
        without(stack.cloud.state, assignment(APP, "AzureML Data Scientist", "workspace")),
        granted(stack.cloud.state, assignment(APP, "Batch Endpoint Invoker", "workspace")),
    ):
        stack.drop(folder, texts(2))
        stack.drop("flow/by-an-invoker", texts(2))

        assert outcome(stack, folder)["status"] == "published"
        assert problems(stack) == []
        assert stack.ended("flow/by-an-invoker")[0]["status"] == "published"
        assert not logged(stack, "landfall.deployment.not_seen", "'flow'")()


def test_without_a_role_on_the_topic_only_announcements_wait(stack: Stack, folder: str) -> None:
    events = f"{stack.cloud.stack['eventgrid']['control_url']}/topics/landfall/events"
    with without(stack.cloud.state, assignment(APP, "EventGrid Data Sender", "topic landfall")):
        stack.drop(folder, texts(2))
        run = outcome(stack, folder)
        assert run["status"] == "published"
        eventually(
            logged(stack, "Give the app's identity the EventGrid Data Sender role on the topic.", run["run_id"]),
            "a line that names the role",
        )
        assert run["run_id"] not in stack.cloud.http.get(events).text

    eventually(lambda: run["run_id"] in stack.cloud.http.get(events).text, "the announcement")


def test_without_a_role_on_the_events_queue_messages_stay_in_it(stack: Stack) -> None:
    event = (ROOT / "tests" / "events" / "other_container.json").read_bytes()
    with events_queue(stack) as queue:
        with without(stack.cloud.state, assignment(APP, *EVENTS)):
            eventually(logged(stack, "cannot read queue 'landing-events'", "not authorized"), "a denied listener")
            queue.send_message(b64encode(event).decode())
            assert queue.get_queue_properties().approximate_message_count == 1

        eventually(lambda: queue.get_queue_properties().approximate_message_count == 0, "the message to be taken")


def test_without_a_role_on_the_poison_queue_hopeless_messages_stay(stack: Stack) -> None:
    scope = "queue devstoreaccount1/landing-events-poison"
    with (
        without(stack.cloud.state, assignment(APP, "Storage Queue Data Contributor", scope)),
        events_queue(stack) as queue,
    ):
        queue.send_message("not Base64!")
        eventually(logged(stack, "cannot be moved to queue 'landing-events-poison'", "not authorized"), "a denied move")

        assert queue.get_queue_properties().approximate_message_count == 1
        queue.clear_messages()


@pytest.mark.parametrize(
    ("role", "scope", "words"),
    [
        (READER, LANDING, "StreamAccessException was caused by AuthenticationException"),
        (CONTRIBUTOR, OUTPUTS, "ScriptExecution.WriteStreams.Authentication"),
    ],
    ids=["input", "output"],
)
def test_without_a_role_of_the_compute_the_job_fails_and_the_run_says_why(
    stack: Stack, folder: str, role: str, scope: str, words: str
) -> None:
    with without(stack.cloud.state, assignment(COMPUTE, role, scope)):
        stack.drop(folder, texts(2))
        run = outcome(stack, folder)

    assert (run["status"], run["error"]["reason"]) == ("failed", "job_failed")
    assert words in run["error"]["message"]
    assert scope.removeprefix("container ") in run["error"]["message"]


def test_a_role_that_is_not_felt_yet_is_waited_for(stack: Stack, folder: str) -> None:
    role = assignment(APP, CONTRIBUTOR, LAKEHOUSE)
    with without(stack.cloud.state, role), granted(stack.cloud.state, {**role, "after": "3m"}):
        stack.drop(folder, texts(2))
        eventually(waiting(stack, folder, "publishing"), "a run that waits for the role")

        assert outcome(stack, folder)["status"] == "published"


def test_a_problem_that_routes_share_is_told_once(stack: Stack) -> None:
    with without(stack.cloud.state, assignment(APP, READER, LANDING)):
        told = problems(stack)

    assert len(told) == len(set(told)) == 1


@pytest.mark.parametrize(("role", "scope"), [(READER, LANDING), (CONTRIBUTOR, OUTPUTS)], ids=["input", "output"])
def test_a_run_names_the_role_that_the_compute_lacks(stack: Stack, folder: str, role: str, scope: str) -> None:
    with without(stack.cloud.state, assignment(COMPUTE, role, scope)):
        stack.drop(folder, texts(2))
        advice = outcome(stack, folder)["error"]["do"]

    assert role in advice
    assert "compute" in advice
