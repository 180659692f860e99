"""The function app as Azure sees it: what importing and indexing it does, and what host.json says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from shared.core import steps
from shared.core.explanation import SWEEPS_EVERY
from shared.core.steps import Step
from shared.work.table import WORK
from testbed.examples import ROOT
from triggers.names import Entity, Orchestrator

PROBES = Path(__file__).parent / "probes"

TRIGGERS = {
    "on_blob_event": "eventGridTrigger",
    "on_blob_message": "queueTrigger",
    "sweep": "timerTrigger",
    "list_runs": "httpTrigger",
    "get_run": "httpTrigger",
    "get_files": "httpTrigger",
    "get_logs": "httpTrigger",
    "request_run": "httpTrigger",
    "get_outcome": "httpTrigger",
    "cancel_run": "httpTrigger",
    "replay_run": "httpTrigger",
    "rescore_run": "httpTrigger",
    "health": "httpTrigger",
    "doctor": "httpTrigger",
    "explain": "httpTrigger",
    "list_landings": "httpTrigger",
    "refresh_landings": "httpTrigger",
    "list_routes": "httpTrigger",
    "pause_route": "httpTrigger",
    "resume_route": "httpTrigger",
    "backfill_route": "httpTrigger",
    "status_page": "httpTrigger",
    "operator": "httpTrigger",
    "describe": "httpTrigger",
    **{name.value: "orchestrationTrigger" for name in Orchestrator},
    **{name.value: "entityTrigger" for name in Entity},
    **{step.name: "activityTrigger" for step in WORK},
}
CLIENTS = {
    *("on_blob_event", "on_blob_message", "sweep"),
    *("request_run", "replay_run", "rescore_run", "explain", "list_landings"),
    *("resume_route", "refresh_landings", "backfill_route"),
}
"""Functions that talk to the durable extension, too."""

NOT_BEFORE_USE = ("azure.eventgrid", "azure.identity", "azure.storage", "httpx", "jsonschema", "requests", "yaml")
"""What a cold start does not pay for."""

HOST: dict[str, Any] = json.loads((ROOT / "host.json").read_text("utf-8"))


@cache
def probed(name: str, *arguments: str) -> Mapping[str, Any]:
    """What a probe tells that runs in the app's folder with nothing in its environment but the PATH."""
    done = subprocess.run(
        [sys.executable, str(PROBES / name), *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: Mapping[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def bindings_of(name: str, trigger: str) -> set[str]:
    """The types of a function's bindings, with its answer where it has one."""
    answer = {"http"} if trigger == "httpTrigger" else set()
    return {trigger, *answer, *({"durableClient"} if name in CLIENTS else set())}


def bindings(name: str) -> dict[str, Any]:
    """A function's bindings by type."""
    return {binding["type"]: binding for binding in probed("importing.py")["functions"][name]}


def test_importing_the_app_in_an_empty_environment_lists_exactly_the_declared_functions() -> None:
    found = probed("importing.py")["functions"]

    triggers = {name: [b["type"] for b in bound if b["type"].endswith("Trigger")] for name, bound in found.items()}
    assert triggers == {name: [trigger] for name, trigger in TRIGGERS.items()}
    assert {name for name, bound in found.items() if any(b["type"] == "durableClient" for b in bound)} == CLIENTS


def test_every_step_is_carried_out_by_somebody_under_a_name_of_its_own() -> None:
    declared = [step for step in vars(steps).values() if isinstance(step, Step)]

    assert set(declared) - set(WORK) == {steps.PUBLISH, steps.SCORE}
    assert len({step.name for step in declared}) == len(declared)


def test_importing_the_app_opens_no_socket_and_builds_no_services() -> None:
    told = probed("importing.py")

    assert (told["sockets"], told["services"]) == ([], 0)


@pytest.mark.parametrize("library", NOT_BEFORE_USE)
def test_importing_the_app_leaves_what_it_may_not_need(library: str) -> None:
    modules = probed("importing.py")["modules"]

    assert "azure.durable_functions" in modules
    assert [name for name in modules if name == library or name.startswith(library + ".")] == []


def test_importing_the_app_imports_no_adapter_and_nothing_of_the_local_cloud() -> None:
    modules = probed("importing.py")["modules"]

    assert [name for name in modules if re.match(r"shared\.adapters|local\b|tests\b|demo\b", name)] == []


def test_function_names_differ_by_more_than_case() -> None:
    """The host compares them without."""
    assert len({name.lower() for name in TRIGGERS}) == len(TRIGGERS)


def test_the_run_api_wants_a_function_key() -> None:
    for name, route in (
        ("list_runs", "runs"),
        ("get_run", "runs/{run_id}"),
        ("health", "health"),
        ("explain", "explain"),
        ("list_landings", "landings"),
    ):
        trigger = bindings(name)["httpTrigger"]
        assert (trigger["route"], trigger["methods"], trigger["authLevel"]) == (route, ["GET"], "FUNCTION")


def test_the_doctor_wants_the_admin_key_because_it_writes_and_submits() -> None:
    trigger = bindings("doctor")["httpTrigger"]

    assert (trigger["route"], trigger["methods"], trigger["authLevel"]) == ("doctor", ["POST"], "ADMIN")


def test_the_queue_and_its_connection_are_app_settings() -> None:
    trigger = bindings("on_blob_message")["queueTrigger"]

    assert (trigger["queueName"], trigger["connection"]) == ("%LANDFALL_EVENTS_QUEUE%", "LandingEvents")


def test_the_sweep_comes_every_quarter_of_an_hour() -> None:
    assert bindings("sweep")["timerTrigger"]["schedule"] == "0 */15 * * * *"
    assert timedelta(minutes=15) == SWEEPS_EVERY


def test_azures_own_worker_library_indexes_the_app_without_complaint() -> None:
    told = probed("indexing.py", str(ROOT))

    assert told["complaints"] == []
    assert {name: found[0] if len(found) == 1 else set(found) for name, found in told["functions"].items()} == {
        name: next(iter(bound)) if len(bound := bindings_of(name, trigger)) == 1 else bound
        for name, trigger in TRIGGERS.items()
    }


def test_the_host_takes_a_bundle_with_durable_functions_and_event_grid() -> None:
    """Both are in the 4.x bundles, whose queue extension is the one that knows `messageEncoding`."""
    assert HOST["version"] == "2.0"
    assert HOST["extensionBundle"] == {"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.*, 5.0.0)"}


def test_no_log_line_of_ours_is_lost_to_sampling_or_filtered_out() -> None:
    logging = HOST["logging"]

    assert "Trace" in logging["applicationInsights"]["samplingSettings"]["excludedTypes"].split(";")
    assert logging["logLevel"]["Function"] == "Information"


def test_what_runs_at_the_same_time_leaves_threads_for_requests() -> None:
    """Activities, orchestrators, entities and synchronous HTTP functions share one pool of threads: if activities that
    copy held all of them, no orchestrator could go on."""
    sample = json.loads((ROOT / "local.settings.sample.json").read_text("utf-8"))["Values"]
    durable = HOST["extensions"]["durableTask"]
    kinds = ("Activity", "Orchestrator", "Entity")

    at_once = sum(durable[f"maxConcurrent{kind}Functions"] for kind in kinds)
    assert at_once + 4 <= int(sample["PYTHON_THREADPOOL_THREAD_COUNT"])


def test_the_host_leaves_it_to_the_function_how_queue_messages_are_written() -> None:
    """With `base64` it would put plain ones in the poison queue, without a call of the function."""
    assert HOST["extensions"]["queues"]["messageEncoding"] == "none"


def test_the_task_hub_has_a_name_that_azure_storage_takes() -> None:
    """Letters and digits, 3 to 45. Source: Azure docs, durable-functions-task-hubs."""
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9]{2,44}", HOST["extensions"]["durableTask"]["hubName"])


def test_the_api_is_where_the_documentation_says() -> None:
    assert HOST["extensions"]["http"]["routePrefix"] == "api"
