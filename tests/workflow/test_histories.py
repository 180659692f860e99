"""Recorded histories are replayed by the SDK's real handler: instances in flight survive a change of the code.

When one of these fails, the change asks for other actions than instances have asked for already, and in Azure those
would fail as non-deterministic. Give the orchestrator a new version in triggers/names.py, keep the old one registered
until none of its instances is left, and record the new one: `python -m tests.workflow.record`.
"""

from __future__ import annotations

import json
import warnings
from typing import Any

import pytest
from azure.durable_functions import Orchestrator as Handler

from tests.workflow.driver import ORCHESTRATORS
from tests.workflow.record import HISTORIES, SCENARIOS

RECORDED = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(HISTORIES.glob("*.json"))}
EXECUTIONS = [
    pytest.param(execution, id=f"{name} {number} {execution['orchestrator']}")
    for name, executions in RECORDED.items()
    for number, execution in enumerate(executions)
]


def replay(execution: dict[str, Any]) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "azure.functions", DeprecationWarning)
        answer = Handler.create(ORCHESTRATORS[execution["orchestrator"]])(json.dumps(execution["sent"]))
    return dict(json.loads(answer))


@pytest.mark.parametrize("execution", EXECUTIONS)
def test_the_code_of_today_asks_for_what_was_asked_for(execution: dict[str, Any]) -> None:
    answer = replay(execution)

    assert answer["actions"] == execution["answered"]["actions"], __doc__
    assert answer == execution["answered"]


def test_every_scenario_is_recorded_and_every_orchestrator_is_in_one() -> None:
    assert set(RECORDED) == set(SCENARIOS)
    recorded = {execution["orchestrator"] for executions in RECORDED.values() for execution in executions}
    assert recorded == set(ORCHESTRATORS)


def test_a_long_poll_was_recorded_over_several_short_histories() -> None:
    runs = [e for e in RECORDED["long-poll"] if e["orchestrator"].startswith("score_snapshot")]

    assert len(runs) > 2
    assert max(len(run["sent"]["history"]) for run in runs) < 250


def test_another_action_than_the_recorded_one_is_noticed() -> None:
    (execution,) = [e for e in RECORDED["published"] if e["orchestrator"].startswith("publish")]
    changed = json.loads(json.dumps(execution))
    changed["answered"]["actions"][0][0]["functionName"] = "something_else"

    assert replay(execution)["actions"] != changed["answered"]["actions"]
