"""What docs/deploy.md says is true of this tree, as far as that can be read: settings, roles, numbers, event types."""

from __future__ import annotations

import json
import re
from functools import cache

import pytest

from shared.settings import NAMES
from testbed.examples import ROOT
from tests.test_architecture import settings_of_triggers

PAGE = (ROOT / "docs/deploy.md").read_text("utf-8")
INVOKER = "Batch Endpoint Invoker"
BUILT_IN = {
    "AzureML Data Scientist",
    "EventGrid Data Sender",
    "Storage Blob Data Contributor",
    "Storage Blob Data Owner",
    "Storage Blob Data Reader",
    "Storage Queue Data Contributor",
    "Storage Queue Data Message Sender",
    "Storage Table Data Contributor",
}
CONNECTIONS = {
    "AzureWebJobsStorage": "AzureWebJobsStorage__accountName",
    "LandingEvents": "LandingEvents__queueServiceUri",
}
"""Connections with an identity, and the setting that says what they connect to."""


def section(heading: str) -> str:
    """The text below a heading, up to the next one of any level."""
    _, _, after = PAGE.partition(f"\n{heading}\n")
    assert after, f"there is no heading '{heading}'"
    return re.split(r"\n#+ ", after)[0]


def rows(text: str) -> list[list[str]]:
    """The cells of a table's rows, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@cache
def settings() -> frozenset[str]:
    """The settings in the table."""
    return frozenset(
        name for first, *_ in rows(section("## 3. App settings")) for name in re.findall(r"`(\w+)`", first)
    )


def test_every_setting_that_the_app_reads_is_told_of() -> None:
    sample = json.loads((ROOT / "local.settings.sample.json").read_text("utf-8"))["Values"]
    in_routes = re.findall(r"\$\{(\w+)\}", (ROOT / "routes.yaml").read_text("utf-8"))

    assert {*NAMES, *settings_of_triggers()} <= settings()
    assert set(sample) - set(in_routes) - {"AzureWebJobsStorage"} <= settings()


def test_no_setting_is_told_of_that_nobody_reads() -> None:
    of_connections = {f"{name}__{part}" for name in CONNECTIONS for part in ("credential", "clientId")}
    of_functions = {"FUNCTIONS_WORKER_RUNTIME", "PYTHON_THREADPOOL_THREAD_COUNT", *CONNECTIONS.values()}

    assert settings() - {*NAMES, *settings_of_triggers()} - of_connections - of_functions == set()


@pytest.mark.parametrize("connection", CONNECTIONS)
def test_every_connection_says_whose_identity_it_is_made_with(connection: str) -> None:
    """A user-assigned identity is found by these two alone; AZURE_CLIENT_ID is for the SDK."""
    assert {CONNECTIONS[connection], f"{connection}__credential", f"{connection}__clientId"} <= settings()


@pytest.mark.parametrize("whose", ["app", "compute cluster", "system topic"])
def test_roles_are_tables_that_a_program_can_read(whose: str) -> None:
    table = rows(section(f"### The {whose}'s identity"))

    assert len(table) >= 2
    for role, on, purpose in table:
        named = {name for name in (*BUILT_IN, INVOKER) if name in role}
        assert named, f"{role} is no role that is known here"
        assert on
        assert purpose
    assert len({(role, on) for role, on, _ in table}) == len(table)


def test_the_invokers_role_is_json_with_what_is_documented_and_what_following_and_canceling_need() -> None:
    (text,) = re.findall(r"```json\n(.*?)```", section("### The invoker's role"), re.DOTALL)
    role = json.loads(text)
    actions = [action.removeprefix("Microsoft.MachineLearningServices/workspaces/") for action in role["Actions"]]

    assert role["Name"] == INVOKER
    assert len(actions) == len(set(actions)) == 35 + 3 + 3
    assert actions[-6:-3] == ["batchEndpoints/*/read", "jobs/read", "jobs/cancel/action"]
    assert actions[-3:] == ["components/versions/read", "data/read", "data/versions/read"]
    assert {"batchEndpoints/jobs/write", "batchEndpoints/read", "datastores/listsecrets/action"} <= set(actions)


def test_what_runs_at_the_same_time_is_what_host_json_says() -> None:
    durable = json.loads((ROOT / "host.json").read_text("utf-8"))["extensions"]["durableTask"]
    text = " ".join(section("## What runs at the same time").split())

    assert f"{durable['maxConcurrentActivityFunctions']} activities" in text
    assert f"{durable['maxConcurrentOrchestratorFunctions']} orchestrators" in text
    assert f"{durable['maxConcurrentEntityFunctions']} entities" in text
    assert durable["storageProvider"]["maxQueuePollingInterval"] == "00:00:10"


def test_every_subscription_asks_for_what_is_written_and_what_is_renamed() -> None:
    subscriptions = re.findall(r"--included-event-types (.*) \\", PAGE)

    assert len(subscriptions) == 2
    for kinds in subscriptions:
        assert kinds.split() == [
            f"Microsoft.Storage.{kind}" for kind in ("BlobCreated", "BlobRenamed", "DirectoryRenamed")
        ]


def test_events_go_to_a_function_of_that_name() -> None:
    (function,) = re.findall(r"/functions/(\w+)", PAGE)

    assert f"def {function}(" in (ROOT / "triggers/events.py").read_text("utf-8")
