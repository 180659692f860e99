"""Retries, time-outs, warm-up and log levels: what host.json and decorators ask of the host.

Sources: Azure docs, functions-bindings-errors, functions-host-json, functions-bindings-warmup.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.eventually import eventually
from tests.local.host.hosting import Host, notes, running


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    state = tmp_path_factory.mktemp("host")
    settings = {"NOTES": str(state / "notes"), "Store": "UseDevelopmentStorage=true", "CONTAINER": "c"}
    with running("bindings", state, **settings) as started:
        yield started


def noted(host: Host, kind: str) -> list[dict[str, object]]:
    return notes(host.state / "notes", kind)


def test_the_warm_up_function_is_called_once_before_the_host_is_ready_and_may_fail(host: Host) -> None:
    assert len(noted(host, "warm")) == 1


def test_a_timer_function_with_a_retry_policy_is_called_again_and_told_so(host: Host) -> None:
    assert host.http.post("/admin/functions/retried", json={"input": ""}).status_code == 202

    attempts = eventually(lambda: len(found := noted(host, "attempt")) == 3 and found)
    assert [(a["count"], a["limit"], a["error"]) for a in attempts] == [
        (0, 2, "None"),
        (1, 2, "not yet"),
        (2, 2, "not yet"),
    ]


def test_a_function_that_runs_too_long_fails(host: Host) -> None:
    assert host.http.get("/api/slow/ly").status_code == 500
    assert "Timeout value of 0:00:02 exceeded by function 'Functions.slow'" in host.log


def test_a_time_out_of_the_function_itself_is_left_as_it_is(host: Host) -> None:
    assert host.http.get("/api/slow/own").status_code == 500
    assert "TimeoutError: the function's own" in host.log


def test_an_activity_that_runs_too_long_fails_in_its_orchestrator(host: Host) -> None:
    found = host.finished(host.start("patient"))

    assert found["output"].startswith("Activity function 'blocked' failed:  FunctionTimeoutException: Timeout value of")


def test_log_levels_are_those_of_host_json(host: Host) -> None:
    host.http.get("/api/loud")
    host.http.get("/api/quiet")
    host.http.get("/api/loud")

    eventually(lambda: host.log.count("Executed 'Functions.loud'") == 2)
    assert "mine: loud and clear" in host.log
    assert "Functions.quiet" not in host.log


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_what_is_logged_from_a_thread_of_the_function_is_dropped_as_in_azure(host: Host, kind: str) -> None:
    """And said once, because nobody misses what they do not see."""
    host.http.get(f"/api/threads/{kind}")

    eventually(lambda: f"Executed 'Functions.threads_{kind}'" in host.log)
    assert f"mine: {kind}, itself" in host.log
    assert f"mine: {kind}, in a thread of its own" not in host.log
    assert ("mine: async, in a task of its own" in host.log) is (kind == "async")
    assert host.log.count("Logger 'mine' has written outside of an invocation") == 1


@pytest.mark.parametrize(("level", "shown"), [("Information", True), ("Error", False)])
def test_settings_can_override_levels(tmp_path: Path, level: str, *, shown: bool) -> None:
    settings = {"Store": "UseDevelopmentStorage=true", "CONTAINER": "c"}
    with running("bindings", tmp_path, AzureFunctionsJobHost__logging__logLevel__Function=level, **settings) as host:
        host.http.get("/api/loud")
        assert host.stop() == 0
        assert ("mine: loud and clear" in host.log) is shown
